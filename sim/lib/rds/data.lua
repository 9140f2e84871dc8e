-- data.lua: where the RDS model acts on the data of its databases, if it has real servers.
-- SPDX-License-Identifier: MIT
--
-- Each function says that something begins, and gives what sim.after() takes as its third argument: it is true when the
-- real work is done; nil when there is nothing to wait for. Without real servers nothing is done.
local none = {
    copied = function (_kind, _name, _db) end,
    retained = function (_instance) end,
    restored = function (_instance, _source) end,
    rebooted = function (_instance) end,
    upgraded = function (_db, _version, _planned, _result) end,
    green = function (_deployment) end,
    green_ready = function (_deployment) end,
    green_failed = function (_deployment) end,
    parted = function (_deployment) end,
}

return function (R)
    -- Writes stop now, and green takes over: done(true, ms) or done(false, ms), see lib/data/servers.lua.
    function none.handover(_deployment, plan, done)
        local ms = plan.fails or plan.lag or R.durations().writes_down
        R.sim.after(ms, function () done(not plan.fails, ms) end)
    end

    R.data = none

    -- The state is there: have a real server made for each database.
    function R.begin_data(section)
        if R.sim.servers then
            R.data = R.sim.servers.attach(R, section)
        end
    end
end
