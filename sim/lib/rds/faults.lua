-- faults.lua: the kinds of faults that the RDS model knows; its parts ask for them by sim.fault().
-- SPDX-License-Identifier: MIT
return {
    refuse_switchover = {
        help = "A switchover is refused with InvalidBlueGreenDeploymentStateFault though the deployment says "
            .. "AVAILABLE. The target is the deployment or its source.",
    },
    fail_switchover = {
        help = "A switchover is taken back half-way: writes were down, SWITCHOVER_FAILED, the old database is live.",
        params = { reason = { type = "string", default = "replication lag", help = "what the events say" } },
    },
}
