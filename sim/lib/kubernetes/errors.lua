-- errors.lua: the refusals of the simulated Kubernetes, as Status objects; each is raised as a reply.
-- SPDX-License-Identifier: MIT
local host = require "host"

local M = {}

function M.reply(code, reason, message, details, headers)
    headers = headers or {}
    headers["Content-Type"] = "application/json"
    return {
        status = code, headers = headers,
        body = host.encode {
            kind = "Status", apiVersion = "v1", metadata = {}, status = "Failure", message = message, reason = reason,
            details = details, code = code,
        },
    }
end

function M.raise(...)
    error(M.reply(...), 0)
end

local function details(resource, name)
    return { name = name, group = resource.group ~= "" and resource.group or nil, kind = resource.name }
end

-- "secrets" or "deployments.apps"
local function qualified(resource)
    return resource.group == "" and resource.name or resource.name .. "." .. resource.group
end

function M.not_found(resource, name)
    M.raise(404, "NotFound", ("%s \"%s\" not found"):format(qualified(resource), name), details(resource, name))
end

function M.exists(resource, name)
    M.raise(409, "AlreadyExists", ("%s \"%s\" already exists"):format(qualified(resource), name),
        details(resource, name))
end

function M.conflict(resource, name)
    M.raise(409, "Conflict", ("Operation cannot be fulfilled on %s \"%s\": the object has been modified; "
        .. "please apply your changes to the latest version and try again"):format(qualified(resource), name),
        details(resource, name))
end

function M.invalid(resource, name, field, why)
    local d = details(resource, name)
    d.kind = resource.kind
    d.causes = host.list { { reason = "FieldValueInvalid", message = why, field = field } }
    M.raise(422, "Invalid", ("%s \"%s\" is invalid: %s: %s"):format(resource.kind, name, field, why), d)
end

function M.bad_request(message)
    M.raise(400, "BadRequest", message)
end

function M.forbidden(user, verb, resource, namespace, name)
    M.raise(403, "Forbidden", ("%s%s is forbidden: User \"%s\" cannot %s resource \"%s\" in API group \"%s\"%s"):format(
        qualified(resource), name and (" \"%s\""):format(name) or "", user, verb, resource.name, resource.group,
        namespace and (" in the namespace \"%s\""):format(namespace) or " at the cluster scope"),
        details(resource, name))
end

function M.unauthorized()
    M.raise(401, "Unauthorized", "Unauthorized")
end

function M.no_such_path()
    M.raise(404, "NotFound", "the server could not find the requested resource")
end

return M
