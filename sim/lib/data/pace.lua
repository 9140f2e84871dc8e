-- pace.lua: how fast the world's clock runs while real servers work.
-- SPDX-License-Identifier: MIT
--
-- Real work takes the time that it takes, however fast the world is. So the world's clock runs as fast as ours while
-- something real is late, and only a few times as fast while a database can't be written to: what clients see of it, in
-- the world's time, is then about what they would see in the world.
local host = require "host"
local clock = require "timers"
local keeper = require "keeper"

local M = {
    waits = false, -- the world isn't ready
}

local held, slow = 1, 4
local base -- speed of the world when nothing hinders it
local outages = 0

-- From now on the clock is that file.
function M.start(path)
    base = tonumber(host.clock_setting():match("([^:]+)$"))
    -- Only so that there is a path to be found: one of an earlier world is still mapped by its programs.
    local file = assert(io.open(path, "a"))
    file:close()
    keeper.publish(host.realpath(path))
end

-- In a task: while fn() runs, somebody can't write.
function M.outage(fn, ...)
    outages = outages + 1
    M.turn()
    local results = table.pack(pcall(fn, ...))
    outages = outages - 1
    if not results[1] then
        error(results[2], 0)
    end
    return table.unpack(results, 2, results.n)
end

-- A span of the world's clock during an outage, in ms of the wall clock.
function M.wall(ms)
    return math.ceil(ms / math.min(base, slow))
end

function M.turn()
    local speed = base
    if M.waits or clock.held then
        speed = math.min(base, held)
    elseif outages > 0 then
        speed = math.min(base, slow)
    end
    keeper.set_speed(speed)
end

return M
