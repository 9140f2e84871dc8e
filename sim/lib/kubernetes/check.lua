-- check.lua: what the simulated Kubernetes refuses in an object that is created or changed.
-- SPDX-License-Identifier: MIT
local host = require "host"
local errors = require "kubernetes.errors"
local patch = require "kubernetes.patch"

local M = {}

local SECRET_MAX = 1048576
local UNREADABLE = "Secret in version \"v1\" cannot be handled as a Secret: "

local function secret_data(resource, object)
    local total = 0
    for key, value in pairs(object.data or {}) do
        local bytes = type(value) == "string" and host.unbase64(value)
        if not key:find("^[-._%w]+$") then
            errors.invalid(resource, object.metadata.name, "data[" .. key .. "]", "Invalid value: \"" .. key ..
                "\": a valid config key must consist of alphanumeric characters, '-', '_' or '.'")
        elseif not bytes then
            errors.bad_request(UNREADABLE .. "illegal base64 data at input byte 0")
        end
        total = total + #bytes
    end
    if total > SECRET_MAX then
        errors.invalid(resource, object.metadata.name, "data", "Too long: may not be more than 1048576 bytes")
    end
end

local function secret(resource, object, before)
    object.type = object.type or "Opaque"
    for key, value in pairs(object.stringData or {}) do
        if type(value) ~= "string" then
            errors.bad_request(UNREADABLE .. "stringData." .. key .. " isn't a string")
        end
        object.data = object.data or {}
        object.data[key] = host.base64(value)
    end
    object.stringData = nil
    secret_data(resource, object)
    if not before then
        return
    end
    local name = object.metadata.name
    if object.type ~= before.type then
        errors.invalid(resource, name, "type", ("Invalid value: \"%s\": field is immutable"):format(object.type))
    elseif before.immutable and not patch.equal(object.data or {}, before.data or {}) then
        errors.invalid(resource, name, "data", "Forbidden: field is immutable when `immutable` is set")
    elseif before.immutable and not object.immutable then
        errors.invalid(resource, name, "immutable", "Forbidden: field is immutable when `immutable` is set")
    end
end

local function workload(resource, object, before)
    local spec = object.spec
    if type(spec) ~= "table" or type(spec.template) ~= "table" or type(spec.selector) ~= "table" then
        errors.invalid(resource, object.metadata.name, "spec", "Required value: selector and template")
    end
    if resource.name ~= "daemonsets" then
        spec.replicas = spec.replicas or 1
    end
    local labels = type(spec.template.metadata) == "table" and spec.template.metadata.labels or {}
    for name, value in pairs(spec.selector.matchLabels or {}) do
        if labels[name] ~= value then
            errors.invalid(resource, object.metadata.name, "spec.template.metadata.labels",
                "Invalid value: `selector` does not match template `labels`")
        end
    end
    if before and not patch.equal(spec.selector, before.spec.selector) then
        errors.invalid(resource, object.metadata.name, "spec.selector", "Invalid value: field is immutable")
    end
end

-- Check a new object, or the changed one of `before`, and fill in what the server fills in.
function M.object(resource, object, before)
    local metadata = object.metadata
    local name = type(metadata) == "table" and metadata.name
    if type(name) ~= "string" or not name:find("^%l?%d?[%l%d.-]*$") or name == "" then
        errors.invalid(resource, tostring(name or ""), "metadata.name", "Required value: name is required")
    elseif object.kind ~= resource.kind or object.apiVersion ~= resource.version then
        errors.bad_request(("the data (%s %s) does not match the expected type (%s %s)"):format(
            tostring(object.apiVersion), tostring(object.kind), resource.version, resource.kind))
    elseif before and (name ~= before.metadata.name or metadata.namespace ~= before.metadata.namespace) then
        errors.bad_request("the name of the object does not match the name on the URL")
    end
    if resource.name == "secrets" then
        secret(resource, object, before)
    elseif resource.workload then
        workload(resource, object, before)
    end
end

return M
