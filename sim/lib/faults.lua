-- faults.lua: what goes wrong on purpose: which requests, how, and how often.
-- SPDX-License-Identifier: MIT
local host = require "host"

local M = {}

local active = {} -- { match, do, times, seen, done }

M.kinds = { "throttle", "error_5xx", "error_5xx_after", "cut_before", "cut_after", "slow", "html", "truncate", "stale",
    "expired", "conflict" }

M.schema = {
    type = "map",
    fields = {
        match = {
            type = "map",
            required = true,
            fields = {
                service = { type = "string" },
                action = { type = "string" },
                target = { type = "string" },
                n = { type = "integer", min = 1 },
            },
        },
        ["do"] = { type = "string", required = true, one_of = M.kinds },
        times = { type = "integer", default = 1, min = 1 },
        ms = { type = "integer", default = 1000, min = 0 },
    },
}

function M.add(fault)
    active[#active + 1] = {
        match = fault.match,
        ["do"] = fault["do"],
        times = fault.times or 1,
        ms = fault.ms or 1000,
        seen = 0,
        done = 0,
    }
end

function M.start(list)
    for _, fault in ipairs(list or {}) do
        M.add(fault)
    end
end

function M.clear()
    active = {}
end

function M.all()
    return host.list(active)
end

local function has_value(table_, value)
    for _, v in pairs(table_) do
        if v == value then
            return true
        end
    end
    return false
end

-- A target is any value of the request: a form member, a part of the path, a top member of the JSON body.
local function has_target(req, target)
    if has_value(req.params, target) or has_value(req.query, target) then
        return true
    end
    local kind = req.headers["content-type"] or ""
    if kind:find("form-urlencoded", 1, true) then
        return has_value(req.form, target)
    end
    return kind:find("json", 1, true) and type(req.json) == "table" and has_value(req.json, target)
end

local function matches(match, req)
    return (not match.service or match.service == req.service)
        and (not match.action or match.action == req.action)
        and (not match.target or has_target(req, match.target))
end

-- The fault that strikes this request, if any: of each fault the requests n, n+1, ... n+times-1 that match.
function M.match(req)
    local found
    for _, fault in ipairs(active) do
        if fault.done < fault.times and matches(fault.match, req) and (fault["do"] ~= "stale" or req.read) then
            fault.seen = fault.seen + 1
            if not found and fault.seen >= (fault.match.n or 1) then
                fault.done = fault.done + 1
                found = fault
            end
        end
    end
    return found
end

function M.wants_previous()
    for _, fault in ipairs(active) do
        if fault["do"] == "stale" and fault.done < fault.times then
            return true
        end
    end
    return false
end

local page = "<!DOCTYPE html>\n<html><head><title>Please sign in</title></head>"
    .. "<body><h1>Sign in to the network</h1></body></html>\n"

-- The reply that stands in for the handler's, or nil when the handler is to run.
function M.instead(fault, req)
    local what = fault["do"]
    if what == "cut_before" then
        return { status = 500, way = "cut" }
    elseif what == "html" then
        return { status = 200, headers = { ["Content-Type"] = "text/html" }, body = page }
    elseif what == "throttle" or what == "error_5xx" or what == "expired" or what == "conflict" then
        if req.model.error then
            return req.model.error(what, req)
        end
        return { status = what == "throttle" and 429 or what == "expired" and 401 or what == "conflict" and 409 or 503,
            body = what .. "\n" }
    end
    return nil
end

-- What becomes of the handler's reply.
function M.spoil(fault, reply)
    local what = fault["do"]
    if what == "cut_after" then
        reply.way = "cut"
    elseif what == "truncate" then
        reply.way = "truncate"
    elseif what == "slow" then
        reply.delay = fault.ms
    elseif what == "error_5xx_after" then
        reply.status, reply.body = 500, "the connection to the service was lost\n"
        reply.headers = { ["Content-Type"] = "text/plain" }
    end
end

return M
