#!/bin/sh
# sim-aws-cli.t: the real `aws` program works against the simulator, with each operation that it has.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws-cli.sh"

{
    world_head
    cat <<'EOF'
  - { access_key: AKIACAIRNEXPIRED0001, secret: gone, token: session, expires: "2020-01-01T00:00:00Z" }
sts: { roles: { deployer: { trusted: [operator], web_identity: who-i-am } } }
rds:
  zone: czone
  parameter_groups:
    pg-13: { family: postgres13, parameters: { rds.logical_replication: 1 } }
    pg-15: { family: postgres15, parameters: { rds.logical_replication: 1 } }
  clusters:
    shop:
      engine: aurora-postgresql
      version: "11.21"
      deletion_protection: true
      instances: { shop-0: { class: db.r6g.large }, shop-1: { class: db.r6g.large } }
  instances:
    books: { engine: postgres, version: "13.15", class: db.m6g.large, parameter_group: pg-13 }
    small: { engine: postgres, version: "12.17", class: db.t4g.medium }
  proxies:
    door:
      instance: books
      role_arn: arn:aws:iam::239043911459:role/door
      subnets: [subnet-1, subnet-2]
      security_groups: [sg-1]
      auth: [{ secret_arn: "arn:aws:secretsmanager:ca-central-1:239043911459:secret:a" }]
      endpoints: { door-ro: { role: READ_ONLY, tags: { a: b } } }
  maintenance:
    small: [{ action: system-update, description: New OS, opt_in: next-maintenance }]
lambda:
  functions:
    api:
      variables: { URL: "postgresql://u:p@books.czone.ca-central-1.rds.amazonaws.com:5432/x" }
      version: 2
      aliases: { live: 2 }
      reply: { ok: true }
EOF
} >world.yaml

role=arn:aws:iam::239043911459:role/door
secret=arn:aws:secretsmanager:ca-central-1:239043911459:secret:new

# The clock all but stands still: what happens when is up to `advance`, however slow the machine is.
it 'the world starts' 'start_sim world.yaml --speed 0.01'

it 'sts get-caller-identity says who calls' '
    is "239043911459 arn:aws:iam::239043911459:user/operator" sts get-caller-identity --query "[Account,Arn]"
'
it 'a wrong secret, an unknown key, an expired token and no signature are the errors of AWS' '
    (AWS_SECRET_ACCESS_KEY=wrong; fails SignatureDoesNotMatch sts get-caller-identity)
    (AWS_SECRET_ACCESS_KEY=wrong; fails InvalidSignatureException lambda get-alias --function-name api --name live)
    (AWS_ACCESS_KEY_ID=AKIANOBODY; fails InvalidClientTokenId rds describe-db-instances)
    (AWS_ACCESS_KEY_ID=AKIANOBODY; fails UnrecognizedClientException lambda list-functions)
    export AWS_SESSION_TOKEN=session AWS_ACCESS_KEY_ID=AKIACAIRNEXPIRED0001 AWS_SECRET_ACCESS_KEY=gone
    fails ExpiredToken sts get-caller-identity
    fails ExpiredTokenException lambda list-functions
    fails MissingAuthenticationToken --no-sign-request sts get-caller-identity
'
it 'sts gives keys for a role, for a web identity and for a session' '
    role_arn=arn:aws:iam::239043911459:role/deployer
    is "arn:aws:sts::239043911459:assumed-role/deployer/s1" sts assume-role --role-arn "$role_arn" \
        --role-session-name s1 --query AssumedRoleUser.Arn
    is "arn:aws:sts::239043911459:assumed-role/deployer/s2" --no-sign-request sts assume-role-with-web-identity \
        --role-arn "$role_arn" --role-session-name s2 --web-identity-token who-i-am --query AssumedRoleUser.Arn
    test "$(a sts get-session-token --query Credentials.SessionToken)" != None
    is api lambda get-function --function-name api --query Configuration.FunctionName
'
it 'a request for another region is refused' '
    fails SignatureDoesNotMatch --region us-east-1 rds describe-db-instances
