-- world.lua: reads the world file: its common part here, each service's part by that service's schema.
-- SPDX-License-Identifier: MIT
local host = require "host"
local clock = require "timers"
local durations = require "durations"
local faults = require "faults"
local ids = require "ids"
local schema = require "schema"

local M = {}

local account = "^" .. ("%d"):rep(12) .. "$"

local credential = {
    type = "map",
    fields = {
        access_key = { type = "string", required = true, pattern = "^%w+$", why = "must be letters and digits" },
        secret = { type = "string", required = true },
        token = { type = "string" },
        expires = { type = "time" },
        requests = { type = "integer", min = 0 }, -- after so many they have expired
        deny = { type = "list", of = { -- what they may not do, like "rds:Delete*"
            type = "string", pattern = "^[%l]+:[%w*]+$",
            why = "must be a permission like rds:CreateDBSnapshot or lambda:*",
        } },
        account = { type = "string", pattern = account, why = "must be 12 digits, in quotes" },
        user = { type = "string", default = "operator" },
    },
}

local function common()
    return {
        account = { type = "string", required = true, pattern = account, why = "must be 12 digits, in quotes" },
        region = {
            type = "string", required = true, pattern = "^%l%l%-[%l%-]+%-%d$",
                why = "must be a region like ca-central-1",
        },
        durations = durations,
        credentials = { type = "list", of = credential },
        clock = {
            type = "map",
            fields = { start = { type = "time" }, speed = { type = "number", min = 0.001, max = 1e9 } },
        },
        faults = { type = "list", of = { type = "any" } }, -- checked by their kinds
    }
end

local function set_clock(sim, options)
    local start = sim.world.clock.start or host.wall()
    local speed = options.speed or sim.world.clock.speed or 1
    local setting = options.clock or ("%d:%d:%.17g"):format(host.wall(), start, speed)
    if not host.clock_init(setting) then
        error(("world: CAIRN_CLOCK is not a clock: \"%s\""):format(setting), 0)
    end
    clock.now = host.now()
end

function M.load(sim, options)
    local value, lines = host.yaml(options.world)
    if not value then
        error("world: " .. lines, 0)
    end
    local fields = common()
    for _, model in ipairs(sim.models) do
        if model.schema then
            fields[model.section or model.name] = model.schema
        end
    end
    sim.where = { name = options.world, lines = lines }
    sim.world = schema.check(sim.where, "", value, { type = "map", fields = fields })
    faults.check_list(sim.where, sim.world.faults)
    for _, text in ipairs(options.fault or {}) do
        local fault, why = host.decode(text)
        if type(fault) ~= "table" then
            error("world: --fault is not a JSON object: " .. tostring(why or text), 0)
        end
        table.insert(sim.world.faults, faults.check({ name = "--fault", lines = {} }, "", fault))
    end
    ids.seed = math.tointeger(options.seed or 1) or 1
    set_clock(sim, options)
end

return M
