-- resources.lua: which kinds of objects the simulated Kubernetes has, and how clients find out about them.
-- SPDX-License-Identifier: MIT
local host = require "host"
local openapi = require "kubernetes.openapi"

local M = {}

local list = host.list
local verbs = list { "create", "delete", "get", "list", "patch", "update", "watch" }
local read_verbs = list { "get", "list", "watch" }

M.all = {
    { name = "namespaces", kind = "Namespace", group = "", short = "ns", singular = "namespace", cluster_wide = true },
    { name = "secrets", kind = "Secret", group = "", singular = "secret" },
    { name = "pods", kind = "Pod", group = "", short = "po", singular = "pod", category = true, read_only = true },
    { name = "events", kind = "Event", group = "", short = "ev", singular = "event", read_only = true },
    { name = "deployments", kind = "Deployment", group = "apps", short = "deploy", singular = "deployment",
        category = true, workload = true },
    { name = "statefulsets", kind = "StatefulSet", group = "apps", short = "sts", singular = "statefulset",
        category = true, workload = true },
    { name = "daemonsets", kind = "DaemonSet", group = "apps", short = "ds", singular = "daemonset", category = true,
        workload = true },
    { name = "replicasets", kind = "ReplicaSet", group = "apps", short = "rs", singular = "replicaset",
        category = true, read_only = true },
}

M.by_name = {}
for _, resource in ipairs(M.all) do
    resource.version = resource.group == "" and "v1" or resource.group .. "/v1"
    M.by_name[resource.group .. "/" .. resource.name] = resource
end

function M.find(group, name)
    return M.by_name[group .. "/" .. name]
end

local function describe(resource)
    return {
        name = resource.name,
        singularName = resource.singular,
        namespaced = not resource.cluster_wide,
        kind = resource.kind,
        verbs = resource.read_only and read_verbs or verbs,
        shortNames = resource.short and list { resource.short } or nil,
        categories = resource.category and list { "all" } or nil,
    }
end

local function resource_list(group)
    local found = list {}
    for _, resource in ipairs(M.all) do
        if resource.group == group then
            found[#found + 1] = describe(resource)
        end
    end
    return {
        kind = "APIResourceList",
        apiVersion = "v1",
        groupVersion = group == "" and "v1" or group .. "/v1",
        resources = found,
    }
end

local function group(name)
    local version = { groupVersion = name .. "/v1", version = "v1" }
    return { name = name, versions = list { version }, preferredVersion = version }
end

local function version()
    return {
        major = "1", minor = "32", gitVersion = "v1.32.0", gitCommit = ("0"):rep(40), gitTreeState = "clean",
        buildDate = "2024-12-11T18:00:00Z", goVersion = "go1.23.3", compiler = "gc", platform = "linux/amd64",
    }
end

-- Paths that are not about objects: PATH -> fn(prefix of the cluster's paths): a value, or a text and its type.
M.documents = {
    ["version"] = version,
    ["api"] = function ()
        return { kind = "APIVersions", versions = list { "v1" }, serverAddressByClientCIDRs = list {} }
    end,
    ["apis"] = function () return { kind = "APIGroupList", apiVersion = "v1", groups = list { group "apps" } } end,
    ["apis/apps"] = function ()
        local answer = group "apps"
        answer.kind, answer.apiVersion = "APIGroup", "v1"
        return answer
    end,
    ["api/v1"] = function () return resource_list "" end,
    ["apis/apps/v1"] = function () return resource_list "apps" end,
    ["openapi/v3"] = function (prefix)
        return { paths = {
            ["api/v1"] = { serverRelativeURL = prefix .. "/openapi/v3/api/v1?hash=0" },
            ["apis/apps/v1"] = { serverRelativeURL = prefix .. "/openapi/v3/apis/apps/v1?hash=0" },
        } }
    end,
    ["openapi/v3/api/v1"] = function () return openapi.version3(M.all, "") end,
    ["openapi/v3/apis/apps/v1"] = function () return openapi.version3(M.all, "apps") end,
    ["openapi/v2"] = function () return openapi.version2(M.all), openapi.version2_type end,
    ["healthz"] = function () return "ok" end,
    ["livez"] = function () return "ok" end,
    ["readyz"] = function () return "ok" end,
}

return M
