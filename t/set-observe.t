#!/bin/sh
# set-observe.t: actions that set values, in doubt: what is there already is adopted, and only what is missing is sent again.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'END'
rds:
  zone: czone
  parameter_groups:
    pg-13: { family: postgres13 }
    pg-15: { family: postgres15 }
    in-11: { family: aurora-postgresql11 }
    in-15: { family: aurora-postgresql15 }
  cluster_parameter_groups:
    cl-11: { family: aurora-postgresql11 }
    cl-15: { family: aurora-postgresql15 }
  clusters:
    shop:
      engine: aurora-postgresql
      version: "11.21"
      parameter_group: cl-11
      instances:
        shop-0: { class: db.r6g.large, parameter_group: in-11 }
        shop-1: { class: db.r6g.large, parameter_group: in-11 }
  instances:
    books:
      engine: postgres
      version: "13.15"
      class: db.m6g.large
      parameter_group: pg-13
      security_groups: [sg-1, sg-2]
      tags: { a1: x, a2: x, a3: x, a4: x, stays: x }
    spare: { engine: postgres, version: "13.15", class: db.m6g.large, parameter_group: pg-13 }
  proxies:
    door:
      cluster: shop
      role_arn: arn:aws:iam::239043911459:role/door
      subnets: [subnet-1, subnet-2]
      auth: [{ secret_arn: "arn:aws:secretsmanager:ca-central-1:239043911459:secret:a" }]
kubernetes:
  clusters:
    production:
      namespaces: { notify: { deployments: { api: { replicas: 2 } } } }
cloudflare:
  tokens: [{ token: of-the-operator }]
  zones:
    0123456789abcdef:
      name: example.com
      scripts: [site, maintenance]
      routes: [{ pattern: "example.com/*", script: site }]
END
} >world.yaml
cat >cairn.yaml <<'END'
aws: { region: ca-central-1, account: "239043911459" }
kubernetes: { cluster: production, namespace: notify }
cloudflare: { zone: 0123456789abcdef }
END
cat >once.lua <<'END'
local plugins = {
  rds = cairn.plugin "rds", rds_proxy = cairn.plugin "rds_proxy", kubernetes = cairn.plugin "kubernetes",
  cloudflare = cairn.plugin "cloudflare",
}
return cairn.workflow {
  summary = "One step",
  params = { plugin = { type = "string" }, action = { type = "string" }, args = { type = "map" } },
  run = function (p)
    local args = {}
    for name, value in pairs(p.args) do
      args[name] = value
    end
    if p.action == "modify_instance" then
      args.resource_id = plugins.rds.describe_instance { id = args.id }.resource_id
    elseif p.action == "modify_cluster" then
      args.resource_id = plugins.rds.describe_cluster { id = args.id }.resource_id
    end
    return plugins[p.plugin][p.action](args)
  end,
}
END
CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG
arn=arn:aws:rds:ca-central-1:239043911459:db:books

once() { # PLUGIN ACTION ARGS
    cairn run once.lua -p plugin="$1" -p action="$2" -p args="$3" -o json >out 2>err || { cat out err >&2; return 1; }
}
strike() { # DO N: the n-th change is struck; nothing else is sent by these names
    fault "{\"match\":{\"action\":\"$request\",\"n\":${2:-1}},\"do\":\"$1\"}" >/dev/null
}
effects() { # how many changes the last run has made; an error if any was made twice
    run=$(cairn show @last -o json | jq -r .id)
    sim_get /_sim/verdict | jq -e '.twice == []' >&2 || { echo "made twice"; return 1; }
    sim_get /_sim/ledger | jq --arg run "$run" '[.[] | select(.caller.run == $run)] | length'
}
records() { # KIND
    cairn show @last --records -o json | jq -c --arg kind "$1" '.records[] | select(.kind == $kind)'
}
adopted() {
    [ "$(records observed | jq -r .seen)" = "done" ] && [ -z "$(records attempt)" ]
}
sent_again() {
    [ "$(records observed | jq -r .seen | uniq -c | tr -s " ")" = " 3 absent" ] && [ "$(records attempt | wc -l)" = 1 ]
}
value() { # FILTER: of the step's result
    jq -r ".value$1" out
}

killed() { # POINT COMMAND...
    point=$1
    shift
    rm -f points
    CAIRN_CRASH_AT=$point CAIRN_CRASH_LOG=$T/points "$@"
}

