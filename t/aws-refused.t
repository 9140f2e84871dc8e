#!/bin/sh
# aws-refused.t: keys, certificates, hosts and proxies that aren't right stop a run with one error and the next command;
# nothing is changed, and the run goes on when the cause is mended.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2154
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'END'
  - { access_key: AKIACAIRNFOREIGN0001, secret: foreign/secret, user: stranger, account: "111122223333" }
sts:
  roles:
    plain: {}
    outside: { external_id: right }
    others: { trusted: [somebody] }
    web: { web_identity: the-web-token }
  session: SESSION
metadata:
  container: { role: plain, token: the-container-token }
END
    world_books
} >world.in
cat >change.lua <<'END'
local rds = cairn.plugin "rds"
local arn = "arn:aws:rds:ca-central-1:239043911459:db:books"
return cairn.workflow {
  summary = "Change something, and once more after a while",
  params = { n = { type = "string", required = true }, pause = { type = "integer", default = 0 } },
  run = function (p)
    if p.pause > 0 then
      rds.add_tags { arn = arn, tags = { ["before" .. p.n] = p.n } }
      cairn.sleep(p.pause)
    end
    rds.add_tags { arn = arn, tags = { ["n" .. p.n] = p.n } }
  end,
}
END
CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG
printf 'aws:\n  region: ca-central-1\n  account: "239043911459"\nstate: %s/state\n' "$T" >cairn.yaml
mkdir -p "$HOME/.aws"

changes() {
    sim_get /_sim/ledger | jq length
}

#   stops STATUS WHY COMMANDS...   with these commands before it, a run stops with the status and one error that says WHY,
#                                  and has changed nothing; without them, resume makes the change once
stops() {
    stop_status=$1 stop_why=$2
    shift 2
    before=$(changes)
    stop_rc=0
    (
        eval "$*"
        must_fail "$stop_status" cairn run change.lua -p n="$lib_count" >out 2>err
    ) || stop_rc=$?
    cat err
    [ "$stop_rc" = 0 ]
    [ "$(grep -c "^cairn: " err)" = 1 ]
    grep "^cairn: run [^ ]* failed: change.lua:[0-9]*: rds.add_tags" err | grep -qF -e "$stop_why"
    grep -q "^next: mend the cause, then: cairn resume [^ ]* (or take back what was done: cairn rollback [^ ]*)$" err
    [ "$(changes)" = "$before" ]
    cairn resume @last >out 2>err || { cat err; return 1; }
    [ "$(changes)" = "$((before + 1))" ]
}
no_keys() {
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
}
web() { # TOKEN
    no_keys
    printf %s "$1" >web.token
    export AWS_WEB_IDENTITY_TOKEN_FILE="$T/web.token" AWS_ROLE_ARN=arn:aws:iam::239043911459:role/web
}
container() { # TOKEN
    no_keys
    export AWS_CONTAINER_CREDENTIALS_FULL_URI="$CAIRN_SIM_URL/_container/credentials" AWS_CONTAINER_AUTHORIZATION_TOKEN="$1"
}
secrets_in() { # FILE...
    grep -F -e "$SECRET" -e foreign/secret -e the-web-token -e the-container-token "$@"
}

# ---- keys of all kinds ----

cat >"$HOME/.aws/config" <<'END'
[profile outside]
role_arn = arn:aws:iam::239043911459:role/outside
credential_source = Environment
external_id = wrong
[profile others]
role_arn = arn:aws:iam::239043911459:role/others
credential_source = Environment
[profile nobody]
role_arn = arn:aws:iam::239043911459:role/nobody
credential_source = Environment
[profile code]
role_arn = arn:aws:iam::239043911459:role/plain
credential_source = Environment
mfa_serial = arn:aws:iam::239043911459:mfa/operator
[profile sso]
sso_session = company
[profile loop]
role_arn = arn:aws:iam::239043911459:role/plain
source_profile = pool
[profile pool]
role_arn = arn:aws:iam::239043911459:role/plain
source_profile = loop
[profile process]
credential_process = sh -c "echo the vault is closed >&2; exit 3"
[profile foreign]
aws_access_key_id = AKIACAIRNFOREIGN0001
aws_secret_access_key = foreign/secret
[profile half]
aws_access_key_id = AKIACAIRNFOREIGN0001
END
it 'the world starts' '
    sed /SESSION/d world.in >world.yaml
    start_sim world.yaml --speed 20000
'
as() { # PROFILE: the configuration names it
    sed "s/^aws:/aws:\n  profile: $1/" cairn.yaml >"as.yaml"
    CAIRN_CONFIG=$T/as.yaml
}
while IFS='|' read -r title status why commands; do
    it "$title" "stops '$status' '$why' '$commands'; ! secrets_in out err"
