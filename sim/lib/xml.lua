-- xml.lua: replies of the AWS Query protocol as text.
-- SPDX-License-Identifier: MIT
--
-- A value is a string, number or boolean, a table of members (written in the order of their names; absent ones are left
-- out), or a list made by xml.list(TAG, ITEMS); one made by xml.flat(TAG, ITEMS) has no element of its own.
local M = {}

local list_meta = {}

function M.list(tag, items)
    return setmetatable({ tag = tag, items = items }, list_meta)
end

function M.flat(tag, items)
    return setmetatable({ tag = tag, items = items, flat = true }, list_meta)
end

local codes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\r"] = "&#13;" }

local function escape(text)
    return (tostring(text):gsub('[&<>"\r]', codes))
end

local write

local function element(out, tag, value)
    out[#out + 1] = "<" .. tag .. ">"
    write(out, value)
    out[#out + 1] = "</" .. tag .. ">"
end

function write(out, value)
    if type(value) ~= "table" then
        out[#out + 1] = escape(value)
    elseif getmetatable(value) == list_meta then
        for _, item in ipairs(value.items) do
            element(out, value.tag, item)
        end
    else
        local names = {}
        for name in pairs(value) do
            names[#names + 1] = name
        end
        table.sort(names)
        for _, name in ipairs(names) do
            local member = value[name]
            if type(member) == "table" and member.flat and getmetatable(member) == list_meta then
                write(out, member)
            else
                element(out, name, member)
            end
        end
    end
end

function M.text(tag, namespace, value)
    local out = { '<?xml version="1.0" encoding="UTF-8"?>\n<' .. tag .. ' xmlns="' .. namespace .. '">' }
    write(out, value)
    out[#out + 1] = "</" .. tag .. ">\n"
    return table.concat(out)
end

return M
