-- patch.lua: the three kinds of patches that Kubernetes takes, on plain tables.
-- SPDX-License-Identifier: MIT
local host = require "host"

local M = {}

local function is_list(value)
    return type(value) == "table" and (getmetatable(value) or {}).__name == "list"
end

local function is_map(value)
    return type(value) == "table" and not is_list(value)
end

function M.copy(value)
    if type(value) ~= "table" then
        return value
    end
    local new = {}
    for k, v in pairs(value) do
        new[k] = M.copy(v)
    end
    return setmetatable(new, getmetatable(value))
end

function M.equal(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b
    end
    return host.encode(a) == host.encode(b)
end

-- RFC 7386.
function M.merge(target, patch)
    if not is_map(patch) then
        return M.copy(patch)
    end
    local new = is_map(target) and M.copy(target) or {}
    for key, value in pairs(patch) do
        if value == host.null then
            new[key] = nil
        else
            new[key] = M.merge(new[key], value)
        end
    end
    return new
end

local function position(items, key, value)
    for i, item in ipairs(items) do
        if item[key] == value then
            return i
        end
    end
    return nil
end

-- What tells the items of a list apart, as far as they are known here.
local function merge_key(items)
    for _, key in ipairs { "name", "uid", "containerPort", "mountPath", "type" } do
        local all = #items > 0
        for _, item in ipairs(items) do
            all = all and is_map(item) and item[key] ~= nil
        end
        if all then
            return key
        end
    end
    return nil
end

local strategic

local function strategic_list(target, patch)
    local key = merge_key(patch)
    if not key or not is_list(target) then
        return M.copy(patch)
    end
    local new = M.copy(target)
    for _, item in ipairs(patch) do
        local at = position(new, key, item[key])
        if item["$patch"] == "delete" then
            if at then
                table.remove(new, at)
            end
        elseif at then
            new[at] = strategic(new[at], item)
        else
            new[#new + 1] = M.copy(item)
        end
    end
    return new
end

-- Maps are merged, lists of named things are merged by their names.
function strategic(target, patch)
    if is_list(patch) then
        return strategic_list(target, patch)
    elseif not is_map(patch) then
        return patch
    end
    local new = is_map(target) and patch["$patch"] ~= "replace" and M.copy(target) or {}
    for key, value in pairs(patch) do
        if key:sub(1, 1) == "$" then
            new[key] = nil -- directives about order; the order is kept anyway
        elseif value == host.null then
            new[key] = nil
        else
            new[key] = strategic(new[key], value)
        end
    end
    return new
end

M.strategic = strategic

local function steps_of(path)
    local steps = {}
    for step in path:gmatch("/([^/]*)") do
        steps[#steps + 1] = (step:gsub("~1", "/"):gsub("~0", "~"))
    end
    return steps
end

local function index(holder, step)
    if not is_list(holder) then
        return step
    end
    return step == "-" and #holder + 1 or (math.tointeger(tonumber(step)) or -2) + 1
end

local function apply(target, operation)
    local steps = steps_of(operation.path or "")
    local holder = target
    for i = 1, #steps - 1 do
        holder = type(holder) == "table" and holder[index(holder, steps[i])] or nil
    end
    if type(holder) ~= "table" or #steps == 0 then
        return "the path " .. tostring(operation.path) .. " does not exist"
    end
    local at = index(holder, steps[#steps])
    local op = operation.op
    if op == "add" and is_list(holder) then
        table.insert(holder, at, M.copy(operation.value))
    elseif op == "add" then
        holder[at] = M.copy(operation.value)
    elseif holder[at] == nil then
        return "the path " .. operation.path .. " does not exist"
    elseif op == "replace" then
        holder[at] = M.copy(operation.value)
    elseif op == "remove" and is_list(holder) then
        table.remove(holder, at)
    elseif op == "remove" then
        holder[at] = nil
    elseif op ~= "test" then
        return "unknown operation " .. tostring(op)
    elseif not M.equal(holder[at], operation.value) then
        return "testing value " .. operation.path .. " failed"
    end
    return nil
end

-- RFC 6902, without move and copy. nil and why when it can't be done.
function M.json(target, operations)
    if not is_list(operations) then
        return nil, "a JSON patch is a list"
    end
    local new = M.copy(target)
    for _, operation in ipairs(operations) do
        local why = apply(new, operation)
        if why then
            return nil, why
        end
    end
    return new
end

M.kinds = {
    ["application/merge-patch+json"] = M.merge,
    ["application/strategic-merge-patch+json"] = M.strategic,
    ["application/json-patch+json"] = M.json,
}

return M
