#!/bin/sh
# sim-aws-upgrade.t: the real `aws` programs see why an upgrade changed nothing, and opt in to maintenance.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws-cli.sh"

{
    world_head
    cat <<'EOF'
rds:
  instances:
    sick: { engine: postgres, version: "12.19", class: db.t4g.small }
  maintenance:
    sick: [{ action: system-update, description: New OS }]
faults:
  - { do: upgrade_fails, match: { target: sick }, reason: "Your installation has reg* columns" }
EOF
} >world.yaml
it 'the world starts' 'start_sim world.yaml --speed 0.01'

it 'an upgrade that changed nothing is told by the log of its pre-check' '
    is "available" rds modify-db-instance --db-instance-identifier sick --engine-version 16.3 \
        --allow-major-version-upgrade --apply-immediately --query DBInstance.DBInstanceStatus
    advance 1h
    is "available 12.19" rds describe-db-instances --db-instance-identifier sick \
        --query "DBInstances[].[DBInstanceStatus,EngineVersion]"
    for program in $(aws_programs); do
        with_aws "$program"
        file=$(a rds describe-db-log-files --db-instance-identifier sick --filename-contains pg_upgrade \
            --query "DescribeDBLogFiles[0].LogFileName")
        a rds download-db-log-file-portion --db-instance-identifier sick --log-file-name "$file" --starting-token 0 >text
        grep -q "reg\* columns" text || { echo "$program"; cat text; exit 1; }
    done
'
it 'maintenance is asked for by its action, for its window or at once' '
    arn=arn:aws:rds:ca-central-1:239043911459:db:sick
    is "next-maintenance" rds apply-pending-maintenance-action --resource-identifier "$arn" --apply-action system-update \
        --opt-in-type next-maintenance \
        --query "ResourcePendingMaintenanceActions.PendingMaintenanceActionDetails[].OptInStatus"
    fails ResourceNotFoundFault rds apply-pending-maintenance-action --resource-identifier "$arn" \
        --apply-action os-upgrade --opt-in-type immediate
    a rds apply-pending-maintenance-action --resource-identifier "$arn" --apply-action system-update \
        --opt-in-type immediate
    advance 1h
    is "0" rds describe-pending-maintenance-actions --query "length(PendingMaintenanceActions)"
'
finish
