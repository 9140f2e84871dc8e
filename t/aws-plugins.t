#!/bin/sh
# aws-plugins.t: every action of the AWS plugins against the simulator: what it does, what observe says before and after, and trouble.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'EOF'
  - { access_key: AKIAEXPIRED000000001, secret: old/secret, token: old-token, expires: "2024-01-01T00:00:00Z" }
  - { access_key: AKIAFOREIGN000000001, secret: foreign/secret, account: "111122223333" }
rds:
  zone: czone
  blue_green_with_proxy: kept
  parameter_groups:
    in-11: { family: aurora-postgresql11 }
    in-15: { family: aurora-postgresql15 }
    pg-13: { family: postgres13, parameters: { rds.logical_replication: 1 } }
    pg-15: { family: postgres15, parameters: { rds.logical_replication: 1 } }
  cluster_parameter_groups:
    cl-11: { family: aurora-postgresql11, parameters: { rds.force_ssl: 1 } }
    cl-15: { family: aurora-postgresql15, parameters: { rds.logical_replication: 1 } }
  clusters:
    shop:
      engine: aurora-postgresql
      version: "11.21"
      parameter_group: cl-11
      deletion_protection: true
      tags: { team: shop }
      instances:
        shop-0: { class: db.r6g.large, parameter_group: in-11 }
        shop-1: { class: db.r6g.large, parameter_group: in-11 }
  instances:
    books: { engine: postgres, version: "13.15", class: db.m6g.large, parameter_group: pg-13, deletion_protection: true, tags: { team: books } }
    spare: { engine: postgres, version: "13.15", class: db.m6g.large, parameter_group: pg-13 }
  proxies:
    door:
      cluster: shop
      role_arn: arn:aws:iam::239043911459:role/door
      subnets: [subnet-1, subnet-2]
      security_groups: [sg-1]
      auth: [{ secret_arn: "arn:aws:secretsmanager:ca-central-1:239043911459:secret:a", description: "of the app" }]
      pool: { max_connections: 90, max_idle: 45, borrow_timeout: 60, pinning: [EXCLUDE_VARIABLE_SETS], init_query: "SET x=1" }
      endpoints:
        door-ro: { role: READ_ONLY, tags: { team: shop } }
      tags: { team: shop }
lambda:
  functions:
    api:
      version: 7
      aliases: { live: 7 }
      variables:
        URI: "postgresql://app:planted-Sn0wy0wl@old.example:5432/app?x=1"
        MODE: fast
      reply: { ok: true }
EOF
} >world.yaml

config='{"account":"239043911459","region":"ca-central-1"}'
arn=arn:aws:rds:ca-central-1:239043911459
mine=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1
other=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2
token=$mine
started=0
CAIRN_LIBEXEC=$BUILD
export CAIRN_LIBEXEC

# One call; the reply is in the file `reply`. MODE is run or observe.
plug() { # MODE PLUGIN ACTION [ARGS]
    lib_mode=$1 lib_plugin=$2 lib_action=$3
    shift 3
    "$BUILD/call-plugin" -m "$lib_mode" -t "$token" -s "$started" "$BUILD/.libs/$lib_plugin.so" "$config" "$lib_action" "${1:-"{}"}" >reply
}
ok() { # PLUGIN ACTION [ARGS]
    plug run "$@" && return 0
    cat reply >&2
    return 1
}
fails() { # KIND PLUGIN ACTION [ARGS]
    lib_kind=$1
    shift
    ! plug run "$@" && grep -q "\"kind\":\"$lib_kind\"" reply && return 0
    echo "expected the error $lib_kind:" >&2
    cat reply >&2
    return 1
}
seen() { # done|absent|conflict|unknown PLUGIN ACTION [ARGS]
    lib_seen=$1
    shift
    plug observe "$@" && grep -q "\"seen\":\"$lib_seen\"" reply && return 0
    echo "expected to see $lib_seen:" >&2
    cat reply >&2
    return 1
}
has() { # TEXT...: each is in the reply
    for lib_text; do
        grep -qF "$lib_text" reply || { echo "not in the reply: $lib_text" >&2; cat reply >&2; return 1; }
    done
}
lacks() { # TEXT...: none is in the reply
    for lib_text; do
        ! grep -qF "$lib_text" reply || { echo "in the reply: $lib_text" >&2; return 1; }
    done
}
value() { # NAME...: of the reply's value
    perl "$SRC/t/look.pl" reply value "$@"
}
# The world's clock put forward, and that of the plugins with it.
later() { # DURATION
    advance "$1" >/dev/null
    lib_clock
}
lib_clock() {
    sim_get /_sim/clock >clock.json
    CAIRN_CLOCK=$(perl "$SRC/t/look.pl" clock.json setting)
    started=$(perl "$SRC/t/look.pl" clock.json ms)
    export CAIRN_CLOCK
}
fault() { # JSON
    curl -sS --fail-with-body --noproxy '*' -X POST --data "$1" "$CAIRN_SIM_URL/_sim/fault" >/dev/null
}
changes() {
    sim_get /_sim/verdict | sed 's/.*"changes":\([0-9]*\).*/\1/'
}
resource() { # instance|cluster NAME: its resource id
    plug run rds "describe_$1" "{\"id\":\"$2\"}"
    value resource_id
}