'
it 'rds describes instances: all, one, by filter, in pages' '
    is "books shop-0 shop-1 small" rds describe-db-instances --query "DBInstances[].DBInstanceIdentifier"
    is "books 13.15 available in-sync 5432" rds describe-db-instances --db-instance-identifier books --query \
        "DBInstances[].[DBInstanceIdentifier,EngineVersion,DBInstanceStatus,DBParameterGroups[0].ParameterApplyStatus,
         Endpoint.Port]"
    id=$(a rds describe-db-instances --db-instance-identifier books --query "DBInstances[].DbiResourceId")
    is books rds describe-db-instances --filters Name=dbi-resource-id,Values=$id \
        --query "DBInstances[].DBInstanceIdentifier"
    is "shop-0 shop-1" rds describe-db-instances --filters Name=db-cluster-id,Values=shop \
        --query "DBInstances[].DBInstanceIdentifier"
    fails DBInstanceNotFound rds describe-db-instances --db-instance-identifier nobody
    test "$(a rds describe-db-engine-versions --page-size 20 --query "DBEngineVersions[].EngineVersion" | wc -w)" -gt 30
    fails InvalidParameterValue rds describe-db-instances --no-paginate --max-records 7
'
it 'rds modifies, reboots, snapshots and deletes an instance' '
    is db.t4g.small rds modify-db-instance --db-instance-identifier small --backup-retention-period 3 \
        --no-apply-immediately --db-instance-class db.t4g.small \
        --query DBInstance.PendingModifiedValues.DBInstanceClass
    a rds modify-db-instance --db-instance-identifier small --apply-immediately --query DBInstance.DBInstanceStatus
    advance 5s
    is modifying rds describe-db-instances --db-instance-identifier small --query "DBInstances[].DBInstanceStatus"
    advance 1m
    is "available db.t4g.small 3" rds describe-db-instances --db-instance-identifier small \
        --query "DBInstances[].[DBInstanceStatus,DBInstanceClass,BackupRetentionPeriod]"
    is rebooting rds reboot-db-instance --db-instance-identifier small --query DBInstance.DBInstanceStatus
    advance 10s
    is creating rds create-db-snapshot --db-instance-identifier small --db-snapshot-identifier s1 \
        --tags Key=k,Value=v --query DBSnapshot.Status
    fails DBSnapshotAlreadyExists rds create-db-snapshot --db-instance-identifier small --db-snapshot-identifier s1
    advance 4m
    is "s1 available 100 v" rds describe-db-snapshots --db-snapshot-identifier s1 \
        --query "DBSnapshots[].[DBSnapshotIdentifier,Status,PercentProgress,TagList[0].Value]"
    is deleted rds delete-db-snapshot --db-snapshot-identifier s1 --query DBSnapshot.Status
    fails DBSnapshotNotFound rds describe-db-snapshots --db-snapshot-identifier s1
    is deleting rds delete-db-instance --db-instance-identifier small --final-db-snapshot-identifier s2 \
        --query DBInstance.DBInstanceStatus
'
it 'rds upgrades an instance in place only with the flag and to a version that is offered' '
    fails InvalidParameterCombination rds modify-db-instance --db-instance-identifier books --engine-version 15.7
    fails InvalidParameterCombination rds modify-db-instance --db-instance-identifier books --engine-version 15.1 \
        --allow-major-version-upgrade
'
it 'rds describes, modifies and snapshots a cluster' '
    is "shop shop-0 True" rds describe-db-clusters --db-cluster-identifier shop --query \
        "DBClusters[].[DBClusterIdentifier,DBClusterMembers[0].DBInstanceIdentifier,DBClusterMembers[0].IsClusterWriter]"
    is False rds modify-db-cluster --db-cluster-identifier shop --no-deletion-protection \
        --query DBCluster.DeletionProtection
    a rds modify-db-cluster --db-cluster-identifier shop --deletion-protection
    fails InvalidParameterCombination rds delete-db-cluster --db-cluster-identifier shop --skip-final-snapshot
    is creating rds create-db-cluster-snapshot --db-cluster-identifier shop --db-cluster-snapshot-identifier c1 \
        --query DBClusterSnapshot.Status
    advance 3m
    is "c1 available" rds describe-db-cluster-snapshots --db-cluster-identifier shop \
        --query "DBClusterSnapshots[].[DBClusterSnapshotIdentifier,Status]"
    a rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier c1
    fails DBClusterSnapshotNotFoundFault rds describe-db-cluster-snapshots --db-cluster-snapshot-identifier c1
    fails DBClusterNotFoundFault rds describe-db-clusters --db-cluster-identifier nobody
