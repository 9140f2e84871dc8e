-- fibers.lua: fibers, their ids and commands, and what the engine's events do to them; the third of the embedded Lua
-- files. SPDX-License-Identifier: MIT
--
-- A fiber is a coroutine. A command is sent and yields its fiber; the outcome, found by the command's id, resumes it.
-- Ids are made of the fiber's path and a count within it, so they are the same in each replay (doc/PROTOCOL.md). A
-- detour, that is what a fiber does on the way out of an error and on the way back in after a retry, has a path and a
-- count of its own.
local host = ...

local create, isyieldable, resume, yield = coroutine.create, coroutine.isyieldable, coroutine.resume, coroutine.yield
local error, ipairs, type, xpcall = error, ipairs, type, xpcall
local pack, remove, unpack = table.pack, table.remove, table.unpack
local clean, tostring = host.clean, host.tostring
local describe, field, misuse, on_error, throw = host.describe, host.field, host.misuse, host.on_error, host.throw

local current -- the fiber, or the poll, whose code runs; nil while a file is loaded
local run -- {id, now, seed, caught_up} when there is one
local fibers = {} -- those that haven't ended, in the order of their making
local queue = {} -- fibers that can go on, with what they are resumed with
local waiting = {} -- command id -> fiber
local given = {} -- command id -> true: it was sent once
local taken_back = {} -- command id -> how many of its failures a retry has taken back
local retries = {} -- command id -> n: a retry that came before its command
local counts = {} -- detour -> how many commands it has had
local cancelling = false
local ended -- the message that tells how it ended, until it is sent

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

-- One more failure of this command is void; at least `n` are.
local function take_back(id, n)
    taken_back[id] = math.max((taken_back[id] or 0) + 1, n)
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
        at = ("%s:%d"):format(info.source:match("^@(.*)$") or info.short_src, info.linedefined), -- if all else fails
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

-- Let the coroutine of a fiber or poll go on; what coroutine.resume says.
function host.resume(context, ...)
    current = context
    local results = pack(resume(context.co, ...))
    current = nil
    return unpack(results, 1, results.n)
end

local function go_on(f, args)
    host.crash("script.resuming")
    local results = pack(host.resume(f, unpack(args, 1, args.n)))
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
    host.crash("script.noted")
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
        misuse("%s: a run can't wait here: not in a sort comparator, a gsub callback, a metamethod or a module's load",
            what)
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
        take_back(id, event.n)
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

host.here, host.check_can_wait, host.detour_of, host.on_detour = here, check_can_wait, detour_of, on_detour
host.new_fiber, host.ready = new_fiber, ready

function host.current()
    return current
end

function host.waiting(id)
    return waiting[id]
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

-- ---- events ---------------------------------------------------------------------------------------------------------

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

local function on_outcome(message)
    local f = waiting[message.id]
    if f then
        host.drop_poll(message.id)
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
    local failed = message.failed
    if failed then -- what failed is not yet given again: a read before it is taken back as well
        take_back(failed, 1)
    end
    if f then
        ready(f, message)
    elseif given[message.id] then
        take_back(message.id, message.n)
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
            host.drop_poll(id)
            waiting[id], f.waits_for = nil, nil
            ready(f, { ok = false, error = { kind = "cancelled", text = "the run was cancelled" } })
        end
    end
    drop(ids)
end

local function finish(f, ok, value)
    if not ok then
        return end_with_error(value, f.trace and rawequal(f.trace.err, value) and f.trace.text)
    end
    local copy, why = host.value { value = value }
    if not copy then
        return end_with_error(host.make_error("invalid", "what run returned can't be recorded: " .. why, "script"))
    end
    end_with { op = "ended", ok = true, value = value == nil and host.null or value }
end

local function on_rollback()
    local ids = {}
    for _, f in ipairs(fibers) do
        table.move(f.open, 1, #f.open, #ids + 1, ids)
    end
    drop(ids)
    fibers, queue, waiting, ended, cancelling = {}, {}, {}, nil, false
    local f = new_fiber("u", host.undo_all, nil, finish)
    f.leaving = 1
    ready(f)
end

local handlers = {
    outcome = on_outcome, retry = on_retry, cancel = on_cancel, rollback = on_rollback,
    poll = function(message) host.on_poll(message) end,
    read = function(message) host.on_read(message) end,
}

function host.on_event(message)
    local handler = handlers[message.op]
    if not handler or not run then
        error(("the message '%s' isn't known here"):format(tostring(message.op)), 0)
    end
    if message.t then
        run.now = message.t
    end
    host.crash("script.event")
    handler(message)
    run_queue()
end

function host.on_caught_up()
    run.caught_up = true
    host.send({ op = "caught_up" })
    host.crash("script.caught_up")
    if ended then
        end_with(ended)
    end
end

-- Begin the run: fn(params) is its first fiber.
function host.begin(fn, params)
    host.crash("script.started")
    ready(new_fiber("", fn, nil, finish), params)
    run_queue()
end

function host.set_run(message)
    run = { id = message.run, now = message.now, seed = tostring(message.seed), caught_up = false }
end
