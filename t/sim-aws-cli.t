#!/bin/sh
# sim-aws-cli.t: the real `aws` program works against the simulator, with each operation of RDS and STS; what the
# simulator says in the same way to everybody is asked by curl, which is cheaper.
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
    sick: { engine: postgres, version: "12.19", class: db.t4g.small }
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
    sick: [{ action: system-update, description: New OS }]
lambda: { functions: { api: {} } }
faults:
  - { do: upgrade_fails, match: { target: sick }, reason: "Your installation has reg* columns" }
EOF
} >world.yaml

role=arn:aws:iam::239043911459:role/door
secret=arn:aws:secretsmanager:ca-central-1:239043911459:secret:new

for program in $(aws_programs); do
with_aws "$program"

# The clock all but stands still: what happens when is up to `advance`, however slow the machine is.
it "$of: the world starts" 'stop_sim; : >log; start_sim world.yaml --speed 0.01 --log log'

it "$of: sts says who calls, and gives keys for a role, for a web identity and for a session" '
    role_arn=arn:aws:iam::239043911459:role/deployer
    is "239043911459 arn:aws:iam::239043911459:user/operator" sts get-caller-identity --query "[Account,Arn]"
    is "arn:aws:sts::239043911459:assumed-role/deployer/s1" sts assume-role --role-arn "$role_arn" \
        --role-session-name s1 --query AssumedRoleUser.Arn
    is "arn:aws:sts::239043911459:assumed-role/deployer/s2" --no-sign-request sts assume-role-with-web-identity \
        --role-arn "$role_arn" --role-session-name s2 --web-identity-token who-i-am --query AssumedRoleUser.Arn
    test "$(a sts get-session-token --query Credentials.SessionToken)" != None
'
it "$of: a wrong secret, an unknown key, an expired token, no signature and another region are the errors of AWS" '
    (AWS_SECRET_ACCESS_KEY=wrong; fails SignatureDoesNotMatch sts get-caller-identity)
    (AWS_SECRET_ACCESS_KEY=wrong; fails InvalidSignatureException lambda get-alias --function-name api --name live)
    (AWS_ACCESS_KEY_ID=AKIANOBODY; fails InvalidClientTokenId rds describe-db-instances)
    (AWS_ACCESS_KEY_ID=AKIANOBODY; fails UnrecognizedClientException lambda list-functions)
    fails SignatureDoesNotMatch --region us-east-1 rds describe-db-instances
    fails MissingAuthenticationToken --no-sign-request sts get-caller-identity
    export AWS_SESSION_TOKEN=session AWS_ACCESS_KEY_ID=AKIACAIRNEXPIRED0001 AWS_SECRET_ACCESS_KEY=gone
    fails ExpiredToken sts get-caller-identity
    fails ExpiredTokenException lambda list-functions
'
it "$of: rds describes instances: all, one, by filter, in pages" '
    is "books shop-0 shop-1 sick small" rds describe-db-instances --query "DBInstances[].DBInstanceIdentifier"
    is "books 13.15 available in-sync 5432" rds describe-db-instances --filters Name=db-instance-id,Values=books \
        Name=engine,Values=postgres --query \
        "DBInstances[].[DBInstanceIdentifier,EngineVersion,DBInstanceStatus,DBParameterGroups[0].ParameterApplyStatus,
         Endpoint.Port]"
    id=$(rds DescribeDBInstances DBInstanceIdentifier=books | text DbiResourceId)
    rds DescribeDBInstances Filters.Filter.1.Name=dbi-resource-id Filters.Filter.1.Values.Value.1="$id" >one.xml
    test "$(text DBInstanceIdentifier <one.xml)" = books
    rds DescribeDBInstances Filters.Filter.1.Name=db-cluster-id Filters.Filter.1.Values.Value.1=shop >two.xml
    test "$(text DBInstanceIdentifier <two.xml | tr "\n" " ")" = "shop-0 shop-1 "
    fails DBInstanceNotFound rds describe-db-instances --db-instance-identifier nobody
    test "$(a rds describe-db-engine-versions --page-size 20 --query "DBEngineVersions[].EngineVersion" | wc -w)" -gt 30
    refused InvalidParameterValue DescribeDBInstances MaxRecords=7