'
it 'rds makes, changes, lists and deletes parameter groups of both kinds' '
    is postgres16 rds create-db-parameter-group --db-parameter-group-name g16 --db-parameter-group-family postgres16 \
        --description text --query DBParameterGroup.DBParameterGroupFamily
    fails DBParameterGroupAlreadyExists rds create-db-parameter-group --db-parameter-group-name g16 \
        --db-parameter-group-family postgres16 --description text
    a rds modify-db-parameter-group --db-parameter-group-name g16 --parameters \
        ParameterName=work_mem,ParameterValue=8192,ApplyMethod=immediate \
        ParameterName=max_connections,ParameterValue=77,ApplyMethod=pending-reboot
    is "max_connections 77 work_mem 8192" rds describe-db-parameters --db-parameter-group-name g16 --source user \
        --query "Parameters[].[ParameterName,ParameterValue]"
    fails InvalidParameterValue rds modify-db-parameter-group --db-parameter-group-name g16 --parameters \
        ParameterName=wrok_mem,ParameterValue=1,ApplyMethod=immediate
    is "g16 pg-13 pg-15" rds describe-db-parameter-groups --query "DBParameterGroups[].DBParameterGroupName"
    fails InvalidDBParameterGroupState rds delete-db-parameter-group --db-parameter-group-name pg-13
    a rds delete-db-parameter-group --db-parameter-group-name g16
    fails DBParameterGroupNotFound rds describe-db-parameter-groups --db-parameter-group-name g16
    a rds create-db-cluster-parameter-group --db-cluster-parameter-group-name c15 \
        --db-parameter-group-family aurora-postgresql15 --description text
    a rds modify-db-cluster-parameter-group --db-cluster-parameter-group-name c15 --parameters \
        ParameterName=rds.logical_replication,ParameterValue=1,ApplyMethod=pending-reboot
    is "rds.logical_replication pending-reboot static" rds describe-db-cluster-parameters --source user \
        --db-cluster-parameter-group-name c15 --query "Parameters[].[ParameterName,ApplyMethod,ApplyType]"
    is "c15" rds describe-db-cluster-parameter-groups --query "DBClusterParameterGroups[].DBClusterParameterGroupName"
    a rds delete-db-cluster-parameter-group --db-cluster-parameter-group-name c15
'
it 'rds tells versions, targets, classes, maintenance and events' '
    is "postgres13 14.12 True" rds describe-db-engine-versions --engine postgres --engine-version 13.15 --query \
        "DBEngineVersions[].[DBParameterGroupFamily,ValidUpgradeTarget[0].EngineVersion,
         ValidUpgradeTarget[0].IsMajorVersionUpgrade]"
    is "db.m6g.large" rds describe-orderable-db-instance-options --engine postgres --engine-version 15.7 \
        --db-instance-class db.m6g.large --query "OrderableDBInstanceOptions[].DBInstanceClass"
    is "" rds describe-orderable-db-instance-options --engine postgres --engine-version 15.7 \
        --db-instance-class db.r4.large --query "OrderableDBInstanceOptions[].DBInstanceClass"
    is "system-update next-maintenance" rds describe-pending-maintenance-actions \
        --query "PendingMaintenanceActions[].PendingMaintenanceActionDetails[].[Action,OptInStatus]" \
        --resource-identifier $arn:db:small
    is "DB instance restarted" rds describe-events --source-type db-instance --source-identifier small \
        --event-categories availability --query "Events[].Message"
    is "" rds describe-events --source-type db-instance --source-identifier books --start-time 2024-02-13T14:00:00Z \
        --query "Events[].Message"
'
it 'rds lists log files, gives what is in them, and notes when maintenance is to be applied' '
    file=$(a rds describe-db-log-files --db-instance-identifier small --query "DescribeDBLogFiles[0].LogFileName")
    a rds download-db-log-file-portion --db-instance-identifier small --log-file-name "$file" --query LogFileData >log.txt
    is next-maintenance rds apply-pending-maintenance-action --resource-identifier $arn:db:small \
        --apply-action system-update --opt-in-type next-maintenance \
        --query "ResourcePendingMaintenanceActions.PendingMaintenanceActionDetails[].OptInStatus"
