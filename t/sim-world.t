#!/bin/sh
# sim-world.t: a mistake in a world file or on the simulator's command line is one clear error with its place.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

sim() {
    timeout 20 "$BUILD/run" cairn-sim "$@"
}

# A whole and sound world; each case below replaces one line of it, by its number.
cat >sound.yaml <<'EOF'
account: "239043911459"
region: ca-central-1
clock: { start: "2024-02-13T14:00:00Z" }
credentials:
  - { access_key: AKIACAIRNTEST0000001, secret: one }
durations: { switchover: 2m }
rds:
  cluster_parameter_groups:
    cl-11: { family: aurora-postgresql11, parameters: { rds.logical_replication: 1 } }
  clusters:
    shop:
      engine: aurora-postgresql
      version: "11.21"
      parameter_group: cl-11
      instances: { shop-0: { class: db.r6g.large } }
  instances:
    books: { engine: postgres, version: "13.15", class: db.m6g.large }
  proxies:
    door: { cluster: shop, role_arn: r, subnets: [a, b], auth: [{ secret_arn: s }] }
lambda:
  functions:
    api: { version: 2, aliases: { live: 2 } }
faults:
  - { match: { action: GetAlias }, do: throttle }
EOF

# A secret with everything that a shell might touch.
printf '%s' "it's \$HOME \`x\` \\ \"y\"" >quotes
sed 's/secret: one/secret: "it'"'"'s $HOME `x` \\\\ \\"y\\""/' sound.yaml >quotes.yaml

refuses() { # LINE NEW-TEXT ERROR: the error without the file's name
    awk -v n="$1" -v text="$2" 'NR == n { print text; next } { print }' sound.yaml >broken.yaml
    must_fail 2 sim --world broken.yaml --env env >out 2>err
    test ! -s out
    test ! -e env
    test "$(wc -l <err)" -eq 1
    grep -qxF "cairn-sim: broken.yaml:$3" err && return 0
    cat err >&2
    return 1
}

it 'the sound world starts, says where, and ends at SIGTERM with status 0' '
    start_sim sound.yaml
    grep -qx "cairn-sim: ready on $CAIRN_SIM_URL" sim.out
    pid=$(cat sim.pid)
    kill "$pid"
    until_true 100 test ! -e "/proc/$pid"
    rm -f sim.env
'
it 'an unknown key is named with its line and the nearest known key' '
    refuses 2 "regoin: ca-central-1" "2: regoin: unknown key; did you mean region?"
    refuses 6 "durations: { swichover: 2m }" "6: durations.swichover: unknown key; did you mean switchover?"
    refuses 15 "      instances: { shop-0: { clas: db.r6g.large } }" \
        "15: rds.clusters.shop.instances.shop-0.clas: unknown key; did you mean class?"
    refuses 24 "  - { macht: { action: GetAlias }, do: throttle }" "24: faults[0].macht: unknown key; did you mean match?"
    refuses 7 "zzzzzz:" "7: zzzzzz: unknown key"
'
it 'a missing key and a value of the wrong type are named' '
    refuses 1 "" "2: the world: the key account is missing"
    refuses 1 "account: 239043911459" "1: account: must be a string, not 239043911459"
    refuses 1 "account: \"1234\"" "1: account: must be 12 digits, in quotes"
    refuses 2 "region: [a]" "2: region: must be a string, not a list"
    refuses 13 "      version: 11.21" "13: rds.clusters.shop.version: must be a string, not 11.21"
    refuses 5 "  - AKIACAIRNTEST0000001" "5: credentials[0]: must be a map, not the string \"AKIACAIRNTEST0000001\""
    refuses 6 "durations: { switchover: 120 }" "6: durations.switchover: must be a duration like 38m or 14s, not 120"
    refuses 6 "durations: { switchover: 2 min }" \
        "6: durations.switchover: must be a duration like 38m or 14s, not \"2 min\""
    refuses 3 "clock: { start: yesterday }" \
        "3: clock.start: must be a time like 2026-02-03T04:05:06Z, not \"yesterday\""
    refuses 24 "  - { match: {}, do: explode }" \
        "24: faults[0].do: there is no kind of fault explode; see cairn sim faults"
