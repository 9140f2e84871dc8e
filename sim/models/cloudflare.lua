-- cloudflare.lua: the model of Cloudflare's API: tokens, zones, and the Worker routes of a zone.
-- SPDX-License-Identifier: MIT
local host = require "host"
local ids = require "ids"

local route_schema = {
    type = "map",
    fields = {
        pattern = { type = "string", required = true },
        script = { type = "string" }, -- left out: Workers are off for the pattern
    },
}

local zone_schema = {
    type = "map",
    fields = {
        name = { type = "string", required = true },
        scripts = { type = "list", of = { type = "string" } }, -- the Workers that there are
        routes = { type = "list", of = route_schema },
    },
}

local token_schema = {
    type = "map",
    fields = {
        token = { type = "string", required = true },
        status = { type = "string", default = "active", one_of = { "active", "disabled", "expired" } },
        owner = { type = "string", default = "user", one_of = { "user", "account" } }, -- only a user's can be verified
        read_only = { type = "boolean", default = false },
    },
}

return function (sim)
    local M = {
        name = "cloudflare",
        schema = {
            type = "map",
            fields = {
                token = { type = "string" },
                tokens = { type = "list", of = token_schema },
                zones = { type = "table", of = zone_schema }, -- by their ids
            },
        },
    }

    local envelope

    M.faults = {
        refused_with_200 = {
            help = "Refused with success=false, though the HTTP status is 200.", request = true,
            params = {
                code = { type = "integer", default = 10013, help = "of the error" },
                message = { type = "string", default = "workers.api.error.unknown", help = "of the error" },
            },
            instead = function (fault)
                return envelope(200, false, nil, host.list { { code = fault.code, message = fault.message } })
            end,
        },
        duplicate_route = {
            help = "Somebody else makes a route of the same pattern just before: error 10020. The target is the "
                .. "pattern.",
            params = { script = { type = "string", help = "theirs; Workers are off for the pattern if left out" } },
        },
    }

    function envelope(status, success, result, errors, info, headers)
        return sim.reply(status, {
            success = success, result = result == nil and host.null or result, errors = errors or host.list {},
            messages = host.list {}, result_info = info,
        }, headers)
    end

    local function refuse(status, code, message, headers)
        error(envelope(status, false, nil, host.list { { code = code, message = message } }, nil, headers), 0)
    end

    local function done(result, info)
        return envelope(200, true, result, nil, info)
    end

    local function known_token(text)
        local section = sim.world.cloudflare
        if text == section.token then
            return { status = "active", owner = "user" }
        end
        for _, token in ipairs(section.tokens) do
            if token.token == text then
                return token
            end
        end
        return nil
    end

    local function authenticate(req)
        local header = req.headers.authorization
        if not header then
            refuse(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
        end
        local text = header:match("^Bearer%s+([%w_-]+)$")
        if not text then
            refuse(400, 6003, "Invalid request headers")
        end
        local token = known_token(text)
        if not token or token.status ~= "active" then
            refuse(403, 10000, "Authentication error")
        end
        if token.read_only and not req.read then
            refuse(403, 10000, "Authentication error")
        end
    end

    local function zone_of(req)
        authenticate(req)
        return sim.state("cloudflare").zones[req.params.zone]
            or refuse(404, 7003, "Could not route to /zones/" .. req.params.zone
                .. ", perhaps your object identifier is invalid?")
    end

    local function verify(req)
        local text = (req.headers.authorization or ""):match("^Bearer%s+([%w_-]+)$")
        local token = text and known_token(text)
        if not token or token.owner ~= "user" then
            refuse(401, 1000, "Invalid API Token")
        end
        return done { id = host.sha256(text):sub(1, 32), status = token.status }
    end

    local function show_zone(req)
        local zone = zone_of(req)
        return done { id = req.params.zone, name = zone.name, status = "active", paused = false, type = "full" }
    end

    local function shown(route)
        return { id = route.id, pattern = route.pattern, script = route.script or nil }
    end

    local function list_routes(req)
        local zone = zone_of(req)
        local size = math.tointeger(tonumber(req.query.per_page)) or 100
        local page = math.tointeger(tonumber(req.query.page)) or 1
        local found = host.list {}
        for i = (page - 1) * size + 1, math.min(page * size, #zone.routes) do
            found[#found + 1] = shown(zone.routes[i])
        end
        return done(found, {
            page = page, per_page = size, count = #found, total_count = #zone.routes,
            total_pages = math.max(1, (#zone.routes + size - 1) // size),
        })
    end

    local function position(zone, id)
        for i, route in ipairs(zone.routes) do
            if route.id == id then
                return i
            end
        end
        return refuse(404, 10009, "workers.api.error.route_not_found")
    end

    local function covers(zone, pattern)
        local name = pattern:match("^%a+://([^/]*)") or pattern:match("^([^/]*)")
        return name:sub(-#zone.name) == zone.name
    end

    -- The pattern and script of a request's body, if they may be a route beside the others.
    local function read_route(zone, req, id)
        local body = type(req.json) == "table" and req.json or refuse(400, 10023, "workers.api.error.invalid_json")
        local script = type(body.script) == "string" and body.script ~= "" and body.script or nil
        if type(body.pattern) ~= "string" or not covers(zone, body.pattern) or body.pattern:find("%*.+%*.") then
            refuse(400, 10022, "Route pattern must include zone and may have a wildcard at its ends only")
        end
        local exists = not script
        for _, name in ipairs(zone.scripts) do
            exists = exists or name == script
        end
        if not exists then
            refuse(400, 10019, "Cannot configure a route for a Worker which does not exist. "
                .. "Please ensure this Worker exists and try again.")
        end
        for _, route in ipairs(zone.routes) do
            if route.pattern == body.pattern and route.id ~= id then
                refuse(409, 10020, "A route with the same pattern already exists.")
            end
        end
        return body.pattern, script
    end

    local function create_route(req)
        local zone = zone_of(req)
        local pattern, script = read_route(zone, req, nil)
        local other = sim.fault("duplicate_route", pattern)
        if other then
            table.insert(zone.routes, { id = ids.hex("cloudflare", 32), pattern = pattern, script = other.script })
            read_route(zone, req, nil) -- refuses
        end
        local route = { id = ids.hex("cloudflare", 32), pattern = pattern, script = script }
        sim.ledger { target = pattern, note = script or "no script" }
        table.insert(zone.routes, route)
        return done(shown(route))
    end

    local function show_route(req)
        local zone = zone_of(req)
        return done(shown(zone.routes[position(zone, req.params.id)]))
    end

    local function update_route(req)
        local zone = zone_of(req)
        local route = zone.routes[position(zone, req.params.id)]
        local pattern, script = read_route(zone, req, req.params.id)
        if route.pattern ~= pattern or route.script ~= script then
            sim.ledger { target = pattern, note = script or "no script" }
        end
        route.pattern, route.script = pattern, script
        return done(shown(route))
    end

    local function delete_route(req)
        local zone = zone_of(req)
        local at = position(zone, req.params.id)
        sim.ledger { target = zone.routes[at].pattern, note = zone.routes[at].script or "no script" }
        table.remove(zone.routes, at)
        return done { id = req.params.id }
    end

    local base = "/client/v4"
    local routes = base .. "/zones/{zone}/workers/routes"
    M.routes = {
        { "GET", base .. "/user/tokens/verify", "VerifyToken", verify },
        { "GET", base .. "/zones/{zone}", "GetZone", show_zone },
        { "GET", routes, "ListRoutes", list_routes },
        { "POST", routes, "CreateRoute", create_route },
        { "GET", routes .. "/{id}", "GetRoute", show_route },
        { "PUT", routes .. "/{id}", "UpdateRoute", update_route },
        { "DELETE", routes .. "/{id}", "DeleteRoute", delete_route },
    }

    function M.error(kind, _, fault)
        local ok, reply
        if kind == "throttle" then
            ok, reply = pcall(refuse, 429, 971, "Please wait and consider throttling your request speed",
                { ["Retry-After"] = tostring(fault.retry_after or 3) })
        elseif kind == "expired" or kind == "denied" then
            ok, reply = pcall(refuse, 403, 10000, "Authentication error")
        elseif kind == "conflict" then
            ok, reply = pcall(refuse, 409, 10020, "A route with the same pattern already exists.")
        else
            ok, reply = pcall(refuse, 500, 10001, "workers.api.error.internal_server_error")
        end
        return not ok and reply
    end

    function M.start(section)
        local state = sim.state "cloudflare"
        state.zones = {}
        local names = {}
        for id in pairs(section.zones) do
            names[#names + 1] = id
        end
        table.sort(names)
        for _, id in ipairs(names) do
            local zone = { name = section.zones[id].name, scripts = section.zones[id].scripts, routes = {} }
            for _, route in ipairs(section.zones[id].routes) do
                table.insert(zone.routes,
                    { id = ids.hex("cloudflare", 32), pattern = route.pattern, script = route.script })
            end
            state.zones[id] = zone
        end
    end

    -- Routes by their patterns; ids are left out, since two runs that did the same have different ones.
    function M.export()
        local out = {}
        for id, zone in pairs(sim.state("cloudflare").zones) do
            out[id] = {}
            for _, route in ipairs(zone.routes) do
                out[id][route.pattern] = route.script or ""
            end
        end
        return out
    end

    function M.environment(place)
        local section = sim.world.cloudflare
        if not next(section.zones) then
            return {}
        end
        local token = section.token or (section.tokens[1] or {}).token
        return {
            { "CLOUDFLARE_API_BASE_URL", place.url .. base },
            token and { "CLOUDFLARE_API_TOKEN", token } or nil,
        }
    end

    return M
end
