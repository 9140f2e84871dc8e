-- controller.lua: what the controllers of the simulated Kubernetes do: rollouts that take their time.
-- SPDX-License-Identifier: MIT
--
-- One pod after the other becomes new: a deployment starts a pod before it ends an old one, statefulsets and daemonsets
-- the other way round. A whole rollout takes the workload's or the cluster's `rollout`.
local host = require "host"
local ids = require "ids"
local patch = require "kubernetes.patch"
local pods = require "kubernetes.pods"
local resources = require "kubernetes.resources"
local store = require "kubernetes.store"

local NOTICE = 500 -- ms until a controller has seen a change
local DEADLINE = 600 -- s without progress until a deployment's rollout has failed
local REVISION = "deployment.kubernetes.io/revision"

local replicasets = resources.find("apps", "replicasets")

local function key(object)
    return object.metadata.namespace .. "/" .. object.metadata.name
end

local function hash_of(object)
    return host.digest(object.spec.template):sub(1, 10)
end

local function nonzero(n)
    return n ~= 0 and n or nil
end

-- The part of the world file that describes this workload, if any.
local function section_of(cluster, resource, object)
    local namespace = cluster.section.namespaces[object.metadata.namespace]
    return namespace and namespace[resource.name][object.metadata.name] or {}
end

local function wanted(cluster, resource, object)
    return resource.name == "daemonsets" and cluster.section.nodes or object.spec.replicas or 1
end

-- The workload's pods: those of its present template, and the others; and how many of each are ready.
local function census(cluster, object)
    local found = { new = {}, old = {}, ready = 0, new_ready = 0 }
    local hash = hash_of(object)
    for _, pod in ipairs(store.list(cluster, pods.resource)) do
        if cluster.owners[key(pod)] == object.metadata.uid then
            local new = pods.has_hash(pod, object, hash)
            table.insert(new and found.new or found.old, pod)
            found.ready = found.ready + (pods.is_ready(pod) and 1 or 0)
            found.new_ready = found.new_ready + (new and pods.is_ready(pod) and 1 or 0)
        end
    end
    found.total = #found.new + #found.old
    return found
end

local function is_complete(found, size)
    return #found.old == 0 and #found.new == size and found.new_ready == size
end

local function deployment_conditions(sim, cluster, object, found, size)
    local complete, late = is_complete(found, size), cluster.late[object.metadata.uid]
    local function condition(kind, truth, reason, message)
        return {
            type = kind, status = truth and "True" or "False", reason = reason, message = message,
            lastUpdateTime = store.time(sim), lastTransitionTime = store.time(sim),
        }
    end
    local name = object.metadata.name
    return host.list {
        condition("Available", found.ready >= size, found.ready >= size and "MinimumReplicasAvailable"
            or "MinimumReplicasUnavailable", "Deployment has enough pods or not."),
        complete and condition("Progressing", true, "NewReplicaSetAvailable", "The rollout has succeeded.")
            or late and condition("Progressing", false, "ProgressDeadlineExceeded",
                ("ReplicaSet \"%s-%s\" has timed out progressing."):format(name, hash_of(object)))
            or condition("Progressing", true, "ReplicaSetUpdated", "The rollout goes on."),
    }
end

local status_of = {}

