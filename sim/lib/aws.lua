-- aws.lua: what the AWS models share: who is calling, the Query protocol, and errors in each protocol's shape.
-- SPDX-License-Identifier: MIT
local host = require "host"
local ids = require "ids"
local permissions = require "permissions"
local served = require "served"
local xml = require "xml"

local M = {}

local window = 15 * 60 * 1000 -- how far a request's date may be from the wall clock

local statuses = {
    AccessDenied = 403, InvalidClientTokenId = 403, SignatureDoesNotMatch = 403, ExpiredToken = 403,
    MissingAuthenticationToken = 403, IncompleteSignature = 400, UnrecognizedClientException = 403,
    InvalidSignatureException = 403, ExpiredTokenException = 403, ServiceUnavailable = 503, InternalFailure = 500,
}

-- Refuse the request; raised, and turned into a reply by the protocol.
function M.fail(code, message, status)
    error({ code = code, message = message, http = status or statuses[code] or 400 }, 0)
end

-- The scope of the signature: key, date, region, service and the names of the signed headers; nil when unsigned.
function M.scope(req)
    local text = req.headers["authorization"] or ""
    local key, day, region, service = text:match("Credential=([^/,%s]+)/(%d+)/([^/]+)/([^/]+)/aws4_request")
    if not key then
        return nil
    end
    return {
        key = key, day = day, region = region, service = service,
        signed = text:match("SignedHeaders=([^,%s]+)"), signature = text:match("Signature=(%x+)"),
    }
end

-- Keys of the world file, or temporary ones that the model of STS gave.
local function credential(sim, key)
    for _, c in ipairs(sim.world.credentials) do
        if c.access_key == key then
            return c
        end
    end
    return sim.by_name.sts.temporary(key)
end

local names = { -- the codes differ between the protocols
    query = { unknown = "InvalidClientTokenId", wrong = "SignatureDoesNotMatch", expired = "ExpiredToken",
        missing = "MissingAuthenticationToken" },
    rest = { unknown = "UnrecognizedClientException", wrong = "InvalidSignatureException",
        expired = "ExpiredTokenException", missing = "MissingAuthenticationTokenException" },
}

local function check_date(code, req, scope)
    local date = req.headers["x-amz-date"] or ""
    local y, mo, d, h, mi, s = date:match("^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$")
    local at = y and host.parse(("%s-%s-%sT%s:%s:%sZ"):format(y, mo, d, h, mi, s))
    if not at or scope.day ~= y .. mo .. d then
        M.fail("IncompleteSignature",
            "Date in Credential scope does not match the date of the request: " .. date, 400)
    end
    local now = host.wall()
    if math.abs(now - at) > window then
        M.fail(code.wrong, ("Signature expired: %s is now %s than %s (%s %s 15 min.)"):format(date,
            at < now and "earlier" or "later", host.format(now), host.format(now), at < now and "-" or "+"), 403)
    end
    return date
end

-- Who signed the request: one of the world's credentials. Raises the protocol's errors.
function M.authenticate(sim, req, protocol, service)
    local code = names[protocol]
    local scope = M.scope(req)
    if not scope or not scope.signed or not scope.signature then
        M.fail(code.missing, "Request is missing Authentication Token", 403)
    end
    local who = credential(sim, scope.key)
    if not who then
        M.fail(code.unknown, "The security token included in the request is invalid.", 403)
    end
    local date = check_date(code, req, scope)
    if who.token ~= req.headers["x-amz-security-token"] then
        M.fail(code.unknown, "The security token included in the request is invalid.", 403)
    end
    if who.expires and host.wall() > who.expires then
        M.fail(code.expired, "The security token included in the request is expired", 403)
    end
    local expected = host.sign {
        method = req.method, target = req.target, headers = req.headers, signed = scope.signed, date = date,
        region = scope.region, service = scope.service, secret = who.secret,
        payload_hash = host.sha256(req.body),
    }
    if expected ~= scope.signature then
        M.fail(code.wrong, "The request signature we calculated does not match the signature you provided. "
            .. "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
                403)
    end
    if scope.service ~= service or scope.region ~= sim.world.region and service ~= "sts" then
        M.fail(code.wrong, ("Credential should be scoped to a valid region. (%s/%s)"):format(scope.region,
            scope.service), 403)
    end
    if permissions.ended(who) then
        M.fail(code.expired, "The security token included in the request is expired", 403)
    end
    local lacking = permissions.lacking(who, service, req.action)
    if lacking then
        M.fail(protocol == "query" and "AccessDenied" or "AccessDeniedException", permissions.message(
            ("arn:aws:iam::%s:user/%s"):format(who.account or sim.world.account, who.user), lacking), 403)
    end
    return who
end

local function xml_reply(status, text, id)
    return { status = status, headers = { ["Content-Type"] = "text/xml", ["x-amzn-RequestId"] = id }, body = text }
end

function M.query_error(namespace, code, message, status)
    local id = ids.uuid("request")
    return xml_reply(status, xml.text("ErrorResponse", namespace, {
        Error = { Type = status >= 500 and "Receiver" or "Sender", Code = code, Message = message },
        RequestId = id,
    }), id)
end

function M.rest_error(code, message, status)
    return {
        status = status,
        headers = {
            ["Content-Type"] = "application/json", ["x-amzn-ErrorType"] = code,
                ["x-amzn-RequestId"] = ids.uuid("request"),
        },
        body = host.encode { Type = status >= 500 and "Server" or "User", message = message, Message = message },
    }
