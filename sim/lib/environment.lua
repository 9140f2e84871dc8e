-- environment.lua: writes the file of variables that lead programs to this world.
-- SPDX-License-Identifier: MIT
local host = require "host"

local M = {}

local function quoted(value)
    return "'" .. tostring(value):gsub("'", "'\\''") .. "'"
end

-- Each model's environment(place) gives a list of { NAME, VALUE }; place.url is the server, place.path the environment
-- file, and place.write(NAME, TEXT) makes a file beside it and gives its path.
function M.write(sim, path)
    local lines = {}
    local function add(name, value)
        lines[#lines + 1] = ("export %s=%s\n"):format(name, quoted(value))
    end
    local place = {
        url = sim.url,
        path = host.realpath(path:match("^(.*)/[^/]*$") or ".") .. "/" .. path:match("[^/]*$"),
        write = function (name, text)
            local file = path .. "." .. name
            host.write_file(file, text)
            return host.realpath(file)
        end,
    }
    add("CAIRN_SIM_URL", sim.url)
    add("CAIRN_CLOCK", host.clock_setting())
    for _, model in ipairs(sim.models) do
        for _, pair in ipairs(model.environment and model.environment(place) or {}) do
            add(pair[1], pair[2])
        end
    end
    host.write_file(path, table.concat(lines))
end

return M
