#!/bin/sh
# http-plugin.t: the plugin http: what a page must be, what a request that changes something may leave behind.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

cat >world.yaml <<'EOT'
account: "123456789012"
region: ca-central-1
web:
  pages:
    health: { text: "all is well\n", type: text/html }
    numbers: { text: '{"a":1,"password":"p"}', type: application/json }
    away: { status: 503, text: "come back later" }
    denied: { status: 403 }
  hooks:
    deploy: {}
    shut: { status: 409 }
    weary: { status: 429 }
EOT
CAIRN_LIBEXEC=$BUILD
export CAIRN_LIBEXEC
CONFIG='{}'

plugin() { # ACTION ARGS [ACTION ARGS]...; the replies are in `got`
    rc=0
    "$BUILD/call-plugin" "$BUILD/plugins/.libs/http.so" "$CONFIG" "$@" >got 2>log || rc=$?
    cat got log
    return "$rc"
}
value() { # FILTER
    tail -n 1 got | jq -r ".value$1"
}
error() { # KIND TEXT
    tail -n 1 got | jq -e --arg kind "$1" --arg text "$2" '.error | .kind == $kind and (.text | contains($text))'
}
changes() {
    sim_get /_sim/ledger | jq length
}
fault() { # ACTION DO
    curl -sS --fail --noproxy "*" "$CAIRN_SIM_URL/_sim/fault" \
        -d "{\"match\":{\"service\":\"web\",\"action\":\"$1\"},\"do\":\"$2\"}" >/dev/null
}

it 'a page is as expected, or it is said how it is' '
    start_sim world.yaml
    page="\"url\":\"$CAIRN_SIM_WEB/health\""
    plugin get "{$page,\"expect_text\":\"is well\",\"expect_header\":{\"content-type\":\"text/html\"}}"
    test "$(value .status)" = 200 && test "$(value .body)" = "all is well" && test "$(value .type)" = text/html
    must_fail 1 plugin get "{$page,\"expect_text\":\"is ill\"}"
    error failed "the text \"is ill\" isn'"'"'t on the page: all is well"
    must_fail 1 plugin get "{$page,\"expect_header\":{\"x-served-by\":\"us\"}}"
    error failed "the header x-served-by is missing, not us"
    must_fail 1 plugin get "{\"url\":\"$CAIRN_SIM_WEB/away\"}"
    error failed "HTTP 503: come back later"
    plugin get "{\"url\":\"$CAIRN_SIM_WEB/away\",\"expect_status\":[200,503]}"
    test "$(value .status)" = 503
'
it 'JSON is read, and of it only what is wanted is kept' '
    plugin get "{\"url\":\"$CAIRN_SIM_WEB/numbers\",\"json\":true,\"keep\":[\"a\"]}"
    test "$(value .value | jq -c .)" = "{\"a\":1}"
    ! grep -q password got
    must_fail 1 plugin get "{\"url\":\"$CAIRN_SIM_WEB/health\",\"json\":true}"
    error failed "parse JSON"