# Three times each, with a value of its own every time: the reply is lost, the request is lost, the worker is killed.
each() { # REQUEST PLUGIN ACTION ARGS1 ARGS2 ARGS3 RESULT
    request=$1 plugin=$2 action=$3
    strike cut_after
    once "$plugin" "$action" "$4"
    test "$(effects)" = 1
    adopted
    test "$(value "$7")" != null
    strike cut_before
    once "$plugin" "$action" "$5"
    test "$(effects)" = 1
    sent_again
    killed worker.http.sent once "$plugin" "$action" "$6"
    test "$(effects)" = 1
    adopted
}

it 'the world starts' 'start_sim world.yaml --speed 3000'

set_parameter() {
    printf '{"name":"cl-11","cluster":true,"parameters":{"work_mem":%d,"log_statement":"ddl","rds.force_ssl":1}}' "$1"
}
it 'parameters of a group that are set are not sent again' '
    each ModifyDBClusterParameterGroup rds modify_parameter_group "$(set_parameter 64)" "$(set_parameter 65)" \
        "$(set_parameter 66)" .name
    each ModifyDBParameterGroup rds modify_parameter_group \
        "{\"name\":\"pg-13\",\"parameters\":{\"work_mem\":64},\"apply\":\"immediate\"}" \
        "{\"name\":\"pg-13\",\"parameters\":{\"work_mem\":64}}" \
        "{\"name\":\"pg-13\",\"parameters\":{\"work_mem\":65}}" .name
'
many() { # VALUE: more than fit in two requests
    names="max_replication_slots max_wal_senders max_worker_processes max_logical_replication_workers max_connections
        shared_buffers wal_buffers max_locks_per_transaction max_prepared_transactions track_activity_query_size
        autovacuum_naptime checkpoint_timeout deadlock_timeout default_statistics_target effective_cache_size
        lock_timeout log_temp_files maintenance_work_mem max_parallel_workers statement_timeout temp_buffers work_mem"
    printf '{"name":"cl-15","cluster":true,"parameters":{"rds.force_ssl":1'
    for name in $names; do
        printf ',"%s":%d' "$name" "$1"
    done
    printf '}}'
}
all_are() { # VALUE
    rds DescribeDBClusterParameters DBClusterParameterGroupName=cl-15 Source=user >group.xml
    test "$(text ParameterValue <group.xml | tr -d ">" | grep -cx "$1")" = 22
}
it 'of two requests whose second reply is lost, none is sent again' '
    request=ModifyDBClusterParameterGroup
    strike cut_after 2
    once rds modify_parameter_group "$(many 21)"
    test "$(effects)" = 2
    adopted
    all_are 21
'
it 'of two requests whose first reply is lost, the second is sent afterwards, and not the first' '
    request=ModifyDBClusterParameterGroup
    strike cut_after 1
    once rds modify_parameter_group "$(many 22)"
    test "$(effects)" = 2
    sent_again
    all_are 22
'
it 'of two requests whose second is lost, the second is sent again, and not the first' '
    request=ModifyDBClusterParameterGroup
    strike cut_before 2
    once rds modify_parameter_group "$(many 23)"
    test "$(effects)" = 2
    sent_again
    all_are 23
'
it 'of two requests whose second is throttled, the second is sent again, and not the first' '
    request=ModifyDBClusterParameterGroup
    strike throttle 2
    once rds modify_parameter_group "$(many 24)"
    test "$(effects)" = 2
    all_are 24
'
it 'a worker that is killed after either of two requests sends none of them twice' '
    for n in 1 2; do
        killed worker.http.sent:$n once rds modify_parameter_group "$(many $((24 + n)))"
        test "$(effects)" = 2
        all_are $((24 + n))
    done
'

it 'settings of an instance that it has are not sent again' '
    each ModifyDBInstance rds modify_instance "{\"id\":\"books\",\"backup_retention\":8,\"maintenance_window\":\"Sun:05:00-Sun:05:30\"}" \
        "{\"id\":\"books\",\"backup_retention\":9}" "{\"id\":\"books\",\"deletion_protection\":true}" .status
'
it 'settings of an instance that are pending are not sent again' '
    each ModifyDBInstance rds modify_instance "{\"id\":\"books\",\"class\":\"db.r6g.large\"}" \
        "{\"id\":\"books\",\"allocated_storage\":150}" "{\"id\":\"books\",\"multi_az\":true}" .status
'
it 'settings of a cluster that it has are not sent again' '
    each ModifyDBCluster rds modify_cluster "{\"id\":\"shop\",\"backup_retention\":8,\"deletion_protection\":true}" \
        "{\"id\":\"shop\",\"backup_retention\":9}" "{\"id\":\"shop\",\"backup_window\":\"02:00-02:30\"}" .status
