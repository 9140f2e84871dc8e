-- openapi.lua: what the simulated Kubernetes says of itself in OpenAPI, for the kubectl of today and for that of 2020.
-- SPDX-License-Identifier: MIT
--
-- Version 3 is JSON. Version 2 is asked for as protobuf, in the message Document of OpenAPIv2.proto. Both say just what
-- kubectl looks for: that a PATCH of each kind takes `fieldValidation` (version 3) and `dryRun` (version 2). No kind
-- has a schema there, so kubectl leaves the check of fields to the server.
local host = require "host"

local M = {}

local list = host.list

local function writable(resources, group)
    local found = {}
    for _, resource in ipairs(resources) do
        if not resource.read_only and (group == nil or resource.group == group) then
            local base = resource.group == "" and "/api/v1" or "/apis/" .. resource.version
            local path = base .. "/namespaces/{namespace}/" .. resource.name .. "/{name}"
            found[#found + 1] = { path = path, resource = resource }
        end
    end
    return found
end

function M.version3(resources, group)
    local paths = {}
    for _, item in ipairs(writable(resources, group)) do
        paths[item.path] = {
            patch = {
                ["x-kubernetes-group-version-kind"] = { group = group, version = "v1", kind = item.resource.kind },
                parameters = list { { name = "fieldValidation", ["in"] = "query", schema = { type = "string" } } },
                responses = { ["200"] = { description = "OK" } },
            },
        }
    end
    return { openapi = "3.0.0", info = { title = "Kubernetes", version = "v1.32.0" }, paths = paths, components = {} }
end

local function varint(n)
    local bytes = ""
    while n > 127 do
        bytes = bytes .. string.char(n % 128 + 128)
        n = n // 128
    end
    return bytes .. string.char(n)
end

-- A field whose value is a text or a message.
local function field(number, bytes)
    return varint(number * 8 + 2) .. varint(#bytes) .. bytes
end

local function operation(resource)
    local dry_run = field(4, "dryRun") -- QueryParameterSubSchema.name
    local kind = ("group: %q\nkind: %s\nversion: v1\n"):format(resource.group, resource.kind)
    return field(8, field(1, field(2, field(3, dry_run)))) -- parameters.parameter.non_body_parameter.query
        .. field(13, field(1, "x-kubernetes-group-version-kind") .. field(2, field(2, kind))) -- vendor_extension
end

function M.version2(resources)
    local paths = ""
    for _, item in ipairs(writable(resources)) do
        local value = field(8, operation(item.resource)) -- PathItem.patch
        paths = paths .. field(2, field(1, item.path) .. field(2, value))
    end
    return field(1, "2.0") .. field(2, field(1, "Kubernetes") .. field(2, "v1.32.0")) .. field(8, paths)
end

M.version2_type = "application/octet-stream" -- the name of the protobuf type has an @, which Go refuses in a header

return M
