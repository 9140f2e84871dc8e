#!/bin/sh
# sim-blue-green.t: the simulated RDS goes through a blue/green upgrade by the states, refusals and names of the real one.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'EOF'
rds:
  zone: czone
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
    books: { engine: postgres, version: "13.15", class: db.m6g.large, parameter_group: pg-13, deletion_protection: true }
    books-copy: { engine: postgres, version: "13.15", class: db.m6g.large, parameter_group: pg-13, replica_of: books }
    plain: { engine: postgres, version: "13.15", class: db.m6g.large, backup_retention: 0 }
    managed: { engine: postgres, version: "13.15", class: db.m6g.large, managed_secret: true, parameter_group: pg-13 }
  proxies:
    door:
      cluster: shop
      role_arn: arn:aws:iam::239043911459:role/door
      subnets: [subnet-1, subnet-2]
      auth: [{ secret_arn: "arn:aws:secretsmanager:ca-central-1:239043911459:secret:a" }]
EOF
} >world.yaml

arn=arn:aws:rds:ca-central-1:239043911459
static='Parameters.Parameter.1.ParameterName=rds.logical_replication Parameters.Parameter.1.ParameterValue=1'

cluster() { # NAME TAG
    rds DescribeDBClusters DBClusterIdentifier="$1" | text "$2"
}
instance() { # NAME TAG
    rds DescribeDBInstances DBInstanceIdentifier="$1" | text "$2"
}
deployment() { # NAME TAG
    rds DescribeBlueGreenDeployments Filters.Filter.1.Name=blue-green-deployment-name \
        Filters.Filter.1.Values.Value.1="$1" |
        sed 's/<Tasks>.*<.Tasks>//; s/<SwitchoverDetails>.*<.SwitchoverDetails>//' | text "$2"
}
id_of() { # NAME
    deployment "$1" BlueGreenDeploymentIdentifier
}
create() { # NAME SOURCE [ARGUMENT...]
    bg=$1 source=$2
    shift 2
    rds CreateBlueGreenDeployment BlueGreenDeploymentName="$bg" Source="$arn:$source" TargetEngineVersion=15.5 "$@"
}

it 'the world starts' 'start_sim world.yaml'

it 'a deployment is refused while logical replication is not in force' '
    refused SourceClusterNotSupportedFault CreateBlueGreenDeployment BlueGreenDeploymentName=up Source=$arn:cluster:shop \
        TargetEngineVersion=15.5
'
it 'a static parameter waits for a restart, and a deployment for it too' '
    refused InvalidParameterCombination ModifyDBClusterParameterGroup DBClusterParameterGroupName=cl-11 $static \
        Parameters.Parameter.1.ApplyMethod=immediate
    rds ModifyDBClusterParameterGroup DBClusterParameterGroupName=cl-11 $static \
        Parameters.Parameter.1.ApplyMethod=pending-reboot
    cluster shop DBClusterParameterGroupStatus | grep -qx applying
    advance 20s
    test "$(cluster shop DBClusterParameterGroupStatus | sort -u)" = pending-reboot
    refused InvalidDBClusterStateFault CreateBlueGreenDeployment BlueGreenDeploymentName=up Source=$arn:cluster:shop \
        TargetEngineVersion=15.5
'
it 'a restart brings it into force and can not be asked for twice at once' '
    rds RebootDBInstance DBInstanceIdentifier=shop-0
    test "$(instance shop-0 DBInstanceStatus)" = rebooting
    refused InvalidDBInstanceState RebootDBInstance DBInstanceIdentifier=shop-0
    advance 10s
    test "$(instance shop-0 DBInstanceStatus)" = available
    test "$(cluster shop DBClusterParameterGroupStatus | head -n 1)" = in-sync
    rds DescribeEvents SourceType=db-instance SourceIdentifier=shop-0 | text Message | grep -qx "DB instance restarted"
    test "$(sim_get /_sim/downtime)" = "{\"shop\":10000}"
