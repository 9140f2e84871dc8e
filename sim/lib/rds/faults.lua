-- faults.lua: the kinds of faults that the RDS model knows; its parts ask for them by sim.fault().
-- SPDX-License-Identifier: MIT
return {
    refuse_switchover = {
        help = "A switchover is refused with InvalidBlueGreenDeploymentStateFault though the deployment says "
            .. "AVAILABLE. The target is the deployment or its source.",
    },
    upgrade_fails = {
        help = "pg_upgrade gives up: a major upgrade of an instance in place is accepted, takes its downtime, and "
            .. "changes nothing; events and logs say why. The target is the instance.",
        times = 0,
        params = { reason = { type = "string", default = "The source cluster contains prepared transactions",
            help = "what pg_upgrade writes" } },
    },
    not_begun = {
        help = "A change of an instance that is to be applied immediately is accepted and waits for the window all the "
            .. "same. The target is the instance.",
    },
    fail_switchover = {
        help = "A switchover is taken back half-way: writes were down, SWITCHOVER_FAILED, the old database is live.",
        params = { reason = { type = "string", default = "replication lag", help = "what the events say" } },
    },
    fail_restore = {
        help = "A restore ends in incompatible-restore. The target is the new instance.",
    },
    restore_pending_reboot = {
        help = "A restored instance isn't in step with its parameter group until it is restarted.",
    },
    disabled_key = {
        help = "A KMS key, the target, is disabled: nothing that is encrypted with it can be restored.",
    },
}
