-- fibers.lua: errors, ids, fibers, and what the engine's events do to them; the second of the embedded Lua files.
-- SPDX-License-Identifier: MIT
--
-- A fiber is a coroutine. A command is sent and yields its fiber; the outcome, found by the command's id, resumes it. Ids are
-- made of the fiber's path and a count within it, so they are the same in each replay (doc/PROTOCOL.md). A detour, that is
-- what a fiber does on the way out of an error and on the way back in after a retry, has a path and a count of its own.
local host = ...

local create, isyieldable, resume, yield = coroutine.create, coroutine.isyieldable, coroutine.resume, coroutine.yield
local error, pcall, rawget, type, xpcall = error, pcall, rawget, type, xpcall
local pack, unpack, remove, traceback = table.pack, table.unpack, table.remove, host.trace
local clean, tostring = host.clean, host.tostring

local current -- the fiber, or the poll, whose code runs; nil while a file is loaded
local run -- {id, now, seed, caught_up} when there is one
local fibers = {} -- those that haven't ended, in the order of their making
local queue = {} -- fibers that can go on, with what they are resumed with
local waiting = {} -- command id -> fiber
local given = {} -- command id -> true: it was sent once
local taken_back = {} -- command id -> how many of its failures a retry has taken back
local retries = {} -- command id -> n: a retry that came before its command
local counts = {} -- detour -> how many commands it has had
local polls = {} -- wait id -> the poll that is under way
local undos = {} -- {title, fn}, oldest first
local cancelling = false
local ended -- the message that tells how it ended, until it is sent
local begin_rollback

-- ---- errors ---------------------------------------------------------------------------------------------------------

local kinds = {}
for kind in ("invalid not_found denied conflict throttled unavailable timeout not_yet failed in_doubt internal cancelled")
    :gmatch("%S+") do
    kinds[kind] = true
end

local error_mt = { __metatable = false, __name = "error" }

function error_mt.__tostring(e)
    local text = rawget(e, "text")
    return type(text) == "string" and text or "error"
end

function error_mt.__concat(a, b) -- "can't do it: " .. err is what people write
    return tostring(a) .. tostring(b)
end

local function make_error(kind, text, code, step)
    return setmetatable({ kind = kind, text = text, code = code, step = step }, error_mt)
end

local function throw(kind, text, code, step)
    error(make_error(kind, text, code, step), 0)
end
host.throw = throw

-- A mistake of the one who wrote the workflow.
local function misuse(text, ...)
    throw("invalid", host.at() .. ": " .. text:format(...), "script")
end
host.misuse = misuse

-- Remember where an error began: it may pass through stages and leave functions before it ends the run.
local function on_error(e)
    local f = current
    if f and not (f.trace and rawequal(f.trace.err, e)) then
        f.trace = { err = e, text = traceback() }
    end
    return e
end
host.on_error = on_error

local function field(e, name)
    local value = rawget(e, name)
    return type(value) == "string" and clean(value) or nil
end

-- Any error value as the protocol's error.
local function describe(e)
    if type(e) == "table" and field(e, "text") then
        local kind = field(e, "kind")
        return { kind = kinds[kind] and kind or "failed", code = field(e, "code"), text = field(e, "text"),
                 step = field(e, "step") }
    end
    local ok, text = pcall(tostring, e)
    return { kind = "failed", code = "script", text = ok and clean(text) or "an error that can't be shown" }
end

local function end_with(message)
    ended = message
    if run == nil or run.caught_up then
        host.send(message)
        host.crash("script.ended")
    end
end

local function end_with_error(e, trace)
    end_with({ op = "ended", ok = false, error = describe(e), trace = clean(trace or "") })
end
host.end_with_error = end_with_error

-- ---- ids ------------------------------------------------------------------------------------------------------------

local function peek_id(f)
    if f.detour then
        return f.detour .. "/" .. (counts[f.detour] or 0) + 1
    end
    local n = f.count + 1
    return f.path == "" and tostring(n) or f.path .. "/" .. n
end

local function take_id(f, id)
    given[id] = true
    if f.detour then
        counts[f.detour] = (counts[f.detour] or 0) + 1
    else
        f.count = f.count + 1
    end
end

-- The detour that begins with error `e` in fiber `f`.
local function detour_of(f, e)
    local step = type(e) == "table" and field(e, "step") or f.last
    return step .. "!" .. (taken_back[step] or 0) + 1