'
it 'a proxy in front of the database prevents a deployment' '
    refused SourceClusterNotSupportedFault CreateBlueGreenDeployment BlueGreenDeploymentName=up Source=$arn:cluster:shop \
        TargetEngineVersion=15.5
    grep -q Proxy refused.xml
    rds DeregisterDBProxyTargets DBProxyName=door DBClusterIdentifiers.member.1=shop
    refused DBProxyTargetNotFoundFault DeregisterDBProxyTargets DBProxyName=door DBClusterIdentifiers.member.1=shop
'
it 'a deployment is refused for a target, a group or a name that does not fit' '
    refused InvalidParameterCombination CreateBlueGreenDeployment BlueGreenDeploymentName=up Source=$arn:cluster:shop \
        TargetEngineVersion=15.9
    refused InvalidParameterCombination CreateBlueGreenDeployment BlueGreenDeploymentName=up Source=$arn:cluster:shop \
        TargetEngineVersion=15.5 TargetDBParameterGroupName=in-11
    refused DBClusterParameterGroupNotFound CreateBlueGreenDeployment BlueGreenDeploymentName=up \
        Source=$arn:cluster:shop TargetEngineVersion=15.5 TargetDBClusterParameterGroupName=nothing
    refused InvalidParameterCombination CreateBlueGreenDeployment BlueGreenDeploymentName=up Source=$arn:cluster:shop \
        TargetEngineVersion=15.5 TargetDBInstanceClass=db.r6g.xlarge
    refused InvalidParameterValue CreateBlueGreenDeployment BlueGreenDeploymentName=up- Source=$arn:cluster:shop
    refused DBClusterNotFoundFault CreateBlueGreenDeployment BlueGreenDeploymentName=up Source=$arn:cluster:gone
    refused SourceDatabaseNotSupportedFault CreateBlueGreenDeployment BlueGreenDeploymentName=up Source=$arn:db:plain
    refused SourceDatabaseNotSupportedFault CreateBlueGreenDeployment BlueGreenDeploymentName=up Source=$arn:db:managed
    sim_get /_sim/verdict | grep -q "{\"changes\":3,"
'
it 'a group left out leads to INVALID_CONFIGURATION, and that deployment can be deleted with its green side' '
    create bad cluster:shop
    advance 38m
    test "$(deployment bad Status)" = INVALID_CONFIGURATION
    deployment bad StatusDetails | grep -q rds.logical_replication
    refused InvalidBlueGreenDeploymentStateFault SwitchoverBlueGreenDeployment \
        BlueGreenDeploymentIdentifier=$(id_of bad)
    rds DeleteBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of bad) DeleteTarget=true
    test "$(deployment bad Status)" = DELETING
    advance 12m
    test -z "$(id_of bad)"
    test "$(rds DescribeDBClusters | text DBClusterIdentifier)" = shop
'
it 'a deployment takes its time and its tasks one after the other' '
    create up cluster:shop TargetDBClusterParameterGroupName=cl-15 TargetDBParameterGroupName=in-15 \
        Tags.Tag.1.Key=by Tags.Tag.1.Value=cairn >created
    must_fail any grep -q "<Target>" created
    refused BlueGreenDeploymentAlreadyExistsFault CreateBlueGreenDeployment BlueGreenDeploymentName=up \
        Source=$arn:cluster:shop TargetEngineVersion=15.5
    refused InvalidDBClusterStateFault CreateBlueGreenDeployment BlueGreenDeploymentName=up2 Source=$arn:cluster:shop
    refused InvalidBlueGreenDeploymentStateFault SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up)
    advance 20m
    rds DescribeBlueGreenDeployments >half
    grep -q "<Name>DB_ENGINE_VERSION_UPGRADE</Name><Status>IN_PROGRESS" half
    grep -q "<Name>CREATING_READ_REPLICA_OF_SOURCE</Name><Status>COMPLETED" half
    test "$(deployment up Status)" = PROVISIONING
    advance 18m
    test "$(deployment up Status)" = AVAILABLE
    test "$(rds DescribeBlueGreenDeployments | text Status | sort -u | tr "\n" " ")" = "AVAILABLE COMPLETED "
    green=$(deployment up Target | sed "s/.*://")
    test "$(cluster $green EngineVersion)" = 15.5
    test "$(cluster $green DBClusterParameterGroup)" = cl-15
    test "$(cluster $green DBClusterParameterGroupStatus | sort -u)" = in-sync
    cluster $green Key | tr "\n" " " | grep -qx "by team "