it 'the world starts' 'start_sim world.yaml'

# ---- sts, identity ------------------------------------------------------------------------------------------------

it 'the caller is who the credentials say' '
    ok sts caller_identity
    test "$(value account)" = 239043911459
    test "$(value arn)" = arn:aws:iam::239043911459:user/operator
    test -n "$(value user_id)"
'
it 'another account than the configured one is refused with both, before anything else is asked' '
    config="{\"account\":\"111111111111\",\"region\":\"ca-central-1\"}"
    fails denied rds describe_instance "{\"id\":\"books\"}"
    has "the configuration says 111111111111" "belong to 239043911459"
    fails denied rds delete_snapshot "{\"name\":\"x\"}"
    test "$(changes)" = 0
'
it 'another region than the configured one is refused with both' '
    config="{\"account\":\"239043911459\",\"region\":\"eu-west-1\"}"
    fails denied sts caller_identity
    has "the configuration says eu-west-1 and AWS_REGION says ca-central-1"
'
it 'without a configured account reading works and changing is refused' '
    config="{}"
    ok rds describe_instance "{\"id\":\"books\"}"
    fails invalid rds add_tags "{\"arn\":\"$arn:db:books\",\"tags\":{\"a\":\"b\"}}"
    has "set account in section aws"
'
it 'wrong, missing and expired credentials are refused without a secret in the text' '
    AWS_SECRET_ACCESS_KEY=wrong/secret fails denied rds describe_instance "{\"id\":\"books\"}"
    has SignatureDoesNotMatch
    AWS_SECRET_ACCESS_KEY="" fails denied sts caller_identity
    has "AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY"
    AWS_ACCESS_KEY_ID="" AWS_SECRET_ACCESS_KEY="" fails denied sts caller_identity
    has "there are none"
    AWS_ACCESS_KEY_ID=AKIAEXPIRED000000001 AWS_SECRET_ACCESS_KEY=old/secret AWS_SESSION_TOKEN=old-token \
        fails denied sts caller_identity
    has ExpiredToken
    AWS_CREDENTIAL_EXPIRATION=2024-01-01T00:00:00Z fails denied sts caller_identity
    has "expired at 2024-01-01T00:00:00Z"
    lacks old-token old/secret wrong/secret
'

# Keys in a file that is exchanged between two calls of one worker.
shared() { # KEY SECRET [TOKEN]
    mkdir -p "$HOME/.aws"
    printf "[ops]\naws_access_key_id = %s\naws_secret_access_key = %s\n" "$1" "$2" >"$HOME/.aws/credentials.new"
    [ -z "${3:-}" ] || echo "aws_session_token = $3" >>"$HOME/.aws/credentials.new"
    mv "$HOME/.aws/credentials.new" "$HOME/.aws/credentials"
}
two_calls() { # the second one waits for the file `go`; the replies are lines of two.out
    background two "$BUILD/call-plugin" "$BUILD/.libs/rds.so" \
        "{\"account\":\"239043911459\",\"region\":\"ca-central-1\",\"profile\":\"ops\"}" \
        list_tags "{\"arn\":\"$arn:db:books\"}" "@go" list_tags "{\"arn\":\"$arn:db:books\"}"
    until_true 200 grep -q . two.out
}
it 'credentials that were renewed in the file are taken up by a running worker' '
    rm -f go
    shared AKIAEXPIRED000000001 old/secret old-token
    two_calls
    grep -q "\"kind\":\"denied\"" two.out
    shared "$KEY" "$SECRET"
    : >go
    wait_for two
    sed -n 2p two.out | grep -q "\"team\":\"books\""
'
it 'credentials of another account that appear meanwhile are refused' '
    rm -f go
    shared "$KEY" "$SECRET"
    two_calls
    grep -q "\"team\":\"books\"" two.out
    shared AKIAFOREIGN000000001 foreign/secret
    : >go
    wait_for two || :
    sed -n 2p two.out | grep -q "belong to 111122223333"
'

# ---- rds: reading -------------------------------------------------------------------------------------------------

it 'an instance is described by its name and by its resource id' '
    ok rds describe_instance "{\"id\":\"books\"}"
    test "$(value status)" = available
    test "$(value engine)" = postgres
    test "$(value engine_version)" = 13.15
    test "$(value class)" = db.m6g.large
    test "$(value arn)" = $arn:db:books
    test "$(value endpoint port)" = 5432
    test "$(value parameter_group)" = pg-13
    test "$(value parameter_status)" = in-sync
    test "$(value deletion_protection)" = true
    test "$(value tags team)" = books
    has "\"pending\":{}" "\"replicas\":[]" "\"master_secret\":false"
    id=$(value resource_id)
    ok rds describe_instance "{\"resource_id\":\"$id\"}"
    test "$(value id)" = books
    fails not_found rds describe_instance "{\"id\":\"nosuch\"}"
    fails not_found rds describe_instance "{\"resource_id\":\"db-NOSUCH\"}"
    fails invalid rds describe_instance "{}"
    fails invalid rds describe_instance "{\"id\":\"books\",\"resource_id\":\"$id\"}"
