#!/bin/sh
# cmd-doctor.t: `cairn doctor` says before a run whether all is there, as whom a run would act, and what is wrong.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG
config() {
    { cat "$SRC/examples/gc-notify/cairn.yaml"; echo "state: $T/state"; } >"$CAIRN_CONFIG"
}
secret=AWS_SECRET_ACCESS_KEY

#   sick CHECK TEXT CMD...   the command finds one problem, in that check and with that text, and says what comes next
sick() {
    sick_name=$1 sick_text=$2
    shift 2
    must_fail 1 "$@" >out 2>err || { cat out err; return 1; }
    cat out err
    [ "$(grep -c "^problem " out)" = 1 ]
    grep -A2 "^problem  $sick_name " out | grep -qF -e "$sick_text"
    grep -q "^cairn: 1 of [0-9]* checks found a problem$" err
    grep -q "^next: mend the cause, then once more: cairn doctor$" err
}
changes() {
    sim_get /_sim/ledger | jq length
}

it 'the world starts' '
    config
    start_sim "$SRC/examples/gc-notify/world.yaml"
'
it 'all is well: each check says so, and as whom a run would act' '
    cairn doctor >out
    cat out
    grep -v "^ok " out >others || :
    grep -qx "unused   postgres       the configuration has no section postgres; .*" others
    [ "$(wc -l <others)" = 1 ]
    grep -q "^ok       configuration  $CAIRN_CONFIG, environment staging$" out
    grep -q "^ok       store          $T/state, 0 runs; a write was on the disk after [0-9]* ms$" out
    grep "^ok       sts " out | grep -q "account 239043911459, arn arn:aws:iam::239043911459:user/cairn, .*region ca-central-1, source the environment"
    grep "^ok       kubernetes " out | grep -q "cluster notification-canada-ca-staging-eks-cluster, .*user operator"
    grep "^ok       cloudflare " out | grep -q "token_status active, .*zone_name notification.alpha.example"
'
it 'the same in JSON, and no secret in either' '
    cairn doctor -o json >json 2>err
    jq -e ".schema == \"cairn.doctor/1\" and .ok and (.checks | map(.status) | unique == [\"ok\", \"unused\"])" json
    jq -e ".checks[] | select(.name == \"sts\").details.account == \"239043911459\"" json
    cairn doctor >out 2>>err
    ! grep -qF -e "$AWS_SECRET_ACCESS_KEY" -e "$CLOUDFLARE_API_TOKEN" out json err
    ! grep -qF -e "$(sed -n "s/.*\"token\":\"\([^\"]*\)\".*/\1/p" "$KUBECONFIG")" out json err
'
it 'it changes nothing, and there is no run afterwards' '
    [ "$(changes)" = 0 ]
    [ "$(cairn runs -o json | jq ".runs | length")" = 0 ]
'
it 'with names only those plugins are asked, whatever the configuration has' '
    cairn doctor sts >out
    [ "$(grep -c -e kubernetes -e cloudflare out)" = 1 ] # the list of plugins
    sed -i "/^cloudflare:/,\$d" "$CAIRN_CONFIG"; echo "state: $T/state" >>"$CAIRN_CONFIG"
    cairn doctor >out
    grep -q "^unused   cloudflare     the configuration has no section cloudflare" out
    sick cloudflare "set cloudflare.zone" cairn doctor cloudflare
    must_fail 2 cairn doctor lambda 2>err
    grep -q "^cairn: look at plugin lambda: it has nothing to say of its state$" err
    must_fail 2 cairn doctor nobody 2>err
    grep -q "there is none of that name" err
    config
'
it 'wrong keys are told with where they came from' '
    sick sts "SignatureDoesNotMatch" env $secret=wrong "$BUILD/run" cairn doctor
    sick sts "(by the keys of the environment)" env $secret=wrong "$BUILD/run" cairn doctor
    sick sts "AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY" env $secret= "$BUILD/run" cairn doctor
'
it 'another account than the expected one is told with both' '
    sed -i s/239043911459/111122223333/ "$CAIRN_CONFIG"
    sick sts "the configuration says 111122223333, and the credentials of the environment belong to 239043911459" cairn doctor
    config
'
it 'a configuration without the account is told, by doctor and at the start of a run' '
    sed -i /account:/d "$CAIRN_CONFIG"
    sick sts "the configuration has no aws.account, and nothing is changed without it; this is account 239043911459" cairn doctor
    cat >look.lua <<END
local rds = cairn.plugin "rds"
return cairn.workflow { summary = "Look", run = function ()
  return rds.describe_cluster { id = "notification-canada-ca-staging-cluster" }
end }
END
    cairn run look.lua 2>err
    grep -n "the configuration has no aws.account: reads will work, and the first change will be refused" err >line
    [ "$(wc -l <line)" = 1 ]
    config
    cairn run look.lua 2>err
    ! grep "aws.account" err
'
it 'keys that end soon, and that nothing renews, are told' '
    ends=$(date -u -d "+40 min" +%Y-%m-%dT%H:%M:%SZ)
    sick sts "the keys of the environment end in" env AWS_CREDENTIAL_EXPIRATION="$ends" "$BUILD/run" cairn doctor
    AWS_CREDENTIAL_EXPIRATION=$(date -u -d "+3 hours" +%Y-%m-%dT%H:%M:%SZ) cairn doctor >out
    grep -q ", expires 2[0-9-]*T" out
'
it 'a cluster, a zone, and an endpoint that cannot be reached are problems of their own' '
    sick kubernetes "there is none at /nonexistent" env KUBECONFIG=/nonexistent "$BUILD/run" cairn doctor
    sick cloudflare "Authentication error" env CLOUDFLARE_API_TOKEN=wrong "$BUILD/run" cairn doctor
    sick sts "http://127.0.0.1:1" env AWS_ENDPOINT_URL=http://127.0.0.1:1 "$BUILD/run" cairn doctor
'
it 'who does not answer in time does not hold the others up' '
    curl -sS --fail-with-body --noproxy "*" -d "{\"match\": {\"service\": \"sts\"}, \"do\": \"slow\", \"ms\": 30000}" "$CAIRN_SIM_URL/_sim/fault" >/dev/null
    sick sts "there was no answer within 1 s" timeout 20 "$BUILD/run" cairn doctor --limit 1
    grep -q "^ok       kubernetes " out
    must_fail 2 cairn doctor --limit soon
    curl -sS --noproxy "*" -X DELETE "$CAIRN_SIM_URL/_sim/fault"
'
it 'a store that cannot be written is a problem, and plugins are asked once it can' '
    : >in-the-way
    sick store "$T/in-the-way" cairn doctor --state in-the-way/state
    ! grep "^[a-z]* *sts " out
'
it 'a configuration with an unknown key is a problem with its line' '
    echo "awss: {}" >>"$CAIRN_CONFIG"
    sick configuration "$CAIRN_CONFIG:" cairn doctor
    grep -q "did you mean aws?" out
'
finish
