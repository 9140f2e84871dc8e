#!/bin/sh
# blue-green-seen.t: what the real `aws` and `kubectl` programs see after the upgrade of examples/gc-notify.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"

aws --version >/dev/null 2>&1 || skip_all 'there is no aws program (package awscli)'
command -v kubectl >/dev/null 2>&1 || skip_all 'there is no kubectl (package kubernetes-client)'

name=notification-canada-ca-staging
AWS_PAGER='' AWS_MAX_ATTEMPTS=1
export AWS_PAGER AWS_MAX_ATTEMPTS

# The one in PATH, and Debian's, which may be another: older ones take no address from the environment.
programs() {
    for program in "$(command -v aws)" /usr/bin/aws; do
        [ ! -x "$program" ] || readlink -f "$program"
    done | sort -u
}

a() { # SERVICE OPERATION [ARGUMENT...]
    timeout 120 "$aws" --endpoint-url "$AWS_ENDPOINT_URL" --output text "$@" | tr -s '[:space:]' ' ' | sed 's/ $//'
}

is() { # WANTED SERVICE OPERATION [ARGUMENT...]: what each of the programs says
    wanted=$1
    shift
    for aws in $(programs); do
        got=$(a "$@")
        [ "$got" = "$wanted" ] || { echo "wanted \"$wanted\", got \"$got\": $aws $*" >&2; return 1; }
    done
}

keys() { # FILE: the two keys of the secret, as kubectl shows them
    timeout 60 kubectl -n notification-canada-ca get secret notify-api-database -o json >"$1"
    look "$1" data POSTGRES_SQL | base64 -d | grep -q "^postgresql://.*@$name-proxy\.proxy-"
    look "$1" data SQLALCHEMY_DATABASE_READER_URI | base64 -d | grep -q "^postgresql://.*@$name-proxy-read-only\.endpoint\."
    look "$1" data >"$1.data"
}

use_world gc-notify

# No `aws` before it: while that starts, hours go by in the world, and the backup window comes.
it 'the upgrade goes through' '
    keys before.json
    answered run_flow
'
it 'aws sees one cluster, upgraded, under its old name, protected from deletion, with its members' '
    is "$name-cluster 15.5 available True 3" rds describe-db-clusters --query \
        "DBClusters[].[DBClusterIdentifier,EngineVersion,Status,DeletionProtection,length(DBClusterMembers)]"
    is "$name-instance-0 15.5 $name-instance-1 15.5 $name-instance-2 15.5" rds describe-db-instances \
        --query "DBInstances[].[DBInstanceIdentifier,EngineVersion]"
    is "" rds describe-blue-green-deployments --query "BlueGreenDeployments[].BlueGreenDeploymentIdentifier"
'
it 'aws sees the proxy available, with both endpoints and the cluster as its available target' '
    is "$name-proxy available True" rds describe-db-proxies \
        --query "DBProxies[].[DBProxyName,Status,RequireTLS]"
    is "$name-proxy-read-only READ_ONLY available $name-proxy-read-write READ_WRITE available" \
        rds describe-db-proxy-endpoints --db-proxy-name $name-proxy \
        --query "sort_by(DBProxyEndpoints[?!IsDefault],&DBProxyEndpointName)[].[DBProxyEndpointName,TargetRole,Status]"
    is "$name-cluster" rds describe-db-proxy-targets --db-proxy-name $name-proxy \
        --query "Targets[?Type==\`TRACKED_CLUSTER\`].RdsResourceId"
    is "AVAILABLE AVAILABLE AVAILABLE" rds describe-db-proxy-targets --db-proxy-name $name-proxy \
        --query "Targets[?Type==\`RDS_INSTANCE\`].TargetHealth.State"
'
it 'aws sees the alias on a newer version, with the addresses that it had' '
    is 43 lambda get-alias --function-name api-lambda --name latest --query FunctionVersion
    for aws in $(programs); do
        a lambda get-function-configuration --function-name api-lambda --qualifier 43 \
            --query Environment.Variables.SQLALCHEMY_DATABASE_URI | grep -q "@$name-proxy\.proxy-"
    done
'
it 'kubectl sees both keys of the secret as they were, and the workloads rolled out' '
    keys after.json
    cmp before.json.data after.json.data
    for workload in notify-api notify-celery notify-celery-beat; do
        timeout 60 kubectl -n notification-canada-ca rollout status "deployment/$workload" --timeout 50s
    done
'
finish