'
it 'nothing of a deployment can be deleted before the switchover' '
    rds ModifyDBCluster DBClusterIdentifier=shop DeletionProtection=false
    refused InvalidDBInstanceState DeleteDBInstance DBInstanceIdentifier=shop-1 SkipFinalSnapshot=true
    refused InvalidDBClusterStateFault DeleteDBCluster DBClusterIdentifier=shop SkipFinalSnapshot=true
    rds ModifyDBCluster DBClusterIdentifier=shop DeletionProtection=true
'
it 'a switchover stops writes for a while, then exchanges names and endpoints' '
    cluster shop DbClusterResourceId >before
    instance shop-0 DbiResourceId >before0
    refused InvalidParameterValue SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up) \
        SwitchoverTimeout=10
    rds SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up) SwitchoverTimeout=300
    refused InvalidBlueGreenDeploymentStateFault SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up)
    advance 40s
    test "$(cluster shop DbClusterResourceId)" = "$(cat before)"
    advance 80s
    test "$(deployment up Status)" = SWITCHOVER_COMPLETED
    test "$(cluster shop DbClusterResourceId)" != "$(cat before)"
    test "$(cluster shop-old1 DbClusterResourceId)" = "$(cat before)"
    test "$(instance shop-0-old1 DbiResourceId)" = "$(cat before0)"
    test "$(cluster shop EngineVersion)" = 15.5
    test "$(cluster shop Endpoint)" = shop.cluster-czone.ca-central-1.rds.amazonaws.com
    test "$(sim_get /_sim/downtime)" = "{\"shop\":24000}"
    rds DescribeEvents SourceType=blue-green-deployment Duration=600 | text Message |
        grep -qx "Switchover completed on blue/green deployment."
    refused InvalidBlueGreenDeploymentStateFault SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up)
'
it 'deleting the deployment keeps the old database' '
    refused InvalidParameterCombination DeleteBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up) \
        DeleteTarget=true
    id=$(id_of up)
    rds DeleteBlueGreenDeployment BlueGreenDeploymentIdentifier=$id
    refused InvalidBlueGreenDeploymentStateFault DeleteBlueGreenDeployment BlueGreenDeploymentIdentifier=$id
    advance 12m
    refused BlueGreenDeploymentNotFoundFault DescribeBlueGreenDeployments BlueGreenDeploymentIdentifier=$id
    test "$(cluster shop-old1 Status)" = available
'
it 'a cluster goes only unprotected, after its instances, and with a final snapshot' '
    refused InvalidParameterCombination DeleteDBCluster DBClusterIdentifier=shop-old1 SkipFinalSnapshot=true
    rds ModifyDBCluster DBClusterIdentifier=shop-old1 DeletionProtection=false
    refused InvalidParameterCombination DeleteDBCluster DBClusterIdentifier=shop-old1
    refused InvalidDBClusterStateFault DeleteDBCluster DBClusterIdentifier=shop-old1 FinalDBSnapshotIdentifier=last
    refused InvalidParameterCombination DeleteDBInstance DBInstanceIdentifier=shop-0-old1 FinalDBSnapshotIdentifier=last
    for n in 0 1; do rds DeleteDBInstance DBInstanceIdentifier=shop-$n-old1 SkipFinalSnapshot=true; done
    refused InvalidDBInstanceState DeleteDBInstance DBInstanceIdentifier=shop-0-old1 SkipFinalSnapshot=true
    rds DeleteDBCluster DBClusterIdentifier=shop-old1 FinalDBSnapshotIdentifier=last
    refused InvalidDBClusterStateFault DeleteDBCluster DBClusterIdentifier=shop-old1 FinalDBSnapshotIdentifier=last2
    advance 15m
    refused DBClusterNotFoundFault DescribeDBClusters DBClusterIdentifier=shop-old1
    rds DescribeDBClusterSnapshots DBClusterSnapshotIdentifier=last >last
    test "$(text Status <last)" = available
    test "$(text DbClusterResourceId <last)" = "$(cat before)"
