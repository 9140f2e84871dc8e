-- lambda.lua: the model of AWS Lambda: configuration with revisions, versions, aliases, invocation.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local host = require "host"
local ids = require "ids"

return function (sim)
    local M = { name = "lambda", error = aws.rest_fault }
    local L = {} -- what lib/lambda/ needs
    local mappings = require "lambda.mappings" (sim, L)

    M.faults = {
        update_in_progress = {
            help = "Somebody else changes the function just then: an update is refused with ResourceConflictException "
                .. "until theirs is through. The target is the function.",
            params = { lasts = { type = "duration", default = "30s", help = "theirs takes so long" } },
        },
        update_fails = {
            help = "An update is accepted and then ends in LastUpdateStatus Failed. The target is the function.",
            params = {
                reason = { type = "string", default = "The function's execution role can't be assumed.", help = "why" },
                code = { type = "string", default = "InvalidConfiguration", help = "LastUpdateStatusReasonCode" },
            },
        },
        environment_error = {
            help = "The function's variables can't be decrypted: its configuration has Environment.Error instead.",
            times = 0,
            params = {
                code = { type = "string", default = "AccessDeniedException", help = "its ErrorCode" },
                message = { type = "string", help = "its Message",
                    default = "Lambda was unable to decrypt the environment variables because KMS access was denied." },
            },
        },
    }

    local strings = { type = "table", of = { type = "string" } }
    M.schema = {
        type = "map",
        fields = {
            functions = {
                type = "table",
                of = {
                    type = "map",
                    fields = {
                        description = { type = "string", default = "" },
                        runtime = { type = "string", default = "python3.11" },
                        role = { type = "string" },
                        handler = { type = "string", default = "app.handler" },
                        timeout = { type = "integer", default = 30, min = 1, max = 900 },
                        memory = { type = "integer", default = 512, min = 128, max = 10240 },
                        variables = strings,
                        version = { type = "integer", default = 1, min = 0 },
                        aliases = { type = "table", of = { type = "integer", min = 1 } },
                        reply = { type = "any" },
                        mappings = mappings.schema,
                        reserved_concurrency = { type = "integer", min = 0, max = 900 },
                    },
                },
            },
        },
    }

    -- name -> { latest = CONFIG, versions = { ["1"] = CONFIG }, aliases = { NAME = { version, revision,
    -- description } }, last = number of the newest version, reply, reserved = concurrency }
    local function functions()
        return sim.state("lambda").functions
    end

    local function arn(name, qualifier)
        return ("arn:aws:lambda:%s:%s:function:%s%s"):format(sim.world.region, sim.world.account, name,
            qualifier and ":" .. qualifier or "")
    end

    local function split(text)
        local name = text:match("^arn:aws:lambda:[^:]+:%d+:function:(.+)$") or text
        local plain, qualifier = name:match("^([^:]+):(.+)$")
        return plain or name, qualifier
    end

    local function find(req)
        local name, qualifier = split(req.params.name)
        local f = functions()[name]
        if not f then
            aws.fail("ResourceNotFoundException", "Function not found: " .. arn(name), 404)
        end
        return f, req.query.Qualifier or qualifier
    end

    -- The configuration that a qualifier means: $LATEST, a version or an alias.
    local function qualified(f, qualifier)
        if not qualifier or qualifier == "$LATEST" then
            return f.latest
        end
        local alias = f.aliases[qualifier]
        local config = f.versions[alias and alias.version or qualifier]
        if not config then
            aws.fail("ResourceNotFoundException", "Function not found: " .. arn(f.latest.name, qualifier), 404)
        end
        return config, alias
    end

    -- The variables, unless Lambda can't decrypt them.
    local function shown_environment(c)
        local fault = sim.fault("environment_error", c.name)
        if fault then
            return { Error = { ErrorCode = fault.code, Message = fault.message } }
        end
        return next(c.variables) and { Variables = c.variables } or nil
    end

    local function render(c, qualifier)
        return {
            FunctionName = c.name, FunctionArn = arn(c.name, qualifier), Runtime = c.runtime, Role = c.role,
                Handler = c.handler,
            CodeSize = 1048576, Description = c.description, Timeout = c.timeout, MemorySize = c.memory,
            LastModified = sim.time(c.modified):gsub("Z$", "+0000"), CodeSha256 = c.code, Version = c.version,
            Environment = shown_environment(c), RevisionId = c.revision,
                State = c.state,
            StateReason = c.state == "Pending" and "The function is being created." or nil,
                LastUpdateStatus = c.update_status, LastUpdateStatusReason = c.update_reason,
            LastUpdateStatusReasonCode = c.update_code,
            PackageType = "Zip", TracingConfig = { Mode = "PassThrough" }, Architectures = host.list { "x86_64" },
        }
    end

    local function copy(value)
        local new = {}
        for k, v in pairs(value) do
            new[k] = type(v) == "table" and copy(v) or v
        end
        return new
    end

    local function get_configuration(req)
        local f, qualifier = find(req)
        return render(qualified(f, qualifier), qualifier)
    end

    local function get_function(req)
        local f, qualifier = find(req)
        return {
            Configuration = render(qualified(f, qualifier), qualifier), Code = { RepositoryType = "S3" }, Tags = {},
            Concurrency = f.reserved and { ReservedConcurrentExecutions = f.reserved } or nil,
        }
    end

    local function body_of(req)
        if type(req.json) ~= "table" then
            aws.fail("InvalidRequestContentException", "Could not parse request body into json: "
                .. tostring(req.json_error))
        end
        return req.json
    end

    local function check_revision(wanted, actual)
        if wanted and wanted ~= host.null and wanted ~= actual then
            aws.fail("PreconditionFailedException",
                "The RevisionId provided does not match the latest RevisionId. Call the "
                .. "GetFunction/GetAlias API to retrieve the latest RevisionId", 412)
        end
    end

    local function settle_later(f, ms, fault)
        f.latest.update_status, f.latest.update_reason, f.latest.update_code = "InProgress", nil, nil
        sim.after(ms, function ()
            f.latest.update_status, f.latest.revision = fault and "Failed" or "Successful", ids.uuid("revision")
            f.latest.update_reason, f.latest.update_code = fault and fault.reason, fault and fault.code
        end)
    end

    local function need_settled(f)
        local other = f.latest.update_status ~= "InProgress" and sim.fault("update_in_progress", f.latest.name)
        if other then
            settle_later(f, other.lasts)
        end
        if f.latest.update_status == "InProgress" then
            aws.fail("ResourceConflictException",
                "The operation cannot be performed at this time. An update is in progress for "
                .. "resource: " .. arn(f.latest.name), 409)
        end
    end

    local members = {
        Description = "description", Timeout = "timeout", MemorySize = "memory", Runtime = "runtime", Role = "role",
        Handler = "handler",
    }

    local function check_variables(environment)
        local size = 0
        for name, value in pairs(environment.Variables or {}) do
            if type(value) ~= "string" or not name:find("^%a[%w_]+$") then
                aws.fail("InvalidParameterValueException", ("Environment variable %s is not valid"):format(name))
            end
            size = size + #name + #value
        end
        if size > 4096 then
            aws.fail("InvalidParameterValueException", "Environment variables exceed 4 KB")
        end
    end

    local function update_configuration(req)
        local f = find(req)
        local body = body_of(req)
        need_settled(f)
        check_revision(body.RevisionId, f.latest.revision)
        if type(body.Environment) == "table" then
            check_variables(body.Environment)
        end
        sim.ledger { target = f.latest.name }
        for given, own in pairs(members) do
            if body[given] ~= nil and body[given] ~= host.null then
                f.latest[own] = body[given]
            end
        end
        if type(body.Environment) == "table" then
            f.latest.variables = body.Environment.Variables or {}
        end
        f.latest.revision, f.latest.modified = ids.uuid("revision"), sim.now()
        settle_later(f, sim.world.durations.update_function, sim.fault("update_fails", f.latest.name))
        return render(f.latest)
    end

    -- What makes a version different from the one before.
    local function content(c)
        return host.digest { c.code, c.variables, c.timeout, c.memory, c.runtime, c.role, c.handler }
    end

    local function publish(f, description)
        f.last = f.last + 1
        local c = copy(f.latest)
        c.version, c.revision, c.modified = tostring(f.last), ids.uuid("revision"), sim.now()
        c.description = description or c.description
        f.versions[c.version] = c
        return c
    end

    local function publish_version(req)
        local f = find(req)
        local body = req.body ~= "" and body_of(req) or {}
        local last = f.versions[tostring(f.last)]
        need_settled(f)
        check_revision(body.RevisionId, f.latest.revision)
        if body.CodeSha256 and body.CodeSha256 ~= f.latest.code then
            aws.fail("InvalidParameterValueException", "CodeSHA256 does not match the function's code")
        elseif last and content(last) == content(f.latest) then
            return render(last, last.version), 201 -- nothing has changed: the version that is there
        end
        sim.ledger { target = f.latest.name }
        local c = publish(f, body.Description ~= host.null and body.Description or nil)
        c.state = "Pending"
        sim.after(sim.world.durations.publish_version, function () c.state = "Active" end)
        return render(c, c.version), 201
    end

    local function sorted_versions(f)
        local list = { f.latest }
        for n = 1, f.last do
            list[#list + 1] = f.versions[tostring(n)]
        end
        return list
    end

    local function page(req, items, name, fn, default)
        local size = math.tointeger(tonumber(req.query.MaxItems)) or default or 50
        local from = math.tointeger(tonumber(req.query.Marker or 0)) or 0
        local out = host.list {}
        for n = from + 1, math.min(from + size, #items) do
            out[#out + 1] = fn(items[n])
        end
        return { [name] = out, NextMarker = from + size < #items and tostring(from + size) or nil }
    end

    local function list_versions(req)
        return page(req, sorted_versions((find(req))), "Versions", function (c) return render(c, c.version) end)
    end

    local function list_functions(req)
        local items = {}
        for _, f in pairs(functions()) do
            items[#items + 1] = f.latest
        end
        table.sort(items, function (a, b) return a.name < b.name end)
        return page(req, items, "Functions", render)
    end

    local function render_alias(f, name)
        local a = f.aliases[name]
        return {
            AliasArn = arn(f.latest.name, name), Name = name, FunctionVersion = a.version, Description = a.description,
            RevisionId = a.revision,
        }
    end

    local function find_alias(req)
        local f = find(req)
        if not f.aliases[req.params.alias] then
            aws.fail("ResourceNotFoundException", "Cannot find alias arn: " .. arn(f.latest.name, req.params.alias),
                404)
        end
        return f, req.params.alias
    end

    local function get_alias(req)
        return render_alias(find_alias(req))
    end

    local function list_aliases(req)
        local f = find(req)
        local names = {}
        for name in pairs(f.aliases) do
            names[#names + 1] = name
        end
        table.sort(names)
        return page(req, names, "Aliases", function (name) return render_alias(f, name) end)
    end

    local function check_version(f, version)
        if version ~= "$LATEST" and not f.versions[version or ""] then
            aws.fail("ResourceNotFoundException", "Function not found: " .. arn(f.latest.name, tostring(version)), 404)
        end
    end

    local function create_alias(req)
        local f = find(req)
        local body = body_of(req)
        check_version(f, body.FunctionVersion)
        if type(body.Name) ~= "string" or body.Name:find("^%d+$") then
            aws.fail("InvalidParameterValueException", "The alias needs a name that is not a number")
        elseif f.aliases[body.Name] then
            aws.fail("ResourceConflictException", "Alias already exists: " .. arn(f.latest.name, body.Name), 409)
        end
        sim.ledger { target = f.latest.name .. ":" .. body.Name }
        f.aliases[body.Name] = {
            version = body.FunctionVersion, description = body.Description or "", revision = ids.uuid("revision"),
        }
        return render_alias(f, body.Name), 201
    end

    local function update_alias(req)
        local f, name = find_alias(req)
        local body, a = body_of(req), f.aliases[name]
        check_revision(body.RevisionId, a.revision)
        check_version(f, body.FunctionVersion or a.version)
        sim.ledger { target = f.latest.name .. ":" .. name }
        a.version, a.description = body.FunctionVersion or a.version, body.Description or a.description
        a.revision = ids.uuid("revision")
        return render_alias(f, name)
    end

    local function sorted(map)
        local names = {}
        for name in pairs(map) do
            names[#names + 1] = name
        end
        table.sort(names)
        return names
    end

    -- A function that has the address of a database opens a connection to it.
    local function unreachable(config)
        local rds = sim.by_name.rds
        for _, name in ipairs(sorted(config.variables)) do
            local server = config.variables[name]:match("^%a[%w+.-]*://[^/?#]-([%w.-]+):?%d*[/?]")
                or config.variables[name]:match("^%a[%w+.-]*://[^/?#]-([%w.-]+):?%d*$")
            if server and server:find("%.rds%.amazonaws%.com$") and not rds.answers(server) then
                return ("could not connect to %s"):format(server)
            end
        end
        return nil
    end

    local function invoke(req)
        local f, qualifier = find(req)
        local config, alias = qualified(f, qualifier)
        if config.state ~= "Active" then
            aws.fail("ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in "
                .. "the following state: " .. config.state, 409)
        end
        local headers = { ["X-Amz-Executed-Version"] = alias and alias.version or config.version }
        if f.reserved == 0 then
            aws.fail("TooManyRequestsException", "Rate Exceeded.", 429)
        end
        local kind = req.headers["x-amz-invocation-type"] or "RequestResponse"
        if kind == "DryRun" then
            return {}, 204, headers
        end
        sim.ledger { target = f.latest.name .. (qualifier and ":" .. qualifier or "") }
        if kind == "Event" then
            return {}, 202, headers
        end
        local why = unreachable(config)
        if why then
            headers["X-Amz-Function-Error"] = "Unhandled"
            return { errorMessage = why, errorType = "OperationalError" }, 200, headers
        end
        return f.reply or { statusCode = 200 }, 200, headers
    end

    local function begin(name, given)
        local latest = {
            name = name, version = "$LATEST", description = given.description, runtime = given.runtime,
                handler = given.handler,
            role = given.role or ("arn:aws:iam::%s:role/%s"):format(sim.world.account, name), timeout = given.timeout,
            memory = given.memory, variables = given.variables, modified = sim.now() - 86400000, state = "Active",
            update_status = "Successful", revision = ids.uuid("revision"),
            code = host.base64((host.sha256(name):sub(1, 64):gsub("%x%x",
                function (h) return string.char(tonumber(h, 16)) end))),
        }
        local f = { latest = latest, versions = {}, aliases = {}, last = 0, reply = given.reply,
            reserved = given.reserved_concurrency }
        functions()[name] = f
        for n = 1, given.version do
            f.last = n - 1
            publish(f)
        end
        for alias, version in pairs(given.aliases) do
            if version > given.version then
                require "schema".fail(sim.where, ("/lambda/functions/%s/aliases/%s"):format(name, alias),
                    ("there is no version %d"):format(version))
            end
            f.aliases[alias] = { version = tostring(version), description = "", revision = ids.uuid("revision") }
        end
    end

    L.arn, L.body_of, L.find, L.functions, L.page, L.sorted = arn, body_of, find, functions, page, sorted
    L.split, L.unreachable = split, unreachable
    M.consumers = mappings.consumers

    function M.start(section)
        sim.state("lambda").functions, sim.state("lambda").mappings = {}, {}
        for _, name in ipairs(sorted(section.functions)) do
            begin(name, section.functions[name])
            mappings.begin(name, section.functions[name].mappings)
        end
    end

    function M.export()
        local out = copy(functions())
        for _, f in pairs(out) do
            f.latest.modified, f.latest.revision = nil, nil
            for _, config in pairs(f.versions) do
                config.modified, config.revision = nil, nil
            end
            for _, alias in pairs(f.aliases) do
                alias.revision = nil
            end
        end
        return { functions = out, mappings = mappings.export() }
    end

    local base = "/2015-03-31/functions/{name}"
    local function route(method, path, action, fn)
        return { method, path, action, aws.rest(sim, "lambda", fn) }
    end

    M.routes = {
        route("GET", "/2015-03-31/functions", "ListFunctions", list_functions),
        route("GET", base, "GetFunction", get_function),
        route("GET", base .. "/configuration", "GetFunctionConfiguration", get_configuration),
        route("PUT", base .. "/configuration", "UpdateFunctionConfiguration", update_configuration),
        route("GET", base .. "/versions", "ListVersionsByFunction", list_versions),
        route("POST", base .. "/versions", "PublishVersion", publish_version),
        route("GET", base .. "/aliases", "ListAliases", list_aliases),
        route("POST", base .. "/aliases", "CreateAlias", create_alias),
        route("GET", base .. "/aliases/{alias}", "GetAlias", get_alias),
        route("PUT", base .. "/aliases/{alias}", "UpdateAlias", update_alias),
        route("POST", base .. "/invocations", "Invoke", invoke),
    }
    for _, r in ipairs(mappings.routes) do
        M.routes[#M.routes + 1] = route(table.unpack(r))
    end
    return M
end