'
it 'tags that are there are not added again' '
    each AddTagsToResource rds add_tags "{\"arn\":\"$arn\",\"tags\":{\"n\":\"1\",\"m\":\"1\"}}" \
        "{\"arn\":\"$arn\",\"tags\":{\"n\":\"2\"}}" "{\"arn\":\"$arn\",\"tags\":{\"n\":\"3\"}}" ""
'
it 'tags that are gone are not removed again' '
    each RemoveTagsFromResource rds remove_tags "{\"arn\":\"$arn\",\"keys\":[\"a1\",\"a2\"]}" \
        "{\"arn\":\"$arn\",\"keys\":[\"a3\"]}" "{\"arn\":\"$arn\",\"keys\":[\"a4\"]}" ""
    rds ListTagsForResource ResourceName="$arn" | grep -q "<Key>stays</Key>"
'
it 'a pool that has the settings is not changed again' '
    each ModifyDBProxyTargetGroup rds_proxy modify_pool \
        "{\"proxy\":\"door\",\"pool\":{\"max_connections_percent\":80,\"session_pinning_filters\":[\"EXCLUDE_VARIABLE_SETS\"]}}" \
        "{\"proxy\":\"door\",\"pool\":{\"max_connections_percent\":81,\"init_query\":\"SET x=1\"}}" \
        "{\"proxy\":\"door\",\"pool\":{\"connection_borrow_timeout\":90}}" ""
'
it 'a workload that bears the mark is not restarted again' '
    each PatchDeployment kubernetes restart "{\"name\":\"api\"}" "{\"name\":\"api\"}" "{\"name\":\"api\"}" .restarted_at
'
it 'a route that has the script is neither made nor swapped again' '
    each CreateRoute cloudflare set_route "{\"pattern\":\"a.example.com/*\",\"script\":\"site\"}" \
        "{\"pattern\":\"b.example.com/*\",\"script\":\"site\"}" "{\"pattern\":\"c.example.com/*\",\"script\":\"site\"}" .id
    each UpdateRoute cloudflare set_route "{\"pattern\":\"a.example.com/*\",\"script\":\"maintenance\"}" \
        "{\"pattern\":\"b.example.com/*\",\"script\":\"maintenance\"}" "{\"pattern\":\"c.example.com/*\",\"script\":\"maintenance\"}" .id
'
it 'a worker that is killed when it replies has its change adopted' '
    rm -f points
    CAIRN_CRASH_LOG=$T/points once rds_proxy modify_pool "{\"proxy\":\"door\",\"pool\":{\"max_connections_percent\":70}}"
    n=$(grep -cx worker.replying points)
    killed worker.replying:$n once rds_proxy modify_pool \
        "{\"proxy\":\"door\",\"pool\":{\"max_connections_percent\":71}}"
    test "$(effects)" = 1
    adopted
'
it 'what has gone meanwhile is refused to the workflow after the doubt' '
    request=AddTagsToResource
    strike cut_before
    must_fail any once rds add_tags "{\"arn\":\"${arn}-nosuch\",\"tags\":{\"n\":\"1\"}}"
    records outcome | grep -q "\"kind\":\"not_found\""
'

# ---- looks alone --------------------------------------------------------------------------------------------------

seen() { # done|absent|conflict PLUGIN ACTION ARGS
    CAIRN_LIBEXEC=$BUILD "$BUILD/call-plugin" -m observe "$BUILD/plugins/.libs/$2.so" \
        "{\"account\":\"239043911459\",\"region\":\"ca-central-1\"}" "$3" "$4" >reply 2>log || :
    grep -q "\"seen\":\"$1\"" reply && return 0
    cat reply log >&2
    return 1
}
id_of() { # instance|cluster NAME
    if [ "$1" = instance ]; then
        rds DescribeDBInstances DBInstanceIdentifier="$2" | text DbiResourceId | tr -d ">"
    else
        rds DescribeDBClusters DBClusterIdentifier="$2" | text DbClusterResourceId | tr -d ">"
    fi
}
it 'a look at a setting goes by the resource id: a name that moved is a conflict, what has gone is absent' '
    id=$(id_of instance spare)
    seen conflict rds modify_instance "{\"id\":\"books\",\"resource_id\":\"$id\",\"deletion_protection\":false}"
    grep -q "$id is called spare now" reply
    seen absent rds modify_instance "{\"id\":\"spare\",\"resource_id\":\"db-NOSUCH\",\"deletion_protection\":false}"
    id=$(id_of cluster shop)
    seen conflict rds modify_cluster "{\"id\":\"door\",\"resource_id\":\"$id\",\"deletion_protection\":false}"
    seen absent rds modify_cluster "{\"id\":\"shop\",\"resource_id\":\"cluster-NOSUCH\",\"deletion_protection\":false}"
    seen absent rds modify_parameter_group "{\"name\":\"nosuch\",\"parameters\":{\"work_mem\":1}}"
    seen absent rds_proxy modify_pool "{\"proxy\":\"nosuch\",\"pool\":{\"max_connections_percent\":1}}"
