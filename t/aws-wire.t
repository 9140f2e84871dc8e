#!/bin/sh
# aws-wire.t: what the AWS plugins send, and how they take replies that the simulator doesn't give.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"

CAIRN_LIBEXEC=$BUILD AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=not/so+secret
export CAIRN_LIBEXEC AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
config='{}'
rm -f reply.* request.*

# Prepare the next reply: status and headers as arguments, the body on standard input.
reply() { # STATUS [HEADER...]
    lib_n=1
    while [ -e "reply.$lib_n" ]; do lib_n=$((lib_n + 1)); done
    {
        printf '%s\n' "$@"
        echo
        cat
    } >"reply.$lib_n"
}
fresh() {
    rm -f reply.* request.* port
}
ask() { # PLUGIN ACTION [ARGS]: against the prepared replies
    background canned perl "$SRC/t/canned.pl" "$PWD"
    until_true 200 test -s port
    AWS_ENDPOINT_URL=http://127.0.0.1:$(cat port)
    export AWS_ENDPOINT_URL
    "$BUILD/call-plugin" "$BUILD/plugins/.libs/$1.so" "$config" "$2" "${3:-"{}"}" >answer
}
refused() { # KIND PLUGIN ACTION [ARGS]
    lib_kind=$1
    shift
    ! ask "$@" && grep -q "\"kind\":\"$lib_kind\"" answer && return 0
    echo "expected the error $lib_kind:" >&2
    cat answer >&2
    return 1
}
requests() { # COUNT: so many were sent
    test ! -e "request.$(($1 + 1))" && test -e "request.$1"
}
identity() { # ACCOUNT
    reply '200 OK' 'Content-Type: text/xml' <<EOF
<GetCallerIdentityResponse><GetCallerIdentityResult>
<Arn>arn:aws:iam::$1:user/a</Arn><UserId>U</UserId><Account>$1</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>
EOF
}
error() { # STATUS CODE [HEADER...]
    lib_status=$1 lib_error=$2
    shift 2
    echo "<ErrorResponse><Error><Code>$lib_error</Code><Message>no</Message></Error></ErrorResponse>" |
        reply "$lib_status" "$@"
}
events() { # MARKER [MESSAGE]
    echo "<DescribeEventsResponse><DescribeEventsResult>
<Marker>$1</Marker><Events>${2:+<Event><Message>$2</Message><Date>2026-01-01T00:00:00.000Z</Date></Event>}</Events>
</DescribeEventsResult></DescribeEventsResponse>" | reply '200 OK'
}
date_in() { # OFFSET: an HTTP date
    perl -MPOSIX -e 'print strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime(time + $ARGV[0]))' -- "$1"
}
# Seconds from now to the date of a request.
ahead() { # REQUEST
    perl -MTime::Local -ne '
        if (/^X-Amz-Date: (\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/i) {
            print timegm($6, $5, $4, $3, $2 - 1, $1) - time
        }' "$1"
}
list='{"source":"a","source_type":"db-instance","since":0}'

it 'a form is posted with all that has to be signed' '
    fresh
    identity 1
    AWS_SESSION_TOKEN=the/token+ ask sts caller_identity
    head -n 1 request.1 | grep -q "^POST / HTTP/1.1"
    grep -qi "^Content-Type: application/x-www-form-urlencoded; charset=utf-8" request.1
    grep -qi "^X-Amz-Security-Token: the/token+" request.1
    grep "^Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/[0-9]*/eu-west-1/sts/aws4_request, " request.1 |
        grep -q "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]\{64\}"
    grep -qi "^Host: 127.0.0.1:$(cat port)" request.1
    tail -n 1 request.1 | grep -q "^Action=GetCallerIdentity&Version=2011-06-15$"
    test -z "$(cat request.1 answer | grep "not/so+secret")"
'
it 'a clock that is wrong is learned from the reply, and the refused request repeated once' '
    fresh
    error "403 Forbidden" SignatureDoesNotMatch "Date: $(date_in 3600)"
    identity 1
    ask sts caller_identity
    requests 2
    test "$(ahead request.1)" -le 5
    test "$(ahead request.2)" -ge 3500
'
it 'a change that was refused for the clock is repeated once and not more, after the account was looked at' '
    fresh
    config="{\"account\":\"1\"}"
    identity 1
    error "403 Forbidden" RequestTimeTooSkewed "Date: $(date_in -7200)"
    error "403 Forbidden" RequestTimeTooSkewed "Date: $(date_in 7200)"
    identity 1
    refused denied rds add_tags "{\"arn\":\"arn:aws:rds:eu-west-1:1:db:a\",\"tags\":{\"a\":\"b\"}}"
    requests 3
    test "$(ahead request.3)" -le -7100
'
it 'a signature that is wrong at the right time is not tried again' '
    fresh
    error "403 Forbidden" SignatureDoesNotMatch "Date: $(date_in 30)"
    identity 1
    refused denied sts caller_identity
    requests 1
'
it 'expired credentials are not tried again while there are no others' '
    fresh
    error "403 Forbidden" ExpiredToken
    identity 1
    refused denied sts caller_identity
    requests 1
'
it 'a failure of the server is not tried again here: that is the business of the engine' '
    fresh
    error "503 Service Unavailable" ServiceUnavailable
    identity 1
    refused unavailable sts caller_identity
    requests 1
'
it 'pages are read to the last one, empty ones too, and odd markers go back as they came' '
    fresh
    events "a|b&amp;c=d/ +%é" one
    events "2"
    events "" three
    ask rds events "$list"
    requests 3
    grep -q "\"message\":\"one\"" answer
    grep -q "\"message\":\"three\"" answer
    test -z "$(grep "Marker=" request.1)"
    tail -n 1 request.2 | grep -q "&Marker=a%7Cb%26c%3Dd%2F%20%2B%25%C3%A9$"
    tail -n 1 request.3 | grep -q "&Marker=2$"
'
it 'a marker that leads to itself ends with an error' '
    fresh
    events x one
    events x two
    events x three
    refused unavailable rds events "$list"
    requests 2
'
it 'a reply of something else than AWS is not taken for one' '
    for body in "<html><body>Sign in</body></html>" "<DescribeEventsResponse><DescribeEventsResult>" "" \
        "<!DOCTYPE a [<!ENTITY x \"lol\">]><DescribeEventsResponse>&x;</DescribeEventsResponse>" \
        "<ListTagsForResourceResponse/>" "{}"; do
        fresh
        printf %s "$body" | reply "200 OK"
        refused unavailable rds events "$list"
    done
'
it 'a redirection is not followed' '
    fresh
    printf "" | reply "307 Temporary Redirect" "Location: http://127.0.0.1:1/"
    identity 1
    refused unavailable sts caller_identity
    requests 1
'
it 'a partition that is not that of the region is refused' '
    fresh
    config="{\"account\":\"1\"}"
    AWS_REGION=cn-north-1
    identity 1
    refused denied rds events "$list"
    grep -q "cn-north-1 lies in partition aws-cn" answer
    requests 1
'
finish