'
it 'a cluster is described with its members' '
    ok rds describe_cluster "{\"id\":\"shop\"}"
    test "$(value status)" = available
    test "$(value engine_version)" = 11.21
    test "$(value parameter_group)" = cl-11
    test "$(value deletion_protection)" = true
    test "$(value members 0 id)" = shop-0
    test "$(value members 0 writer)" = true
    test "$(value members 1 writer)" = false
    test "$(value members 1 parameter_status)" = in-sync
    value endpoint | grep -q "^shop\.cluster-"
    value reader_endpoint | grep -q "^shop\.cluster-ro-"
    id=$(value resource_id)
    ok rds describe_cluster "{\"resource_id\":\"$id\"}"
    fails not_found rds describe_cluster "{\"id\":\"nosuch\"}"
'
it 'versions, classes and pending maintenance are told' '
    ok rds describe_engine_version "{\"engine\":\"aurora-postgresql\",\"version\":\"11.21\"}"
    test "$(value family)" = aurora-postgresql11
    has "\"version\":\"15.5\""
    has "\"major\":true"
    fails not_found rds describe_engine_version "{\"engine\":\"aurora-postgresql\",\"version\":\"99.9\"}"
    ok rds describe_orderable "{\"engine\":\"aurora-postgresql\",\"version\":\"15.5\",\"class\":\"db.r6g.large\"}"
    test "$(value offered)" = true
    ok rds describe_orderable "{\"engine\":\"aurora-postgresql\",\"version\":\"15.5\",\"class\":\"db.none.large\"}"
    test "$(value offered)" = false
    ok rds pending_maintenance "{\"arn\":\"$arn:cluster:shop\"}"
    has "\"actions\":[]"
'
it 'tags are added, removed and listed' '
    ok rds add_tags "{\"arn\":\"$arn:db:books\",\"tags\":{\"a b\":\"c+d&e\",\"x\":\"1\"}}"
    ok rds list_tags "{\"arn\":\"$arn:db:books\"}"
    test "$(value tags "a b")" = "c+d&e"
    ok rds remove_tags "{\"arn\":\"$arn:db:books\",\"keys\":[\"a b\",\"x\"]}"
    ok rds list_tags "{\"arn\":\"$arn:db:books\"}"
    test "$(value tags)" = "{\"team\":\"books\"}"
'

# ---- rds: parameter groups ----------------------------------------------------------------------------------------

group='{"name":"new-15","family":"aurora-postgresql15","description":"of the test","cluster":true,"tags":{"team":"shop"}}'
it 'a parameter group is created once, and known as ours by its tag alone' '
    seen absent rds create_parameter_group "$group"
    ok rds create_parameter_group "$group"
    test "$(value family)" = aurora-postgresql15
    seen done rds create_parameter_group "$group"
    ok rds create_parameter_group "$group"
    ok rds list_tags "{\"arn\":\"$arn:cluster-pg:new-15\"}"
    test "$(value tags team)" = shop
    test "$(value tags cairn:step)" = $mine
    test "$(value tags cairn:run)" = test-run
    token=$other
    seen conflict rds create_parameter_group "$group"
    has "made by another step of run test-run"
    fails conflict rds create_parameter_group "$group"
'
it 'more parameters than fit in one request are set and read' '
    names="max_replication_slots max_wal_senders max_worker_processes max_logical_replication_workers max_connections
        shared_buffers wal_buffers max_locks_per_transaction max_prepared_transactions track_activity_query_size
        autovacuum_naptime checkpoint_timeout deadlock_timeout default_statistics_target effective_cache_size
        lock_timeout log_temp_files maintenance_work_mem max_parallel_workers statement_timeout temp_buffers work_mem"
    list=$(for name in $names; do printf ",\"%s\":12" "$name"; done)
    before=$(changes)
    ok rds modify_parameter_group "{\"name\":\"new-15\",\"cluster\":true,\"parameters\":{\"rds.force_ssl\":\"1\"$list}}"
    test "$(($(changes) - before))" = 2
    ok rds describe_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    perl "$SRC/t/look.pl" --count reply value parameters | grep -qx 23
    test "$(value parameters work_mem value)" = 12
    test "$(value parameters rds.force_ssl apply_method)" = pending-reboot
    fails not_found rds describe_parameter_group "{\"name\":\"new-15\"}"
    fails invalid rds modify_parameter_group "{\"name\":\"new-15\",\"cluster\":true,\"parameters\":{\"a\":[1]}}"
    fails invalid rds modify_parameter_group "{\"name\":\"new-15\",\"cluster\":true,\"parameters\":{}}"
