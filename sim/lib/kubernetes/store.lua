-- store.lua: the objects of one simulated cluster, their versions, and the history that watches read.
-- SPDX-License-Identifier: MIT
local host = require "host"
local patch = require "kubernetes.patch"

local M = {}

local HISTORY = 1000 -- events kept

-- A cluster's plain data; `objects` is RESOURCE -> "NAMESPACE/NAME" -> object.
function M.new(name, section)
    return {
        name = name, section = section, version = 1000, objects = {}, history = {}, forgotten = 1000,
        env = {}, -- "NAMESPACE/POD" -> variables of the pod as they were when it started
        owners = {}, -- "NAMESPACE/POD" -> uid of its workload
        stuck = {}, -- uid of a workload -> until when its new pods don't become ready
        slow = {}, -- uid of a workload -> how long each of its pods takes to end
        late = {}, -- uid of a deployment -> true when its rollout has failed
    }
end

function M.time(sim)
    return (sim.time():gsub("%.%d+Z$", "Z"))
end

local function key(namespace, name)
    return (namespace or "") .. "/" .. name
end

function M.get(cluster, resource, namespace, name)
    return (cluster.objects[resource.name] or {})[key(namespace, name)]
end

local function note(cluster, kind, resource, object)
    local history = cluster.history
    history[#history + 1] = {
        version = cluster.version, type = kind, resource = resource.name, object = patch.copy(object),
    }
    if #history > HISTORY then
        cluster.forgotten = table.remove(history, 1).version
    end
end

local function next_version(cluster)
    cluster.version = cluster.version + 1
    return tostring(cluster.version)
end

-- Store an object, new or changed; it is the store's from now on.
function M.put(cluster, resource, object)
    local objects = cluster.objects[resource.name] or {}
    local at = key(object.metadata.namespace, object.metadata.name)
    local kind = objects[at] and "MODIFIED" or "ADDED"
    cluster.objects[resource.name] = objects
    object.metadata.resourceVersion = next_version(cluster)
    objects[at] = object
    note(cluster, kind, resource, object)
    return object
end

function M.remove(cluster, resource, object)
    local gone = patch.copy(object)
    gone.metadata.resourceVersion = next_version(cluster)
    cluster.objects[resource.name][key(object.metadata.namespace, object.metadata.name)] = nil
    note(cluster, "DELETED", resource, gone)
    return gone
end

-- "a=b,c!=d" as a function on a table of values; conditions on values that aren't known are refused with why.
local function selector(text, value_of)
    local conditions = {}
    for part in (text or ""):gmatch("[^,]+") do
        local name, operator, value = part:match("^%s*([^!=%s]+)%s*(!?==?)%s*(.-)%s*$")
        if not name then
            name, operator, value = part:match("^%s*(!?)([^!=%s]+)%s*$")
            conditions[#conditions + 1] = function (object)
                return (value_of(object, operator) ~= nil) == (name == "")
            end
        else
            conditions[#conditions + 1] = function (object)
                return (value_of(object, name) == value) == (operator ~= "!=")
            end
        end
    end
    return function (object)
        for _, condition in ipairs(conditions) do
            if not condition(object) then
                return false
            end
        end
        return true
    end
end

local function field(object, path)
    local value = object
    for step in path:gmatch("[^.]+") do
        value = type(value) == "table" and value[step] or nil
    end
    return value
end

local function label(object, name)
    return (object.metadata.labels or {})[name]
end

-- Does an object belong to a list or watch with this namespace (nil: all) and these selectors?
function M.filter(namespace, query)
    local fields = selector(query.fieldSelector, field)
    local labels = selector(query.labelSelector, label)
    return function (object)
        return (not namespace or object.metadata.namespace == namespace) and fields(object) and labels(object)
    end
end

function M.list(cluster, resource, filter)
    local keys, found = {}, host.list {}
    for at, object in pairs(cluster.objects[resource.name] or {}) do
        if not filter or filter(object) then
            keys[#keys + 1] = at
        end
    end
    table.sort(keys)
    for i, at in ipairs(keys) do
        found[i] = cluster.objects[resource.name][at]
    end
    return found
end

-- What happened since a version: a list of { type, object }; nil when that is forgotten.
function M.since(cluster, resource, filter, version)
    if version < cluster.forgotten then
        return nil
    end
    local found = {}
    for _, event in ipairs(cluster.history) do
        if event.version > version and event.resource == resource.name and filter(event.object) then
            found[#found + 1] = event
        end
    end
    return found
end

return M
