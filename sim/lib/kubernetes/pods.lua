-- pods.lua: the pods of the simulated workloads; each takes its variables from the secrets when it starts.
-- SPDX-License-Identifier: MIT
local host = require "host"
local ids = require "ids"
local patch = require "kubernetes.patch"
local resources = require "kubernetes.resources"
local store = require "kubernetes.store"

local M = {}

local secrets = resources.find("", "secrets")
M.resource = resources.find("", "pods")

local function value_of(cluster, namespace, name, key)
    local secret = store.get(cluster, secrets, namespace, name)
    local data = secret and (secret.data or {})[key]
    return data and host.unbase64(data)
end

local function add_from(cluster, namespace, env, source)
    local reference = source.secretRef
    if not reference then
        return true
    end
    local secret = store.get(cluster, secrets, namespace, reference.name)
    for key, value in pairs(secret and secret.data or {}) do
        env[(source.prefix or "") .. key] = host.unbase64(value)
    end
    return secret ~= nil or reference.optional == true
end

local function add_one(cluster, namespace, env, variable)
    local reference = (variable.valueFrom or {}).secretKeyRef
    if not reference then
        env[variable.name] = variable.value
        return true
    end
    env[variable.name] = value_of(cluster, namespace, reference.name, reference.key)
    return env[variable.name] ~= nil or reference.optional == true
end

-- The variables that a pod of this template starts with now; nil when a secret or a key is missing.
local function environment(cluster, namespace, template)
    local env, whole = {}, true
    for _, container in ipairs(template.spec and template.spec.containers or {}) do
        for _, source in ipairs(container.envFrom or {}) do
            whole = add_from(cluster, namespace, env, source) and whole
        end
        for _, variable in ipairs(container.env or {}) do
            whole = add_one(cluster, namespace, env, variable) and whole
        end
    end
    return whole and env or nil
end

local function container_statuses(template, ready, waiting)
    local found = host.list {}
    for i, container in ipairs(template.spec and template.spec.containers or {}) do
        found[i] = {
            name = container.name, image = container.image, ready = ready, started = ready, restartCount = 0,
            state = waiting and { waiting = { reason = waiting } } or { running = {} },
        }
    end
    return found
end

-- waiting: why the containers don't run yet; nil when they do.
local function status(template, ready, waiting)
    local truth = ready and "True" or "False"
    return {
        phase = waiting and "Pending" or "Running",
        conditions = host.list {
            { type = "Ready", status = truth }, { type = "ContainersReady", status = truth },
            { type = "PodScheduled", status = "True" },
        },
        containerStatuses = container_statuses(template, ready, waiting),
    }
end

local function owner(object, kind)
    return host.list {
        { apiVersion = "apps/v1", kind = kind, name = object.metadata.name, uid = object.metadata.uid,
            controller = true, blockOwnerDeletion = true },
    }
end

-- What a pod of this template bears as the mark of its kind: name and value of a label.
local function mark(workload, hash)
    if workload.kind == "Deployment" then
        return "pod-template-hash", hash
    end
    return "controller-revision-hash", workload.metadata.name .. "-" .. hash
end

function M.has_hash(pod, workload, hash)
    local name, value = mark(workload, hash)
    return (pod.metadata.labels or {})[name] == value
end

-- How the pod's start goes on: its variables are those of this moment.
function M.run(cluster, pod, ready)
    local metadata = pod.metadata
    local env = environment(cluster, metadata.namespace, pod)
    cluster.env[metadata.namespace .. "/" .. metadata.name] = env
    pod.status = status(pod, ready and env ~= nil,
        not env and "CreateContainerConfigError" or not ready and "ContainerCreating" or nil)
    return env ~= nil
end

-- Make a pod of a workload; `holder` is the object that owns it.
function M.make(sim, workload, holder, hash, name)
    local template = workload.spec.template
    local labels = patch.copy((template.metadata or {}).labels or {})
    local label, value = mark(workload, hash)
    labels[label] = value
    return {
        apiVersion = "v1", kind = "Pod",
        metadata = {
            name = name, namespace = workload.metadata.namespace, uid = ids.uuid("kubernetes"), labels = labels,
            annotations = patch.copy((template.metadata or {}).annotations),
            creationTimestamp = store.time(sim), ownerReferences = owner(holder, holder.kind),
        },
        spec = patch.copy(template.spec or {}),
    }
end

-- The pod's containers are ready to serve; its variables stay those of its start.
function M.set_ready(pod)
    pod.status = status(pod, true)
end

function M.is_ready(pod)
    return pod.status.conditions[1].status == "True"
end

-- It was told to end, and goes on with what it does.
function M.terminate(sim, cluster, pod)
    pod.metadata.deletionTimestamp = store.time(sim)
    pod.metadata.deletionGracePeriodSeconds = 30
    store.put(cluster, M.resource, pod)
end

function M.remove(cluster, pod)
    cluster.env[pod.metadata.namespace .. "/" .. pod.metadata.name] = nil
    store.remove(cluster, M.resource, pod)
end

return M
