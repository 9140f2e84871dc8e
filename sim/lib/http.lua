-- http.lua: a request as handlers see it.
-- SPDX-License-Identifier: MIT
local host = require "host"

local M = {}

function M.unescape(text)
    return (text:gsub("%%(%x%x)", function (hex) return string.char(tonumber(hex, 16)) end))
end

-- "a=1&b=x+y" as a table; the last of equal names counts.
function M.form(text)
    local form = {}
    for pair in text:gmatch("[^&]+") do
        local name, value = pair:match("^([^=]*)=?(.*)$")
        form[M.unescape((name:gsub("%+", " ")))] = M.unescape((value:gsub("%+", " ")))
    end
    return form
end

-- What the User-Agent says about the caller: "cairn/0.1 run/R step/S token/T".
local function caller(agent)
    local who = { agent = agent }
    for name, value in (agent or ""):gmatch("(%l+)/([^%s]+)") do
        if name == "run" or name == "step" or name == "token" then
            who[name] = value
        end
    end
    return who
end

-- Members that are made when they are first asked for.
local lazy = {
    query = function (req) return M.form(req.query_text) end,
    caller = function (req) return caller(req.headers["user-agent"]) end,
    form = function (req) return M.form(req.body) end,
    json = function (req)
        local value, why = host.decode(req.body)
        req.json_error = why
        return value
    end,
}

local meta = {
    __index = function (req, name)
        local value = lazy[name] and lazy[name](req)
        if value ~= nil then
            rawset(req, name, value)
        end
        return value
    end,
}

function M.request(method, target, headers, body)
    local path, query = target:match("^([^?]*)%??(.*)$")
    return setmetatable({
        method = method,
        target = target,
        raw_path = path,
        path = M.unescape(path),
        query_text = query,
        headers = headers,
        body = body,
        params = {},
    }, meta)
end

return M
