-- faults.lua: the kinds of faults that the simulated Kubernetes knows, and what others do to its objects for them.
-- SPDX-License-Identifier: MIT
local host = require "host"
local patch = require "kubernetes.patch"
local resources = require "kubernetes.resources"
local store = require "kubernetes.store"

local secrets = resources.find("", "secrets")

local function named(object)
    return object.metadata.name, (object.metadata.namespace or "") .. "/" .. object.metadata.name
end

return function (sim)
    local M = {}

    -- Secrets of that name, in whatever cluster and namespace.
    local function secrets_named(target)
        local found = {}
        for _, cluster in pairs(sim.state("kubernetes").clusters) do
            for _, object in ipairs(store.list(cluster, secrets)) do
                local name, qualified = named(object)
                if target == name or target == qualified then
                    found[#found + 1] = { cluster = cluster, object = object }
                end
            end
        end
        return found
    end

    local function each_target(fault, fn)
        local found = secrets_named(fault.match.target)
        for _, each in ipairs(found) do
            fn(each.object)
            store.put(each.cluster, secrets, each.object)
        end
        if #found == 0 then
            return fault.match.target and "there is no secret " .. fault.match.target
                or "it needs a target: which secret?"
        end
        return nil
    end

    local function mark(object, manager)
        object.metadata.managedFields = object.metadata.managedFields or host.list {}
        for _, entry in ipairs(object.metadata.managedFields) do
            if entry.manager == manager then
                entry.time = store.time(sim)
                return
            end
        end
        table.insert(object.metadata.managedFields, {
            manager = manager, operation = "Apply", apiVersion = "v1", time = store.time(sim), fieldsType = "FieldsV1",
            fieldsV1 = { ["f:data"] = {} },
        })
    end

    -- What somebody else does just before a change arrives: the object has another version then.
    function M.before_change(cluster, resource, object)
        if sim.fault("concurrent_edit", named(object)) then
            object.metadata.annotations = object.metadata.annotations or {}
            object.metadata.annotations["example.org/touched"] = store.time(sim)
            store.put(cluster, resource, object)
        end
    end

    -- A controller that has the object from elsewhere puts it back some time after a change.
    function M.after_change(cluster, resource, before, object)
        local fault = resource.name == "secrets" and not patch.equal(before.data or {}, object.data or {})
            and sim.fault("revert_secret", named(object))
        if not fault then
            return
        end
        local data, place, namespace, name = patch.copy(before.data), cluster.name, object.metadata.namespace,
            object.metadata.name
        sim.after(fault.after, function ()
            local again = sim.state("kubernetes").clusters[place]
            local now = store.get(again, secrets, namespace, name)
            if now and now.data and not patch.equal(now.data, data) then
                now = patch.copy(now)
                now.data = patch.copy(data)
                mark(now, fault.manager)
                store.put(again, secrets, now)
            end
        end)
    end

    M.kinds = {
        concurrent_edit = {
            help = "Somebody else changes an object just before: a change that names the version it has read is "
                .. "refused with 409 Conflict. The target is the object.",
        },
        revert_secret = {
            help = "A GitOps controller has the secret from elsewhere, and puts its data back some time after each "
                .. "change. It can be seen in managedFields beforehand, unless hidden. The target is the secret.",
            times = 0,
            params = {
                after = { type = "duration", default = "60s", help = "so long after a change" },
                manager = { type = "string", default = "argocd-controller", help = "its name in managedFields" },
                hidden = { type = "boolean", default = false, help = "nothing tells of it before it acts" },
            },
            start = function (fault)
                if fault.hidden then
                    return nil
                end
                return each_target(fault, function (object) mark(object, fault.manager) end)
            end,
        },
        immutable_secret = {
            help = "The secret is made immutable: each change of its data is refused with 422. The target is the "
                .. "secret.",
            at_once = true,
            start = function (fault)
                return each_target(fault, function (object) object.immutable = true end)
            end,
        },
        stuck_rollout = {
            help = "The new pods of a rollout don't become ready for a while; a deployment's progress deadline "
                .. "passes meanwhile. The target is the workload.",
            params = { lasts = { type = "duration", default = "30m", help = "so long, on the world's clock" } },
        },
        slow_termination = {
            help = "The old pods of a rollout take long to end. The target is the workload.",
            params = { lasts = { type = "duration", default = "5m", help = "each ends so long after it was told to" } },
        },
    }

    return M
end