'
it 'a parameter group is deleted, and that it is gone is fine' '
    seen absent rds delete_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    ok rds delete_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    seen done rds delete_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    ok rds delete_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    fails not_yet rds delete_parameter_group "{\"name\":\"pg-13\"}"
'

# ---- rds: modify and restart --------------------------------------------------------------------------------------

it 'settings are changed only while the name still belongs to the resource id' '
    id=$(resource instance spare)
    cluster=$(resource cluster shop)
    ok rds modify_instance "{\"id\":\"spare\",\"resource_id\":\"$id\",\"deletion_protection\":true,\"apply_immediately\":true}"
    ok rds describe_instance "{\"id\":\"spare\"}"
    test "$(value deletion_protection)" = true
    ok rds modify_instance "{\"id\":\"spare\",\"resource_id\":\"$id\",\"deletion_protection\":false}"
    fails conflict rds modify_instance "{\"id\":\"books\",\"resource_id\":\"$id\",\"deletion_protection\":false}"
    has "$id is called spare now"
    fails not_found rds modify_instance "{\"id\":\"spare\",\"resource_id\":\"db-NOSUCH\",\"deletion_protection\":false}"
    fails invalid rds modify_instance "{\"id\":\"spare\",\"resource_id\":\"$id\"}"
    ok rds modify_cluster "{\"id\":\"shop\",\"resource_id\":\"$cluster\",\"deletion_protection\":false}"
    ok rds describe_cluster "{\"id\":\"shop\"}"
    test "$(value deletion_protection)" = false
    fails conflict rds modify_cluster "{\"id\":\"door\",\"resource_id\":\"$cluster\",\"deletion_protection\":false}"
'
it 'a restart for parameters is refused when none wait, and seen by their state' '
    id=$(resource instance shop-0)
    args="{\"id\":\"shop-0\",\"resource_id\":\"$id\"}"
    fails conflict rds reboot_to_apply "$args"
    has "nothing pending"
    ok rds modify_parameter_group "{\"name\":\"cl-11\",\"cluster\":true,\"parameters\":{\"rds.logical_replication\":\"1\"}}"
    later 30s
    seen absent rds reboot_to_apply "$args"
    ok rds reboot_to_apply "$args"
    test "$(value status)" = rebooting
    seen done rds reboot_to_apply "$args"
    advance 20s >/dev/null
    seen done rds reboot_to_apply "$args"
    fails conflict rds reboot_to_apply "$args"
    ok rds reboot_to_apply "{\"id\":\"shop-1\",\"resource_id\":\"$(resource instance shop-1)\"}"
    later 20s
    seen conflict rds reboot_to_apply "{\"id\":\"shop-1\",\"resource_id\":\"db-NOSUCH\"}"
'
it 'a plain restart is seen by its event or not at all' '
    id=$(resource instance books)
    args="{\"id\":\"books\",\"resource_id\":\"$id\"}"
    later 1s
    seen unknown rds reboot_instance "$args"
    ok rds reboot_instance "$args"
    seen done rds reboot_instance "$args"
    since=$started
    later 20s
    started=$since
    seen done rds reboot_instance "$args"
    started=$((since + 3600000))
    seen unknown rds reboot_instance "$args"
    fails conflict rds reboot_instance "{\"id\":\"spare\",\"resource_id\":\"$id\"}"
    ok rds events "{\"source\":\"books\",\"source_type\":\"db-instance\",\"since\":$since}"
    has "\"message\":\"DB instance restarted\""
    test "$(value events 0 at)" -ge "$since"
    ok rds events "{\"source\":\"books\",\"source_type\":\"db-instance\",\"since\":$((since - 86400000)),\"minutes\":5}"
    has "\"events\":[]"
'

# ---- rds: snapshots -----------------------------------------------------------------------------------------------

it 'a snapshot of an instance is taken once, described and deleted' '
    snapshot="{\"instance\":\"books\",\"name\":\"books-safe\",\"tags\":{\"team\":\"books\"}}"
    seen absent rds create_snapshot "$snapshot"
    ok rds create_snapshot "$snapshot"
    test "$(value status)" = creating
    seen done rds create_snapshot "$snapshot"
    test "$(value arn)" = $arn:snapshot:books-safe
    ok rds create_snapshot "$snapshot"
    token=$other seen conflict rds create_snapshot "$snapshot"
    later 5m
    ok rds describe_snapshot "{\"name\":\"books-safe\"}"
    test "$(value status)" = available
    test "$(value progress)" = 100
    test "$(value source)" = books
    value resource_id | grep -q "^db-"
    seen absent rds delete_snapshot "{\"name\":\"books-safe\"}"
    ok rds delete_snapshot "{\"name\":\"books-safe\"}"
    seen done rds delete_snapshot "{\"name\":\"books-safe\"}"
    ok rds delete_snapshot "{\"name\":\"books-safe\"}"
    fails not_found rds describe_snapshot "{\"name\":\"books-safe\"}"
