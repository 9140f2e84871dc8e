-- ids.lua: ids that look random and depend only on the seed and on how many of their kind were made before.
-- SPDX-License-Identifier: MIT
local host = require "host"

local M = {
    seed = 1,
    made = {}, -- id -> its kind, of all that were made up
}

local counts = {}
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

local function digest(kind)
    counts[kind] = (counts[kind] or 0) + 1
    return host.sha256(("%s:%s:%d"):format(M.seed, kind, counts[kind]))
end

local function note(kind, id)
    M.made[id] = kind
    return id
end

-- `size` capital letters and digits (at most 32)
function M.letters(kind, size)
    return note(kind, (digest(kind):gsub("(%x%x)", function (byte)
        local n = tonumber(byte, 16) % 32 + 1
        return letters:sub(n, n)
    end):sub(1, size)))
end

-- `size` lower-case hex digits (at most 64)
function M.hex(kind, size)
    return note(kind, digest(kind):sub(1, size))
end

function M.uuid(kind)
    local hex = digest(kind)
    return note(kind,
        ("%s-%s-4%s-a%s-%s"):format(hex:sub(1, 8), hex:sub(9, 12), hex:sub(13, 15), hex:sub(16, 18), hex:sub(19, 30)))
end

return M
