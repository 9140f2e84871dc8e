-- queues.lua: how the messages of the simulated SQS come, wait, are received, and are lost; used by models/sqs.lua.
-- SPDX-License-Identifier: MIT
--
-- There are no single messages: a queue has a backlog that grows at the producer's rate and shrinks at that of its
-- consumers. Nothing happens between two requests but what can be computed, so a queue is put forward to now whenever
-- somebody looks at it, and whenever a consumer comes, goes or breaks.
local HOUR = 3600000

local M = {}

-- { capacity = per hour, blocked = BOOLEAN }: who takes messages away, and is there one whose function doesn't work?
local function demand(consumers)
    local d = { capacity = 0, blocked = false }
    for _, c in ipairs(consumers) do
        if c.blocked then
            d.blocked = true
        else
            d.capacity = d.capacity + c.per_hour
        end
    end
    return d
end

-- Messages on which a function fails come back after the visibility timeout, and when they have been received so often
-- as the redrive policy allows, they go to the dead-letter queue: first after that time, then as they come in.
local function dead_letters(q, now, arrivals)
    q.blocked_since = q.blocked_since or q.at
    if not q.max_receive then
        return 0
    end
    local life = q.max_receive * q.visibility
    if now - q.blocked_since < life then
        return 0
    end
    return math.max(0, q.waiting + arrivals - q.rate * life / HOUR)
end

local function lose_old(q, now)
    if q.oldest and now - q.oldest > q.retention then
        local keep = q.rate * q.retention / HOUR
        q.lost = q.lost + math.max(0, q.waiting - keep)
        q.waiting = math.min(q.waiting, keep)
        q.oldest = now - q.retention
    end
end

-- Put the queue forward to `now`. The result: so many messages went to the dead-letter queue.
function M.settle(q, now, consumers)
    local d = demand(consumers)
    local arrivals = q.rate * (now - q.at) / HOUR
    local dead = 0
    if d.capacity > 0 then
        q.waiting = math.max(0, q.waiting + arrivals - d.capacity * (now - q.at) / HOUR)
        q.blocked_since = nil
        q.oldest = q.rate > 0 and now - q.waiting / q.rate * HOUR or q.oldest
    else
        if d.blocked then
            dead = dead_letters(q, now, arrivals)
        else
            q.blocked_since = nil
        end
        q.waiting = q.waiting + arrivals - dead
        q.oldest = q.oldest or q.rate > 0 and now - q.waiting / q.rate * HOUR or nil
        if dead > 0 then
            q.oldest = now - q.max_receive * q.visibility
        end
        lose_old(q, now)
    end
    if q.waiting < 1 then
        q.oldest = nil
    end
    q.at = now
    q.busy = d.capacity > 0 and d.capacity or d.blocked and -1 or nil
    return dead
end

-- So many messages are with a function: what it gets through in the time that a batch takes. A queue whose consumers
-- have just stopped has them until the last batch is done.
function M.in_flight(q, now, takes)
    if q.busy == -1 then
        return math.floor(math.min(q.waiting, 50))
    elseif q.busy then
        local rate = q.waiting >= 1 and q.busy or math.min(q.rate, q.busy)
        return math.ceil(rate * takes / HOUR)
    end
    return now < (q.flying_until or 0) and q.flying or 0
end

function M.backlog(q)
    return math.floor(q.waiting + 0.5)
end

-- The age of the oldest message at a time that need not be now, whole s.
function M.age(q, at)
    return q.oldest and math.max(0, math.floor((at - q.oldest) / 1000)) or 0
end

return M
