#!/bin/sh
# sim-aws-json.t: the real `aws` programs, old and new, work with queues, rules, secrets, metrics and event sources.
# SQS and CloudWatch are spoken in two protocols: if there are several programs, the others are tried with these.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2119,SC2120
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws-cli.sh"

programs=$(aws_programs)
[ -n "$programs" ] || skip_all 'there is no aws program (package awscli)'

{
    world_head
    cat <<'EOF'
rds:
  zone: czone
  parameter_groups: { pg-16: { family: postgres16 } }
  instances: { books: { engine: postgres, version: "16.3", class: db.m6g.large, parameter_group: pg-16 } }
  proxies:
    door:
      instance: books
      role_arn: arn:aws:iam::239043911459:role/door
      subnets: [subnet-1, subnet-2]
      auth: [{ secret_arn: "arn:aws:secretsmanager:ca-central-1:239043911459:secret:a" }]
sqs:
  queues:
    work: { per_hour: 3600, dead_letter: dead, max_receive_count: 3, retention: 1h }
    dead: {}
    row.fifo: { messages: 7, delayed: 2, visibility_timeout: 45s }
lambda:
  functions:
    recorder:
      variables: { URL: "postgresql://u:p@door.proxy-czone.ca-central-1.rds.amazonaws.com:5432/x" }
      mappings:
        - { queue: work, uuid: 00000000-0000-4000-a000-000000000001, per_hour: 20000 }
        - { queue: row.fifo, uuid: 00000000-0000-4000-a000-000000000002, enabled: false }
    other: { reserved_concurrency: 5 }
events:
  rules:
    nightly: { schedule: "rate(1 day)", functions: [recorder], description: of the night }
    hourly: { schedule: "rate(1 hour)", functions: [other], state: DISABLED }
    own: { pattern: "{}", managed_by: states.amazonaws.com }
secretsmanager:
  secrets:
    app/db: { value: one, description: of the app }
    locked: { value: x, kms_denied: true }
EOF
} >world.yaml
work=00000000-0000-4000-a000-000000000001
row=00000000-0000-4000-a000-000000000002

first=yes
for program in $programs; do
with_aws "$program"
of="$("$program" --version 2>&1 | cut -d' ' -f1)"

it "$of: a world starts" 'stop_sim; start_sim world.yaml --speed 0.01; echo "$CAIRN_SIM_URL/239043911459" >url'
url=$(cat url)

it "$of: sqs lists queues, tells their URLs and attributes, and sets some" '
    is "$url/dead $url/row.fifo $url/work" sqs list-queues --query "QueueUrls[]"
    is "$url/row.fifo" sqs get-queue-url --queue-name row.fifo
    a sqs set-queue-attributes --queue-url $url/row.fifo --attributes MessageRetentionPeriod=7200,DelaySeconds=3
    is "7 2 true 45 7200 3" sqs get-queue-attributes --queue-url $url/row.fifo --attribute-names All --query \
        "Attributes.[ApproximateNumberOfMessages,ApproximateNumberOfMessagesDelayed,FifoQueue,VisibilityTimeout,
         MessageRetentionPeriod,DelaySeconds]"
    fails AWS.SimpleQueueService.NonExistentQueue sqs get-queue-url --queue-name nobody
'
if [ "$first" = yes ]; then
it "$of: lambda lists event sources in pages, stops them, one change at a time, and limits functions" '
    is "$work $row" lambda list-event-source-mappings --function-name recorder --page-size 1 \
        --query "EventSourceMappings[].UUID"
    is Disabling lambda update-event-source-mapping --uuid $work --no-enabled --query State
    fails ResourceConflictException lambda update-event-source-mapping --uuid $work --enabled
    advance 30s
    is "Disabled 10" lambda get-event-source-mapping --uuid $work --query "[State,BatchSize]"
    is 0 lambda put-function-concurrency --function-name recorder --reserved-concurrent-executions 0 \
        --query ReservedConcurrentExecutions
    is 0 lambda get-function-concurrency --function-name recorder --query ReservedConcurrentExecutions
    fails TooManyRequestsException lambda invoke --function-name recorder out.json
    a lambda delete-function-concurrency --function-name recorder
    is None lambda get-function --function-name recorder --query Concurrency
'
it "$of: events describes and lists rules, and switches them" '
    arn=arn:aws:lambda:ca-central-1:239043911459:function:recorder
    is "hourly nightly own" events list-rules --query "Rules[].Name"
    is nightly events list-rule-names-by-target --target-arn $arn --query "RuleNames[]"
    is $arn events list-targets-by-rule --rule nightly --query "Targets[].Arn"
    a events disable-rule --name nightly
    a events enable-rule --name hourly
    is "nightly DISABLED rate(1 day)" events describe-rule --name nightly --query "[Name,State,ScheduleExpression]"
    fails ManagedRuleException events disable-rule --name own
'
it "$of: secretsmanager reads, writes and takes back" '
    first=$(a secretsmanager get-secret-value --secret-id app/db --query VersionId)
    token=11111111-2222-4333-8444-555555555555
    is $token secretsmanager put-secret-value --secret-id app/db --secret-string two --client-request-token $token \
        --query VersionId
    is "AWSPREVIOUS AWSCURRENT" secretsmanager describe-secret --secret-id app/db \
        --query "VersionIdsToStages.[\"$first\"[0],\"$token\"[0]]"
    is app/db secretsmanager update-secret-version-stage --secret-id app/db --version-stage AWSCURRENT \
        --move-to-version-id $first --remove-from-version-id $token --query Name
    is one secretsmanager get-secret-value --secret-id app/db --query SecretString
    is "app/db locked" secretsmanager list-secrets --query "SecretList[].Name"
    test "$(a secretsmanager list-secret-version-ids --secret-id app/db --query "Versions[].VersionId" | wc -w)" = 2
    fails DecryptionFailure secretsmanager get-secret-value --secret-id locked
'
fi
first=no
it "$of: cloudwatch lists metrics and tells values in both ways" '
    when="--start-time 2024-02-13T14:00:00Z --end-time 2024-02-13T14:10:00Z"
    is "ClientConnections DatabaseConnections" cloudwatch list-metrics --namespace AWS/RDS \
        --dimensions Name=ProxyName,Value=door --query "Metrics[].MetricName"
    is "5.0" cloudwatch get-metric-statistics --namespace AWS/RDS --metric-name ClientConnections $when \
        --dimensions Name=ProxyName,Value=door --period 300 --statistics Average --query "Datapoints[].Average"
    cat >queries.json <<EOF
[{"Id":"c","MetricStat":{"Stat":"Maximum","Period":300,"Metric":{"Namespace":"AWS/RDS","MetricName":"FreeStorageSpace",
"Dimensions":[{"Name":"DBInstanceIdentifier","Value":"books"}]}}},
{"Id":"d","MetricStat":{"Stat":"Sum","Period":300,"Metric":{"Namespace":"AWS/SQS","MetricName":"NumberOfMessagesSent",
"Dimensions":[{"Name":"QueueName","Value":"work"}]}}}]
EOF
    is "c Complete 64424509440.0 d Complete 300.0" cloudwatch get-metric-data $when --metric-data-queries \
        file://queries.json --query "MetricDataResults[].[Id,StatusCode,Values[0]]"
'
done
it 'nothing was done twice, though much was refused' 'sim_get /_sim/verdict | grep -q "\"twice\":\[\]"'
finish
