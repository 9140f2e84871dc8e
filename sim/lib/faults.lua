-- faults.lua: what goes wrong on purpose: the kinds that the models declare, and which of them are switched on.
-- SPDX-License-Identifier: MIT
--
-- A fault that is on is { n, do, match = { service?, action?, target?, n? }, times, seen, done } with the params of its
-- kind. Of what it is about it strikes the match.n-th and the times - 1 after it; with times 0, every one until it is
-- mended.
local host = require "host"
local schema = require "schema"

local M = {}

local kinds = {} -- name -> { name, of, help, params, request?, start?, stop? }
local active = {}
local count = 0

local common = {
    match = {
        type = "map",
        fields = {
            service = { type = "string", help = "which service" },
            action = { type = "string", help = "which operation" },
            target = { type = "string", help = "which thing: any name or id that the request or the thing has" },
            n = { type = "integer", min = 1, help = "the first that is struck, 1 if left out" },
        },
    },
    times = { type = "integer", default = 1, min = 0, help = "how many are struck; 0: all until it is mended" },
}

-- kind: { help = TEXT, params = { NAME = SCHEMA with help }?, times = N?, start = fn(fault)?, stop = fn(fault)? }.
-- start is called when such a fault is switched on (at the start of the world: after all models) and may return why
-- that can't be; stop when it is mended. With at_once, start is all that there is of it.
function M.declare(of, name, kind)
    local times = setmetatable({ default = kind.times }, { __index = common.times })
    local fields = { ["do"] = { type = "string" }, match = common.match, times = times }
    for param, field in pairs(kind.params or {}) do
        fields[param] = field
    end
    kinds[name] = setmetatable({ name = name, of = of, schema = { type = "map", fields = fields } },
        { __index = kind })
end