function status_of.deployments(sim, cluster, object, found, size)
    return {
        replicas = nonzero(found.total), updatedReplicas = nonzero(#found.new), readyReplicas = nonzero(found.ready),
        availableReplicas = nonzero(found.ready), unavailableReplicas = nonzero(math.max(0, found.total - found.ready)),
        conditions = deployment_conditions(sim, cluster, object, found, size),
    }
end

function status_of.statefulsets(_, _, object, found, size)
    local revision = object.metadata.name .. "-" .. hash_of(object)
    local before = object.status and object.status.currentRevision
    return {
        replicas = found.total, readyReplicas = nonzero(found.ready), availableReplicas = found.ready,
        updatedReplicas = nonzero(#found.new),
        currentReplicas = nonzero(is_complete(found, size) and #found.new or #found.old),
        currentRevision = (is_complete(found, size) or not before) and revision or before, updateRevision = revision,
        collisionCount = 0,
    }
end

function status_of.daemonsets(_, _, _, found, size)
    return {
        currentNumberScheduled = found.total, desiredNumberScheduled = size, numberMisscheduled = 0,
        numberReady = found.ready, numberAvailable = nonzero(found.ready), updatedNumberScheduled = nonzero(#found.new),
        numberUnavailable = nonzero(math.max(0, size - found.ready)),
    }
end

local function without_times(status)
    return (host.encode(status):gsub('"last%w+Time":"[^"]*"', ""))
end

-- Write the status, if it says something new.
local function sync(sim, cluster, resource, object, observed)
    local before = object.status or {}
    local found, size = census(cluster, object), wanted(cluster, resource, object)
    local status = status_of[resource.name](sim, cluster, object, found, size)
    status.observedGeneration = observed or before.observedGeneration
    if without_times(status) ~= without_times(before) then
        object.status = status
        store.put(cluster, resource, object)
    end
end

local function replicasets_of(cluster, object)
    local found = {}
    for _, set in ipairs(store.list(cluster, replicasets)) do
        if set.metadata.ownerReferences[1].uid == object.metadata.uid then
            found[#found + 1] = set
        end
    end
    return found
end

local function new_replicaset(sim, object, hash)
    local template = patch.copy(object.spec.template)
    template.metadata = template.metadata or {}
    template.metadata.labels = template.metadata.labels or {}
    template.metadata.labels["pod-template-hash"] = hash
    return {
        apiVersion = "apps/v1", kind = "ReplicaSet",
        metadata = {
            name = object.metadata.name .. "-" .. hash, namespace = object.metadata.namespace,
            uid = ids.uuid("kubernetes"), creationTimestamp = store.time(sim), generation = 1,
            labels = template.metadata.labels, annotations = {},
            ownerReferences = host.list {
                { apiVersion = "apps/v1", kind = "Deployment", name = object.metadata.name, uid = object.metadata.uid,
                    controller = true, blockOwnerDeletion = true },
            },
        },
        spec = { replicas = 0, selector = { matchLabels = template.metadata.labels }, template = template },
        status = { replicas = 0, observedGeneration = 1 },
    }
end

-- The replica set of the deployment's present template, made if need be, as its newest revision.
local function current_replicaset(sim, cluster, object)
    local name = object.metadata.name .. "-" .. hash_of(object)
    local newest, current = 0, store.get(cluster, replicasets, object.metadata.namespace, name)
    for _, set in ipairs(replicasets_of(cluster, object)) do
        newest = math.max(newest, tonumber(set.metadata.annotations[REVISION]) or 0)
    end
    current = current or new_replicaset(sim, object, hash_of(object))
    if current.metadata.annotations[REVISION] ~= tostring(newest) then
        current.metadata.annotations[REVISION] = tostring(newest + 1)
        store.put(cluster, replicasets, current)
    end
    object.metadata.annotations = object.metadata.annotations or {}
    if object.metadata.annotations[REVISION] ~= current.metadata.annotations[REVISION] then
        object.metadata.annotations[REVISION] = current.metadata.annotations[REVISION]
        store.put(cluster, resources.find("apps", "deployments"), object)
    end
    return current
end

local function sync_replicasets(cluster, object)
    for _, set in ipairs(replicasets_of(cluster, object)) do
        local hash, size, ready = set.metadata.labels["pod-template-hash"], 0, 0
        for _, pod in ipairs(store.list(cluster, pods.resource)) do
            if cluster.owners[key(pod)] == object.metadata.uid and pods.has_hash(pod, object, hash) then
                size, ready = size + 1, ready + (pods.is_ready(pod) and 1 or 0)
            end
        end
        if set.status.replicas ~= size or (set.status.readyReplicas or 0) ~= ready then
            set.spec.replicas = size
            set.status = { replicas = size, readyReplicas = nonzero(ready), availableReplicas = nonzero(ready),
                observedGeneration = 1 }
            store.put(cluster, replicasets, set)
        end
    end
end

return function (sim)
    local M = {}

    local tick

    local function cluster_named(name)
        return sim.state("kubernetes").clusters[name]
    end

    -- The workload as it is now, unless it is gone.
    local function reload(cluster, resource, object)
        local now = store.get(cluster, resource, object.metadata.namespace, object.metadata.name)
        return now and now.metadata.uid == object.metadata.uid and now or nil
    end

    local function later(cluster, resource, object, ms, fn)
        local name = cluster.name
        sim.after(ms, function ()
            local again = cluster_named(name)
            local now = reload(again, resource, object)
            if now then
                fn(again, now)
            end
        end)
    end

    local function pace(cluster, resource, object)
        local whole = section_of(cluster, resource, object).rollout or cluster.section.rollout
        return whole // math.max(1, wanted(cluster, resource, object))
    end

    local function come_up(cluster, resource, object, pod)
        local fails = section_of(cluster, resource, object).fails
        local stuck = (cluster.stuck[object.metadata.uid] or 0) - sim.now()
        local wait = math.max(stuck, pace(cluster, resource, object))
        later(cluster, resource, object, wait, function (again, now)
            local present = store.get(again, pods.resource, pod.metadata.namespace, pod.metadata.name)
            if not present or present.metadata.uid ~= pod.metadata.uid then
                return tick(again, resource, now)
            end
            if again.env[key(present)] and not fails then
                pods.set_ready(present)
                store.put(again, pods.resource, present)
            elseif not again.env[key(present)] then
                pods.run(again, present, false)
                store.put(again, pods.resource, present)
                return come_up(again, resource, now, present)
            end
            return tick(again, resource, now)
        end)
    end

    local function pod_name(object, ordinal, holder)
        if object.kind == "StatefulSet" then
            return object.metadata.name .. "-" .. ordinal
        end
        return holder.metadata.name .. "-" .. ids.hex("pod", 5)
    end

    local function add_pod(cluster, resource, object, ordinal, ready)
        local holder = object.kind == "Deployment" and current_replicaset(sim, cluster, object) or object
        local pod = pods.make(sim, object, holder, hash_of(object), pod_name(object, ordinal, holder))
        cluster.owners[key(pod)] = object.metadata.uid
        pods.run(cluster, pod, ready)
        store.put(cluster, pods.resource, pod)
        if not ready then
            come_up(cluster, resource, object, pod)
        end
    end

    -- A pod that takes its time to end belongs to no workload any more, and is still there.
    local function drop_pod(cluster, pod)
        local slow = cluster.slow[cluster.owners[key(pod)] or ""]
        cluster.owners[key(pod)] = nil
        if not slow then
            return pods.remove(cluster, pod)
        end
        local name = cluster.name
        pods.terminate(sim, cluster, pod)
        sim.after(slow, function () pods.remove(cluster_named(name), pod) end)
    end

    -- The first free number of a statefulset's pod.
    local function free_ordinal(cluster, object, size)
        for i = 0, size - 1 do
            if not store.get(cluster, pods.resource, object.metadata.namespace, object.metadata.name .. "-" .. i) then
                return i
            end
        end
        return size
    end

    -- One move towards what the workload should be. True when there may be another one at once.
    local function step(cluster, resource, object)
        local found, size = census(cluster, object), wanted(cluster, resource, object)
        if found.total > size and #found.old > 0 and found.new_ready == #found.new then
            drop_pod(cluster, found.old[#found.old])
            return true
        elseif #found.old == 0 and #found.new > size then
            drop_pod(cluster, found.new[#found.new])
            return true
        elseif found.new_ready < #found.new or #found.new >= size then
            return false
        end
        if resource.name ~= "deployments" and #found.old > 0 and found.total >= size then
            drop_pod(cluster, found.old[#found.old])
        end
        add_pod(cluster, resource, object, free_ordinal(cluster, object, size), false)
        return false
    end

    function tick(cluster, resource, object)
        if not object.spec.paused then
            repeat
                local more = step(cluster, resource, object)
            until not more
        end
        if resource.name == "deployments" then
            sync_replicasets(cluster, object)
        end
        sync(sim, cluster, resource, object)
    end

    local function watch_deadline(cluster, resource, object, generation)
        local seconds = object.spec.progressDeadlineSeconds or DEADLINE
        later(cluster, resource, object, seconds * 1000, function (again, now)
            local done = is_complete(census(again, now), wanted(again, resource, now))
            if now.metadata.generation == generation and not done then
                again.late[now.metadata.uid] = true
                sync(sim, again, resource, now)
            end
        end)
    end

    -- A workload is new, or its spec has changed.
    function M.changed(cluster, resource, object)
        local generation, uid = object.metadata.generation, object.metadata.uid
        local stuck = sim.fault("stuck_rollout", object.metadata.name)
        local slow = sim.fault("slow_termination", object.metadata.name)
        cluster.stuck[uid] = stuck and sim.now() + stuck.lasts
        cluster.slow[uid] = slow and slow.lasts
        later(cluster, resource, object, NOTICE, function (again, now)
            again.late[now.metadata.uid] = nil
            if resource.name == "deployments" and not now.spec.paused then
                current_replicaset(sim, again, now)
                watch_deadline(again, resource, now, generation)
            end
            sync(sim, again, resource, now, now.metadata.generation)
            tick(again, resource, now)
        end)
    end

    -- A workload of the world file: its pods have been there for long.
    function M.settle(cluster, resource, object)
        for i = 1, wanted(cluster, resource, object) do
            add_pod(cluster, resource, object, i - 1, true)
        end
        if resource.name == "deployments" then
            sync_replicasets(cluster, object)
        end
        sync(sim, cluster, resource, object, object.metadata.generation)
    end

    function M.removed(cluster, object)
        for _, pod in ipairs(store.list(cluster, pods.resource)) do
            if cluster.owners[key(pod)] == object.metadata.uid then
                drop_pod(cluster, pod)
            end
        end
        for _, set in ipairs(object.kind == "Deployment" and replicasets_of(cluster, object) or {}) do
            store.remove(cluster, replicasets, set)
        end
    end

    return M
end