end

-- The faults that a model of either protocol answers with.
function M.fault_of(kind, rest)
    if kind == "throttle" then
        return rest and "TooManyRequestsException" or "Throttling", "Rate exceeded", rest and 429 or 400
    elseif kind == "expired" then
        return rest and "ExpiredTokenException" or "ExpiredToken",
            "The security token included in the request is expired", 403
    elseif kind == "denied" then
        return rest and "AccessDeniedException" or "AccessDenied",
            "The caller is not authorized to perform this operation.", 403
    elseif kind == "conflict" then
        return rest and "ResourceConflictException" or "InvalidDBInstanceState",
            "The operation cannot be performed at this time.", rest and 409 or 400
    end
    return rest and "ServiceException" or "InternalFailure", "An internal error has occurred. Please retry.", 500
end

-- Call fn; what it refused comes back as the reply that `render` makes.
function M.caught(render, fn, ...)
    local result = table.pack(xpcall(fn, function (e)
        return type(e) == "table" and e or { broken = debug.traceback(e) }
    end, ...))
    if result[1] then
        return result[2]
    end
    local e = result[2]
    if e.broken then
        error(e.broken, 0)
    elseif e.code then
        return render(e.code, e.message, e.http)
    end
    return e
end

-- A model of a Query service: { name, service, namespace, version, operations = { ACTION = fn(form, req) -> result } }
-- becomes one whose requests find their way here. Reads are what begins with Describe, List or Get.
local services = {}

M.targets = {} -- what stands before the operation in X-Amz-Target -> fn(req, OPERATION) -> route; see awsjson.lua

local function handle_query(sim, model, req)
    local codes = model.codes or {}
    local function refuse(code, ...)
        return M.query_error(model.namespace, codes[code] or code, ...)
    end
    return M.caught(refuse, function ()
        local operation = model.operations[req.action]
        if not (model.unsigned and model.unsigned[req.action]) then
            req.who = M.authenticate(sim, req, "query", model.service)
        end
        if req.form.Version ~= model.version then
            M.fail("InvalidAction", ("Could not find operation %s for version %s"):format(req.action,
                req.form.Version or "NO_VERSION_SPECIFIED"))
        elseif not operation then
            M.fail("InvalidAction", ("Could not find operation %s for version %s"):format(req.action, model.version))
        end
        local result = operation(req.form, req)
        local id = ids.uuid("request")
        return xml_reply(200, xml.text(req.action .. "Response", model.namespace, {
            [req.action .. "Result"] = result, ResponseMetadata = { RequestId = id },
        }), id)
    end)
end

local function resolve(sim, req)
    local target, operation = (req.headers["x-amz-target"] or ""):match("^([%w_]+)%.(%w+)$")
    if M.targets[target] then
        return M.targets[target](req, operation)
    end
    local scope = M.scope(req)
    local model = services[scope and scope.service or ""] or services.sts
    local action = req.form.Action or ""
    return {
        model = model,
        service = model.service,
        action = action,
        read = served.is_read(action),
        handler = function (request) return handle_query(sim, model, request) end,
    }
end

local routed = false

function M.query_service(model)
    services[model.service] = model
end

function M.query_model(sim, model)
    M.query_service(model)
    model.error = function (kind)
        return M.query_error(model.namespace, M.fault_of(kind, false))
    end
    if not routed then
        routed = true
        model.routes = { { "POST", "/", resolve = function (req) return resolve(sim, req) end } }
    end
    return model
end

-- A handler of a REST-JSON service: fn(req) -> table, and then the status (200).
function M.rest(sim, service, fn)
    return function (req)
        return M.caught(M.rest_error, function ()
            req.who = M.authenticate(sim, req, "rest", service)
            local result, status, headers = fn(req)
            return sim.reply(status or 200, result, headers)
        end)
    end
end

function M.rest_fault(kind)
    return M.rest_error(M.fault_of(kind, true))
end

-- "Tags.Tag" -> the values of Tags.Tag.1, Tags.Tag.2, ...
function M.values(form, prefix)
    local list = {}
    while form[prefix .. "." .. #list + 1] do
        list[#list + 1] = form[prefix .. "." .. #list + 1]
    end
    return list
end

-- "Tags.Tag", {"Key", "Value"} -> a list of tables
function M.structures(form, prefix, members)
    local list = {}
    while true do
        local item, any = {}, false
        for _, name in ipairs(members) do
            item[name] = form[("%s.%d.%s"):format(prefix, #list + 1, name)]
            any = any or item[name] ~= nil
        end
        if not any then
            return list
        end
        list[#list + 1] = item
    end
end

function M.boolean(form, name, default)
    local text = form[name]
    if text == nil then
        return default
    elseif text ~= "true" and text ~= "false" then
        M.fail("MalformedInput", ("Invalid boolean value for %s: %s"):format(name, text))
    end
    return text == "true"
end

function M.integer(form, name, default)
    if form[name] == nil then
        return default
    end
    local n = math.tointeger(tonumber(form[name]))
    if not n then
        M.fail("MalformedInput", ("Invalid integer value for %s: %s"):format(name, form[name]))
    end
    return n
end

function M.required(form, name)
    if form[name] == nil or form[name] == "" then
        M.fail("MissingParameter", ("The request must contain the parameter %s."):format(name))
    end
    return form[name]
end

return M
