-- past.lua: a service as it was before a change, for reads that are told to see that: the faults `stale` and `lag`.
-- SPDX-License-Identifier: MIT
local faults = require "faults"

local M = {}

local previous = {} -- model name -> its state before its last change; only kept while a fault may need it
local lags = {} -- { model, target?, left, flapping, state }, in the order of the changes

local function copy(value, seen)
    if type(value) ~= "table" then
        return value
    end
    if not seen[value] then
        local new = setmetatable({}, getmetatable(value))
        seen[value] = new
        for k, v in pairs(value) do
            new[copy(k, seen)] = copy(v, seen)
        end
    end
    return seen[value]
end

-- Before a request that may change something: the model's state, if anything may want it later.
function M.keep(req, state)
    if req.read or not (faults.is_on "stale" or faults.about("lag", req)[1]) then
        return nil
    end
    return copy(state, {})
end

-- The request did change something: `kept` is what was before.
function M.changed(req, kept)
    if not kept then
        return
    end
    local model = req.model.name
    previous[model] = kept
    for _, fault in ipairs(faults.about("lag", req, true)) do
        lags[#lags + 1] = { model = model, target = fault.match.target, left = fault.reads, flapping = fault.flapping,
            state = kept }
    end
end

local function lagging(req)
    for n, lag in ipairs(lags) do
        if lag.model == req.model.name and (not lag.target or faults.has_target(req, lag.target)) then
            lag.left = lag.left - 1
            if lag.left == 0 then
                table.remove(lags, n)
            end
            return not (lag.flapping and lag.left % 2 == 1) and lag.state or nil
        end
    end
    return nil
end

-- The state that a read is to see instead of the present one, or nil.
function M.state(req, fault)
    if not req.read then
        return nil
    end
    return fault and fault["do"] == "stale" and previous[req.model.name] or lagging(req)
end

function M.forget()
    previous, lags = {}, {}
end

return M
