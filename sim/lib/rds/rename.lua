-- rename.lua: RDS instances: new names, and old ones that stay taken for minutes.
-- SPDX-License-Identifier: MIT
local aws = require "aws"

return function (R)
    local sim = R.sim

    -- A name is taken by an instance, by one that is to get it, or because it was given up only a moment ago.
    function R.check_name_free(id)
        local taken = R.find_instance(id)
        for _, i in pairs(R.state().instances) do
            taken = taken or i.pending.id == id
        end
        if taken or (R.state().names_in_use[id] or 0) > sim.now() then
            aws.fail("DBInstanceAlreadyExists", ("DB Instance already exists: %s"):format(id))
        end
        return id
    end

    local function alive(i)
        return R.alive(i) and i.status ~= "deleting"
    end

    -- Whoever writes to the name finds nobody from now on.
    local function give_up(i)
        R.state().names_in_use[i.id] = sim.now() + R.durations().name_in_use
        if not i.replica_of then
            R.state().unserved[i.id] = sim.now()
        end
    end

    local function take_over(i)
        local since = R.state().unserved[i.id]
        if since then
            R.state().unserved[i.id] = nil
            R.note_downtime(i.id, sim.now() - since)
        end
    end

    -- The instance gets its pending name: it is renamed, restarted, and then `done()`.
    function R.rename_instance(i, done)
        local whole = R.durations().rename
        local ready
        sim.after(2000, function () R.set_status(i, "renaming") end)
        sim.after(2000 + whole * 2 // 3, function ()
            if not alive(i) then
                return
            end
            local old = i.id
            give_up(i)
            i.id, i.pending.id = i.pending.id, nil
            i.status = "rebooting"
            ready = R.data.rebooted(i)
            R.instance_event(i, { "notification" }, ("Renamed instance from %s to %s"):format(old, i.id))
        end)
        sim.after(2000 + whole, function ()
            if alive(i) then
                R.restart_groups(i)
                R.instance_event(i, { "availability" }, "DB instance restarted")
                take_over(i)
                done()
            end
        end, function () return not ready or ready() end)
    end
end
