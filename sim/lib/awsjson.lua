-- awsjson.lua: the JSON protocol of AWS, an operation in X-Amz-Target, for the models of services that speak it.
-- SPDX-License-Identifier: MIT
--
-- awsjson.model(sim, M) makes a model's requests find their way to M.operations[OPERATION](body, req) -> result:
--   M.service   the signing name; M.target what stands before the operation; M.json "1.0" or "1.1"
--   M.shapes    what stands before codes in __type
--   M.old       for services that spoke Query before, and still do to older programs: { namespace, version,
--               codes = { CODE = OLD CODE }, take = { OPERATION = fn(form) -> body },
--               give = { OPERATION = fn(result) -> what xml.lua writes } }
local host = require "host"
local aws = require "aws"
local ids = require "ids"
local served = require "served"

local M = {}

local function old_code(model, code)
    return model.old and model.old.codes[code] or code
end

local function json_reply(model, status, value, headers)
    headers = headers or {}
    headers["Content-Type"] = "application/x-amz-json-" .. model.json
    headers["x-amzn-RequestId"] = ids.uuid("request")
    return { status = status, headers = headers, body = value and host.encode(value) or "" }
end

local function json_error(model, code, message, status)
    local compatible = model.old and { ["x-amzn-query-error"] = old_code(model, code) .. ";"
        .. (status >= 500 and "Receiver" or "Sender") }
    return json_reply(model, status, { __type = (model.shapes or "") .. code, message = message }, compatible or nil)
end

local function handle(sim, model, req)
    return aws.caught(function (code, message, status) return json_error(model, code, message, status) end, function ()
        req.who = aws.authenticate(sim, req, "rest", model.service)
        if not model.operations[req.action] then
            aws.fail("UnknownOperationException", "there is no operation " .. req.action)
        elseif type(req.json) ~= "table" then
            aws.fail("SerializationException", "the body is not JSON: " .. tostring(req.json_error))
        end
        return json_reply(model, 200, model.operations[req.action](req.json, req))
    end)
end

local function old_operations(model)
    local operations = {}
    for name, take in pairs(model.old.take) do
        operations[name] = function (form, req)
            local result = model.operations[name](take(form), req)
            return model.old.give[name] and model.old.give[name](result or {}) or {}
        end
    end
    return operations
end

-- The faults of a model, in the protocol that the request has.
local function fault(model, kind, req)
    local code, message, status = aws.fault_of(kind, true)
    if kind == "throttle" then
        code, status = model.throttled or "ThrottlingException", 400
    elseif kind == "conflict" then
        code, status = model.conflict or "ConcurrentModificationException", 400
    elseif kind == "error_5xx" then
        code = "InternalServiceError"
    end
    if req.headers["x-amz-target"] then
        return json_error(model, code, message, status)
    end
    return aws.query_error(model.old.namespace, old_code(model, code), message, status)
end

function M.model(sim, model)
    model.error = function (kind, req) return fault(model, kind, req) end
    aws.targets[model.target] = function (_, operation)
        return {
            model = model, service = model.service, action = operation, read = served.is_read(operation),
            handler = function (request) return handle(sim, model, request) end,
        }
    end
    if model.old then
        aws.query_service {
            service = model.service, namespace = model.old.namespace, version = model.old.version,
            operations = old_operations(model), error = model.error, codes = model.old.codes,
        }
    end
    return model
end

-- A member that has to be there.
function M.required(body, name, code)
    if body[name] == nil or body[name] == "" or body[name] == host.null then
        aws.fail(code or "ValidationException", ("1 validation error detected: Value null at '%s' failed to satisfy "
            .. "constraint: Member must not be null"):format(name))
    end
    return body[name]
end

-- One page of `items` as result[name]; the token is the number of what was given before.
function M.page(body, items, name, size, size_name)
    local given = body[size_name or "MaxResults"]
    local from = math.tointeger(tonumber(body.NextToken or 0)) or aws.fail("InvalidNextToken", "The token is not valid")
    size = math.tointeger(given) or size
    local out = host.list {}
    for n = from + 1, math.min(from + size, #items) do
        out[#out + 1] = items[n]
    end
    return { [name] = out, NextToken = from + size < #items and tostring(from + size) or nil }
end

return M