'
it "$of: rds modifies, reboots and snapshots an instance" '
    is db.t4g.small rds modify-db-instance --db-instance-identifier small --backup-retention-period 3 \
        --no-apply-immediately --db-instance-class db.t4g.small \
        --query DBInstance.PendingModifiedValues.DBInstanceClass
    rds ModifyDBInstance DBInstanceIdentifier=small ApplyImmediately=true
    advance 5s
    rds DescribeDBInstances DBInstanceIdentifier=small | text DBInstanceStatus | grep -qx modifying
    advance 1m
    rds DescribeDBInstances DBInstanceIdentifier=small >small.xml
    test "$(text DBInstanceStatus <small.xml) $(text DBInstanceClass <small.xml)" = "available db.t4g.small"
    is rebooting rds reboot-db-instance --db-instance-identifier small --query DBInstance.DBInstanceStatus
    advance 10s
    is creating rds create-db-snapshot --db-instance-identifier small --db-snapshot-identifier s1 \
        --tags Key=k,Value=v --query DBSnapshot.Status
    fails DBSnapshotAlreadyExists rds create-db-snapshot --db-instance-identifier small --db-snapshot-identifier s1
    advance 4m
    is "s1 available 100 v" rds describe-db-snapshots --db-snapshot-identifier s1 \
        --query "DBSnapshots[].[DBSnapshotIdentifier,Status,PercentProgress,TagList[0].Value]"
'
it "$of: rds restores out of a snapshot and to a point in time, and gives an instance a role and takes it" '
    is "creating None" rds restore-db-instance-from-db-snapshot --db-instance-identifier again --multi-az \
        --db-snapshot-identifier s1 --port 5433 --vpc-security-group-ids sg-1 sg-2 --storage-type io1 --iops 3000 \
        --enable-cloudwatch-logs-exports postgresql --tags Key=a,Value=b --no-auto-minor-version-upgrade \
        --query "DBInstance.[DBInstanceStatus,Endpoint]"
    is creating rds restore-db-instance-to-point-in-time --target-db-instance-identifier past \
        --use-latest-restorable-time --source-db-instance-identifier small --max-allocated-storage 500 \
        --query DBInstance.DBInstanceStatus
    advance 8m
    is "again 5433 True past 5432 False" rds describe-db-instances --filters Name=db-instance-id,Values=again,past \
        --query "DBInstances[].[DBInstanceIdentifier,Endpoint.Port,MultiAZ]"
    is active rds describe-db-instance-automated-backups --db-instance-identifier small \
        --query "DBInstanceAutomatedBackups[].Status"
    a rds add-role-to-db-instance --db-instance-identifier past --role-arn $role --feature-name s3Import
    rds DescribeDBInstances DBInstanceIdentifier=past | text FeatureName | grep -qx s3Import
    a rds remove-role-from-db-instance --db-instance-identifier past --role-arn $role --feature-name s3Import
    rds DescribeDBInstances DBInstanceIdentifier=past | text FeatureName >feature
    test ! -s feature
'
it "$of: rds deletes a snapshot, and an instance with a final one" '
    is deleted rds delete-db-snapshot --db-snapshot-identifier s1 --query DBSnapshot.Status
    fails DBSnapshotNotFound rds describe-db-snapshots --db-snapshot-identifier s1
    is deleting rds delete-db-instance --db-instance-identifier again --final-db-snapshot-identifier s2 \
        --query DBInstance.DBInstanceStatus
'
it "$of: rds upgrades an instance in place only with the flag and to a version that is offered" '
    fails InvalidParameterCombination rds modify-db-instance --db-instance-identifier books --engine-version 15.7
    refused InvalidParameterCombination ModifyDBInstance DBInstanceIdentifier=books EngineVersion=15.1 \
        AllowMajorVersionUpgrade=true
'
it "$of: an upgrade that changed nothing is told by the log of its pre-check" '
    is available rds modify-db-instance --db-instance-identifier sick --engine-version 16.3 \
        --allow-major-version-upgrade --apply-immediately --query DBInstance.DBInstanceStatus
    advance 1h
    rds DescribeDBInstances DBInstanceIdentifier=sick | text EngineVersion | grep -qx 12.19
    file=$(a rds describe-db-log-files --db-instance-identifier sick --filename-contains pg_upgrade \
        --query "DescribeDBLogFiles[0].LogFileName")
    a rds download-db-log-file-portion --db-instance-identifier sick --log-file-name "$file" --starting-token 0 >text
    grep -q "reg\* columns" text
