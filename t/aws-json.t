#!/bin/sh
# aws-json.t: the plugins that speak the JSON protocol, and event sources of Lambda: before, done, and after.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1083,SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws.sh"

cat >>world.yaml <<'EOF'
    recorder:
      mappings:
        - { queue: work, uuid: 00000000-0000-4000-a000-000000000001, per_hour: 20000 }
        - { queue: row.fifo, uuid: 00000000-0000-4000-a000-000000000002, enabled: false }
    many:
      mappings: [MANY]
sqs:
  queues:
    work: { per_hour: 3600, peak_per_hour: 7200, dead_letter: dead, max_receive_count: 3, retention: 1h }
    dead: {}
    row.fifo: { messages: 7, delayed: 2, visibility_timeout: 45s }
events:
  rules:
    nightly: { schedule: "rate(1 day)", functions: [recorder] }
    own: { pattern: "{}", managed_by: states.amazonaws.com }
secretsmanager:
  secrets:
    app/db: { value: planted-Sn0wy0wl-one, previous: planted-Sn0wy0wl-zero }
    app/url: { value: "postgresql://app:planted-Sn0wy0wl@old.example:5432/db?sslmode=require" }
    app/json: { value: '{"username":"app","password":"planted-Sn0wy0wl","host":"old.example","port":5432}' }
    locked: { value: x, kms_denied: true }
EOF
many=$(seq 1 130 | sed 's,.*,{ source: "arn:aws:kinesis:x:1:stream/&" },' | tr '\n' ',')
sed -i "s|MANY|${many%,}|" world.yaml
work=00000000-0000-4000-a000-000000000001
row=00000000-0000-4000-a000-000000000002

it 'the world starts' 'start_sim world.yaml --speed 0.001'

strike() { # SERVICE ACTION DO
    fault "{\"match\":{\"service\":\"$1\",\"action\":\"$2\"},\"do\":\"$3\"}"
}
# The clock all but stands still, and not quite.
holds() { # QUEUE MESSAGES IN-FLIGHT: about so many messages, and so many that somebody has
    ok sqs queue "{\"name\":\"$1\"}"
    lib_off=$(($(value messages) - $2))
    [ "${lib_off#-}" -le 3 ] && [ "$(value not_visible)" = "$3" ] && return 0
    echo "wanted about $2 and $3 in flight:" >&2
    cat reply >&2
    return 1
}
mapping() { # the state of the mapping of the queue work
    ok lambda event_source_mapping "{\"uuid\":\"$work\"}"
    value state
}
oldest() {
    ok cloudwatch statistics "$(json namespace=AWS/SQS metric=ApproximateAgeOfOldestMessage \
        dimensions:={\"QueueName\":\"work\"} statistic=Maximum)"
    value highest
}

it 'a queue is looked at by its name or URL, and numbers are numbers' '
    ok sqs queue "{\"name\":\"row.fifo\"}"
    has "\"fifo\":true" "\"messages\":7" "\"delayed\":2" "\"visibility_timeout\":45" "\"retention\":345600"
    lacks dead_letter
    url=$(value url)
    ok sqs queue "{\"url\":\"$url\"}"
    test "$(value arn)" = arn:aws:sqs:ca-central-1:239043911459:row.fifo
    ok sqs queue "{\"name\":\"work\"}"
    has "\"dead_letter\":{\"arn\":\"arn:aws:sqs:ca-central-1:239043911459:dead\",\"max_receive_count\":3,\"name\":\"dead\"}"
    ok sqs queues "{\"prefix\":\"wo\"}"
    test "$(value urls 0)" = "$CAIRN_SIM_URL/239043911459/work"
    fails invalid sqs queue
    fails not_found sqs queue "{\"name\":\"nosuch\"}"
    has "GetQueueUrl: QueueDoesNotExist: "
    fails not_found sqs queue "{\"url\":\"$CAIRN_SIM_URL/239043911459/nosuch\"}"
