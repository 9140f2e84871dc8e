-- maintenance.lua: pending maintenance of databases.
-- SPDX-License-Identifier: MIT
local xml = require "xml"

return function (R)
    local sim = R.sim

    local function render_action(a)
        return {
            Action = a.action, Description = a.description, OptInStatus = a.opt_in,
            AutoAppliedAfterDate = a.auto_applied_after and sim.time(a.auto_applied_after),
            ForcedApplyDate = a.forced_apply and sim.time(a.forced_apply),
            CurrentApplyDate = a.current_apply and sim.time(a.current_apply),
        }
    end

    local function arn_of_database(id)
        local c, i = R.find_cluster(id), R.find_instance(id)
        return c and R.cluster_arn(c) or i and R.instance_arn(i)
    end

    local function maintenance(form)
        local filters = R.filters(form, { ["db-instance-id"] = true, ["db-cluster-id"] = true })
        local by_id = filters["db-instance-id"] or filters["db-cluster-id"]
        local list = {}
        for id, actions in pairs(R.state().maintenance) do
            local arn = arn_of_database(id)
            if arn and (not form.ResourceIdentifier or form.ResourceIdentifier == arn)
                and (not by_id or by_id[id] or by_id[arn]) then
                list[#list + 1] = { arn = arn, actions = actions }
            end
        end
        table.sort(list, function (a, b) return a.arn < b.arn end)
        return R.page(form, "PendingMaintenanceActions", "ResourcePendingMaintenanceActions", list, function (m)
            local out = {}
            for i, action in ipairs(m.actions) do
                out[i] = render_action(action)
            end
            return { ResourceIdentifier = m.arn, PendingMaintenanceActionDetails = xml.list("PendingMaintenanceAction",
                out) }
        end)
    end

    R.operations.DescribePendingMaintenanceActions = maintenance
end