'
it "$of: maintenance is asked for by its action, for its window or at once" '
    is "system-update next-maintenance" rds describe-pending-maintenance-actions --resource-identifier $arn:db:small \
        --query "PendingMaintenanceActions[].PendingMaintenanceActionDetails[].[Action,OptInStatus]"
    is next-maintenance rds apply-pending-maintenance-action --resource-identifier $arn:db:sick \
        --apply-action system-update --opt-in-type next-maintenance \
        --query "ResourcePendingMaintenanceActions.PendingMaintenanceActionDetails[].OptInStatus"
    refused ResourceNotFoundFault ApplyPendingMaintenanceAction ResourceIdentifier=$arn:db:sick ApplyAction=os-upgrade \
        OptInType=immediate
    rds ApplyPendingMaintenanceAction ResourceIdentifier=$arn:db:sick ApplyAction=system-update OptInType=immediate
    advance 1h
    rds DescribePendingMaintenanceActions ResourceIdentifier=$arn:db:sick | text Action >action
    test ! -s action
'
it "$of: rds describes, modifies and snapshots a cluster" '
    is "shop shop-0 True" rds describe-db-clusters --db-cluster-identifier shop --query \
        "DBClusters[].[DBClusterIdentifier,DBClusterMembers[0].DBInstanceIdentifier,DBClusterMembers[0].IsClusterWriter]"
    refused InvalidParameterCombination DeleteDBCluster DBClusterIdentifier=shop SkipFinalSnapshot=true
    is False rds modify-db-cluster --db-cluster-identifier shop --no-deletion-protection \
        --query DBCluster.DeletionProtection
    is creating rds create-db-cluster-snapshot --db-cluster-identifier shop --db-cluster-snapshot-identifier c1 \
        --query DBClusterSnapshot.Status
    advance 3m
    is "c1 available" rds describe-db-cluster-snapshots --db-cluster-identifier shop \
        --query "DBClusterSnapshots[].[DBClusterSnapshotIdentifier,Status]"
    a rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier c1
    refused DBClusterSnapshotNotFoundFault DescribeDBClusterSnapshots DBClusterSnapshotIdentifier=c1
    refused DBClusterNotFoundFault DescribeDBClusters DBClusterIdentifier=nobody
    for id in shop-0 shop-1; do rds DeleteDBInstance DBInstanceIdentifier=$id SkipFinalSnapshot=true; done
    is deleting rds delete-db-cluster --db-cluster-identifier shop --skip-final-snapshot --query DBCluster.Status
'
it "$of: rds makes, changes, lists and deletes parameter groups of both kinds" '
    is postgres16 rds create-db-parameter-group --db-parameter-group-name g16 --db-parameter-group-family postgres16 \
        --description text --query DBParameterGroup.DBParameterGroupFamily
    refused DBParameterGroupAlreadyExists CreateDBParameterGroup DBParameterGroupName=g16 \
        DBParameterGroupFamily=postgres16 Description=text
    a rds modify-db-parameter-group --db-parameter-group-name g16 --parameters \
        ParameterName=work_mem,ParameterValue=8192,ApplyMethod=immediate \
        ParameterName=max_connections,ParameterValue=77,ApplyMethod=pending-reboot
    is "max_connections 77 work_mem 8192" rds describe-db-parameters --db-parameter-group-name g16 --source user \
        --query "Parameters[].[ParameterName,ParameterValue]"
    refused InvalidParameterValue ModifyDBParameterGroup DBParameterGroupName=g16 \
        Parameters.Parameter.1.ParameterName=wrok_mem Parameters.Parameter.1.ParameterValue=1 \
        Parameters.Parameter.1.ApplyMethod=immediate
    is "g16 pg-13 pg-15" rds describe-db-parameter-groups --query "DBParameterGroups[].DBParameterGroupName"
    refused InvalidDBParameterGroupState DeleteDBParameterGroup DBParameterGroupName=pg-13
    a rds delete-db-parameter-group --db-parameter-group-name g16
    refused DBParameterGroupNotFound DescribeDBParameterGroups DBParameterGroupName=g16
    a rds create-db-cluster-parameter-group --db-cluster-parameter-group-name c15 \
        --db-parameter-group-family aurora-postgresql15 --description text
    a rds modify-db-cluster-parameter-group --db-cluster-parameter-group-name c15 --parameters \
        ParameterName=rds.logical_replication,ParameterValue=1,ApplyMethod=pending-reboot
    is "rds.logical_replication pending-reboot static" rds describe-db-cluster-parameters --source user \
        --db-cluster-parameter-group-name c15 --query "Parameters[].[ParameterName,ApplyMethod,ApplyType]"
    is c15 rds describe-db-cluster-parameter-groups --query "DBClusterParameterGroups[].DBClusterParameterGroupName"
    a rds delete-db-cluster-parameter-group --db-cluster-parameter-group-name c15