'
it 'what does not fit together is named' '
    refuses 13 "      version: \"11.22\"" \
        "13: rds.clusters.shop.version: the world has no aurora-postgresql 11.22; did you mean 11.21?"
    refuses 14 "      parameter_group: cl-12" \
        "14: rds.clusters.shop.parameter_group: there is no parameter group cl-12; did you mean cl-11?"
    refuses 9 "    cl-11: { family: aurora-postgresql12 }" \
        "14: rds.clusters.shop.parameter_group: the parameter group cl-11 is of family aurora-postgresql12, not \
aurora-postgresql11"
    refuses 9 "    cl-11: { family: aurora-postgresql11, parameters: { rds.logical_repliction: 1 } }" \
        "9: rds.cluster_parameter_groups.cl-11.parameters.rds.logical_repliction: unknown parameter; did you mean \
rds.logical_replication?"
    refuses 12 "      engine: postgres" "12: rds.clusters.shop.engine: a cluster must be aurora-postgresql"
    refuses 15 "      instances: {}" "15: rds.clusters.shop.instances: a cluster needs an instance"
    refuses 17 "    books: { engine: postgres, version: \"13.15\", class: db.m6g.larg }" \
        "17: rds.instances.books.class: postgres 13.15 is not offered on db.m6g.larg; did you mean db.m6g.large?"
    refuses 19 "    door: { cluster: shoe, role_arn: r, subnets: [a, b], auth: [{ secret_arn: s }] }" \
        "19: rds.proxies.door.cluster: there is no cluster shoe"
    refuses 22 "    api: { version: 2, aliases: { live: 3 } }" \
        "22: lambda.functions.api.aliases.live: there is no version 3"
'
it 'what is not YAML is refused with line and column' '
    awk "NR == 2 { print \"region: [\"; next } { print }" sound.yaml >broken.yaml
    must_fail 2 sim --world broken.yaml 2>err
    grep -q "^cairn-sim: broken.yaml:[0-9]*:[0-9]*: " err
    printf "%s\n" "region: ca-central-1" "region: eu-west-1" >broken.yaml
    must_fail 2 sim --world broken.yaml 2>err
    grep -qx "cairn-sim: broken.yaml:2:1: a second key region" err
    must_fail any sim --world nowhere.yaml 2>err
    grep -q nowhere.yaml err
'
it 'a mistake on the command line has status 2' '
    must_fail 2 sim 2>err
    grep -q "world FILE is missing" err
    must_fail 2 sim --world sound.yaml --port 70000 2>err
    grep -q 70000 err
    must_fail 2 sim --world sound.yaml --speed fast 2>err
    must_fail 2 sim --world sound.yaml --wrold x 2>err
    must_fail 2 sim --world sound.yaml extra 2>err
    grep -q extra err
    sim --help | grep -q -e --world
    sim --version | grep -q "^cairn-sim [0-9]"
'
it 'files that can not be written and a port that is taken are said to be so' '
    must_fail any sim --world sound.yaml --ledger /nonexistent/ledger 2>err
    grep -q "open the ledger file /nonexistent/ledger: No such file or directory" err
    must_fail any sim --world sound.yaml --env /nonexistent/env 2>err
    grep -q "write /nonexistent/env.*: No such file or directory" err
    start_sim sound.yaml
    must_fail 1 sim --world sound.yaml --port "${CAIRN_SIM_URL##*:}" 2>err
    grep -q "listen on 127.0.0.1:${CAIRN_SIM_URL##*:}: Address already in use" err
    stop_sim
'
it 'the environment file can be sourced whatever a value holds, and only its owner can read it' '
    start_sim quotes.yaml
    printf "%s" "$AWS_SECRET_ACCESS_KEY" | cmp - quotes
    test "$(stat -c %a sim.env)" = 600
    test "$AWS_REGION $AWS_DEFAULT_REGION" = "ca-central-1 ca-central-1"
    test "$AWS_ENDPOINT_URL" = "$CAIRN_SIM_URL"
    stop_sim
'
it 'the same seed makes the same ids, another seed others' '
    SECRET=one
    : >ids
    for seed in 1 1 2; do
        unset CAIRN_CLOCK
        start_sim sound.yaml --seed "$seed"
        echo "$(rds DescribeDBInstances | text DbiResourceId | sort | tr "\n" " ")" >>ids
        stop_sim
    done
    test "$(sort -u ids | wc -l)" = 2
    test "$(sed -n 1p ids)" = "$(sed -n 2p ids)"
'
it 'the clock starts when and runs as fast as it is told to; a shared clock beats both' '
    unset CAIRN_CLOCK
    start_sim sound.yaml --speed 1000
    sim_get /_sim/clock | grep -q "\"now\":\"2024-02-1[3-9]T"
    echo "$CAIRN_CLOCK" | grep -q ":1707832800000:1000$"
    stop_sim
    SIM_CLOCK=1000:2000:3
    start_sim sound.yaml --speed 1000
    sim_get /_sim/clock | grep -q "\"setting\":\"1000:2000:3\""
    stop_sim
    CAIRN_CLOCK=soon must_fail 2 sim --world sound.yaml 2>err
    grep -q "CAIRN_CLOCK is not a clock" err
'
it 'the worlds of the examples start' '
    unset CAIRN_CLOCK
    for world in "$SRC"/examples/*/world.yaml; do
        start_sim "$world"
        sim_get /_sim/world | grep -q "\"rds\":"
        stop_sim
    done
'
finish
