-- programs.lua: where the programs of PostgreSQL's major versions are.
-- SPDX-License-Identifier: MIT
local M = {
    majors = {}, -- of those that have a server, in order
}

local folders = {} -- major -> folder
local debian = "/usr/lib/postgresql/%d/bin"
local first, last = 10, 30

local function has(folder, program)
    local file = io.open(folder .. "/" .. program, "rb")
    return file ~= nil and file:close()
end

-- Debian's, and those that are given: { ["16"] = FOLDER }.
function M.find(given)
    for major = first, last do
        local folder = given[tostring(major)] or debian:format(major)
        if has(folder, "initdb") and has(folder, "postgres") then
            folders[major] = folder
            table.insert(M.majors, major)
        elseif given[tostring(major)] then
            error(("world: --postgres %d=%s: there are no initdb and postgres in that folder"):format(major, folder), 0)
        end
    end
    if #M.majors == 0 then
        error("world: --postgres: there is no PostgreSQL here; install the package postgresql, or give MAJOR=FOLDER", 0)
    end
end

-- The major version that stands for this one: itself, or else the nearest one above it, or else the last.
function M.nearest(major)
    for _, known in ipairs(M.majors) do
        if known >= major then
            return known
        end
    end
    return M.majors[#M.majors]
end

function M.has(major, program)
    return has(folders[major], program)
end

function M.path(major, program)
    return folders[major] .. "/" .. program
end

function M.folder(major)
    return folders[major]
end

-- A client: of the newest version that has it.
function M.client(program)
    for n = #M.majors, 1, -1 do
        if M.has(M.majors[n], program) then
            return M.path(M.majors[n], program)
        end
    end
    return program
end

return M