'
it 'attributes of a queue are set once' '
    ok sqs queue "{\"name\":\"row.fifo\"}"
    args="{\"url\":\"$(value url)\",\"attributes\":{\"MessageRetentionPeriod\":7200,\"DelaySeconds\":\"3\"}}"
    seen absent sqs set_attributes "$args"
    strike sqs SetQueueAttributes cut_after
    fails in_doubt sqs set_attributes "$args"
    seen done sqs set_attributes "$args"
    ok sqs queue "{\"name\":\"row.fifo\"}"
    test "$(value retention)" = 7200
    fails invalid sqs set_attributes "{\"url\":\"$(value url)\",\"attributes\":{\"Nonsense\":\"3\"}}"
'
it 'event sources are listed, to the last page' '
    ok lambda event_source_mappings "{\"function\":\"recorder\"}"
    test "$(value mappings 0 uuid) $(value mappings 0 state) $(value mappings 1 state)" = "$work Enabled Disabled"
    ok lambda event_source_mappings "{\"source\":\"arn:aws:sqs:ca-central-1:239043911459:row.fifo\"}"
    test "$(value mappings 0 uuid)" = "$row"
    ok lambda event_source_mappings "{\"function\":\"many\"}"
    test "$(grep -o "\"uuid\"" reply | wc -l)" = 130
    ok lambda event_source_mapping "{\"uuid\":\"$row\"}"
    test "$(value state)" = Disabled
    fails not_found lambda event_source_mapping "{\"uuid\":\"00000000-0000-4000-a000-00000000000f\"}"
'
it 'an event source is stopped and started once, and what is on its way is there' '
    stop="{\"uuid\":\"$work\",\"enabled\":false}" start="{\"uuid\":\"$work\",\"enabled\":true}"
    seen done lambda set_event_source_mapping "$start"
    seen absent lambda set_event_source_mapping "$stop"
    strike lambda UpdateEventSourceMapping cut_after
    fails in_doubt lambda set_event_source_mapping "$stop"
    seen done lambda set_event_source_mapping "$stop"
    test "$(value state)" = Disabling
    fails not_yet lambda set_event_source_mapping "$start"
    has ResourceConflictException
    later 30s
    test "$(mapping)" = Disabled
    seen done lambda set_event_source_mapping "$stop"
    seen absent lambda set_event_source_mapping "$start"
'
it 'what was received before is done within a while; the queue fills up, and its oldest message grows old' '
    holds work 0 20
    later 10m
    holds work 600 0
    test "$(oldest)" -ge 600
    ok cloudwatch statistics "$(json namespace=AWS/SQS metric=NumberOfMessagesSent \
        dimensions:={\"QueueName\":\"work\"} minutes:=2880 period:=3600 statistic=Sum)"
    test "$(value highest) $(value lowest)" = "7200 3600"
'
it 'it drains when its consumer is back' '
    ok lambda set_event_source_mapping "{\"uuid\":\"$work\",\"enabled\":true}"
    test "$(value state)" = Enabling
    later 40s
    test "$(mapping)" = Enabled
    holds work 640 112
    later 1m
    holds work 367 112
    later 10m
    holds work 0 20
'
it 'a reservation of 0 is set and taken away once, and sends messages to the dead-letter queue' '
    args="{\"function\":\"recorder\",\"reserved\":0}"
    ok lambda concurrency "{\"function\":\"recorder\"}"
    lacks reserved
    seen absent lambda set_concurrency "$args"
    strike lambda PutFunctionConcurrency cut_after
    fails in_doubt lambda set_concurrency "$args"
    seen done lambda set_concurrency "$args"
    ok lambda concurrency "{\"function\":\"recorder\"}"
    test "$(value reserved)" = 0
    fails throttled lambda invoke "{\"function\":\"recorder\"}"
    later 80s
    holds dead 0 0
    holds work 80 50
    later 20s
    holds dead 10 0
    holds work 90 50
    seen absent lambda delete_concurrency "{\"function\":\"recorder\"}"
    ok lambda delete_concurrency "{\"function\":\"recorder\"}"
    seen done lambda delete_concurrency "{\"function\":\"recorder\"}"
    fails invalid lambda set_concurrency "{\"function\":\"recorder\",\"reserved\":-1}"
    fails not_found lambda concurrency "{\"function\":\"nosuch\"}"
