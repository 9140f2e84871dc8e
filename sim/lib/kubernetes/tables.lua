-- tables.lua: objects as the tables that kubectl get shows.
-- SPDX-License-Identifier: MIT
local host = require "host"

local M = {}

local function count(map)
    local n = 0
    for _ in pairs(map or {}) do
        n = n + 1
    end
    return n
end

local function age(object, now)
    local seconds = (now - (host.parse(object.metadata.creationTimestamp or "") or now)) // 1000
    if seconds < 120 then
        return seconds .. "s"
    elseif seconds < 7200 then
        return seconds // 60 .. "m"
    elseif seconds < 172800 then
        return seconds // 3600 .. "h"
    end
    return seconds // 86400 .. "d"
end

local function of(object, ...)
    local value = object
    for _, step in ipairs { ... } do
        value = type(value) == "table" and value[step] or nil
    end
    return value or 0
end

local function pod_ready(pod)
    return of(pod, "status", "containerStatuses", 1, "ready") == true and "1/1" or "0/1"
end

local function pod_state(pod)
    local waiting = of(pod, "status", "containerStatuses", 1, "state", "waiting", "reason")
    return waiting ~= 0 and waiting or of(pod, "status", "phase")
end

local function ready(object)
    return of(object, "status", "readyReplicas") .. "/" .. of(object, "spec", "replicas")
end

-- Behind the name and before the age: title, type, cell.
local columns = {
    Namespace = { { "Status", "string", function () return "Active" end } },
    Secret = {
        { "Type", "string", function (o) return o.type end },
        { "Data", "integer", function (o) return count(o.data) end },
    },
    Pod = {
        { "Ready", "string", pod_ready }, { "Status", "string", pod_state },
        { "Restarts", "integer", function () return 0 end },
    },
    Event = {},
    Deployment = {
        { "Ready", "string", ready },
        { "Up-to-date", "integer", function (o) return of(o, "status", "updatedReplicas") end },
        { "Available", "integer", function (o) return of(o, "status", "availableReplicas") end },
    },
    StatefulSet = {
        { "Ready", "string", ready },
    },
    DaemonSet = {
        { "Desired", "integer", function (o) return of(o, "status", "desiredNumberScheduled") end },
        { "Current", "integer", function (o) return of(o, "status", "currentNumberScheduled") end },
        { "Ready", "integer", function (o) return of(o, "status", "numberReady") end },
        { "Up-to-date", "integer", function (o) return of(o, "status", "updatedNumberScheduled") end },
        { "Available", "integer", function (o) return of(o, "status", "numberAvailable") end },
    },
    ReplicaSet = {
        { "Desired", "integer", function (o) return of(o, "spec", "replicas") end },
        { "Current", "integer", function (o) return of(o, "status", "replicas") end },
        { "Ready", "integer", function (o) return of(o, "status", "readyReplicas") end },
    },
}

local function definition(name, kind)
    return { name = name, type = kind, format = name == "Name" and "name" or "", description = name, priority = 0 }
end

local function row(object, extra, now, whole)
    local cells = host.list { object.metadata.name }
    for _, column in ipairs(extra) do
        cells[#cells + 1] = column[3](object)
    end
    cells[#cells + 1] = age(object, now)
    return {
        cells = cells,
        object = whole and object
            or { kind = "PartialObjectMetadata", apiVersion = "meta.k8s.io/v1", metadata = object.metadata },
    }
end

-- `whole`: the rows hold the objects themselves and not only their metadata.
function M.make(resource, objects, now, version, whole)
    local extra = columns[resource.kind]
    local definitions, rows = host.list { definition("Name", "string") }, host.list {}
    for _, column in ipairs(extra) do
        definitions[#definitions + 1] = definition(column[1], column[2])
    end
    definitions[#definitions + 1] = definition("Age", "string")
    for i, object in ipairs(objects) do
        rows[i] = row(object, extra, now, whole)
    end
    return {
        kind = "Table", apiVersion = "meta.k8s.io/v1", metadata = { resourceVersion = version },
        columnDefinitions = definitions, rows = rows,
    }
end

function M.wanted(req)
    return (req.headers.accept or ""):find("as=Table", 1, true) ~= nil
end

return M