'
it 'a snapshot of a cluster is taken once, described and deleted' '
    snapshot="{\"cluster\":\"shop\",\"name\":\"shop-safe\"}"
    seen absent rds create_cluster_snapshot "$snapshot"
    ok rds create_cluster_snapshot "$snapshot"
    seen done rds create_cluster_snapshot "$snapshot"
    token=$other seen conflict rds create_cluster_snapshot "$snapshot"
    later 5m
    ok rds describe_cluster_snapshot "{\"name\":\"shop-safe\"}"
    test "$(value status)" = available
    seen absent rds delete_snapshot "{\"name\":\"shop-safe\",\"cluster\":true}"
    ok rds delete_snapshot "{\"name\":\"shop-safe\",\"cluster\":true}"
    seen done rds delete_snapshot "{\"name\":\"shop-safe\",\"cluster\":true}"
    fails not_found rds describe_cluster_snapshot "{\"name\":\"shop-safe\"}"
'

# ---- trouble ------------------------------------------------------------------------------------------------------

tag='{"arn":"'$arn':db:books","tags":{"t":"1"}}'
it 'throttling is a refusal, although its status is 400' '
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"throttle\",\"times\":2}"
    fails throttled rds add_tags "$tag"
    fails throttled rds describe_instance "{\"id\":\"books\"}"
'
it 'a failure of the server leaves a change in doubt, and is a passing one for a read' '
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"error_5xx\",\"times\":2}"
    fails in_doubt rds add_tags "$tag"
    fails unavailable rds describe_instance "{\"id\":\"books\"}"
    fault "{\"match\":{\"service\":\"rds\",\"action\":\"AddTagsToResource\"},\"do\":\"error_5xx_after\"}"
    fails in_doubt rds add_tags "$tag"
'
it 'HTML instead of XML leaves a change in doubt, and is a passing failure for a read' '
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"html\",\"times\":2}"
    fails in_doubt rds add_tags "$tag"
    has "be read"
    fails unavailable rds describe_instance "{\"id\":\"books\"}"
    fault "{\"match\":{\"service\":\"lambda\"},\"do\":\"html\",\"times\":2}"
    fails in_doubt lambda publish_version "{\"function\":\"api\"}"
    fails unavailable lambda get_alias "{\"function\":\"api\",\"alias\":\"live\"}"
'
it 'a reply that was cut off leaves a change in doubt' '
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"truncate\",\"times\":1}"
    fails in_doubt rds add_tags "$tag"
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"truncate\",\"times\":1}"
    ! plug run rds describe_instance "{\"id\":\"books\"}"
'
it 'a snapshot whose reply was lost is found by its mark, and taken only once' '
    snapshot="{\"instance\":\"books\",\"name\":\"books-lost\"}"
    before=$(changes)
    fault "{\"match\":{\"action\":\"CreateDBSnapshot\"},\"do\":\"cut_after\"}"
    fails in_doubt rds create_snapshot "$snapshot"
    seen done rds create_snapshot "$snapshot"
    ok rds create_snapshot "$snapshot"
    test "$(($(changes) - before))" = 1
    later 5m
'
it 'a snapshot that a stale look does not show yet is found when the second creation is refused' '
    snapshot="{\"instance\":\"books\",\"name\":\"books-stale\"}"
    fault "{\"match\":{\"action\":\"DescribeDBSnapshots\"},\"do\":\"stale\",\"times\":2}"
    ok rds create_snapshot "$snapshot"
    seen absent rds create_snapshot "$snapshot"
    fails not_yet rds create_snapshot "$snapshot"
    ok rds create_snapshot "$snapshot"
    later 5m
'
it 'a request that could not be sent is told apart' '
    AWS_ENDPOINT_URL_RDS=http://127.0.0.1:1 fails unavailable rds add_tags "$tag"
    AWS_ENDPOINT_URL=http://127.0.0.1:1 fails unavailable rds add_tags "$tag"
'

# ---- rds: blue/green ----------------------------------------------------------------------------------------------

green='{"name":"up","source":"'$arn':cluster:shop","target_version":"15.5","parameter_group":"in-15","cluster_parameter_group":"cl-15"}'
it 'a deployment is created once and described by id and by name' '
    seen absent rds create_blue_green "$green"
    ok rds create_blue_green "$green"
    test "$(value status)" = PROVISIONING
    id=$(value id)
    seen done rds create_blue_green "$green"
    test "$(value id)" = "$id"
    ok rds create_blue_green "$green"
    test "$(value id)" = "$id"
    token=$other
    seen conflict rds create_blue_green "$green"
    fails conflict rds create_blue_green "$green"
    token=$mine
    ok rds describe_blue_green "{\"name\":\"up\"}"
    test "$(value id)" = "$id"
    seen absent rds switchover_blue_green "{\"id\":\"$id\"}"
    fails not_yet rds switchover_blue_green "{\"id\":\"$id\"}"
    later 40m
    ok rds describe_blue_green "{\"id\":\"$id\"}"
    test "$(value status)" = AVAILABLE
    test "$(value tasks 0 status)" = COMPLETED
    test "$(value tags cairn:step)" = $mine
    value target | grep -q "^$arn:cluster:shop-green-"
    perl "$SRC/t/look.pl" --count reply value members | grep -qx 3
    fails not_found rds describe_blue_green "{\"id\":\"bgd-nosuch\"}"
    fails not_found rds describe_blue_green "{\"name\":\"nosuch\"}"
