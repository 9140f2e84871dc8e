-- endpoints.lua: which host name of the world leads to which real server now.
-- SPDX-License-Identifier: MIT
--
-- Nobody says when a name moves: it is looked who has it, after everything that happens.
local keeper = require "keeper"

local M = {
    file = nil, -- where clients read the addresses: lines "NAME 127.0.0.1:PORT"
}

local names = {} -- host name -> { port, to = socket }

local function write()
    if not M.file then
        return
    end
    local lines = {}
    for name, e in pairs(names) do
        if e.port then
            lines[#lines + 1] = ("%s 127.0.0.1:%d\n"):format(name, e.port)
        end
    end
    table.sort(lines)
    local new = M.file .. ".new"
    local file = assert(io.open(new, "w"))
    file:write(table.concat(lines))
    assert(file:close())
    assert(os.rename(new, M.file))
end

-- What the keeper says of a name.
function M.listening(message)
    names[message.name].port = message.port
    write()
end

-- All names have addresses.
function M.complete()
    for _, e in pairs(names) do
        if not e.port then
            return false
        end
    end
    return true
end

-- wanted: host name -> the socket that it leads to, or false.
function M.lead(wanted)
    for name, e in pairs(names) do
        if e.to and not wanted[name] then
            e.to = false
            keeper.send { op = "lead", name = name }
        end
    end
    for name, to in pairs(wanted) do
        local e = names[name]
        if not e then
            e = { to = false }
            names[name] = e
            keeper.send { op = "listen", name = name }
        end
        if to and e.to ~= to then
            e.to = to
            keeper.send { op = "lead", name = name, to = to }
        end
    end
end

function M.port(name)
    return names[name] and names[name].port
end

return M
