-- world.lua: the world file's section of the simulated Kubernetes, and the objects that it describes.
-- SPDX-License-Identifier: MIT
local host = require "host"
local ids = require "ids"

local M = {}

local names = { type = "list", of = { type = "string" } }
local texts = { type = "table", of = { type = "string" } }

local secret = {
    type = "map",
    fields = {
        data = texts, -- in clear
        type = { type = "string", default = "Opaque" },
        immutable = { type = "boolean", default = false },
        annotations = texts,
        labels = texts,
        managers = names, -- field managers that have written it
        owners = { type = "list", of = { type = "map", fields = {
            kind = { type = "string", required = true },
            name = { type = "string", required = true },
        } } },
    },
}

local workload = {
    type = "map",
    fields = {
        replicas = { type = "integer", default = 1, min = 0, max = 100 },
        image = { type = "string", default = "registry.example/app:1" },
        env_from = names, -- secrets that become variables of the pods
        rollout = { type = "duration" }, -- of the whole; the cluster's if left out
        fails = { type = "boolean", default = false }, -- new pods never become ready
        paused = { type = "boolean", default = false },
    },
}

local token = {
    type = "map",
    fields = {
        token = { type = "string", required = true },
        user = { type = "string", default = "operator" },
        expires = { type = "time" },
        read_only = { type = "boolean", default = false },
    },
}

local workloads = { type = "table", of = workload }

local cluster = {
    type = "map",
    fields = {
        token = { type = "string" }, -- of the user "operator"
        tokens = { type = "list", of = token },
        -- kubectl sends no token over plain HTTP: requests without one are the user system:anonymous
        anonymous = { type = "boolean", default = true },
        rollout = { type = "duration", default = "90s" },
        nodes = { type = "integer", default = 3, min = 1, max = 100 },
        namespaces = {
            type = "table",
            of = {
                type = "map",
                fields = {
                    secrets = { type = "table", of = secret },
                    deployments = workloads,
                    statefulsets = workloads,
                    daemonsets = workloads,
                },
            },
        },
    },
}

M.schema = { type = "map", fields = { clusters = { type = "table", of = cluster } } }

local function metadata(name, namespace, time)
    return { name = name, namespace = namespace, uid = ids.uuid("kubernetes"), creationTimestamp = time }
end

function M.namespace(name, time)
    local object = { apiVersion = "v1", kind = "Namespace", metadata = metadata(name, nil, time) }
    object.metadata.labels = { ["kubernetes.io/metadata.name"] = name }
    object.spec, object.status = { finalizers = host.list { "kubernetes" } }, { phase = "Active" }
    return object
end

local function filled(map)
    return next(map) and map or nil
end

local function manager_of(name, time)
    return {
        manager = name, operation = "Update", apiVersion = "v1", time = time, fieldsType = "FieldsV1",
        fieldsV1 = { ["f:data"] = {} },
    }
end

function M.secret(name, namespace, section, time)
    local object = { apiVersion = "v1", kind = "Secret", metadata = metadata(name, namespace, time) }
    object.type = section.type
    object.immutable = section.immutable or nil
    object.metadata.annotations, object.metadata.labels = filled(section.annotations), filled(section.labels)
    object.data = {}
    for key, value in pairs(section.data) do
        object.data[key] = host.base64(value)
    end
    for _, manager in ipairs(section.managers) do
        object.metadata.managedFields = object.metadata.managedFields or host.list {}
        table.insert(object.metadata.managedFields, manager_of(manager, time))
    end
    for _, owner in ipairs(section.owners) do
        object.metadata.ownerReferences = object.metadata.ownerReferences or host.list {}
        table.insert(object.metadata.ownerReferences,
            { apiVersion = "v1", kind = owner.kind, name = owner.name, uid = ids.uuid("kubernetes") })
    end
    return object
end

function M.workload(resource, name, namespace, section, time)
    local labels = { app = name }
    local sources = host.list {}
    for i, secret_name in ipairs(section.env_from) do
        sources[i] = { secretRef = { name = secret_name } }
    end
    local object = {
        apiVersion = "apps/v1", kind = resource.kind, metadata = metadata(name, namespace, time),
        spec = {
            selector = { matchLabels = labels },
            template = {
                metadata = { labels = labels },
                spec = { containers = host.list { { name = name, image = section.image, envFrom = sources } } },
            },
        },
    }
    object.metadata.generation = 1
    object.metadata.labels = labels
    object.spec.paused = section.paused or nil
    if resource.name ~= "daemonsets" then
        object.spec.replicas = section.replicas
    end
    if resource.name == "statefulsets" then
        object.spec.serviceName = name
    end
    if resource.name == "deployments" then
        object.spec.strategy = { type = "RollingUpdate", rollingUpdate = { maxSurge = 1, maxUnavailable = 0 } }
    else
        object.spec.updateStrategy = { type = "RollingUpdate" }
    end
    return object
end

return M