'
it 'a look compares every kind of setting' '
    id=$(id_of instance books)
    seen done rds modify_instance "{\"id\":\"books\",\"resource_id\":\"$id\",\"security_groups\":[\"sg-2\",\"sg-1\"],\"parameter_group\":\"PG-13\"}"
    seen absent rds modify_instance "{\"id\":\"books\",\"resource_id\":\"$id\",\"security_groups\":[\"sg-1\"]}"
    seen absent rds modify_instance "{\"id\":\"books\",\"resource_id\":\"$id\",\"parameter_group\":\"pg-15\"}"
    seen absent rds modify_instance "{\"id\":\"books\",\"resource_id\":\"$id\",\"backup_retention\":30,\"deletion_protection\":true}"
    rds ModifyDBParameterGroup DBParameterGroupName=pg-15 Parameters.Parameter.1.ParameterName=work_mem \
        Parameters.Parameter.1.ParameterValue=5 Parameters.Parameter.1.ApplyMethod=immediate >/dev/null
    seen done rds modify_parameter_group "{\"name\":\"pg-15\",\"parameters\":{\"work_mem\":5},\"apply\":\"immediate\"}"
    seen absent rds modify_parameter_group "{\"name\":\"pg-15\",\"parameters\":{\"work_mem\":5}}"
    seen absent rds modify_parameter_group "{\"name\":\"pg-15\",\"parameters\":{\"work_mem\":6},\"apply\":\"immediate\"}"
'
it 'a setting that waits for its window is done, and is not when it was to be applied immediately' '
    id=$(id_of instance spare)
    rds ModifyDBInstance DBInstanceIdentifier=spare DBInstanceClass=db.r6g.large >/dev/null
    args="{\"id\":\"spare\",\"resource_id\":\"$id\",\"class\""
    seen done rds modify_instance "$args:\"db.r6g.large\"}"
    seen absent rds modify_instance "$args:\"db.r6g.large\",\"apply_immediately\":true}"
    seen absent rds modify_instance "$args:\"db.m6g.large\"}"
'
is_at() { # ACTION VERSION: nothing is pending any more, and all are available
    rds "$1" >now.xml
    must_fail any grep -q "<Pending[A-Za-z]*><EngineVersion" now.xml && grep -q "<EngineVersion>$2<" now.xml
}
has_no_attempt() {
    [ -z "$(records attempt)" ] && records observed | grep -q "\"seen\":\"done\""
}
it 'an upgrade with its groups is begun once, and known while it goes on and when it is done' '
    request=ModifyDBInstance
    strike cut_after
    more="\"engine_version\":\"15.7\",\"allow_major\":true,\"parameter_group\":\"pg-15\",\"apply_immediately\":true"
    once rds modify_instance "{\"id\":\"spare\",$more}"
    test "$(effects)" = 1
    has_no_attempt
    later="{\"id\":\"spare\",\"resource_id\":\"$(id_of instance spare)\",$more}"
    until_true 200 seen done rds modify_instance "$later"
    until_true 200 is_at DescribeDBInstances 15.7
    seen done rds modify_instance "$later"
'
it 'an upgrade of a cluster is begun once, and done when all its instances have their group' '
    request=ModifyDBCluster
    strike cut_after
    more="\"engine_version\":\"15.5\",\"allow_major\":true,\"parameter_group\":\"cl-15\",\"instance_parameter_group\":"
    once rds modify_cluster "{\"id\":\"shop\",\"apply_immediately\":true,$more\"in-15\"}"
    test "$(effects)" = 1
    has_no_attempt
    until_true 200 is_at DescribeDBClusters 15.5
    later="{\"id\":\"shop\",\"resource_id\":\"$(id_of cluster shop)\",$more"
    seen done rds modify_cluster "$later\"in-15\"}"
    seen absent rds modify_cluster "$later\"other-15\"}"
    rds ModifyDBInstance DBInstanceIdentifier=shop-1 DBParameterGroupName=default.aurora-postgresql15 >/dev/null
    seen absent rds modify_cluster "$later\"in-15\"}"
'
finish
