# aws-signer.py: random requests, signed by botocore, by the AWS plugins and by the simulator; used by aws-signer.t.
# SPDX-License-Identifier: MIT
#
# usage: PYTHON aws-signer.py same|changed SIGN-REQUEST COUNT SEED
#   same     all three make the same signature of each request
#   changed  with one bit of it changed, no request has the signature that it had
import json
import random
import subprocess
import sys

try:
    import botocore.auth
except ImportError:
    import awscli  # Debian's has its own copy
    import botocore.auth
import botocore.awsrequest
import botocore.credentials

LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
ODD = "-_.~ !$&'()*+,;=:@/?#[]%\"<>\\^`{|}\t\u00e9\u20ac\U0001f600"
REGIONS = ['us-east-1', 'ca-central-1', 'eu-west-3', 'us-gov-west-1', 'cn-north-1']
SERVICES = ['rds', 'sts', 'lambda', 'sqs', 'events', 'secretsmanager', 'monitoring']
METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH']
rng = random.Random(sys.argv[4])


def words(most, alphabet):
    return ''.join(rng.choice(alphabet) for _ in range(rng.randint(0, most)))


def encoded(text):
    return ''.join(chr(b) if chr(b) in LETTERS + '-_.~' else '%%%02X' % b for b in text.encode())


# Empty segments and those of dots are taken out before signing; at the end there is always one that stays.
def path():
    segments = [rng.choice(['', '.', '..', encoded(words(8, LETTERS + ODD))]) for _ in range(rng.randint(0, 5))]
    segments = [s if s in ('', '.', '..') or s.strip('.') else 'x' for s in segments]
    return '/' + '/'.join(segments + ['e' + encoded(words(6, LETTERS + ODD)) + rng.choice(['', '/'])])


def query():
    keys = [words(4, LETTERS + ODD) for _ in range(4)] + ['', 'a', 'A', 'Action', 'a=b']
    pairs = []
    for _ in range(rng.randint(0, 8)):
        key, value = encoded(rng.choice(keys)), encoded(rng.choice(['', '=', words(8, LETTERS + ODD)]))
        if key or value:
            pairs.append(key + '=' + value)
        if key and rng.random() < 0.1:
            pairs.append(key)  # without a value
    return '&'.join(pairs)


# Names once each but for one, which may come again; blanks at the ends and within.
def headers():
    found = []
    for name in rng.sample(['Content-Type', 'X-Amz-Target', 'x-one', 'X-Two', 'Accept', 'X-Empty', 'if-match'],
                           rng.randint(0, 7)):
        value = '' if name == 'X-Empty' else 'v' + words(12, LETTERS + '  \t;,="')
        found.append((name, rng.choice(['', ' ', '  \t']) + value + rng.choice(['', ' ', '\t '])))
    if found and rng.random() < 0.2:
        found.append((found[0][0].upper(), 'again ' + words(5, LETTERS)))
    return found


def request():
    seconds = rng.randrange(86400)
    return {
        'method': rng.choice(METHODS), 'path': path(), 'query': query(), 'host': 'h%s.example' % words(5, LETTERS).lower(),
        'headers': headers(), 'body': rng.choice([b'', bytes(rng.randrange(256) for _ in range(rng.randint(1, 99)))]).hex(),
        'date': '20%02d%02d%02dT%02d%02d%02dZ' % (rng.randint(15, 60), rng.randint(1, 12), rng.randint(1, 28),
                                                  seconds // 3600, seconds // 60 % 60, seconds % 60),
        'region': rng.choice(REGIONS), 'service': rng.choice(SERVICES),
        'key': 'AKIA' + words(12, LETTERS).upper(), 'secret': 's' + words(40, LETTERS + '/+'),
        'token': rng.choice([None, 't' + words(200, LETTERS + '/+=')]),
    }


# What botocore does, but for its own look at the clock. `signed` and `headers` of the request are set.
def sign(r):
    url = 'http://%s%s%s' % (r['host'], r['path'], '?' + r['query'] if r['query'] else '')
    aws = botocore.awsrequest.AWSRequest(method=r['method'], url=url, data=bytes.fromhex(r['body']))
    for name, value in r['headers']:
        aws.headers[name] = value
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(r['key'], r['secret'], r['token']),
                                     r['service'], r['region'])
    aws.context['timestamp'] = r['date']
    signer._modify_request_before_signing(aws)
    r['headers'] = ['%s:%s' % pair for pair in aws.headers.items()] + ['Host: ' + r['host']]
    r['signed'] = signer.signed_headers(signer.headers_to_sign(aws))
    to_sign = signer.string_to_sign(aws, signer.canonical_request(aws))
    signer._inject_signature_to_request(aws, signer.signature(to_sign, aws))
    return aws.headers['Authorization']


def ask(program, requests):
    text = ''.join(json.dumps(r) + '\n' for r in requests)
    done = subprocess.run([program], input=text, stdout=subprocess.PIPE, check=True, text=True)
    return [line.split('\t') for line in done.stdout.splitlines()]


def flip(text, at):
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1:]


# One bit of one letter or digit that counts: not of an escape, nor of a segment that is taken out.
def flip_within(text, start):
    places = [i for i in range(start, len(text)) if text[i] in LETTERS and '%' not in text[max(start, i - 2):i]]
    return flip(text, rng.choice(places)) if places else None


def change(r):
    changed = dict(r)
    what = rng.choice(['method', 'path', 'query', 'headers', 'body', 'date', 'region', 'service', 'secret'])
    if what == 'headers':
        n = rng.randrange(len(r['headers']))
        value = flip_within(r['headers'][n], r['headers'][n].index(':') + 1)
        changed['headers'] = r['headers'][:n] + [value] + r['headers'][n + 1:] if value else None
    elif what == 'body':
        body = bytearray.fromhex(r['body'])
        if body:
            body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        changed['body'] = body.hex() if body else None
    else:
        changed[what] = flip_within(r[what], r[what].rstrip('/').rindex('/') + 1 if what == 'path' else 0)
    return what, changed if changed[what] else None


def main():
    kind, program, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    requests = [request() for _ in range(count)]
    theirs = [sign(r) for r in requests]
    whats = [''] * count
    if kind == 'changed':
        made = [(change(r), t) for r, t in zip(requests, theirs)]
        made = [(what, r, t) for (what, r), t in made if r]
        whats, requests, theirs = map(list, zip(*made))
    wrong = 0
    for what, r, wanted, (ours, simulator) in zip(whats, requests, theirs, ask(program, requests)):
        signature = wanted[wanted.rindex('=') + 1:]
        if kind == 'same':
            bad = ours != wanted or simulator != signature
        else:
            bad = simulator == signature or ours == wanted
        if bad:
            wrong += 1
            print('seed %s %s: %s\nbotocore  %s\nplugins   %s\nsimulator %s' % (
                sys.argv[4], what, json.dumps(r), wanted, ours, simulator))
    print('%d requests, %d wrong; changed: %s' % (len(requests), wrong, ' '.join(sorted(set(whats)))))
    sys.exit(wrong > 0 or len(requests) < count // 2)


main()