'
it 'rds tags what has an ARN' '
    a rds add-tags-to-resource --resource-name $arn:db:books --tags Key=a,Value="b c" Key=d,Value=e
    is "a b c d e" rds list-tags-for-resource --resource-name $arn:db:books --query "TagList[].[Key,Value]"
    a rds remove-tags-from-resource --resource-name $arn:db:books --tag-keys a
    is "d e" rds list-tags-for-resource --resource-name $arn:db:books --query "TagList[].[Key,Value]"
    endpoint=$(a rds describe-db-proxy-endpoints --db-proxy-endpoint-name door-ro \
        --query "DBProxyEndpoints[].DBProxyEndpointArn")
    is "a b" rds list-tags-for-resource --resource-name $endpoint --query "TagList[].[Key,Value]"
    fails DBInstanceNotFound rds list-tags-for-resource --resource-name $arn:db:nobody
'
it 'rds describes a proxy, its pool, its targets and endpoints' '
    is "door available True 1800" rds describe-db-proxies \
        --query "DBProxies[].[DBProxyName,Status,RequireTLS,IdleClientTimeout]"
    is "RDS_INSTANCE books AVAILABLE" rds describe-db-proxy-targets --db-proxy-name door \
        --query "Targets[].[Type,RdsResourceId,TargetHealth.State]"
    is "default 100" rds describe-db-proxy-target-groups --db-proxy-name door \
        --query "TargetGroups[].[TargetGroupName,ConnectionPoolConfig.MaxConnectionsPercent]"
    is "default True door-ro False" rds describe-db-proxy-endpoints --db-proxy-name door \
        --query "DBProxyEndpoints[].[DBProxyEndpointName,IsDefault]"
'
it 'rds changes a proxy, its pool, its target and its endpoints' '
    is 85 rds modify-db-proxy-target-group --db-proxy-name door --target-group-name default \
        --connection-pool-config MaxConnectionsPercent=85,MaxIdleConnectionsPercent=40 \
        --query DBProxyTargetGroup.ConnectionPoolConfig.MaxConnectionsPercent
    is modifying rds modify-db-proxy --db-proxy-name door --idle-client-timeout 900 --query DBProxy.Status
    fails InvalidDBProxyStateFault rds deregister-db-proxy-targets --db-proxy-name door --db-instance-identifiers books
    advance 1m
    a rds deregister-db-proxy-targets --db-proxy-name door --db-instance-identifiers books
    fails DBProxyTargetNotFoundFault rds deregister-db-proxy-targets --db-proxy-name door \
        --db-instance-identifiers books
    is REGISTERING rds register-db-proxy-targets --db-proxy-name door --db-instance-identifiers books \
        --query "DBProxyTargets[].TargetHealth.State"
    fails DBProxyTargetAlreadyRegisteredFault rds register-db-proxy-targets --db-proxy-name door \
        --db-instance-identifiers books
    advance 2m
    is AVAILABLE rds describe-db-proxy-targets --db-proxy-name door --query "Targets[].TargetHealth.State"
    is creating rds create-db-proxy-endpoint --db-proxy-name door --db-proxy-endpoint-name door-rw \
        --vpc-subnet-ids subnet-1 subnet-2 --query DBProxyEndpoint.Status
    fails DBProxyEndpointAlreadyExistsFault rds create-db-proxy-endpoint --db-proxy-name door \
        --db-proxy-endpoint-name door-rw --vpc-subnet-ids subnet-1 subnet-2
    advance 4m
    is deleting rds delete-db-proxy-endpoint --db-proxy-endpoint-name door-rw --query DBProxyEndpoint.Status
    advance 3m
    fails DBProxyEndpointNotFoundFault rds delete-db-proxy-endpoint --db-proxy-endpoint-name door-rw
