#!/bin/sh
# notify-plugin.t: the plugin notify: messages to a webhook, in both formats, and what becomes of them.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

cat >world.yaml <<'EOT'
account: "123456789012"
region: ca-central-1
web:
  hooks:
    alerts: {}
    gone: { status: 410 }
EOT
CAIRN_LIBEXEC=$BUILD
export CAIRN_LIBEXEC

plugin() { # HOOK FORMAT ARGS
    rc=0
    "$BUILD/call-plugin" "$BUILD/plugins/.libs/notify.so" \
        "{\"url\":{\"\$secret\":\"$CAIRN_SIM_HOOKS/$1\"},\"format\":\"$2\"}" send "$3" >got 2>log || rc=$?
    cat got log
    return "$rc"
}
error() { # KIND TEXT
    tail -n 1 got | jq -e --arg kind "$1" --arg text "$2" '.error | .kind == $kind and (.text | contains($text))'
}
messages() {
    sim_get /_sim/world | jq -c ".web.messages"
}
fault() { # DO
    curl -sS --fail --noproxy "*" "$CAIRN_SIM_URL/_sim/fault" \
        -d "{\"match\":{\"service\":\"web\",\"action\":\"PostMessage\"},\"do\":\"$1\"}" >/dev/null
}
# One message as it is on the wire.
wire() { # FORMAT ARGS
    printf "%s\n" "use IO::Socket::INET;" \
        "my \$s = IO::Socket::INET->new(LocalAddr => q(127.0.0.1), Listen => 1); print \$s->sockport, qq(\\n); STDOUT->flush;" \
        "my \$c = \$s->accept; my \$t = q(); while (\$t !~ /\\r\\n\\r\\n.*\\}\\z/s) { sysread(\$c, \$t, 65536, length \$t) or last }" \
        "print \$c qq(HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok); close \$c; print \$t;" >server.pl
    background server perl server.pl
    until_true 100 test -s server.out
    "$BUILD/call-plugin" "$BUILD/plugins/.libs/notify.so" \
        "{\"url\":\"http://127.0.0.1:$(head -n 1 server.out)/hook\",\"format\":\"$1\",\"token\":{\"\$secret\":\"of-the-hook\"}}" send "$2"
    wait_for server
    tail -n 1 server.out >message
}

it 'a message arrives, and one that is sent again is known by its token' '
    start_sim world.yaml
    plugin alerts json "{\"text\":\"the tests failed\",\"title\":\"main\",\"severity\":\"alert\"}"
    plugin alerts json "{\"text\":\"the tests failed\",\"title\":\"main\",\"severity\":\"alert\"}"
    test "$(messages)" = "[{\"hook\":\"alerts\",\"severity\":\"alert\",\"text\":\"the tests failed\",\"title\":\"main\"}]"
'
it 'the message says who sends it, and how grave it is' '
    wire json "{\"text\":\"a & b\",\"severity\":\"warning\",\"details\":{\"version\":\"13.16\"}}"
    test "$(jq -c . message)" = "{\"text\":\"a & b\",\"severity\":\"warning\",\"details\":{\"version\":\"13.16\"},\"run\":\"test-run\",\"step\":\"1\",\"token\":\"00112233445566778899aabbccddeeff\"}"
    grep -q "^Authorization: Bearer of-the-hook" server.out
    grep -q "^Content-Type: application/json" server.out
'
it 'to Slack it goes as blocks, and what Slack takes for markup is quoted' '
    wire slack "{\"text\":\"a <b> & c\",\"title\":\"main\",\"severity\":\"alert\",\"details\":{\"failed\":3}}"
    jq -e ".text == \":rotating_light: *main*\\na &lt;b&gt; &amp; c\"" message
    jq -e ".blocks[0].text.text == .text and .blocks[1].text.text == \"*failed*: 3\"" message
    jq -e ".blocks[2].elements[0].text | contains(\"token 00112233445566778899aabbccddeeff\")" message
'
it 'a refusal is final, a lost answer is a doubt' '
    must_fail 1 plugin gone json "{\"text\":\"x\"}"
    error not_found "HTTP 410"
    fault cut_after
    must_fail 1 plugin alerts json "{\"text\":\"x\"}"
    error in_doubt ""
    fault error_5xx
    must_fail 1 plugin alerts json "{\"text\":\"x\"}"
    error in_doubt "HTTP 503"
'
it 'the address of the hook is never shown' '
    must_fail 1 plugin gone json "{\"text\":\"x\"}"
    ! grep -q "/hooks/" got log
'
it 'what is missing or wrong is said before anything is sent' '
    rc=0
    "$BUILD/call-plugin" "$BUILD/plugins/.libs/notify.so" "{}" send "{\"text\":\"x\"}" >got || rc=$?
    test $rc = 1
    error invalid "set notify.url to a webhook"
    must_fail 1 plugin alerts teams "{\"text\":\"x\"}"
    error invalid "notify.format is json or slack, not teams"
    must_fail 1 plugin alerts json "{\"text\":\"x\",\"severity\":\"loud\"}"
    error invalid "severity is info, warning or alert"
'
finish
