#!/bin/sh
# sim-aws-json.t: the real `aws` program works with functions, queues, rules, secrets, metrics and event sources: each
# operation of all services but RDS and STS. SQS and CloudWatch are spoken in JSON or Query, as the program is new or old.
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
    api:
      variables: { URL: "postgresql://u:p@books.czone.ca-central-1.rds.amazonaws.com:5432/x" }
      version: 2
      aliases: { live: 2 }
      reply: { ok: true }
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

for program in $programs; do
with_aws "$program"

it "$of: a world starts" 'stop_sim; : >log; start_sim world.yaml --speed 0.01 --log log; echo "$CAIRN_SIM_URL/239043911459" >url'
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
    is "api other recorder" lambda list-functions --query "Functions[].FunctionName"
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
it "$of: lambda configuration is changed with its revision, one change at a time" '
    revision=$(a lambda get-function-configuration --function-name api --query RevisionId)
    fails PreconditionFailedException lambda update-function-configuration --function-name api --revision-id other \
        --description x
    is "InProgress 1" lambda update-function-configuration --function-name api --revision-id $revision \
        --environment "Variables={URL=postgresql://u:p@books.czone.ca-central-1.rds.amazonaws.com/x,AB=1}" \
        --query "[LastUpdateStatus,Environment.Variables.AB]"
    fails ResourceConflictException lambda update-function-configuration --function-name api --description x
    fails ResourceConflictException lambda publish-version --function-name api
    advance 4s
    is "Successful Active" lambda get-function-configuration --function-name api --query "[LastUpdateStatus,State]"
    is "Active 2" lambda get-function-configuration --function-name api --qualifier live --query "[State,Version]"
'
it "$of: lambda publishes a version only when something has changed, and an alias follows" '
    is "3 Pending of-run" lambda publish-version --function-name api --description of-run \
        --query "[Version,State,Description]"
    is "3 of-run" lambda publish-version --function-name api --description another --query "[Version,Description]"
    is "\$LATEST 1 2 3" lambda list-versions-by-function --function-name api --query "Versions[].Version"
    advance 3s
    is "2" lambda get-alias --function-name api --name live --query FunctionVersion
    is "3" lambda update-alias --function-name api --name live --function-version 3 --query FunctionVersion
    fails ResourceNotFoundException lambda update-alias --function-name api --name live --function-version 9
    fails PreconditionFailedException lambda update-alias --function-name api --name live --function-version 2 \
        --revision-id other
    is "next" lambda create-alias --function-name api --name next --function-version 3 --query Name
    fails ResourceConflictException lambda create-alias --function-name api --name next --function-version 3
    is "live next" lambda list-aliases --function-name api --query "Aliases[].Name"
    fails ResourceNotFoundException lambda get-alias --function-name nobody --name live
'
it "$of: a function fails when the database of its URL does not answer" '
    is "200 3" lambda invoke --function-name api --qualifier live out.json \
        --query "[StatusCode,ExecutedVersion]"
    grep -qx "{\"ok\":true}" out.json
    rds DeleteDBInstance DBInstanceIdentifier=books SkipFinalSnapshot=true
    is "Unhandled" lambda invoke --function-name api --qualifier live out.json --query FunctionError
    grep -q "could not connect to books" out.json
'
it "$of: nothing was done twice, though much was refused" '
    sim_get /_sim/verdict | grep -q "\"twice\":\[\]"
'
it "$of: every operation that the simulator serves of the other services of AWS was called by this program, and answered" '
    sim_get /_sim/operations | jq -r ".[].service" | sort -u |
        grep -vx -e rds -e sts -e kubernetes -e cloudflare -e metadata -e web >services
    test "$(wc -l <services)" -ge 5
    while read -r service; do untried "$service" "$of"; done <services >missing
    diff /dev/null missing
'
done
finish