'
it 'an address that is none, or not on the list, is not asked' '
    must_fail 1 plugin get "{\"url\":\"ftp://example.com/\"}"
    error invalid "of the form https://host/path"
    CONFIG="{\"hosts\":[\"status.example.com\"]}"
    must_fail 1 plugin get "{\"url\":\"$CAIRN_SIM_WEB/health\"}"
    error denied "add it to the list http.hosts"
    must_fail 1 plugin get "{\"url\":\"http://status.example.com@${CAIRN_SIM_WEB#http://}/health\"}"
    error denied "http.hosts"
    host=${CAIRN_SIM_WEB#http://}
    CONFIG="{\"hosts\":[\"${host%%/*}\"]}"
    plugin get "{\"url\":\"$CAIRN_SIM_WEB/health\"}"
'
it 'nobody at the address is a request that was not sent' '
    must_fail 1 plugin get "{\"url\":\"http://127.0.0.1:1/\"}"
    error unavailable ""
    must_fail 1 plugin post "{\"url\":\"http://127.0.0.1:1/\",\"body\":\"x\"}"
    error unavailable ""
'
it 'a reply that is too long, or hangs, is no reply' '
    must_fail 1 plugin get "{\"url\":\"$CAIRN_SIM_WEB/health\",\"body_max\":3}"
    fault GetPage cut_before
    must_fail 1 plugin get "{\"url\":\"$CAIRN_SIM_WEB/health\"}"
    tail -n 1 got | jq -e ".error.kind | . == \"in_doubt\" or . == \"unavailable\""
'
it 'a change is sent once, with a key that is the same over all attempts' '
    printf "%s\n" "#!/usr/bin/perl" "use IO::Socket::INET;" \
        "my \$s = IO::Socket::INET->new(LocalAddr => q(127.0.0.1), Listen => 1); print \$s->sockport, qq(\\n); \$| = 1; STDOUT->flush;" \
        "my \$c = \$s->accept; my \$t = q(); while (\$t !~ /version/) { sysread(\$c, \$t, 4096, length \$t) or last }" \
        "print \$c qq(HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok); close \$c; print \$t;" >server.pl
    background server perl server.pl
    until_true 100 test -s server.out
    plugin post "{\"url\":\"http://127.0.0.1:$(head -n 1 server.out)/deploy\",\"value\":{\"version\":7},\"headers\":{\"X-Who\":\"me\"}}"
    wait_for server
    grep -qi "^Idempotency-Key: 00112233445566778899aabbccddeeff" server.out
    grep -qi "^Content-Type: application/json" server.out
    grep -q "^X-Who: me" server.out
    grep -q "^POST /deploy " server.out
    grep -qF "{\"version\":7}" server.out
'
it 'each refusal of a change has its kind, and a 5xx is a doubt' '
    must_fail 1 plugin post "{\"url\":\"$CAIRN_SIM_HOOKS/shut\",\"body\":\"x\"}"
    error conflict "HTTP 409: not now"
    must_fail 1 plugin post "{\"url\":\"$CAIRN_SIM_HOOKS/weary\",\"body\":\"x\"}"
    error throttled "HTTP 429"
    must_fail 1 plugin post "{\"url\":\"$CAIRN_SIM_HOOKS/nowhere\",\"body\":\"x\"}"
    error not_found "HTTP 404"
    fault PostMessage error_5xx_after
    must_fail 1 plugin post "{\"url\":\"$CAIRN_SIM_HOOKS/deploy\",\"body\":\"first\"}"
    error in_doubt "HTTP 500"
    test "$(changes)" = 1
    fault PostMessage cut_after
    must_fail 1 plugin put "{\"url\":\"$CAIRN_SIM_HOOKS/deploy\",\"body\":\"second\"}"
    must_fail 1 plugin request "{\"url\":\"$CAIRN_SIM_HOOKS/deploy\",\"method\":\"GET\"}"
    error invalid "method GET"
'
it 'a doubt is settled by the check of the request, and only to a yes' '
    there="{\"url\":\"$CAIRN_SIM_HOOKS/deploy\",\"check\":{\"url\":\"$CAIRN_SIM_WEB/health\",\"expect_text\":\"well\"}}"
    plugin -observe:post "$there"
    tail -n 1 got | grep -q "\"seen\":\"done\""
    plugin -observe:post "{\"url\":\"$CAIRN_SIM_HOOKS/deploy\",\"check\":{\"url\":\"$CAIRN_SIM_WEB/health\",\"expect_text\":\"version 7\"}}"
    tail -n 1 got | grep -q "\"seen\":\"unknown\""
    error failed "version 7"
    plugin -observe:post "{\"url\":\"$CAIRN_SIM_HOOKS/deploy\"}"
    tail -n 1 got | grep -q "\"seen\":\"unknown\""
    error in_doubt "no check"
'
it 'a secret in a header is never shown' '
    secret="{\"\$secret\":\"hunter2hunter2\"}"
    plugin get "{\"url\":\"$CAIRN_SIM_WEB/health\",\"headers\":{\"Authorization\":$secret}}"
    must_fail 1 plugin get "{\"url\":\"$CAIRN_SIM_WEB/denied?hunter2hunter2\",\"headers\":{\"Authorization\":$secret}}"
    error failed "denied?***"
    ! grep -q hunter2 got log
'
finish
