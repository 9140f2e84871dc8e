#!/bin/sh
# cloudflare-plugin.t: the plugin cloudflare against a simulated zone: actions, refusals, doubts.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

cat >world.yaml <<'EOT'
account: "123456789012"
region: ca-central-1
cloudflare:
  tokens:
    - { token: of-the-operator }
    - { token: of-an-account, owner: account }
    - { token: of-a-reader, read_only: true }
    - { token: of-yesterday, status: expired }
  zones:
    0123456789abcdef:
      name: example.com
      scripts: [site, maintenance]
      routes:
        - { pattern: "example.com/*", script: site }
        - { pattern: "files.example.com/*" }
EOT
CONFIG='{"zone":"0123456789abcdef","zone_name":"example.com"}'
PATTERN='"pattern":"example.com/*"'

plugin() { # ACTION ARGS [ACTION ARGS]...; the replies are in `got`
    rc=0
    CAIRN_LIBEXEC=$BUILD "$BUILD/call-plugin" "$BUILD/plugins/.libs/cloudflare.so" "$CONFIG" "$@" >got 2>log || rc=$?
    cat got log
    return "$rc"
}
says() { # TEXT...: each is in the last reply
    for text in "$@"; do
        tail -n 1 got | grep -qF -- "$text" || { echo "not said: $text" >&2; return 1; }
    done
}
fault() { # ACTION DO [N]
    curl -sS --fail --noproxy "*" "$CAIRN_SIM_URL/_sim/fault" \
        -d "{\"match\":{\"service\":\"cloudflare\",\"action\":\"$1\",\"n\":${3:-1}},\"do\":\"$2\"}" >/dev/null
}
changes() {
    sim_get /_sim/ledger | grep -o '"fingerprint"' | wc -l
}

it 'token and zone are verified' '
    start_sim world.yaml
    plugin verify "{}"
    says "\"token_status\":\"active\"" "\"zone\":\"0123456789abcdef\"" "\"zone_name\":\"example.com\""
'
it 'a token of an account can not be asked about, and serves all the same' '
    CLOUDFLARE_API_TOKEN=of-an-account plugin verify "{}"
    says "\"zone_name\":\"example.com\""
    must_fail any grep -q token_status got
'
it 'a route is found by its pattern' '
    plugin get_route "{$PATTERN}"
    says "\"found\":true" "\"script\":\"site\""
    plugin get_route "{\"pattern\":\"files.example.com/*\"}"
    says "\"found\":true"
    must_fail any grep -q "\"script\"" got
    plugin get_route "{\"pattern\":\"nope.example.com/*\"}"
    says "\"found\":false"
'
it 'the script of a route is swapped and put back, and the route stays the same one' '
    plugin get_route "{$PATTERN}"
    id=$(grep -o "\"id\":\"[0-9a-f]*\"" got)
    plugin set_route "{$PATTERN,\"script\":\"maintenance\"}"
    says "\"changed\":true" "\"previous\":\"site\"" "$id"
    plugin set_route "{$PATTERN,\"script\":\"maintenance\"}"
    says "\"changed\":false" "$id"
    plugin set_route "{$PATTERN,\"script\":\"site\"}"
    says "\"changed\":true" "\"previous\":\"maintenance\"" "$id"
    test "$(changes)" = 2
'
it 'a route is made where there is none, and may have no script' '
    plugin set_route "{\"pattern\":\"new.example.com/*\",\"script\":\"maintenance\"}" get_route "{\"pattern\":\"new.example.com/*\"}"
    says "\"script\":\"maintenance\""
    plugin set_route "{\"pattern\":\"new.example.com/*\"}" get_route "{\"pattern\":\"new.example.com/*\"}"
    says "\"found\":true"
    tail -n 1 got >last; must_fail any grep -q "\"script\"" last
    plugin set_route "{\"pattern\":\"new.example.com/*\",\"script\":\"maintenance\"}"
'
it 'a route is deleted only while it has the script that is named' '
    must_fail any plugin delete_route "{\"pattern\":\"new.example.com/*\",\"script\":\"site\"}"
    says "\"kind\":\"conflict\"" "it belongs to script maintenance, not to site"
    plugin -observe:delete_route "{\"pattern\":\"new.example.com/*\",\"script\":\"site\"}"
    says "\"seen\":\"conflict\""
    plugin -observe:delete_route "{\"pattern\":\"new.example.com/*\",\"script\":\"maintenance\"}"
    says "\"seen\":\"absent\""
    plugin delete_route "{\"pattern\":\"new.example.com/*\",\"script\":\"maintenance\"}"
    says "\"deleted\":true"
    plugin -observe:delete_route "{\"pattern\":\"new.example.com/*\",\"script\":\"maintenance\"}"
    says "\"seen\":\"done\""
    plugin delete_route "{\"pattern\":\"new.example.com/*\",\"script\":\"maintenance\"}"
    says "\"deleted\":false"