'
it "$of: rds tells versions, targets, classes and events" '
    is "postgres13 14.12 True" rds describe-db-engine-versions --engine postgres --engine-version 13.15 --query \
        "DBEngineVersions[].[DBParameterGroupFamily,ValidUpgradeTarget[0].EngineVersion,
         ValidUpgradeTarget[0].IsMajorVersionUpgrade]"
    is "db.m6g.large" rds describe-orderable-db-instance-options --engine postgres --engine-version 15.7 \
        --db-instance-class db.m6g.large --query "OrderableDBInstanceOptions[].DBInstanceClass"
    rds DescribeOrderableDBInstanceOptions Engine=postgres EngineVersion=15.7 DBInstanceClass=db.r4.large >none.xml
    test -z "$(text DBInstanceClass <none.xml)"
    is "DB instance restarted" rds describe-events --source-type db-instance --source-identifier small --duration 300 \
        --event-categories availability --query "Events[].Message"
    rds DescribeEvents SourceType=db-instance SourceIdentifier=books StartTime=2024-02-13T14:00:00Z >none.xml
    test -z "$(text Message <none.xml)"
'
it "$of: rds tags what has an ARN" '
    a rds add-tags-to-resource --resource-name $arn:db:books --tags Key=a,Value="b c" Key=d,Value=e
    is "a b c d e" rds list-tags-for-resource --resource-name $arn:db:books --query "TagList[].[Key,Value]"
    a rds remove-tags-from-resource --resource-name $arn:db:books --tag-keys a
    test "$(rds ListTagsForResource ResourceName=$arn:db:books | text Key)" = d
    endpoint=$(rds DescribeDBProxyEndpoints DBProxyEndpointName=door-ro | text DBProxyEndpointArn)
    test "$(rds ListTagsForResource ResourceName="$endpoint" | text Value)" = b
    refused DBInstanceNotFound ListTagsForResource ResourceName=$arn:db:nobody
'
it "$of: rds describes a proxy, its pool, its targets and endpoints" '
    is "door available True 1800" rds describe-db-proxies \
        --query "DBProxies[].[DBProxyName,Status,RequireTLS,IdleClientTimeout]"
    is "RDS_INSTANCE books AVAILABLE" rds describe-db-proxy-targets --db-proxy-name door \
        --query "Targets[].[Type,RdsResourceId,TargetHealth.State]"
    is "default 100" rds describe-db-proxy-target-groups --db-proxy-name door \
        --query "TargetGroups[].[TargetGroupName,ConnectionPoolConfig.MaxConnectionsPercent]"
    is "default True door-ro False" rds describe-db-proxy-endpoints --db-proxy-name door \
        --query "DBProxyEndpoints[].[DBProxyEndpointName,IsDefault]"
