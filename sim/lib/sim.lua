-- sim.lua: the simulated world: its clock, its state, its models, and the way of one request through them.
-- SPDX-License-Identifier: MIT
local host = require "host"
local clock = require "timers"
local faults = require "faults"
local http = require "http"
local ids = require "ids"
local ledger = require "ledger"
local past = require "past"
local routes = require "routes"
require "strikes"

local sim = {
    models = {}, -- in the order of their start
    by_name = {},
    states = {}, -- one table of plain data for each model
    world = {}, -- the world file, checked and with defaults
    list = host.list,
    null = host.null,
    ids = ids,
    downtime = {}, -- database name -> ms during which writes were refused
}

function sim.now()
    return clock.now
end

function sim.time(ms)
    return host.format(ms or clock.now)
end

sim.after = clock.after
sim.cancel = clock.cancel

-- The state of a model: plain tables only, since it is copied for stale reads. Ask for it anew in each handler.
function sim.state(name)
    return sim.states[name]
end

-- An accepted change of the world; called by a handler once it is sure.
function sim.ledger(entry)
    return ledger.add(sim.request, entry, clock.now)
end

-- The fault of this kind that is to strike a thing now, or nil; the thing is given by all names that it has.
sim.fault = faults.hit

function sim.reply(status, json, headers)
    headers = headers or {}
    headers["Content-Type"] = headers["Content-Type"] or "application/json"
    return { status = status, headers = headers, body = host.encode(json) }
end

function sim.add_model(model)
    sim.models[#sim.models + 1] = model
    sim.by_name[model.name] = model
    sim.states[model.name] = {}
    for _, route in ipairs(model.routes or {}) do
        routes.add(model, route)
    end
    for name, kind in pairs(model.faults or {}) do
        faults.declare(model.name, name, kind)
    end
end

function sim.start()
    clock.now = host.now()
    clock.began = clock.now
    for _, model in ipairs(sim.models) do
        if model.start then
            model.start(sim.world[model.section or model.name])
        end
    end
    faults.start(sim.where, sim.world.faults)
end

local function guarded(route, req)
    local ok, reply = xpcall(route.handler, function (e)
        return type(e) == "table" and e or { status = 500, body = debug.traceback(e) .. "\n", broken = true }
    end, req)
    if reply and reply.broken then
        host.log(reply.body)
        io.stderr:write(reply.body)
    end
    return reply or { status = ok and 204 or 500 }
end

-- Run the handler, on the state of before a change if a fault says so.
local function run(route, req, fault)
    local name, old = route.model.name, past.state(req, fault)
    if old then
        local present = sim.states[name]
        sim.states[name] = old
        local reply = guarded(route, req)
        sim.states[name] = present
        return reply
    end
    local kept = past.keep(req, sim.states[name])
    local before = ledger.count()
    local reply = guarded(route, req)
    if ledger.count() > before then
        past.changed(req, kept)
    end
    return reply
end

local function not_found(req)
    return sim.reply(404, { message = "the simulator has no " .. req.method .. " " .. req.path })
end

local function dispatch(req)
    local route = routes.find(req)
    if not route then
        return not_found(req)
    end
    req.route = route
    req.model, req.service, req.action = route.model, route.service or route.model.name, route.action
    req.read = route.read
    local fault = not route.model.control and faults.match(req)
    local reply = fault and faults.instead(fault, req) or run(route, req, fault)
    if fault then
        faults.spoil(fault, reply)
    end
    return reply
end

local function log(req, reply)
    local agent = (req.caller.agent or ""):match("^%S+")
    host.log(("%s %s %s %s %s %d%s%s%s"):format(host.format(clock.now), req.method, req.path, req.service or "-",
        req.action or "-", reply.status, reply.way and " " .. reply.way or "",
        req.caller.token and " token/" .. req.caller.token or "", agent and " by/" .. agent or ""))
end

-- The world's time goes on.
function sim.turn()
    clock.run(host.now() + clock.offset)
end

-- Call fn when the world is there: at once, unless it has real servers that have to start.
function sim.when_ready(fn)
    if sim.servers then
        sim.servers.when_ready(fn)
    else
        fn()
    end
end

function sim.handle(method, target, headers, body, waited, cursor)
    sim.turn()
    local req = http.request(method, target, headers, body)
    req.waited, req.cursor = waited, cursor
    sim.request = req
    local reply = dispatch(req)
    sim.request = nil
    reply.status = reply.status or 200
    reply.body = reply.body or ""
    if not reply.more or cursor == 0 then
        log(req, reply)
    end
    return reply
end

return sim