'
it 'messages older than the retention are lost' '
    ok lambda set_event_source_mapping "{\"uuid\":\"$work\",\"enabled\":false}"
    later 30s
    later 30m
    sim_get /_sim/world | jq -e ".sqs.work.lost == false"
    later 31m
    holds work 3600 0
    sim_get /_sim/world | jq -e ".sqs.work.lost == true"
'
it 'a rule is disabled and enabled once, and one that AWS keeps is not' '
    args="{\"name\":\"nightly\"}"
    ok events rules "{\"target\":\"arn:aws:lambda:ca-central-1:239043911459:function:recorder\"}"
    test "$(value names 0)" = nightly
    ok events describe_rule "$args"
    test "$(value state) $(value schedule)" = "ENABLED rate(1 day)"
    seen absent events disable_rule "$args"
    seen done events enable_rule "$args"
    strike events DisableRule cut_after
    fails in_doubt events disable_rule "$args"
    seen done events disable_rule "$args"
    ok events enable_rule "$args"
    seen absent events disable_rule "$args"
    fails failed events disable_rule "{\"name\":\"own\"}"
    has ManagedRuleException
    fails not_found events describe_rule "{\"name\":\"nosuch\"}"
'
it 'a secret is read as a secret' '
    ok secretsmanager get "{\"id\":\"app/db\"}"
    has "\"value\":{\"\$secret\":" "\"stages\":[\"AWSCURRENT\"]"
    ok secretsmanager describe "{\"id\":\"app/db\"}"
    lacks planted
    test -n "$(value current)" && test -n "$(value previous)"
    fails denied secretsmanager get "{\"id\":\"locked\"}"
    has DecryptionFailure
    fails not_found secretsmanager get "{\"id\":\"nosuch\"}"
'
it 'a secret gets a value once, known by the id of its version, also when others came after it' '
    put="{\"id\":\"app/db\",\"value\":{\"\$secret\":\"planted-Sn0wy0wl-two\"}}"
    seen absent secretsmanager put "$put"
    strike secretsmanager PutSecretValue cut_after
    fails in_doubt secretsmanager put "$put"
    lacks planted
    seen done secretsmanager put "$put"
    test "$(value version)" = aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaa1
    before=$(changes)
    ok secretsmanager put "$put"
    test "$(changes)" = "$before"
    for token in $other cccccccccccccccccccccccccccccc03; do
        ok secretsmanager put "{\"id\":\"app/db\",\"value\":{\"\$secret\":\"planted-Sn0wy0wl-$token\"}}"
    done
    token=$mine
    seen done secretsmanager put "$put"
    fails denied secretsmanager put "{\"id\":\"locked\",\"value\":{\"\$secret\":\"planted-Sn0wy0wl\"}}"
'
it 'an earlier version of a secret is made current only in the place of the expected one' '
    ok secretsmanager describe "{\"id\":\"app/db\"}"
    current=$(value current) previous=$(value previous)
    args="{\"id\":\"app/db\",\"version\":\"$previous\",\"expect\":\"$current\"}"
    seen conflict secretsmanager restore_previous "{\"id\":\"app/db\",\"version\":\"x\",\"expect\":\"$previous\"}"
    fails conflict secretsmanager restore_previous "{\"id\":\"app/db\",\"version\":\"x\",\"expect\":\"$previous\"}"
    seen absent secretsmanager restore_previous "$args"
    strike secretsmanager UpdateSecretVersionStage cut_after
    fails in_doubt secretsmanager restore_previous "$args"
    seen done secretsmanager restore_previous "$args"
    ok secretsmanager restore_previous "$args"
    ok secretsmanager describe "{\"id\":\"app/db\"}"
    test "$(value current)" = "$previous"
