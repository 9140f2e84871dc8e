-- routes.lua: which handler a request goes to.
-- SPDX-License-Identifier: MIT
local http = require "http"

local M = {}

local by_method = {} -- method -> list of routes

-- "/a/{name}/b" as a Lua pattern and the names of its captures; {name...} takes the rest with its slashes.
local function compile(path)
    local names = {}
    local pattern = path:gsub("[%-%.%+%*%?%^%$%(%)%%%[%]]", "%%%0"):gsub("{([%w_]+)(%%?%.?%%?%.?%%?%.?)}",
        function (name, rest)
            names[#names + 1] = name
            return rest ~= "" and "(.*)" or "([^/]+)"
        end)
    return "^" .. pattern .. "/?$", names
end

-- { METHOD, PATH, ACTION, handler, read=bool?, service=NAME? } or { METHOD, PATH, resolve=function(req) -> route }
function M.add(model, route)
    local method = route[1]
    local pattern, names = compile(route[2])
    local read = route.read
    if read == nil then
        read = method == "GET"
    end
    by_method[method] = by_method[method] or {}
    table.insert(by_method[method], {
        model = model,
        pattern = pattern,
        names = names,
        action = route[3],
        handler = route[4],
        service = route.service,
        resolve = route.resolve,
        read = read,
    })
end

local function take(req, route, captures)
    for i, name in ipairs(route.names) do
        req.params[name] = http.unescape(captures[i])
    end
    if route.resolve then
        return route.resolve(req, route)
    end
    return route
end

function M.find(req)
    for _, route in ipairs(by_method[req.method] or {}) do
        local captures = table.pack(req.raw_path:match(route.pattern))
        if captures[1] then
            local found = take(req, route, captures)
            if found then
                return found
            end
        end
    end
    return nil
end

return M