function M.names()
    local list = {}
    for name in pairs(kinds) do
        list[#list + 1] = name
    end
    table.sort(list)
    return list
end

-- Check one fault of the world file or of a request, and fill in what it leaves out.
function M.check(where, path, value)
    local wanted = type(value) == "table" and value["do"]
    if type(wanted) ~= "string" then
        schema.fail(where, path, "a fault is a map with the key do: its kind; see cairn sim faults")
    elseif not kinds[wanted] then
        local near = schema.nearest(wanted, M.names())
        schema.fail(where, path .. "/do", ("there is no kind of fault %s%s; see cairn sim faults"):format(wanted,
            near and ("; did you mean %s?"):format(near) or ""))
    end
    return schema.check(where, path, value, kinds[wanted].schema)
end

-- Switch it on; nil, or why that can't be.
function M.add(fault)
    local kind = kinds[fault["do"]]
    count = count + 1
    fault.n, fault.seen, fault.done = count, 0, 0
    active[#active + 1] = fault
    local why = kind.start and kind.start(fault)
    if why then
        active[#active] = nil
        return why
    end
    if kind.at_once then
        fault.seen, fault.done, fault.times = 1, 1, 1
    end
    return nil
end

-- The faults of the world file: checked first, switched on once the models have started.
function M.check_list(where, list)
    for i, value in ipairs(list) do
        list[i] = M.check(where, "/faults/" .. i - 1, value)
    end
end

function M.start(where, list)
    for i, fault in ipairs(list or {}) do
        local why = M.add(fault)
        if why then
            schema.fail(where, "/faults/" .. i - 1, why)
        end
    end
end

-- Switch off: all, or those of a kind, or the one with that number. Returns how many that were.
function M.mend(which)
    local kept, mended = {}, 0
    for _, fault in ipairs(active) do
        if not which or fault["do"] == which or fault.n == math.tointeger(tonumber(which)) then
            local stop = kinds[fault["do"]].stop
            if stop then
                stop(fault)
            end
            mended = mended + 1
        else
            kept[#kept + 1] = fault
        end
    end
    active = kept
    return mended
end

function M.all()
    return host.list(active)
end

-- Is that param of that kind a text, so that "1" is one too?
function M.is_text(kind, param)
    local field = kinds[kind] and kinds[kind].schema.fields[param]
    return field ~= nil and (field.type == "string" or field.type == "duration" or field.type == "time")
end

local function is_left(fault)
    return fault.times == 0 or fault.done < fault.times
end

-- Note that a fault met what it is about: true when it strikes this time.
local function strikes(fault)
    fault.seen = fault.seen + 1
    if fault.seen < (fault.match.n or 1) then
        return false
    end
    fault.done = fault.done + 1
    return true
end

local function is_one_of(target, things)
    for _, thing in pairs(things) do
        if thing == target then
            return true
        end
    end
    return false
end

-- The fault of this kind that strikes a thing now, or nil; the thing is given by all names that it has.
function M.hit(kind, ...)
    local things = { ... }
    for _, fault in ipairs(active) do
        if fault["do"] == kind and is_left(fault)
            and (not fault.match.target or is_one_of(fault.match.target, things)) and strikes(fault) then
            return fault
        end
    end
    return nil
end

-- A target is any value of the request: a form member, a part of the path, a top member of the JSON body.
function M.has_target(req, target)
    if is_one_of(target, req.params) or is_one_of(target, req.query) then
        return true
    end
    local type_ = req.headers["content-type"] or ""
    if type_:find("form-urlencoded", 1, true) then
        return is_one_of(target, req.form)
    end
    return type_:find("json", 1, true) and type(req.json) == "table" and is_one_of(target, req.json)
end

local function matches(match, req)
    return (not match.service or match.service == req.service)
        and (not match.action or match.action == req.action)
        and (not match.target or M.has_target(req, match.target))
end

-- The fault that strikes this request, if any. Every one that the request is about counts it.
function M.match(req)
    local found
    for _, fault in ipairs(active) do
        local kind = kinds[fault["do"]]
        local about = kind.request and (kind.of == "every service" or kind.of == req.model.name)
        if about and is_left(fault) and (not kind.reads or req.read) and matches(fault.match, req) then
            if found then
                fault.seen = fault.seen + 1
            elseif strikes(fault) then
                found = fault
            end
        end
    end
    return found
end

-- The faults of a kind that this request is about; those that it strikes when `count_it` is set.
function M.about(kind, req, count_it)
    local list = {}
    for _, fault in ipairs(active) do
        if fault["do"] == kind and is_left(fault) and matches(fault.match, req)
            and (not count_it or strikes(fault)) then
            list[#list + 1] = fault
        end
    end
    return list
end

function M.is_on(kind)
    for _, fault in ipairs(active) do
        if fault["do"] == kind and is_left(fault) then
            return true
        end
    end
    return false
end

-- What becomes of a request that a fault strikes: a reply instead of the handler's (nil: the handler runs), and what is
-- done to the handler's reply. The kinds that strike requests are declared in strikes.lua.
function M.instead(fault, req)
    local kind = kinds[fault["do"]]
    return kind.instead and kind.instead(fault, req)
end

function M.spoil(fault, reply)
    local kind = kinds[fault["do"]]
    if kind.spoil then
        kind.spoil(fault, reply)
    end
end

local function shown(param)
    if param.type == "duration" and param.default then
        return param.default
    end
    return param.default ~= nil and tostring(param.default) or nil
end

-- All kinds with their params, for those who ask what there is.
function M.kinds()
    local list = host.list {}
    for _, name in ipairs(M.names()) do
        local kind = kinds[name]
        local params = host.list {}
        for param, field in pairs(kind.params or {}) do
            params[#params + 1] = { name = param, type = field.type, default = shown(field), help = field.help,
                one_of = field.one_of and host.list { table.unpack(field.one_of) }, required = field.required }
        end
        table.sort(params, function (a, b) return a.name < b.name end)
        list[#list + 1] = { name = name, of = kind.of, help = kind.help, params = params, times = kind.schema.fields
            .times.default, start = kind.start ~= nil }
    end
    return list
end

return M