'
it "$of: rds changes a proxy, its pool, its target and its endpoints" '
    is 85 rds modify-db-proxy-target-group --db-proxy-name door --target-group-name default \
        --connection-pool-config MaxConnectionsPercent=85,MaxIdleConnectionsPercent=40 \
        --query DBProxyTargetGroup.ConnectionPoolConfig.MaxConnectionsPercent
    is modifying rds modify-db-proxy --db-proxy-name door --idle-client-timeout 900 --query DBProxy.Status
    books="DBProxyName=door DBInstanceIdentifiers.member.1=books"
    refused InvalidDBProxyStateFault DeregisterDBProxyTargets $books
    advance 1m
    a rds deregister-db-proxy-targets --db-proxy-name door --db-instance-identifiers books
    refused DBProxyTargetNotFoundFault DeregisterDBProxyTargets $books
    is REGISTERING rds register-db-proxy-targets --db-proxy-name door --db-instance-identifiers books \
        --query "DBProxyTargets[].TargetHealth.State"
    refused DBProxyTargetAlreadyRegisteredFault RegisterDBProxyTargets $books
    advance 2m
    rds DescribeDBProxyTargets DBProxyName=door | text State | grep -qx AVAILABLE
    is creating rds create-db-proxy-endpoint --db-proxy-name door --db-proxy-endpoint-name door-rw \
        --vpc-subnet-ids subnet-1 subnet-2 --query DBProxyEndpoint.Status
    refused DBProxyEndpointAlreadyExistsFault CreateDBProxyEndpoint DBProxyName=door DBProxyEndpointName=door-rw \
        VpcSubnetIds.member.1=subnet-1 VpcSubnetIds.member.2=subnet-2
    advance 4m
    is deleting rds delete-db-proxy-endpoint --db-proxy-endpoint-name door-rw --query DBProxyEndpoint.Status
    advance 3m
    refused DBProxyEndpointNotFoundFault DeleteDBProxyEndpoint DBProxyEndpointName=door-rw
'
it "$of: rds deletes a proxy with its endpoints and makes it again" '
    is deleting rds delete-db-proxy --db-proxy-name door --query DBProxy.Status
    refused InvalidDBProxyStateFault DeleteDBProxy DBProxyName=door
    fails DBProxyAlreadyExistsFault rds create-db-proxy --db-proxy-name door --engine-family POSTGRESQL \
        --role-arn $role --vpc-subnet-ids subnet-1 subnet-2 --auth AuthScheme=SECRETS,SecretArn=$secret
    advance 21m
    refused DBProxyNotFoundFault DescribeDBProxies DBProxyName=door
    is "creating $secret" rds create-db-proxy --db-proxy-name door --engine-family POSTGRESQL --role-arn $role \
        --require-tls --vpc-subnet-ids subnet-1 subnet-2 --auth AuthScheme=SECRETS,SecretArn=$secret,IAMAuth=DISABLED \
        --query "DBProxy.[Status,Auth[0].SecretArn]"
    test "$(rds DescribeDBProxyEndpoints | text DBProxyEndpointName)" = default
    refused InvalidDBProxyStateFault RegisterDBProxyTargets DBProxyName=door DBInstanceIdentifiers.member.1=books
    advance 25m
    rds DescribeDBProxies | text Status | grep -qx available
'
it "$of: rds creates, describes, switches and deletes a blue/green deployment" '
    is PROVISIONING rds create-blue-green-deployment --blue-green-deployment-name up --source $arn:db:books \
        --target-engine-version 15.7 --target-db-parameter-group-name pg-15 --tags Key=t,Value=1 \
        --query BlueGreenDeployment.Status
    advance 38m
    is "up AVAILABLE AVAILABLE COMPLETED 1" rds describe-blue-green-deployments --filters \
        Name=blue-green-deployment-name,Values=up --query "BlueGreenDeployments[].[BlueGreenDeploymentName,Status,
        SwitchoverDetails[0].Status,Tasks[0].Status,TagList[0].Value]"
    id=$(rds DescribeBlueGreenDeployments | text BlueGreenDeploymentIdentifier)
    is SWITCHOVER_IN_PROGRESS rds switchover-blue-green-deployment --blue-green-deployment-identifier $id \
        --switchover-timeout 120 --query BlueGreenDeployment.Status
    refused InvalidBlueGreenDeploymentStateFault DeleteBlueGreenDeployment BlueGreenDeploymentIdentifier=$id
    advance 2m
    is "books 15.7 books-old1 13.15" rds describe-db-instances --filters Name=db-instance-id,Values=books,books-old1 \
        --query "DBInstances[].[DBInstanceIdentifier,EngineVersion]"
    is DELETING rds delete-blue-green-deployment --blue-green-deployment-identifier $id \
        --query BlueGreenDeployment.Status
    advance 12m
    refused BlueGreenDeploymentNotFoundFault DescribeBlueGreenDeployments BlueGreenDeploymentIdentifier=$id
'
it "$of: nothing was done twice, though much was refused" '
    sim_get /_sim/verdict | grep -q "\"twice\":\[\]"
'
it "$of: every operation of rds and of sts that the simulator serves was called by this program, and answered" '
    for service in rds sts; do untried "$service" "$of"; done >missing
    diff /dev/null missing
'
done
finish
