-- blocks.lua: stages, during, parallel and the undo list; the fourth of the embedded Lua files.
-- SPDX-License-Identifier: MIT
local host = ...

local check_can_wait, detour_of, here, note = host.check_can_wait, host.detour_of, host.here, host.note
local new_fiber, on_detour, on_error, ready = host.new_fiber, host.on_detour, host.on_error, host.ready
local pack, remove, unpack, yield = table.pack, table.remove, table.unpack, coroutine.yield
local clean, describe, error, ipairs, xpcall = host.clean, host.describe, error, ipairs, xpcall

local undos = {} -- {title, fn}, oldest first

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

-- What the fiber of a rollback does.
function host.undo_all()
    for i = #undos, 1, -1 do
        host.stage(undos[i].title, undos[i].fn)
    end
end