'
it 'a switchover whose reply was lost is seen by the state, and started only once' '
    plug run rds describe_blue_green "{\"name\":\"up\"}"
    id=$(value id)
    before=$(changes)
    seen absent rds switchover_blue_green "{\"id\":\"$id\"}"
    fault "{\"match\":{\"action\":\"SwitchoverBlueGreenDeployment\"},\"do\":\"cut_after\"}"
    fails in_doubt rds switchover_blue_green "{\"id\":\"$id\"}"
    seen done rds switchover_blue_green "{\"id\":\"$id\"}"
    test "$(value status)" = SWITCHOVER_IN_PROGRESS
    ok rds switchover_blue_green "{\"id\":\"$id\"}"
    test "$(($(changes) - before))" = 1
    later 3m
    seen done rds switchover_blue_green "{\"id\":\"$id\"}"
    test "$(value status)" = SWITCHOVER_COMPLETED
    ok rds describe_cluster "{\"id\":\"shop\"}"
    test "$(value engine_version)" = 15.5
    seen conflict rds switchover_blue_green "{\"id\":\"bgd-nosuch\"}"
'
it 'a name that moved to another database is refused for settings and deletion' '
    old=$(resource cluster shop-old1)
    member=$(resource instance shop-0-old1)
    fails conflict rds modify_cluster "{\"id\":\"shop\",\"resource_id\":\"$old\",\"deletion_protection\":false}"
    has "$old is called shop-old1 now"
    fails conflict rds delete_cluster "{\"id\":\"shop\",\"resource_id\":\"$old\",\"skip_final_snapshot\":true}"
    fails conflict rds delete_instance "{\"id\":\"shop-0\",\"resource_id\":\"$member\",\"skip_final_snapshot\":true}"
'
it 'a deployment is deleted, and that it is gone is fine' '
    plug run rds describe_blue_green "{\"name\":\"up\"}"
    id=$(value id)
    seen absent rds delete_blue_green "{\"id\":\"$id\"}"
    ok rds delete_blue_green "{\"id\":\"$id\"}"
    test "$(value status)" = DELETING
    seen done rds delete_blue_green "{\"id\":\"$id\"}"
    ok rds delete_blue_green "{\"id\":\"$id\"}"
    later 15m
    seen done rds delete_blue_green "{\"id\":\"$id\"}"
    ok rds delete_blue_green "{\"id\":\"$id\"}"
'

# ---- rds: deletion ------------------------------------------------------------------------------------------------

it 'an instance is deleted by its resource id, with a last snapshot' '
    id=$(resource instance spare)
    args="{\"id\":\"spare\",\"resource_id\":\"$id\",\"final_snapshot\":\"spare-last\"}"
    fails invalid rds delete_instance "{\"id\":\"spare\",\"resource_id\":\"$id\"}"
    fails invalid rds delete_instance "{\"id\":\"spare\",\"resource_id\":\"$id\",\"final_snapshot\":\"x\",\"skip_final_snapshot\":true}"
    fails conflict rds delete_instance "{\"id\":\"books\",\"resource_id\":\"$id\",\"skip_final_snapshot\":true}"
    seen absent rds delete_instance "$args"
    before=$(changes)
    ok rds delete_instance "$args"
    seen done rds delete_instance "$args"
    ok rds delete_instance "$args"
    test "$(($(changes) - before))" = 1
    later 10m
    seen done rds delete_instance "$args"
    test "$(value final_snapshot)" = spare-last
    fails not_found rds describe_instance "{\"resource_id\":\"$id\"}"
    ok rds describe_snapshot "{\"name\":\"spare-last\"}"
    test "$(value status)" = available
'
it 'a protected instance is not deleted' '
    fails invalid rds delete_instance "{\"id\":\"books\",\"resource_id\":\"$(resource instance books)\",\"skip_final_snapshot\":true}"
    has InvalidParameterCombination
'
it 'a cluster is deleted by its resource id, after its members' '
    id=$(resource cluster shop-old1)
    args="{\"id\":\"shop-old1\",\"resource_id\":\"$id\",\"final_snapshot\":\"shop-last\"}"
    ok rds modify_cluster "{\"id\":\"shop-old1\",\"resource_id\":\"$id\",\"deletion_protection\":false}"
    for member in shop-0-old1 shop-1-old1; do
        ok rds delete_instance "{\"id\":\"$member\",\"resource_id\":\"$(resource instance $member)\",\"skip_final_snapshot\":true}"
    done
    later 10m
    seen absent rds delete_cluster "$args"
    ok rds delete_cluster "$args"
    seen done rds delete_cluster "$args"
    later 10m
    seen done rds delete_cluster "$args"
    fails not_found rds describe_cluster "{\"resource_id\":\"$id\"}"
    ok rds describe_cluster_snapshot "{\"name\":\"shop-last\"}"
