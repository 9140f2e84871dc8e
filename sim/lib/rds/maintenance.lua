-- maintenance.lua: pending maintenance of databases, and their maintenance windows, in which what is queued is done.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local xml = require "xml"

return function (R)
    local sim = R.sim
    local minute, day = 60000, 86400000
    local days = { sun = 0, mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6 }
    local waiting = {} -- resource id -> the timer of its window

    local function render_action(a)
        return {
            Action = a.action, Description = a.description, OptInStatus = a.opt_in,
            AutoAppliedAfterDate = a.auto_applied_after and sim.time(a.auto_applied_after),
            ForcedApplyDate = a.forced_apply and sim.time(a.forced_apply),
            CurrentApplyDate = a.current_apply and sim.time(a.current_apply),
        }
    end

    local function is_cluster(db)
        return R.state().clusters[db.resource_id] ~= nil
    end

    local function arn_of(db)
        return is_cluster(db) and R.cluster_arn(db) or R.instance_arn(db)
    end

    local function database(resource_id)
        return R.state().instances[resource_id] or R.state().clusters[resource_id]
    end

    local function render_resource(m)
        local out = {}
        for i, action in ipairs(m.actions) do
            out[i] = render_action(action)
        end
        return {
            ResourceIdentifier = m.arn, PendingMaintenanceActionDetails = xml.list("PendingMaintenanceAction", out),
        }
    end

    local function describe(form)
        local filters = R.filters(form, { ["db-instance-id"] = true, ["db-cluster-id"] = true })
        local by_id = filters["db-instance-id"] or filters["db-cluster-id"]
        local list = {}
        for resource_id, actions in pairs(R.state().maintenance) do
            local db = database(resource_id)
            local arn = db and arn_of(db)
            if arn and #actions > 0 and (not form.ResourceIdentifier or form.ResourceIdentifier == arn)
                and (not by_id or by_id[db.id] or by_id[arn]) then
                list[#list + 1] = { arn = arn, actions = actions }
            end
        end
        table.sort(list, function (a, b) return a.arn < b.arn end)
        return R.page(form, "PendingMaintenanceActions", "ResourcePendingMaintenanceActions", list, render_resource)
    end

    function R.maintenance_of(db)
        return R.state().maintenance[db.resource_id] or {}
    end

    -- Engine upgrades that AWS will not let wait: they come with the next change that is applied immediately.
    function R.required_upgrades(db)
        local list = {}
        for _, a in ipairs(R.maintenance_of(db)) do
            if a.action == "db-upgrade" and (a.forced_apply or a.auto_applied_after) then
                list[#list + 1] = a
            end
        end
        return list
    end

    local function take_out(db, action)
        local list = R.maintenance_of(db)
        for n, a in ipairs(list) do
            if a == action then
                return table.remove(list, n)
            end
        end
    end

    local function finish(db, action)
        take_out(db, action)
        if action.version and is_cluster(db) then
            R.upgrade_cluster(db, action.version)
        elseif action.version then
            db.version = action.version
        end
    end

    local function set_status(db, status)
        if not is_cluster(db) then
            return R.set_status(db, status)
        end
        db.status = status
        for _, i in ipairs(R.members(db)) do
            R.set_status(i, status)
        end
    end

    -- The actions are done, from `from` ms on; when they are over.
    function R.maintain(db, actions, from)
        local ends = from + R.durations().maintenance
        local function tell(message)
            R.event(is_cluster(db) and "db-cluster" or "db-instance", db.id, arn_of(db), { "maintenance" }, message)
        end
        sim.after(from, function ()
            if database(db.resource_id) then
                set_status(db, "maintenance")
                R.note_downtime(db.id, R.durations().maintenance_downtime)
                tell "Applying off-line patches to DB instance"
            end
        end)
        sim.after(ends, function ()
            if database(db.resource_id) then
                for _, a in ipairs(actions) do
                    finish(db, a)
                end
                tell "Finished applying off-line patches to DB instance"
            end
        end)
        return ends
    end

    -- "sun:04:00-sun:04:30", UTC: how long until the window opens, 0 while it is open.
    local function until_window(spec)
        local d1, h1, m1, d2, h2, m2 = spec:lower():match("^(%l+):(%d+):(%d+)%-(%l+):(%d+):(%d+)$")
        if not d1 or not days[d1] or not days[d2] then
            return nil
        end
        local week = 7 * day
        local from = days[d1] * day + (h1 * 60 + m1) * minute
        local length = (days[d2] * day + (h2 * 60 + m2) * minute - from) % week
        local since = math.tointeger((sim.now() - 3 * day - from) % week) -- the first Sunday was the fourth day
        return since < length and 0 or math.tointeger(week - since), math.tointeger(length)
    end

    function R.check_window(spec)
        local _, length = until_window(spec)
        if not length or length < 30 * minute then
            aws.fail("InvalidParameterValue", ("Invalid maintenance window: %s. It must be at least 30 minutes "
                .. "long and look like ddd:hh24:mi-ddd:hh24:mi"):format(spec))
        end
    end

    local function due(db)
        local list = {}
        for _, a in ipairs(R.maintenance_of(db)) do
            local by_date = a.auto_applied_after or a.forced_apply
            if a.opt_in == "next-maintenance" or by_date and by_date <= sim.now() then
                list[#list + 1] = a
            end
        end
        return list
    end

    -- The minor version that AWS brings by itself, in the window.
    function R.automatic_upgrade(db)
        local version = db.auto_minor and not is_cluster(db) and R.settings.minor_upgrades[db.version]
        return version and not db.pending.version and version or nil
    end

    local function wants_window(db)
        for _, a in ipairs(R.maintenance_of(db)) do
            if a.opt_in == "next-maintenance" or a.auto_applied_after or a.forced_apply then
                return true
            end
        end
        return next(db.pending) ~= nil or R.automatic_upgrade(db) ~= nil
    end

    local function do_maintenance(db, actions, from)
        local ends = R.maintain(db, actions, from)
        sim.after(ends, function ()
            if database(db.resource_id) then
                set_status(db, "available")
            end
        end)
        return ends
    end

    local function open_window(db)
        waiting[db.resource_id] = nil
        if database(db.resource_id) ~= db then
            return
        elseif db.status ~= "available" then
            return R.await_window(db, minute)
        end
        local actions = due(db)
        db.pending.version = R.automatic_upgrade(db) or db.pending.version
        local ends = #actions > 0 and do_maintenance(db, actions, 1000) or 0
        if next(db.pending) and R.state().instances[db.resource_id] then
            sim.after(ends, function () R.carry_out(db) end)
        end
        R.await_window(db, ends + 30 * minute)
    end

    -- Look at it when its next window opens; not before `least` ms have passed.
    function R.await_window(db, least)
        sim.cancel(waiting[db.resource_id])
        waiting[db.resource_id] = nil
        if wants_window(db) then
            local ms = until_window(db.maintenance_window) or 0
            waiting[db.resource_id] = sim.after(math.max(ms, least or 1000), function () open_window(db) end)
        end
    end

    local function by_arn(arn)
        local kind, name = arn:match("^arn:aws:rds:[^:]+:%d+:([%l%-]+):(.+)$")
        local db = kind == "db" and R.find_instance(name) or kind == "cluster" and R.find_cluster(name)
        return db or aws.fail("ResourceNotFoundFault", ("Resource not found: %s"):format(arn), 404)
    end

    local function immediately(db, action)
        if db.status ~= "available" then
            aws.fail("InvalidDBInstanceState",
                ("Database instance %s is not in available state. Its status is %s."):format(db.id, db.status))
        end
        action.opt_in, action.current_apply = "immediate", sim.now()
        do_maintenance(db, { action }, 2000)
    end

    local opt_ins = {
        immediate = immediately,
        ["next-maintenance"] = function (db, action)
            action.opt_in, action.current_apply = "next-maintenance", sim.now() + until_window(db.maintenance_window)
        end,
        ["undo-opt-in"] = function (_, action)
            if action.opt_in == "immediate" then
                aws.fail("InvalidParameterCombination", "An immediate opt-in can't be undone.")
            end
            action.opt_in, action.current_apply = nil, nil
        end,
    }

    local function apply(form)
        local db = by_arn(aws.required(form, "ResourceIdentifier"))
        local name, kind = aws.required(form, "ApplyAction"), aws.required(form, "OptInType")
        local opt_in = opt_ins[kind]
            or aws.fail("InvalidParameterValue", ("Invalid value for OptInType: %s"):format(kind))
        local found
        for _, a in ipairs(R.maintenance_of(db)) do
            found = a.action == name and a or found
        end
        if not found then
            aws.fail("ResourceNotFoundFault",
                ("There is no pending maintenance action %s for %s"):format(name, db.id), 404)
        elseif not (found.opt_in == "immediate" and kind == "immediate") then
            opt_in(db, found)
        end
        sim.ledger { target = db.id, note = name .. " " .. kind }
        R.await_window(db)
        local left = { arn = arn_of(db), actions = R.maintenance_of(db) }
        return { ResourcePendingMaintenanceActions = render_resource(left) }
    end

    R.operations.DescribePendingMaintenanceActions = describe
    R.operations.ApplyPendingMaintenanceAction = apply
end
