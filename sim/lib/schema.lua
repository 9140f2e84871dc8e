-- schema.lua: checks a part of the world file, fills in defaults, and says what is wrong and where.
-- SPDX-License-Identifier: MIT
--
-- A schema is a table: { type = T, required = bool, default = V, one_of = {...}, min = N, max = N, pattern = P,
-- why = TEXT }.
-- T: string, integer, number, boolean, any, time (ISO 8601; as ms), duration ("38m", "1h30m", "500ms"; as ms),
-- map (fields = { NAME = SCHEMA }), table (free names; of = SCHEMA), list (of = SCHEMA).
local host = require "host"

local M = {}

local units = { ms = 1, s = 1000, m = 60000, h = 3600000, d = 86400000 }

function M.duration(text)
    local total, rest = 0, text
    repeat
        local number, unit, tail = rest:match("^(%d+%.?%d*)(%l+)(.*)$")
        if not number or not units[unit] then
            return nil
        end
        total, rest = total + tonumber(number) * units[unit], tail
    until rest == ""
    return math.tointeger(math.floor(total + 0.5))
end

-- Edits between two short words.
local function distance(a, b)
    local row = {}
    for j = 0, #b do
        row[j] = j
    end
    for i = 1, #a do
        local corner = row[0]
        row[0] = i
        for j = 1, #b do
            local cost = a:byte(i) == b:byte(j) and corner or 1 + math.min(corner, row[j], row[j - 1])
            corner, row[j] = row[j], cost
        end
    end
    return row[#b]
end

function M.nearest(word, words)
    local best, found = math.max(2, #word // 3) + 1, nil
    table.sort(words)
    for _, candidate in ipairs(words) do
        local d = distance(word:lower(), candidate:lower())
        if d < best then
            best, found = d, candidate
        end
    end
    return found
end

local function keys(map)
    local list = {}
    for k in pairs(map) do
        list[#list + 1] = k
    end
    table.sort(list)
    return list
end

local function shown(path)
    return path == "" and "the world" or (path:sub(2):gsub("/(%d+)", "[%1]"):gsub("/", "."))
end

-- where: { name = FILE, lines = { PATH = LINE } }. Raises an error whose text begins with "world: ".
function M.fail(where, path, why)
    local at, line = path, nil
    while not line do
        line = where.lines[at]
        if at == "" then
            break
        end
        at = at:match("^(.*)/[^/]*$")
    end
    error(("world: %s:%d: %s: %s"):format(where.name, line or 1, shown(path), why), 0)
end

local function is_list(value)
    return (getmetatable(value) or {}).__name == "list"
end

local names = {
    string = "a string", integer = "a whole number", number = "a number", boolean = "true or false", map = "a map",
    table = "a map", list = "a list", time = "a time like 2026-02-03T04:05:06Z",
        duration = "a duration like 38m or 14s",
}

local function is(value, kind)
    if kind == "integer" then
        return math.type(value) == "integer"
    elseif kind == "map" or kind == "table" then
        return type(value) == "table" and not is_list(value)
    elseif kind == "list" then
        return type(value) == "table" and is_list(value)
    elseif kind == "time" or kind == "duration" then
        return type(value) == "string"
    end
    return kind == "any" or type(value) == kind
end

local function a(value)
    if value == host.null then
        return "nothing"
    end
    if type(value) == "table" then
        return is_list(value) and "a list" or "a map"
    end
    return type(value) == "string" and ("the string \"%s\""):format(value) or tostring(value)
end

local check

local function check_map(where, path, value, schema)
    local out = {}
    for _, key in ipairs(keys(value)) do
        local field = schema.fields[key]
        if not field then
            local near = M.nearest(key, keys(schema.fields))
            M.fail(where, path .. "/" .. key, "unknown key" .. (near and ("; did you mean %s?"):format(near) or ""))
        end
        out[key] = check(where, path .. "/" .. key, value[key], field)
    end
    for _, key in ipairs(keys(schema.fields)) do
        local field = schema.fields[key]
        if out[key] == nil then
            if field.required then
                M.fail(where, path, ("the key %s is missing"):format(key))
            end
            out[key] = M.default(where, path .. "/" .. key, field)
        end
    end
    return out
end

-- What stands for a key that is left out: maps have the defaults of their fields.
function M.default(where, path, schema)
    if schema.default ~= nil then
        return check(where, path, schema.default, schema)
    elseif schema.type == "map" and schema.optional ~= true then
        return check_map(where, path, {}, schema)
    elseif schema.type == "list" then
        return host.list {}
    elseif schema.type == "table" then
        return {}
    end
    return nil
end

local function check_range(where, path, value, schema)
    if schema.min and value < schema.min then
        M.fail(where, path, ("must be at least %s, not %s"):format(schema.min, value))
    elseif schema.max and value > schema.max then
        M.fail(where, path, ("must be at most %s, not %s"):format(schema.max, value))
    end
end

local function check_word(where, path, value, schema)
    if schema.pattern and not value:find(schema.pattern) then
        M.fail(where, path, schema.why or ("does not look right: \"%s\""):format(value))
    end
    if not schema.one_of then
        return
    end
    for _, allowed in ipairs(schema.one_of) do
        if value == allowed then
            return
        end
    end
    M.fail(where, path, ("must be one of %s, not \"%s\""):format(table.concat(schema.one_of, ", "), value))
end

local function convert(where, path, value, schema)
    local new = value
    if schema.type == "time" then
        new = host.parse(value)
    elseif schema.type == "duration" then
        new = M.duration(value)
    elseif schema.type == "string" then
        check_word(where, path, value, schema)
    elseif schema.type == "integer" or schema.type == "number" then
        check_range(where, path, value, schema)
    end
    if new == nil then
        M.fail(where, path, ("must be %s, not \"%s\""):format(names[schema.type], value))
    end
    return new
end

function check(where, path, value, schema)
    if value == host.null and schema.default ~= nil then
        value = schema.default
    end
    if not is(value, schema.type) then
        M.fail(where, path, ("must be %s, not %s"):format(names[schema.type], a(value)))
    end
    local out = {}
    if schema.type == "map" then
        return check_map(where, path, value, schema)
    elseif schema.type == "table" then
        for _, key in ipairs(keys(value)) do
            out[key] = check(where, path .. "/" .. key, value[key], schema.of)
        end
        return out
    elseif schema.type == "list" then
        for i, item in ipairs(value) do
            out[i] = check(where, path .. "/" .. i - 1, item, schema.of)
        end
        return host.list(out)
    end
    return convert(where, path, value, schema)
end

M.check = check

return M
