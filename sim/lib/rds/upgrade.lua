-- upgrade.lua: what was changed in an RDS instance comes into effect, also upgrades in place, and those that fail.
-- SPDX-License-Identifier: MIT
local catalog = require "rds.catalog"

return function (R)
    local sim = R.sim
    local accepted = 2000 -- ms for which the status still is what it was

    local refusal = "Database instance is in a state that cannot be upgraded: Postgres cluster is in a state where "
        .. "pg_upgrade can not be completed successfully."

    -- Later, if it is still there then.
    local function at(i, ms, fn, ready)
        sim.after(math.floor(ms), function ()
            if R.alive(i) and i.status ~= "deleting" then
                fn()
            end
        end, ready)
    end

    local function tell(i, message, category)
        R.instance_event(i, { category or "maintenance" }, message)
    end

    local function replicas_of(i)
        local list = {}
        for _, r in ipairs(R.sorted(R.state().instances, "id")) do
            if r.replica_of == i.resource_id then
                list[#list + 1] = r
            end
        end
        return list
    end
    R.replicas_of = replicas_of

    -- Why pg_upgrade will not do it, or nil. Nobody is told before.
    local function obstacle(i, version)
        local fault = sim.fault("upgrade_fails", i.id, i.resource_id)
        if fault then
            return fault.reason
        elseif not catalog.is_target(i.engine, i.version, version) then
            return ("there is no way from %s to %s"):format(i.version, version)
        elseif R.settings.upgrade_with_maintenance == "fails" and #R.maintenance_of(i) > 0 then
            return "there are pending maintenance actions: " .. R.maintenance_of(i)[1].action
        end
        return nil
    end

    -- A restart into another major version: dynamic settings of the group are in force, static ones want another one.
    local function move_to(i, version, group)
        i.version, i.group = version, group or "default." .. catalog.family(i.engine, version)
        i.in_force = {}
        R.relink_group(i)
    end

    local function major_done(i, version)
        tell(i, "The engine version upgrade finished.")
        tell(i, "The post-upgrade tasks are in progress.")
        move_to(i, version, i.next_group)
        for _, r in ipairs(replicas_of(i)) do
            move_to(r, version)
        end
    end

    local function failed(i, reason)
        R.upgrade_logs(i, reason)
        tell(i, refusal, "notification")
        tell(i, "The DB engine version upgrade failed. The engine version upgrade rollback succeeded.")
    end

    local function set_all(i, status)
        R.set_status(i, status)
        for _, r in ipairs(replicas_of(i)) do
            R.set_status(r, status)
        end
    end

    -- The pre-check, the downtime, the work after it, a backup: all of it within the usual time, whether it changes
    -- something or not.
    local function major(i, from)
        local version, d = i.pending.version, R.durations()
        local down = from + d.upgrade // 4
        local up = down + math.min(d.upgrade_downtime, d.upgrade // 2)
        local outcome, ready = {}, nil
        at(i, from, function ()
            set_all(i, "upgrading")
            tell(i, "The pre-check started for the DB engine version upgrade.")
        end)
        at(i, down - d.upgrade // 20, function ()
            tell(i, "The pre-check finished for the DB engine version upgrade.")
        end)
        at(i, down, function ()
            tell(i, "The downtime started for the DB instance.")
            tell(i, "The engine version upgrade started.")
            R.writes_refused(i, up - down)
            outcome.planned = obstacle(i, version)
            ready = R.data.upgraded(i, version, outcome.planned, outcome)
        end)
        at(i, up, function ()
            local reason = outcome.planned or outcome.reason
            i.pending.version = nil
            if reason then
                failed(i, reason)
            else
                major_done(i, version)
            end
            i.next_group = nil
        end, function () return not ready or ready() end)
        at(i, from + d.upgrade * 17 // 20, function ()
            if i.backup_retention > 0 then
                R.set_status(i, "backing-up")
            end
        end)
        return from + d.upgrade
    end

    local function minor(i, from)
        local version, d = i.pending.version, R.durations()
        local ready
        at(i, from, function ()
            R.set_status(i, "upgrading")
            R.writes_refused(i, d.upgrade_downtime)
            ready = R.data.rebooted(i)
        end)
        at(i, from + d.upgrade - 1000, function ()
            local fault = sim.fault("upgrade_fails", i.id, i.resource_id)
            i.pending.version = nil
            if fault then
                return tell(i, "Database instance is in a state that cannot be upgraded: " .. fault.reason,
                    "notification")
            end
            i.version = version
            tell(i, "Database instance patched")
        end, function () return not ready or ready() end)
        return from + d.upgrade
    end

    local function is_major(i)
        return i.pending.version and catalog.major(i.pending.version) ~= catalog.major(i.version)
    end

    -- What was queued is in force. Storage goes on working for a while.
    local function take_pending(i)
        local storage = i.pending.storage_type or i.pending.allocated_storage or i.pending.iops
            or i.pending.storage_throughput
        for name, value in pairs(i.pending) do
            i[name] = value
        end
        i.pending, i.working = {}, nil
        R.set_status(i, storage and "storage-optimization" or "available")
        if storage then
            at(i, R.durations().optimize, function ()
                if i.status == "storage-optimization" then
                    R.set_status(i, "available")
                end
            end)
        end
    end

    -- The rest of what is queued, from `from` ms on: a new name comes last.
    local function rest(i, from)
        if i.pending.id then
            at(i, math.max(0, from - accepted), function () R.rename_instance(i, function () take_pending(i) end) end)
        elseif next(i.pending) then
            at(i, from, function () R.set_status(i, "modifying") end)
            at(i, from + R.durations().modify, function () take_pending(i) end)
        else
            at(i, from, function () take_pending(i) end)
        end
    end

    -- All that is queued comes into effect, and with it the maintenance that has to be. The status stays `available`
    -- for a moment after the call was accepted.
    function R.carry_out(i)
        local must = R.required_upgrades(i)
        if i.working or not next(i.pending) and #must == 0 then
            return
        end
        i.working = true
        local from = accepted
        if #must > 0 then
            from = R.maintain(i, must, from)
        end
        if not i.pending.version then
            return rest(i, from)
        elseif not is_major(i) then
            return at(i, minor(i, from), function () rest(i, 0) end)
        end
        at(i, major(i, from), function ()
            for _, r in ipairs(replicas_of(i)) do
                R.set_status(r, "available")
            end
            rest(i, 0)
        end)
    end
end