end

-- Call fn(...) with the fiber's commands numbered under `detour`; what pcall says.
local function on_detour(f, detour, fn, ...)
    local before, last = f.detour, f.last
    f.detour = detour
    local results = pack(xpcall(fn, on_error, ...))
    f.detour, f.last = before, last
    return unpack(results, 1, results.n)
end

-- ---- fibers ---------------------------------------------------------------------------------------------------------

local function new_fiber(path, fn, parent, on_end)
    local info = debug.getinfo(fn, "S")
    local f = {
        at = ("%s:%d"):format(info.source:match("^@(.*)$") or info.short_src, info.linedefined), -- where nothing better is known
        path = path, count = 0, last = path == "" and "0" or path .. "/0", parent = parent, on_end = on_end,
        durings = {}, -- the blocks it is in, outermost first: {enter, leave, values, entered}
        stages = {}, -- titles
        open = {}, -- ids of commands that have no outcome: one, or more on the way back in
        leaving = parent and parent.leaving or 0, -- depth of leave functions: they work in spite of a cancel
        co = create(function(...) return xpcall(fn, on_error, ...) end),
    }
    for i, title in ipairs(parent and parent.stages or {}) do
        f.stages[i] = title
    end
    fibers[#fibers + 1] = f
    return f
end

local function ready(f, ...)
    queue[#queue + 1] = { fiber = f, args = pack(...) }
end

local function forget(f)
    for i = 1, #fibers do
        if fibers[i] == f then
            remove(fibers, i)
            return
        end
    end
end

local function go_on(f, args)
    current = f
    local results = pack(resume(f.co, unpack(args, 1, args.n)))
    current = nil
    if coroutine.status(f.co) ~= "dead" then
        return
    end
    forget(f)
    if results[1] then
        f.on_end(f, unpack(results, 2, results.n))
    else -- not even xpcall could hold it
        f.on_end(f, false, results[2])
    end
end

local function run_queue()
    while #queue > 0 do
        local item = remove(queue, 1)
        go_on(item.fiber, item.args)
    end
end

-- ---- commands and notes ---------------------------------------------------------------------------------------------

local function here(what)
    local f = current
    if not f then
        misuse("%s: there is no run yet: only `run` and what it calls can do that", what)
    end
    return f
end

local function fill(f, id, op, members)
    members.op, members.id, members.at = op, id, members.at or host.at(f.at)
    local stages = host.array {}
    for i, title in ipairs(f.stages) do
        stages[i] = title
    end
    members.stage = stages
    return members
end

-- Send a note; its id.
local function note(what, op, members)
    local f = here(what)
    if f.poll then
        misuse("%s: the poll function of cairn.wait leaves no record, so it can't do that", what)
    end
    local id = peek_id(f)
    members = fill(f, id, op, members)
    members.at = nil
    local ok, why = host.send(members)
    if not ok then
        misuse("%s: %s", what, why)
    end
    take_id(f, id)
    return id
end
host.note = note

-- The blocks around fiber `f`, those of its parents too, outermost first.
local function blocks_around(f)
    local list = f.parent and blocks_around(f.parent) or {}
    for _, block in ipairs(f.durings) do
        list[#list + 1] = block
    end
    return list
end

-- The leave functions around a failed command ran before the run stopped: enter again, then ask for the command.
local function come_back(f, id, n)
    local blocks = {}
    for _, block in ipairs(blocks_around(f)) do
        if block.entered then
            block.entered = false
            blocks[#blocks + 1] = block
        end
    end
    local ok, e = on_detour(f, id .. "!" .. n .. "r", function()
        for _, block in ipairs(blocks) do
            block.values = pack(block.enter())
            block.entered = true
        end
    end)
    if not ok then
        remove(f.open)
        error(e, 0)
    end
    host.send({ op = "again", id = id, n = n })
end

local function check_can_wait(f, what)
    if f.poll then
        misuse("%s: the poll function of cairn.wait may only call reading actions", what)
    elseif not isyieldable() then
        misuse("%s: a run can't wait here: not in a sort comparator, a gsub callback, a metamethod or a module's load", what)
    end
end

-- Send a command and wait for its outcome; the value, or an error. `poll` is what polls of it call.
local function command(what, op, members, poll)
    local f = here(what)
    check_can_wait(f, what)
    if cancelling and f.leaving == 0 then
        throw("cancelled", "the run was cancelled", nil, f.last)
    end
    local id = peek_id(f)
    local ok, why = host.send(fill(f, id, op, members))
    if not ok then
        misuse("%s: %s", what, why)
    end
    take_id(f, id)
    f.last = id
    f.open[#f.open + 1] = id
    host.crash("script.command")
    local event = retries[id]
    retries[id] = nil
    while true do
        if event == nil then
            waiting[id], f.waits_for, f.poll_function = f, id, poll
            event = yield()
            waiting[id], f.waits_for = nil, nil
        end
        if event.op ~= "retry" then
            break
        end
        taken_back[id] = event.n
        come_back(f, id, event.n)
        event = nil
    end
    remove(f.open)
    if event.ok then
        return event.value
    end
    local e = event.error
    throw(e.kind, e.text, e.code, id)
end
host.command = command

function host.current()
    return current
end

function host.run()
    return run
end

function host.random()
    local context = current
    if not context then
        return nil
    end
    if not context.draw then
        context.draw = host.generator(run.seed .. "/" .. (context.path or "poll " .. context.id))
    end
    return context.draw
end

-- ---- what holds fibers together -------------------------------------------------------------------------------------

function host.stage(title, fn, ...)
    local f = here("cairn.stage")
    note("cairn.stage", "stage", { title = title, phase = "begin" })
    f.stages[#f.stages + 1] = title
    local results = pack(xpcall(fn, on_error, ...))
    remove(f.stages)
    local last = { title = title, phase = "end", ok = results[1] }
    if results[1] then
        note("cairn.stage", "stage", last)
        return unpack(results, 2, results.n)
    end
    on_detour(f, detour_of(f, results[2]), note, "cairn.stage", "stage", last)
    error(results[2], 0)
end

function host.during(enter, leave, body)
    local f = here("cairn.during")
    check_can_wait(f, "cairn.during")
    local block = { enter = enter, leave = leave, values = pack(enter()), entered = true }
    f.durings[#f.durings + 1] = block
    local results = pack(xpcall(body, on_error, unpack(block.values, 1, block.values.n)))
    remove(f.durings)
    f.leaving = f.leaving + 1
    if results[1] then
        local left = pack(xpcall(leave, on_error, unpack(block.values, 1, block.values.n)))
        f.leaving = f.leaving - 1
        if not left[1] then
            error(left[2], 0)
        end
        return unpack(results, 2, results.n)
    end
    local cause, trace = results[2], f.trace
    if block.entered then
        on_detour(f, detour_of(f, cause), function()
            local ok, e = xpcall(leave, on_error, unpack(block.values, 1, block.values.n))
            if not ok then
                note("cairn.during", "log", { text = clean("leaving failed, too: " .. describe(e).text) })
            end
        end)
    end
    f.leaving, f.trace = f.leaving - 1, trace -- the cause stays the cause
    error(cause, 0)
end

local function branch_ended(f, ok, value)
    local group = f.group
    group.left = group.left - 1
    if ok then
        group.results[f.key] = value
    elseif not group.failed then
        group.failed, group.err, group.trace = true, value, f.trace
    end
    if group.left == 0 then
        ready(group.parent)
    end
end

-- keys: in order; functions: what they stand for, at the same places.
function host.parallel(keys, functions)
    local f = here("cairn.parallel")
    check_can_wait(f, "cairn.parallel")
    local id = note("cairn.parallel", "parallel", { branches = #keys })
    local group = { parent = f, left = #keys, results = {} }
    for i, key in ipairs(keys) do
        local branch = new_fiber(id .. "." .. i, functions[i], f, branch_ended)
        branch.key, branch.group = key, group
        ready(branch)
    end
    if #keys > 0 then
        yield()
    end
    if group.failed then
        f.trace = group.trace
        error(group.err, 0)
    end
    return group.results
end

-- On a detour the list stays as it is: what is done there is done again, or taken back, by the one who comes after.
function host.undo(title, fn)
    if not here("cairn.undo").detour then
        note("cairn.undo", "undo", { title = title })
        undos[#undos + 1] = { title = title, fn = fn }
    end
end

function host.point_of_no_return(title)
    if not here("cairn.point_of_no_return").detour then
        note("cairn.point_of_no_return", "no_return", { title = title })
        undos = {}
    end
end

-- ---- polls ----------------------------------------------------------------------------------------------------------

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
            return ("cairn.wait: the poll function writes to the variable '%s' outside of it: only what it returns counts"):format(
                variable.name)
        end
    end
end

local function polled(poll, message)
    polls[poll.id] = nil
    message.op, message.id = "polled", poll.id
    local ok, why = host.send(message)
    if not ok then
        host.send({ op = "polled", id = poll.id, error = { kind = "invalid", code = "script", text = "cairn.wait: poll: " .. why } })
    end
end

local function poll_on(poll, ...)
    local before = outer_variables(poll.fn)
    current = poll
    local results = pack(resume(poll.co, ...))
    current = nil
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
    local poll = current
    if not isyieldable() then
        misuse("%s.%s: a poll can't wait here: not in a sort comparator, a gsub callback or a metamethod", plugin, action)
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

local function on_poll(message)
    local f = waiting[message.id]
    if f and f.poll_function then
        local fn = f.poll_function
        local poll = { poll = true, id = message.id, n = 0, fn = fn, co = create(function() return xpcall(fn, on_error) end) }
        polls[message.id] = poll
        poll_on(poll)
    end
end

local function on_read(message)
    local poll = polls[message.id]
    if poll and poll.n == message.n then
        poll_on(poll, message)
    end
end

-- ---- events ---------------------------------------------------------------------------------------------------------

local function on_outcome(message)
    local f = waiting[message.id]
    if f then
        polls[message.id] = nil
        if message.value == host.null then
            message.value = nil
        end
        ready(f, message)
    elseif not given[message.id] then
        error(("replay: the outcome of %s came, but the script has not given that command"):format(message.id), 0)
    end
end

local function on_retry(message)
    local f = waiting[message.id]
    if f then
        ready(f, message)
    elseif given[message.id] then
        taken_back[message.id] = message.n
    else
        retries[message.id] = message
    end
end

-- The engine need not work on these commands any more: nobody waits for them.
local function drop(ids)
    host.send { op = "dropped", ids = host.array(ids) }
end

local function on_cancel()
    local ids = {}
    cancelling = true
    for _, f in ipairs(fibers) do
        local id = f.waits_for
        if id and f.leaving == 0 then
            table.move(f.open, 1, #f.open, #ids + 1, ids)
            polls[id] = nil
            waiting[id], f.waits_for = nil, nil
            ready(f, { ok = false, error = { kind = "cancelled", text = "the run was cancelled" } })
        end
    end
    drop(ids)
end

local handlers = {
    outcome = on_outcome, retry = on_retry, cancel = on_cancel, poll = on_poll, read = on_read,
    rollback = function() begin_rollback() end,
}

function host.on_event(message)
    local handler = handlers[message.op]
    if not handler or not run then
        error(("the message '%s' isn't known here"):format(tostring(message.op)), 0)
    end
    if message.t then
        run.now = message.t
    end
    handler(message)
    run_queue()
end

function host.on_caught_up()
    run.caught_up = true
    host.send({ op = "caught_up" })
    if ended then
        end_with(ended)
    end
end

local function finish(f, ok, value)
    if not ok then
        return end_with_error(value, f.trace and rawequal(f.trace.err, value) and f.trace.text)
    end
    local copy, why = host.value { value = value }
    if not copy then
        return end_with_error(make_error("invalid", "what run returned can't be recorded: " .. why, "script"))
    end
    end_with { op = "ended", ok = true, value = value == nil and host.null or value }
end

begin_rollback = function()
    local ids = {}
    for _, f in ipairs(fibers) do
        table.move(f.open, 1, #f.open, #ids + 1, ids)
    end
    drop(ids)
    fibers, queue, waiting, polls, ended, cancelling = {}, {}, {}, {}, nil, false
    local f = new_fiber("u", function()
        for i = #undos, 1, -1 do
            host.stage(undos[i].title, undos[i].fn)
        end
    end, nil, finish)
    f.leaving = 1
    ready(f)
end

-- Begin the run: fn(params) is its first fiber.
function host.begin(message, fn, params)
    host.crash("script.started")
    ready(new_fiber("", fn, nil, finish), params)
    run_queue()
end

function host.set_run(message)
    run = { id = message.run, now = message.now, seed = tostring(message.seed), caught_up = false }
end