'
it 'rds deletes a proxy with its endpoints and makes it again' '
    is deleting rds delete-db-proxy --db-proxy-name door --query DBProxy.Status
    fails InvalidDBProxyStateFault rds delete-db-proxy --db-proxy-name door
    fails DBProxyAlreadyExistsFault rds create-db-proxy --db-proxy-name door --engine-family POSTGRESQL \
        --role-arn $role --vpc-subnet-ids subnet-1 subnet-2 --auth AuthScheme=SECRETS,SecretArn=$secret
    advance 21m
    fails DBProxyNotFoundFault rds describe-db-proxies --db-proxy-name door
    is creating rds create-db-proxy --db-proxy-name door --engine-family POSTGRESQL --role-arn $role --require-tls \
        --vpc-subnet-ids subnet-1 subnet-2 --auth AuthScheme=SECRETS,SecretArn=$secret,IAMAuth=DISABLED --query DBProxy.Status
    is default rds describe-db-proxy-endpoints --query "DBProxyEndpoints[].DBProxyEndpointName"
    fails InvalidDBProxyStateFault rds register-db-proxy-targets --db-proxy-name door --db-instance-identifiers books
    advance 25m
    is "available $secret" rds describe-db-proxies --query "DBProxies[].[Status,Auth[0].SecretArn]"
'
it 'rds creates, describes, switches and deletes a blue/green deployment' '
    is PROVISIONING rds create-blue-green-deployment --blue-green-deployment-name up --source $arn:db:books \
        --target-engine-version 15.7 --target-db-parameter-group-name pg-15 --tags Key=t,Value=1 \
        --query BlueGreenDeployment.Status
    advance 38m
    is "up AVAILABLE AVAILABLE COMPLETED 1" rds describe-blue-green-deployments --filters \
        Name=blue-green-deployment-name,Values=up --query "BlueGreenDeployments[].[BlueGreenDeploymentName,Status,
        SwitchoverDetails[0].Status,Tasks[0].Status,TagList[0].Value]"
    id=$(a rds describe-blue-green-deployments --query "BlueGreenDeployments[].BlueGreenDeploymentIdentifier")
    is SWITCHOVER_IN_PROGRESS rds switchover-blue-green-deployment --blue-green-deployment-identifier $id \
        --switchover-timeout 120 --query BlueGreenDeployment.Status
    fails InvalidBlueGreenDeploymentStateFault rds delete-blue-green-deployment --blue-green-deployment-identifier $id
    advance 2m
    is "books 15.7 books-old1 13.15" rds describe-db-instances --filters Name=engine,Values=postgres \
        --query "DBInstances[].[DBInstanceIdentifier,EngineVersion]"
    is DELETING rds delete-blue-green-deployment --blue-green-deployment-identifier $id \
        --query BlueGreenDeployment.Status
    advance 12m
    fails BlueGreenDeploymentNotFoundFault rds describe-blue-green-deployments --blue-green-deployment-identifier $id
'
it 'lambda configuration is changed with its revision, one change at a time' '
    revision=$(a lambda get-function-configuration --function-name api --query RevisionId)
    fails PreconditionFailedException lambda update-function-configuration --function-name api --revision-id other \
        --description x
    is "InProgress 1" lambda update-function-configuration --function-name api --revision-id $revision \
        --environment "Variables={URL=postgresql://u:p@books-old1.czone.ca-central-1.rds.amazonaws.com/x,AB=1}" \
        --query "[LastUpdateStatus,Environment.Variables.AB]"
    fails ResourceConflictException lambda update-function-configuration --function-name api --description x
    fails ResourceConflictException lambda publish-version --function-name api
    advance 4s
    is "Successful Active" lambda get-function-configuration --function-name api --query "[LastUpdateStatus,State]"
    is "Active 2" lambda get-function-configuration --function-name api --qualifier live --query "[State,Version]"
'
it 'lambda publishes a version only when something has changed, and an alias follows' '
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
it 'a function fails when the database of its URL does not answer' '
    is "200 3" lambda invoke --function-name api --qualifier live out.json \
        --query "[StatusCode,ExecutedVersion]"
    grep -qx "{\"ok\":true}" out.json
    a rds delete-db-instance --db-instance-identifier books-old1 --skip-final-snapshot
    is "Unhandled" lambda invoke --function-name api --qualifier live out.json --query FunctionError
    grep -q "could not connect to books-old1" out.json
'
it 'nothing was done twice, though much was refused' '
    sim_get /_sim/verdict | grep -q "\"twice\":\[\]"
'
finish