'

# ---- rds_proxy ----------------------------------------------------------------------------------------------------

it 'a proxy is described, with its targets and all of it in one' '
    ok rds_proxy describe "{\"name\":\"door\"}"
    test "$(value status)" = available
    test "$(value engine_family)" = POSTGRESQL
    test "$(value subnets)" = "[\"subnet-1\",\"subnet-2\"]"
    test "$(value auth 0 description)" = "of the app"
    test "$(value tags team)" = shop
    ok rds_proxy describe_targets "{\"proxy\":\"door\"}"
    test "$(value targets 0 type)" = TRACKED_CLUSTER
    has "\"type\":\"RDS_INSTANCE\"" "\"state\":\"AVAILABLE\""
    ok rds_proxy capture "{\"proxy\":\"door\"}"
    cp reply captured
    test "$(value pool max_connections_percent)" = 90
    test "$(value pool session_pinning_filters)" = "[\"EXCLUDE_VARIABLE_SETS\"]"
    test "$(value pool init_query)" = "SET x=1"
    test "$(value targets)" = "{\"clusters\":[\"shop\"],\"instances\":[]}"
    has "\"name\":\"door-ro\"" "\"role\":\"READ_ONLY\""
    fails not_found rds_proxy describe "{\"name\":\"nosuch\"}"
    fails not_found rds_proxy capture "{\"proxy\":\"nosuch\"}"
'
it 'targets are taken out and put back, each only if it lacks' '
    args="{\"proxy\":\"door\",\"clusters\":[\"shop\"]}"
    seen done rds_proxy register_targets "$args"
    seen absent rds_proxy deregister_targets "$args"
    ok rds_proxy deregister_targets "$args"
    test "$(value changed)" = true
    seen done rds_proxy deregister_targets "$args"
    ok rds_proxy deregister_targets "$args"
    test "$(value changed)" = false
    seen absent rds_proxy register_targets "$args"
    fault "{\"match\":{\"action\":\"RegisterDBProxyTargets\"},\"do\":\"cut_after\"}"
    fails in_doubt rds_proxy register_targets "$args"
    seen done rds_proxy register_targets "$args"
    fails invalid rds_proxy register_targets "{\"proxy\":\"door\"}"
'
it 'an endpoint is deleted and created again' '
    seen absent rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    ok rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    seen done rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    later 5m
    ok rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    fails not_found rds_proxy describe_endpoint "{\"name\":\"door-ro\"}"
    args="{\"proxy\":\"door\",\"name\":\"door-ro\",\"role\":\"READ_ONLY\",\"subnets\":[\"subnet-1\",\"subnet-2\"],\"tags\":{\"team\":\"shop\",\"cairn:step\":\"old\"}}"
    seen absent rds_proxy create_endpoint "$args"
    ok rds_proxy create_endpoint "$args"
    seen done rds_proxy create_endpoint "$args"
    ok rds_proxy create_endpoint "$args"
    token=$other
    seen conflict rds_proxy create_endpoint "$args"
    fails conflict rds_proxy create_endpoint "$args"
    later 5m
    ok rds_proxy describe_endpoint "{\"name\":\"door-ro\"}"
    test "$(value status)" = available
    test "$(value role)" = READ_ONLY
    test "$(value tags team)" = shop
    test "$(value tags cairn:step)" = $mine
'
it 'a proxy is deleted and made again from what was captured' '
    ok rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    later 5m
    seen absent rds_proxy delete "{\"name\":\"door\"}"
    ok rds_proxy delete "{\"name\":\"door\"}"
    seen done rds_proxy delete "{\"name\":\"door\"}"
    later 25m
    ok rds_proxy delete "{\"name\":\"door\"}"
    fails not_found rds_proxy describe "{\"name\":\"door\"}"
    of() { perl "$SRC/t/look.pl" captured value "$@"; }
    args="{\"name\":\"door\",\"engine_family\":\"POSTGRESQL\",\"role_arn\":\"$(of proxy role_arn)\",\"subnets\":$(of proxy subnets)"
    args="$args,\"security_groups\":$(of proxy security_groups),\"auth\":$(of proxy auth),\"require_tls\":$(of proxy require_tls)"
    args="$args,\"idle_timeout\":$(of proxy idle_timeout),\"debug_logging\":$(of proxy debug_logging),\"tags\":$(of proxy tags)}"
    seen absent rds_proxy create "$args"
    ok rds_proxy create "$args"
    test "$(value status)" = creating
    seen done rds_proxy create "$args"
    ok rds_proxy create "$args"
    token=$other
    seen conflict rds_proxy create "$args"
    fails conflict rds_proxy create "$args"
    later 30m
    ok rds_proxy modify_pool "{\"proxy\":\"door\",\"pool\":$(of pool)}"
    ok rds_proxy register_targets "{\"proxy\":\"door\",\"clusters\":[\"shop\"]}"
    later 3m
    ok rds_proxy capture "{\"proxy\":\"door\"}"
    for part in "pool" "targets" "proxy auth" "proxy subnets" "proxy require_tls" "proxy security_groups"; do
        test "$(value $part)" = "$(of $part)"
    done
    fails invalid rds_proxy modify_pool "{\"proxy\":\"door\",\"pool\":{\"nosuch\":1}}"
