-- switchover.lua: the switchover of a blue/green deployment: its guardrails, its course, its way back.
-- SPDX-License-Identifier: MIT
local aws = require "aws"

return function (R)
    local sim = R.sim

    function R.deployment_state_fault(d, why)
        aws.fail("InvalidBlueGreenDeploymentStateFault",
            why or ("The blue/green deployment %s is in state %s."):format(d.id, d.status))
    end

    -- The guardrails that are looked at before anything is stopped.
    local function check_switchover(d)
        if d.status ~= "AVAILABLE" and d.status ~= "SWITCHOVER_FAILED" then
            R.deployment_state_fault(d)
        elseif R.strikes("refuse_switchover", d) then
            R.deployment_state_fault(d, ("The deployment %s is not ready for a switchover yet."):format(d.id))
        end
        R.each_member(d, function (_, blue, green)
            if not blue or not green or blue.status ~= "available" or green.status ~= "available" then
                R.deployment_state_fault(d, "Switchover can't start: all databases must be available.")
            elseif green.group_status == "pending-reboot" then
                R.deployment_state_fault(d, ("Switchover can't start: %s waits for a reboot."):format(green.id))
            end
        end)
    end

    local function member_events(d, verb, categories)
        R.each_member(d, function (_, blue, green, is_cluster)
            if blue and green then
                local event = is_cluster and R.cluster_event or R.instance_event
                event(blue, categories, ("Switchover from %s %s to %s %s."):format(is_cluster and "DB cluster"
                    or "primary/read replica", blue.id, green.id, verb))
            end
        end)
    end

    local function set_both(d, status)
        R.each_member(d, function (_, blue, green)
            for _, db in pairs { blue, green } do
                db.status = db.status == "deleting" and db.status or status
            end
        end)
    end

    local function name_of_source(d)
        local s = R.state()
        return (s.clusters[d.source] or s.instances[d.source]).id
    end

    local function roll_back(d, why, down)
        R.note_downtime(name_of_source(d), down)
        set_both(d, "available")
        R.set_members(d, "SWITCHOVER_FAILED")
        d.status, d.details = "SWITCHOVER_FAILED", why
        member_events(d, "canceled due to " .. why, { "failure" })
        R.deployment_event(d, { "failure" }, "Switchover canceled on blue/green deployment.")
    end

    local function complete(d)
        set_both(d, "available")
        R.set_members(d, "SWITCHOVER_COMPLETED")
        d.status = "SWITCHOVER_COMPLETED"
        member_events(d, "completed", { "notification" })
        R.deployment_event(d, { "notification" }, "Switchover completed on blue/green deployment.")
    end

    local function switch_over(d, timeout)
        local t = R.durations()
        local fault, lag = R.strikes("fail_switchover", d), R.strikes("replication_lag", d)
        local down = lag and lag.lag or t.writes_down
        local why = d.degraded and "unhealthy replication" or down > timeout and "the switchover timeout"
            or fault and fault.reason
        local fails = why and math.min(down, timeout)
        local began = math.max(0, fails and t.switchover // 2 - fails or (t.switchover - down) // 2)
        sim.after(began, function ()
            R.data.handover(d, { timeout = timeout, lag = lag and down, fails = fails }, function (done, ms)
                if not done then
                    return roll_back(d, why or "the switchover timeout", ms)
                end
                R.note_downtime(name_of_source(d), ms)
                R.exchange_names(d)
                sim.after(math.max(0, t.switchover - began - ms), function () complete(d) end)
            end)
        end)
    end

    local function switchover(form)
        local d = R.find_deployment(form)
        local seconds = aws.integer(form, "SwitchoverTimeout", 300)
        if seconds < 30 or seconds > 3600 then
            aws.fail("InvalidParameterValue", ("SwitchoverTimeout must be between 30 and 3600, not %d"):format(seconds))
        end
        check_switchover(d)
        sim.ledger { target = d.name }
        d.status, d.details = "SWITCHOVER_IN_PROGRESS", nil
        R.set_members(d, "SWITCHOVER_IN_PROGRESS")
        R.deployment_event(d, { "notification" }, ("Switchover from %s to %s started."):format(name_of_source(d),
            R.green(d).id))
        member_events(d, "started", { "notification" })
        set_both(d, "modifying")
        switch_over(d, seconds * 1000)
        return { BlueGreenDeployment = R.render_deployment(d) }
    end

    R.operations.SwitchoverBlueGreenDeployment = switchover
end
