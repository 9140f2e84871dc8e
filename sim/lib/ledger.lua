-- ledger.lua: every accepted change of the world, in order, with who asked for it.
-- SPDX-License-Identifier: MIT
local host = require "host"

local M = {}

local entries = {}
-- What a repeat of the same request may have different: a precondition that was read anew.
local volatile = { RevisionId = true, resourceVersion = true }

local function without_volatile(value)
    if type(value) ~= "table" then
        return value
    end
    local new = {}
    for k, v in pairs(value) do
        if not volatile[k] then
            new[k] = without_volatile(v)
        end
    end
    return setmetatable(new, getmetatable(value))
end

local function content(req)
    local kind = req.headers["content-type"] or ""
    if kind:find("form-urlencoded", 1, true) then
        return req.form
    end
    if kind:find("json", 1, true) and type(req.json) == "table" then
        return without_volatile(req.json)
    end
    return host.sha256(req.body)
end

-- The same for two requests that ask for the same.
function M.fingerprint(req)
    return host.digest { req.method, req.path, req.query, content(req) }
end

-- entry: { action = NAME?, target = NAME, service = NAME?, note = TEXT? }
function M.add(req, entry, now)
    local caller = req and req.caller or {}
    local e = {
        n = #entries + 1,
        t = host.format(now),
        service = entry.service or req and req.service,
        action = entry.action or req and req.action,
        target = entry.target,
        note = entry.note,
        caller = { run = caller.run, step = caller.step, token = caller.token, agent = caller.agent },
        fingerprint = req and M.fingerprint(req) or "",
    }
    entries[#entries + 1] = e
    host.ledger(host.encode(e))
    return e
end

function M.count()
    return #entries
end

function M.all()
    return host.list(entries)
end

-- Entries that repeat an earlier one: the same token and the same request.
function M.twice()
    local seen, twice = {}, host.list {}
    for _, e in ipairs(entries) do
        local key = e.caller.token and e.caller.token .. " " .. e.fingerprint
        if key and seen[key] then
            twice[#twice + 1] = e
        elseif key then
            seen[key] = true
        end
    end
    return twice
end

return M
