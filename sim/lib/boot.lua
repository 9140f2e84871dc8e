-- boot.lua: makes the world that the options name and gives the host its entries; run by the C host.
-- SPDX-License-Identifier: MIT
local options = ...

local host = require "host"
local world = require "world"
local environment = require "environment"
local sim = require "sim"

for _, name in ipairs(dofile(package.path:match("^(.-)/lib/") .. "/models/list.lua")) do
    sim.add_model(require(name)(sim))
end
world.load(sim, options)
local control = require "control" (sim)
sim.add_model(control)
if options.postgres then
    sim.servers = require "data.servers" (sim, options)
end
sim.start()

return {
    handle = sim.handle,
    ready = function (port)
        sim.url = ("http://127.0.0.1:%d"):format(port)
        sim.when_ready(function ()
            if options.env then
                environment.write(sim, options.env)
            end
            host.log(("%s ready %s"):format(host.format(sim.now()), sim.url))
        end)
    end,
    told = function (message) sim.servers.told(message) end,
    turn = function ()
        sim.turn()
        sim.servers.turn()
    end,
    finish = function ()
        if options.dump then
            host.write_file(options.dump, host.encode(control.at_rest()) .. "\n")
        end
    end,
}
