-- timers.lua: the world's clock as models see it, and what is to happen later on it.
-- SPDX-License-Identifier: MIT
--
-- Nobody can see the world between two requests, so timers run at the beginning of the next request, in the order of
-- their times, and each sees its own time as now.
local M = {
    now = 0,
    began = 0, -- when the world did
    held = false,
    offset = 0, -- how far a test has put this world's clock before the shared one
}

local queue = {} -- sorted, the next one last
local count = 0

local function later(a, b)
    if a.due ~= b.due then
        return a.due > b.due
    end
    return a.n > b.n
end

-- Call fn `ms` after now, and not before ready() says so, if it is given: nothing that comes later happens before. The
-- result is for cancel().
function M.after(ms, fn, ready)
    count = count + 1
    local timer = { due = M.now + ms, n = count, fn = fn, ready = ready }
    local at = 1
    while queue[at] and later(queue[at], timer) do
        at = at + 1
    end
    table.insert(queue, at, timer)
    return timer
end

function M.cancel(timer)
    if timer then
        timer.fn = nil
    end
end

-- `regardless` of what isn't ready: at the end of the world nobody works on it any more.
function M.run(now, regardless)
    M.held = false -- the time of a timer has come that isn't ready
    while #queue > 0 and queue[#queue].due <= now and not M.held do
        local timer = queue[#queue]
        M.held = not regardless and timer.fn and timer.ready and not timer.ready() or false
        if not M.held then
            table.remove(queue)
            M.now = math.max(M.now, timer.due)
            if timer.fn then
                timer.fn()
            end
        end
    end
    M.now = math.max(M.now, now)
end

return M
