-- jobs.lua: programs that the keeper runs beside the simulator, and tasks that are made of them.
-- SPDX-License-Identifier: MIT
--
-- A task is a function in a coroutine: it runs programs one after the other as if they took no time, while the
-- simulator goes on. An error in it ends it, and is told; who depends on the task looks at task.error.
local host = require "host"
local keeper = require "keeper"

local M = {}

local count = 0
local waiting = {} -- id of a program -> called when it has ended
local naps = {} -- { due on the wall clock, coroutine }

local function say(text)
    host.log(text)
    io.stderr:write("cairn-sim: ", text, "\n")
end
M.say = say

-- Start a program: {argv, stdin=, env=, stop=}; on_end(status, out, err). The result is its number.
function M.start(program, on_end)
    count = count + 1
    waiting[count] = on_end
    keeper.send { op = "start", id = count, argv = host.list(program.argv), stdin = program.stdin, env = program.env,
        stop = program.stop }
    return count
end

-- A file of the keeper's folder; programs that are started or signalled from now on find it.
function M.write(path, text)
    keeper.send { op = "write", path = path, text = text }
end

function M.signal(id, name)
    keeper.send { op = "signal", id = id, signal = name }
end

-- What the keeper says of a program.
function M.ended(message)
    local on_end = waiting[message.id]
    waiting[message.id] = nil
    on_end(message.status, message.out, message.err)
end

-- Something that will be done: those who wait for it go on.
function M.future(title)
    return { title = title, after = {} }
end

function M.resolve(future)
    future.done = true
    for _, fn in ipairs(future.after) do
        fn(future)
    end
end

local function step(task, ...)
    local ok, why = coroutine.resume(task.thread, ...)
    if ok and coroutine.status(task.thread) ~= "dead" then
        return
    end
    if not ok then
        task.error = type(why) == "table" and why.text or debug.traceback(task.thread, tostring(why))
        say(task.title .. ": " .. task.error)
    else
        task.result = why
    end
    M.resolve(task)
end

local current = {} -- coroutine -> its task

-- fn() in a task of its own: { title, done, error, result }.
function M.task(title, fn)
    local task = M.future(title)
    task.thread = coroutine.create(fn)
    current[task.thread] = task
    step(task)
    return task
end

local function me()
    return assert(current[coroutine.running()], "only in a task")
end

-- Call fn(task) when it has ended.
function M.when_done(task, fn)
    if task.done then
        fn(task)
    else
        table.insert(task.after, fn)
    end
end

-- In a task: until another one has ended; its error is one's own.
function M.await(task)
    if not task.done then
        local mine = me()
        table.insert(task.after, function () step(mine) end)
        coroutine.yield()
    end
    if task.error then
        M.fail(task.error)
    end
    return task.result
end

-- In a task: end it with that text.
function M.fail(text)
    error({ text = text }, 0)
end

-- In a task: a program to its end; status, what it said, and what it said of errors.
function M.try(program)
    local mine = me()
    M.start(program, function (...) step(mine, ...) end)
    return coroutine.yield()
end

-- The same for one that must succeed; what it said.
function M.run(program)
    local status, out, err = M.try(program)
    if status ~= 0 then
        M.fail(("%s ended with status %d: %s"):format(program.argv[1]:match("[^/]+$"), status,
            (err .. out):match("^%s*(.-)%s*$"):sub(-2000)))
    end
    return out
end

-- In a task: some ms of the wall clock.
function M.nap(ms)
    naps[#naps + 1] = { due = host.wall() + ms, task = me() }
    coroutine.yield()
end

-- What is due goes on.
function M.turn()
    local now, due = host.wall(), {}
    for n = #naps, 1, -1 do
        if naps[n].due <= now then
            table.insert(due, 1, table.remove(naps, n).task)
        end
    end
    for _, task in ipairs(due) do
        step(task)
    end
end

return M