'
it 'a lost reply leaves a doubt, and sending again changes nothing more' '
    before=$(changes)
    fault CreateRoute cut_after
    new="{\"pattern\":\"lost.example.com/*\",\"script\":\"maintenance\"}"
    plugin set_route "$new" set_route "$new"
    head -n 1 got | grep -q "\"kind\":\"in_doubt\""
    says "\"changed\":false"
    test "$(changes)" = "$((before + 1))"
    fault DeleteRoute cut_after
    plugin delete_route "$new" -observe:delete_route "$new"
    head -n 1 got | grep -q "\"kind\":\"in_doubt\""
    says "\"seen\":\"done\""
'
it 'a route that appears between the look and the request is adopted' '
    new="{\"pattern\":\"race.example.com/*\",\"script\":\"maintenance\"}"
    fault CreateRoute conflict
    must_fail any plugin set_route "$new"
    says "\"kind\":\"conflict\"" "\"code\":\"10020\""
    before=$(changes)
    fault ListRoutes stale 2
    plugin set_route "$new" set_route "$new"
    says "\"changed\":false"
    test "$(changes)" = "$((before + 1))"
'
it 'a script that does not exist and a pattern of another zone are refused' '
    must_fail any plugin set_route "{$PATTERN,\"script\":\"nope\"}"
    says "\"kind\":\"not_found\"" "\"code\":\"10019\""
    must_fail any plugin set_route "{\"pattern\":\"example.org/*\",\"script\":\"site\"}"
    says "\"kind\":\"invalid\""
'
it 'each refusal has its kind' '
    fault ListRoutes throttle
    must_fail any plugin get_route "{$PATTERN}"
    says "\"kind\":\"throttled\"" "retry after 3 s"
    fault UpdateRoute error_5xx
    must_fail any plugin set_route "{$PATTERN,\"script\":\"maintenance\"}"
    says "\"kind\":\"in_doubt\""
    fault ListRoutes error_5xx
    must_fail any plugin set_route "{$PATTERN,\"script\":\"maintenance\"}"
    says "\"kind\":\"unavailable\""
    fault UpdateRoute html
    must_fail any plugin set_route "{$PATTERN,\"script\":\"maintenance\"}"
    says "\"kind\":\"in_doubt\"" "isn\u0027t an answer of Cloudflare" || says "an answer of Cloudflare"
    (CLOUDFLARE_API_TOKEN=wrong; ! plugin verify "{}"; says "\"kind\":\"denied\"" "\"code\":\"10000\"")
    (CLOUDFLARE_API_TOKEN=of-yesterday; ! plugin verify "{}"; says "\"kind\":\"denied\"")
    (CLOUDFLARE_API_TOKEN="not a token"; ! plugin verify "{}"; says "\"kind\":\"denied\"" "\"code\":\"6003\"")
    (CLOUDFLARE_API_TOKEN=of-a-reader; ! plugin set_route "{$PATTERN,\"script\":\"maintenance\"}"; says "\"kind\":\"denied\"")
    (unset CLOUDFLARE_API_TOKEN; ! plugin verify "{}"; says "\"kind\":\"denied\"" "set cloudflare.token or CLOUDFLARE_API_TOKEN")
'
it 'another zone than the configured one is refused' '
    CONFIG="{\"zone\":\"0123456789abcdef\",\"zone_name\":\"example.org\"}"
    must_fail any plugin get_route "{$PATTERN}"
    says "\"kind\":\"denied\"" "zone 0123456789abcdef is example.com, the configuration expects example.org"
    CONFIG="{\"zone\":\"fedcba\"}"
    must_fail any plugin get_route "{$PATTERN}"
    says "\"kind\":\"denied\"" "\"code\":\"7003\""
    CONFIG="{}"
    must_fail any plugin get_route "{$PATTERN}"
    says "\"kind\":\"invalid\"" "set cloudflare.zone"
    CONFIG="{\"zone\":\"a/b\"}"
    must_fail any plugin get_route "{$PATTERN}"
    says "\"kind\":\"invalid\""
'
it 'routes beyond the first page are found' '
    cat world.yaml >many.yaml
    i=0
    while [ $i -lt 230 ]; do
        echo "        - { pattern: \"r$i.example.com/*\", script: site }" >>many.yaml
        i=$((i + 1))
    done
    stop_sim
    start_sim many.yaml
    plugin get_route "{\"pattern\":\"r229.example.com/*\"}"
    says "\"found\":true"
'
it 'a token in the configuration goes before the one of the environment, and is never shown' '
    CONFIG="{\"zone\":\"0123456789abcdef\",\"token\":{\"\$secret\":\"of-nobody-at-all\"}}"
    must_fail any plugin verify "{}"
    says "\"kind\":\"denied\""
    CONFIG="{\"zone\":\"0123456789abcdef\",\"token\":{\"\$secret\":\"of-the-operator\"}}"
    CLOUDFLARE_API_TOKEN=wrong plugin verify "{}"
    ! grep -q "of-the-operator\|of-nobody" got log
'
finish
