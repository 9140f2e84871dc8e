-- polls.lua: polls of a wait, which read and leave no record; the fifth of the embedded Lua files.
-- SPDX-License-Identifier: MIT
local host = ...

local create, isyieldable, yield = coroutine.create, coroutine.isyieldable, coroutine.yield
local clean, describe, misuse, on_error, throw = host.clean, host.describe, host.misuse, host.on_error, host.throw
local pack, rawequal, tostring, xpcall = table.pack, rawequal, host.tostring, xpcall

local polls = {} -- wait id -> the poll that is under way

-- The wait has its outcome, or nobody waits for it any more.
function host.drop_poll(id)
    polls[id] = nil
end

-- What a poll writes to a variable outside of it would be there live and not in a replay.
local function outer_variables(fn)
    local list = {}
    for i = 1, 255 do
        local name, value = debug.getupvalue(fn, i)
        if not name then
            break
        end
        list[i] = { name = name, value = value }
    end
    return list
end

local function check_outer(poll, before)
    for i, variable in ipairs(before) do
        local _, value = debug.getupvalue(poll.fn, i)
        if not rawequal(value, variable.value) then
            debug.setupvalue(poll.fn, i, variable.value)
            return ("cairn.wait: the poll function writes to '%s' outside of it: only what it returns counts"):format(
                variable.name)
        end
    end
end

local function polled(poll, message)
    polls[poll.id] = nil
    host.crash("script.polled")
    message.op, message.id = "polled", poll.id
    local ok, why = host.send(message)
    if not ok then
        local e = { kind = "invalid", code = "script", text = "cairn.wait: poll: " .. why }
        host.send({ op = "polled", id = poll.id, error = e })
    end
end

local function poll_on(poll, ...)
    local before = outer_variables(poll.fn)
    local results = pack(host.resume(poll, ...))
    local why = check_outer(poll, before)
    if why then
        return polled(poll, { error = { kind = "invalid", code = "script", text = why } })
    elseif coroutine.status(poll.co) ~= "dead" then
        return
    elseif not results[1] then
        return polled(poll, { error = describe(results[2]) })
    elseif not results[2] then
        return polled(poll, { error = describe(results[3]) })
    end
    local value, remark = results[3], results[4]
    if value then
        return polled(poll, { done = true, value = value })
    end
    polled(poll, { done = false, note = remark ~= nil and clean(tostring(remark)) or nil })
end

function host.read(plugin, action, args)
    local poll = host.current()
    if not isyieldable() then
        misuse("%s.%s: a poll can't wait here: not in a sort comparator, a gsub callback or a metamethod", plugin,
            action)
    end
    poll.n = poll.n + 1
    local ok, why = host.send({ op = "read", id = poll.id, n = poll.n, plugin = plugin, action = action, args = args,
                                at = host.at() })
    if not ok then
        misuse("%s.%s: %s", plugin, action, why)
    end
    local answer = yield()
    if answer.ok then
        return answer.value
    end
    throw(answer.error.kind, answer.error.text, answer.error.code, poll.id)
end

function host.on_poll(message)
    local f = host.waiting(message.id)
    if f and f.poll_function then
        local fn = f.poll_function
        local co = create(function() return xpcall(fn, on_error) end)
        local poll = { poll = true, id = message.id, n = 0, fn = fn, co = co, now = message.t }
        polls[message.id] = poll
        host.crash("script.polling")
        poll_on(poll)
    end
end

function host.on_read(message)
    local poll = polls[message.id]
    if poll and poll.n == message.n then
        poll_on(poll, message)
    end
end