'

# ---- lambda -------------------------------------------------------------------------------------------------------

it 'a function is looked at without its secrets' '
    ok lambda get_configuration "{\"function\":\"api\"}"
    test "$(value hosts)" = "{\"URI\":\"old.example:5432\"}"
    has "\"variables\":[" "\"MODE\"" "\"last_update_status\":\"Successful\""
    lacks planted
    fails not_found lambda get_configuration "{\"function\":\"nosuch\"}"
'
it 'the host in a variable is exchanged, all else stays' '
    args="{\"function\":\"api\",\"variable\":\"URI\",\"from\":\"old.example\",\"to\":\"new.example\"}"
    seen absent lambda replace_host "$args"
    fault "{\"match\":{\"service\":\"lambda\",\"action\":\"UpdateFunctionConfiguration\"},\"do\":\"cut_after\"}"
    fails in_doubt lambda replace_host "$args"
    seen done lambda replace_host "$args"
    ok lambda replace_host "$args"
    test "$(value changed)" = false
    later 10s
    seen conflict lambda replace_host "{\"function\":\"api\",\"variable\":\"URI\",\"from\":\"a.example\",\"to\":\"b.example\"}"
    has "it is at new.example:5432"
    fails conflict lambda replace_host "{\"function\":\"api\",\"variable\":\"URI\",\"from\":\"a.example\",\"to\":\"b.example\"}"
    fails conflict lambda replace_host "{\"function\":\"api\",\"variable\":\"MODE\",\"from\":\"a\",\"to\":\"b\"}"
    fails not_found lambda replace_host "{\"function\":\"api\",\"variable\":\"NOSUCH\",\"from\":\"a\",\"to\":\"b\"}"
    fails invalid lambda replace_host "{\"function\":\"api\",\"variable\":\"URI\",\"from\":\"a b\",\"to\":\"c\"}"
    lacks planted
    sim_get /_sim/world | grep -q "postgresql://app:planted-Sn0wy0wl@new.example:5432/app?x=1"
'
it 'a version is published once and known by the mark in its description' '
    args="{\"function\":\"api\",\"description\":\"for new.example\"}"
    seen absent lambda publish_version "$args"
    fault "{\"match\":{\"service\":\"lambda\",\"action\":\"PublishVersion\"},\"do\":\"cut_after\"}"
    fails in_doubt lambda publish_version "$args"
    seen done lambda publish_version "$args"
    test "$(value version)" = 8
    test "$(value description)" = "for new.example [cairn $mine]"
    token=$other
    ok lambda publish_version "$args"
    test "$(value version)" = 8
    test "$(value published)" = false
    later 10s
'
it 'an alias is led to another version only from the expected one' '
    args="{\"function\":\"api\",\"alias\":\"live\",\"version\":\"8\",\"expect\":\"7\"}"
    ok lambda get_alias "{\"function\":\"api\",\"alias\":\"live\"}"
    test "$(value version)" = 7
    fails conflict lambda update_alias "{\"function\":\"api\",\"alias\":\"live\",\"version\":\"8\",\"expect\":\"3\"}"
    seen absent lambda update_alias "$args"
    ok lambda update_alias "$args"
    test "$(value version)" = 8
    seen done lambda update_alias "$args"
    ok lambda update_alias "$args"
    seen conflict lambda update_alias "{\"function\":\"api\",\"alias\":\"live\",\"version\":\"7\",\"expect\":\"6\"}"
    fails not_found lambda get_alias "{\"function\":\"api\",\"alias\":\"nosuch\"}"
'
it 'a function is called' '
    ok lambda invoke "{\"function\":\"api\",\"qualifier\":\"live\",\"payload\":{\"x\":1}}"
    test "$(value status)" = 200
    test "$(value payload ok)" = true
'
it 'Lambda throttles and refuses in its own way' '
    fault "{\"match\":{\"service\":\"lambda\"},\"do\":\"throttle\"}"
    fails throttled lambda publish_version "{\"function\":\"api\"}"
    fault "{\"match\":{\"service\":\"lambda\"},\"do\":\"expired\"}"
    fails denied lambda get_alias "{\"function\":\"api\",\"alias\":\"live\"}"
'
stop_sim
finish