'
it 'the host in a secret is led elsewhere and back, in a URL and in a JSON document, and what else it holds is never told' '
    ok secretsmanager find_host "{\"id\":\"app/url\",\"hosts\":[\"x\",\"old.example\"]}"
    test "$(value host)" = old.example:5432
    ok secretsmanager find_host "{\"id\":\"app/url\",\"hosts\":[\"old.example:5432\"]}"
    test "$(value host)" = old.example:5432
    ok secretsmanager find_host "{\"id\":\"app/url\",\"hosts\":[\"old.example:5433\",\"old.exampl\"]}"
    lacks host old
    ok secretsmanager find_host "{\"id\":\"app/json\",\"member\":\"host\",\"hosts\":[\"old.example\"]}"
    test "$(value host)" = old.example
    for of in "\"id\":\"app/json\",\"member\":\"password\"" "\"id\":\"app/json\"" "\"id\":\"app/db\""; do
        ok secretsmanager find_host "{$of,\"hosts\":[\"old.example\"]}"
        lacks planted host
        fails conflict secretsmanager replace_host "{$of,\"from\":\"old.example\",\"to\":\"new.example\"}"
        lacks planted
    done
    for of in "\"id\":\"app/url\"" "\"id\":\"app/json\",\"member\":\"host\""; do
        args="{$of,\"from\":\"old.example:5432\",\"to\":\"new.example:5433\"}"
        seen absent secretsmanager replace_host "$args"
        strike secretsmanager PutSecretValue cut_after
        fails in_doubt secretsmanager replace_host "$args"
        seen done secretsmanager replace_host "$args"
        has "\"changed\":true"
        before=$(changes)
        ok secretsmanager replace_host "$args"
        has "\"changed\":false"
        test "$(changes)" = "$before"
    done
    sim_get /_sim/world >now.json
    jq -r ".secretsmanager | .[\"app/url\"][-1].value, (.[\"app/json\"][-1].value | fromjson | .host, .password, .port)" now.json >got
    printf "%s\n" "postgresql://app:planted-Sn0wy0wl@new.example:5433/db?sslmode=require" new.example planted-Sn0wy0wl 5432 |
        diff -u - got
'
it 'a metric is read with its statistic and period, and one that nobody measures has no values' '
    ok cloudwatch statistics "$(json namespace=AWS/RDS metric=FreeStorageSpace \
        dimensions:={\"DBInstanceIdentifier\":\"books\"})"
    test "$(value last)" = 64424509440
    ok cloudwatch statistics "$(json namespace=AWS/RDS metric=Nothing dimensions:={\"ProxyName\":\"door\"})"
    has "\"values\":[]"
    lacks "\"last\""
    fails invalid cloudwatch statistics "$(json namespace=A metric=B dimensions:={} period:=61)"
    fails invalid cloudwatch statistics "$(json namespace=A metric=B dimensions:={} statistic=Mean)"
    fails invalid cloudwatch statistics "$(json namespace=A metric=B dimensions:={} minutes:=0)"
'
it 'each service throttles and refuses in its own way' '
    for service in sqs:queues events:rules secretsmanager:describe monitoring:statistics; do
        plugin=${service%:*}
        case $plugin in
            sqs) args="{}" ;;
            events) args="{\"target\":\"t\"}" ;;
            secretsmanager) args="{\"id\":\"app/db\"}" ;;
            *) plugin=cloudwatch args=$(json namespace=A metric=B dimensions:={}) ;;
        esac
        for kind in throttle:throttled expired:denied error_5xx:unavailable html:unavailable truncate:in_doubt; do
            fault "{\"match\":{\"service\":\"${service%:*}\"},\"do\":\"${kind%:*}\"}"
            fails "${kind#*:}" "$plugin" "${service#*:}" "$args"
        done
    done
    strike events DisableRule error_5xx
    fails in_doubt events disable_rule "{\"name\":\"nightly\"}"
    strike events DisableRule conflict
    fails not_yet events disable_rule "{\"name\":\"nightly\"}"
'
it 'nothing is changed in another account' '
    config="{\"account\":\"111122223333\",\"region\":\"ca-central-1\"}"
    before=$(changes)
    fails denied events disable_rule "{\"name\":\"nightly\"}"
    fails denied sqs queues
    fails denied secretsmanager put "{\"id\":\"app/db\",\"value\":{\"\$secret\":\"planted-Sn0wy0wl\"}}"
    fails denied lambda set_event_source_mapping "{\"uuid\":\"$work\",\"enabled\":true}"
    test "$(changes)" = "$before"
'
stop_sim
finish