done <<'END'
a role that wants another external id|4|get the keys of arn:aws:iam::239043911459:role/outside: AssumeRole: AccessDenied|as outside
a role that does not trust the caller|4|is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::239043911459:role/others|as others
a role that is not there|4|AssumeRole: AccessDenied|as nobody
a role by keys that are wrong|4|AssumeRole: SignatureDoesNotMatch|as others; AWS_SECRET_ACCESS_KEY=wrong
a role that wants the code of a device|4|nobody can be asked for a code here: put keys into the environment with|as code
a single sign-on|4|aws configure export-credentials --profile sso --format env|as sso
roles that lead back to themselves|4|profile pool has source_profile loop, which leads back to it|as loop
a program that fails|4|get credentials from the credential_process of profile process, sh: it ended with status 3|as process
keys of another account|4|the configuration says 239043911459, and the credentials of profile foreign belong to 111122223333|as foreign
half of the keys|4|profile half has aws_access_key_id without aws_secret_access_key|as half
a profile that is not there|4|neither of the shared files has profile missing|as missing
a web identity whose token is wrong|4|AssumeRoleWithWebIdentity: InvalidIdentityToken|web wrong-token
a web identity whose token is not there|4|get the keys of arn:aws:iam::239043911459:role/web: |web wrong-token; rm web.token
a container that does not know the token|4|get credentials from the container|container wrong-token
a container elsewhere, in clear|4|must begin with https:// unless its host is this machine|container x; AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1/
a container that does not answer|1|http://127.0.0.1:1/|container x; AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/
no keys, and a machine that has none|4|find credentials: there are none|no_keys; AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=$CAIRN_SIM_URL/_imds
an STS that does not answer|1|send POST http://127.0.0.1:1/: Failed to connect|export AWS_ENDPOINT_URL_STS=http://127.0.0.1:1
an STS that does not answer, asked for a role|1|get the keys of arn:aws:iam::239043911459:role/others: |as others; export AWS_ENDPOINT_URL_STS=http://127.0.0.1:1
END
it 'what a program says is in the log of the run' 'cairn logs @last | grep -c . || :; cairn runs >runs; ! secrets_in runs'

# ---- certificates, hosts and proxies ----

# An authority, and certificates of it: for 127.0.0.1, for another host, and for last year.
certificate() { # NAME SUBJECT-ALT-NAME DAYS
    openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -subj "/CN=$1" -out "$1.csr" 2>/dev/null
    printf 'subjectAltName=%s\n' "$2" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}
front() { # NAME: TLS with that certificate in front of the simulator; its address is in front.url
    background "front-$1" "$BUILD/tls-front" "${CAIRN_SIM_URL##*:}" "$1.crt" "$1.key"
    until_true 100 test -s "front-$1.out"
    echo "https://127.0.0.1:$(cat "front-$1.out")" >"$1.url"
}
it 'there are certificates, good and bad' '
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=authority -days 2 -out ca.crt 2>/dev/null
    openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -subj /CN=other -days 2 -out other.crt 2>/dev/null
    certificate good IP:127.0.0.1 2
    certificate host DNS:rds.example.org 2
    certificate old IP:127.0.0.1 -1
'
lib_world
for name in good host old; do front "$name"; done # here: they end with the shell that started them
it 'an endpoint whose authority AWS_CA_BUNDLE has is used' '
    before=$(changes)
    AWS_ENDPOINT_URL=$(cat good.url) AWS_CA_BUNDLE=$T/ca.crt cairn run change.lua -p n=tls
    [ "$(changes)" = "$((before + 1))" ]
'
while IFS='|' read -r title status why commands; do
    it "$title" "stops '$status' '$why' '$commands'"
done <<'END'
a certificate of an unknown authority|4|unable to get local issuer certificate|AWS_ENDPOINT_URL=$(cat good.url)
a certificate of another authority than that of AWS_CA_BUNDLE|4|unable to get local issuer certificate|AWS_ENDPOINT_URL=$(cat good.url); export AWS_CA_BUNDLE=$T/other.crt
a certificate of another host|4|127.0.0.1|AWS_ENDPOINT_URL=$(cat host.url); export AWS_CA_BUNDLE=$T/ca.crt
a certificate that has expired|4|certificate has expired|AWS_ENDPOINT_URL=$(cat old.url); export AWS_CA_BUNDLE=$T/ca.crt
an AWS_CA_BUNDLE that is not there|4|/nonexistent.pem|AWS_ENDPOINT_URL=$(cat good.url); export AWS_CA_BUNDLE=/nonexistent.pem
an address that answers, but not by TLS|1|https://127.0.0.1|AWS_ENDPOINT_URL=https://127.0.0.1:${CAIRN_SIM_URL##*:}
AWS itself, behind a proxy that nobody is at|1|https://sts.ca-central-1.amazonaws.com/: Failed to connect to 127.0.0.1 port 1|unset AWS_ENDPOINT_URL
AWS itself, behind a proxy that refuses|1|https://sts.ca-central-1.amazonaws.com/: |unset AWS_ENDPOINT_URL; https_proxy=$CAIRN_SIM_URL
END
finish