'
it 'an instance is upgraded with its replica, and the replica follows the new one' '
    create up2 db:books TargetEngineVersion=15.7 TargetDBParameterGroupName=pg-15
    advance 38m
    test "$(deployment up2 Status)" = AVAILABLE
    rds SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up2)
    advance 2m
    test "$(instance books EngineVersion)" = 15.7
    test "$(instance books ReadReplicaDBInstanceIdentifier)" = books-copy
    test "$(instance books-old1 ReadReplicaDBInstanceIdentifier)" = books-copy-old1
    test "$(instance books DBParameterGroupName)" = pg-15
'
it 'an instance of its own is deleted with a final snapshot of its resource id' '
    rds ModifyDBInstance DBInstanceIdentifier=books-old1 DeletionProtection=false
    refused InvalidParameterCombination DeleteDBInstance DBInstanceIdentifier=books-old1
    refused InvalidParameterCombination DeleteDBInstance DBInstanceIdentifier=books-old1 SkipFinalSnapshot=true \
        FinalDBSnapshotIdentifier=f1
    instance books-old1 DbiResourceId >books0
    rds DeleteDBInstance DBInstanceIdentifier=books-old1 FinalDBSnapshotIdentifier=f1
    advance 15m
    refused DBInstanceNotFound DescribeDBInstances DBInstanceIdentifier=books-old1
    test "$(rds DescribeDBSnapshots DbiResourceId=$(cat books0) | text DBSnapshotIdentifier)" = f1
'
it 'every change is in the ledger once' '
    sim_get /_sim/verdict | grep -q "\"twice\":\[\]"
    test "$(sim_get /_sim/ledger | grep -o "\"action\":\"Switchover" | wc -l)" = 2
    stop_sim
'

it 'a switchover whose stop of writes is longer than the timeout is taken back, and can be repeated' '
    sed "/^rds:/i durations: { writes_down: 40s, create_blue_green: 1m }" world.yaml >slow.yaml
    start_sim slow.yaml
    create up3 db:books TargetEngineVersion=15.7 TargetDBParameterGroupName=pg-15
    advance 1m
    rds SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up3) SwitchoverTimeout=30
    advance 2m
    test "$(deployment up3 Status)" = SWITCHOVER_FAILED
    test "$(instance books EngineVersion)" = 13.15
    test "$(sim_get /_sim/downtime)" = "{\"books\":30000}"
    rds SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up3) SwitchoverTimeout=60
    advance 2m
    test "$(instance books EngineVersion)" = 15.7
    stop_sim
'
it 'with a proxy kept, the switchover takes its target along' '
    sed "s/^  zone: czone/&\n  blue_green_with_proxy: kept/; s/rds.force_ssl: 1/rds.logical_replication: 1/" \
        world.yaml >kept.yaml
    start_sim kept.yaml
    create up4 cluster:shop TargetDBClusterParameterGroupName=cl-15 TargetDBParameterGroupName=in-15
    advance 38m
    rds SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(id_of up4)
    advance 2m
    test "$(rds DescribeDBProxyTargets DBProxyName=door | text RdsResourceId | tr "\n" " ")" = "shop shop-0 shop-1 "
    test "$(cluster shop EngineVersion)" = 15.5
'
finish
