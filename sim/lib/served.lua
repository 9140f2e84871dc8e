-- served.lua: which operations the models serve, and which of them change something.
-- SPDX-License-Identifier: MIT
local host = require "host"

local M = {}

-- Operations of the AWS protocols that have one path for all are known by their names.
function M.is_read(action)
    return action:find("^Describe") ~= nil or action:find("^List") ~= nil or action:find("^Get") ~= nil
        or action:find("^Download") ~= nil
end

local function operations_of(model)
    local found = {}
    for action in pairs(model.operations or {}) do
        found[action] = { service = model.service or model.name, operation = action, change = not M.is_read(action) }
    end
    for _, route in ipairs(model.routes or {}) do
        local action = route[3]
        if action then
            local read = route.read
            if read == nil then
                read = route[1] == "GET"
            end
            found[action] = { service = route.service or model.name, operation = action, change = not read }
        end
    end
    for _, operation in ipairs(model.served and model.served() or {}) do
        found[operation.operation] = operation
    end
    return found
end

-- A list of { service, operation, change }, of one service or of all.
function M.list(models, service)
    local list = host.list {}
    for _, model in ipairs(models) do
        for _, operation in pairs(model.control and {} or operations_of(model)) do
            if not service or operation.service == service then
                list[#list + 1] = operation
            end
        end
    end
    table.sort(list, function (a, b)
        return a.service < b.service or a.service == b.service and a.operation < b.operation
    end)
    return list
end

function M.in_words(list)
    local out = {}
    for _, o in ipairs(list) do
        out[#out + 1] = ("%-16s %-36s %s\n"):format(o.service, o.operation, o.change and "change" or "read")
    end
    return table.concat(out)
end

-- The rows of the table in sim/README.md: for each service its reads, and its changes.
function M.as_table(list)
    local rows, order = {}, {}
    for _, o in ipairs(list) do
        local key = ("| %s | %s |"):format(o.service, o.change and "change" or "read")
        if not rows[key] then
            rows[key] = {}
            order[#order + 1] = key
        end
        table.insert(rows[key], o.operation)
    end
    table.sort(order)
    for i, key in ipairs(order) do
        order[i] = key .. " " .. table.concat(rows[key], ", ") .. " |\n"
    end
    return table.concat(order)
end

return M
