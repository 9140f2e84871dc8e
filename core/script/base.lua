-- base.lua: the deterministic environment of workflow files and modules; the first of the embedded Lua files.
-- SPDX-License-Identifier: MIT
--
-- What a script sees is made here from the standard libraries: nothing in it depends on an address, on the order of a
-- hash table, on the clock, or on files. `host` is the private table that the embedded files and C share.
local host = ...

local getinfo, getmetatable_raw, traceback = debug.getinfo, debug.getmetatable, debug.traceback
local native = {
    tostring = tostring, format = string.format, load = load, setmetatable = setmetatable, rawset = rawset,
}
local error, next, rawget, select, type = error, next, rawget, select, type
local gmatch, pack, unpack = string.gmatch, table.pack, table.unpack

-- ---- where we are ---------------------------------------------------------------------------------------------------

-- "file:line" of the innermost frame that isn't ours. A tail call leaves no frame: `otherwise` is for that.
function host.at(otherwise)
    local level = 2
    while true do
        local info = getinfo(level, "Sl")
        if not info then
            return otherwise or host.file or "?"
        end
        if info.what ~= "C" and info.source ~= "=cairn" then
            return (info.source:match("^@(.*)$") or info.short_src) .. ":" .. info.currentline
        end
        level = level + 1
    end
end

-- The stack's lines in foreign files.
function host.trace()
    local lines = {}
    for line in gmatch(traceback("", 2), "[^\n]+") do
        line = line:match("^%s+(.*)$")
        if line and not line:find("^%[C%]") and not line:find("^cairn:") and not line:find("^%(?%.%.%.") then
            lines[#lines + 1] = line
        end
    end
    return table.concat(lines, "\n")
end

-- Text that can stand in a message: UTF-8 without NUL, not too long.
function host.clean(text)
    if #text > 8192 then
        text = text:sub(1, 8192) .. "..."
    end
    text = text:gsub("%z", "\u{FFFD}")
    while true do
        local len, bad = utf8.len(text)
        if len then
            return text
        end
        text = text:sub(1, bad - 1) .. "\u{FFFD}" .. text:sub(bad + 1)
    end
end

-- ---- read-only views ------------------------------------------------------------------------------------------------

local locked = native.setmetatable({}, { __mode = "k" }) -- views: rawset must not write into them

-- A view of `source` that can't be written to. `complain(name)` gives the message. C knows views by __source.
function host.view(source, complain)
    local view = native.setmetatable({}, {
        __index = source,
        __newindex = function(_, name) error(complain(name), 2) end,
        __pairs = function() return host.env.pairs(source) end,
        __len = function() return #source end,
        __metatable = false,
        __source = source,
    })
    locked[view] = true
    return view
end

local function named(what)
    return function(name)
        return ("%s.%s can't be set: the libraries are read-only"):format(what, host.tostring(name))
    end
end

-- ---- text without addresses -----------------------------------------------------------------------------------------

local plain = { ["nil"] = true, boolean = true, number = true, string = true }

local function tostring(...)
    local value = ...
    if select("#", ...) == 0 or plain[type(value)] then
        return native.tostring(...)
    end
    local mt = getmetatable_raw(value)
    if mt and rawget(mt, "__tostring") ~= nil then
        return native.tostring(value)
    end
    local name = mt and rawget(mt, "__name")
    return type(name) == "string" and name or type(value)
end
host.tostring = tostring

local function format(text, ...)
    if type(text) ~= "string" then
        return native.format(text, ...)
    end
    local args = pack(...)
    local n = 0
    for letter in gmatch(text, "%%[-+ #0]*%d*%.?%d*(.)") do
        if letter == "p" then
            error("string.format: %p isn't available: an address is never the same", 2)
        elseif letter ~= "%" then
            n = n + 1
            if letter == "s" and n <= args.n and not plain[type(args[n])] then
                args[n] = tostring(args[n])
            end
        end
    end
    return native.format(text, unpack(args, 1, args.n))
end

-- ---- tables ---------------------------------------------------------------------------------------------------------

local function no_order(name, kind)
    return ("%s: a %s as a key has no order that is the same in each replay: use strings or numbers"):format(name, kind)
end

-- A snapshot of the keys in order: members that are added meanwhile aren't visited, those that are removed are skipped.
local function pairs(...)
    local t = ...
    local mt = getmetatable_raw(t)
    local custom = mt and rawget(mt, "__pairs")
    if custom ~= nil then
        local f, state, first = custom(t)
        return f, state, first
    end
    if type(t) ~= "table" then
        local got = select("#", ...) == 0 and "no value" or type(t)
        error(("bad argument #1 to 'pairs' (table expected, got %s)"):format(got), 2)
    end
    local keys, kind = host.keys(t)
    if not keys then
        error(no_order("pairs", kind), 2)
    end
    local i = 0
    return function()
        while true do
            i = i + 1
            local key = keys[i]
            if key == nil then
                return nil
            end
            local value = rawget(t, key)
            if value ~= nil then
                return key, value
            end
        end
    end, t, nil
end

local function checked_ipairs(...)
    local t = ...
    if t == nil then -- Lua's own message comes from within and says neither what nor where
        error("bad argument #1 to 'ipairs' (table expected, got nil)", 2)
    end
    return ipairs(t)
end

local function sorted_next(t, key)
    if type(t) ~= "table" then
        error(("bad argument #1 to 'next' (table expected, got %s)"):format(type(t)), 2)
    end
    if next(t) == nil then
        return nil
    end
    local following = host.next_key(t, key)
    if following == false and rawget(t, false) == nil then
        error(no_order("next", "table"), 2)
    end
    if following == nil then
        return nil
    end
    return following, rawget(t, following)
end

-- Merge sort of t[from..to) with `spare` for the copies; stable, and the same whatever the comparator does.
local function sort_range(t, spare, from, to, less)
    if to - from < 2 then
        return
    end
    local middle = (from + to) // 2
    sort_range(t, spare, from, middle, less)
    sort_range(t, spare, middle, to, less)
    for i = from, middle - 1 do
        spare[i] = t[i]
    end
    local left, right, out = from, middle, from
    while left < middle and right < to do
        if less(t[right], spare[left]) then
            t[out], right = t[right], right + 1
        else
            t[out], left = spare[left], left + 1
        end
        out = out + 1
    end
    while left < middle do
        t[out], left, out = spare[left], left + 1, out + 1
    end
end

local function sort(t, less)
    if type(t) ~= "table" then
        error(("bad argument #1 to 'sort' (table expected, got %s)"):format(type(t)), 2)
    end
    if less ~= nil and type(less) ~= "function" then
        error(("bad argument #2 to 'sort' (function expected, got %s)"):format(type(less)), 2)
    end
    less = less or function(a, b) return a < b end
    -- a step within a comparator would leave the list half sorted
    local ok, e = pcall(host.barrier, sort_range, t, {}, 1, #t + 1, less)
    if not ok then
        local text = type(e) == "string" and e:match("^cairn:%d+: (.*)$") -- of the comparison that is ours
        error(text or e, text and 2 or 0)
    end
end

local function setmetatable(t, mt)
    if type(mt) == "table" then
        if rawget(mt, "__gc") ~= nil then
            error("setmetatable: __gc isn't available: when memory is collected is never the same", 2)
        elseif rawget(mt, "__mode") ~= nil then
            error("setmetatable: weak tables aren't available: when memory is collected is never the same", 2)
        end
    end
    return native.setmetatable(t, mt)
end

local function rawset(t, key, value)
    if type(t) == "table" and locked[t] then
        error(("rawset: %s can't be set: the table is read-only"):format(tostring(key)), 2)
    end
    return native.rawset(t, key, value)
end

-- ---- chunks ---------------------------------------------------------------------------------------------------------

-- Text only: Lua doesn't check binary chunks, and a crafted one takes the interpreter over.
local function load(chunk, name, mode, ...)
    if mode ~= nil and mode ~= "t" and mode ~= "bt" then
        error("load: only text chunks can be loaded", 2)
    end
    local env = host.globals
    if select("#", ...) > 0 then
        env = ...
    end
    if name == nil and type(chunk) ~= "string" then
        name = "=(load)"
    elseif type(name) == "string" and name:find("^=cairn") then
        name = "=(load)"
    end
    return native.load(chunk, name, "t", env)
end

function host.compile(text, file)
    if text:find("^\27") then
        return nil, file .. ": it is compiled Lua; give its text"
    end
    return native.load(text, "@" .. file, "t", host.globals)
end

-- ---- random numbers -------------------------------------------------------------------------------------------------

-- Each fiber has a generator of its own, seeded from the run and the fiber's path (splitmix64).
function host.generator(text)
    local state = 0xcbf29ce484222325 -- FNV-1a, 64 bits
    for i = 1, #text do
        state = (state ~ text:byte(i)) * 0x100000001b3
    end
    return function()
        state = state + 0x9e3779b97f4a7c15
        local z = state
        z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
        z = (z ~ (z >> 27)) * 0x94d049bb133111eb
        return z ~ (z >> 31)
    end
end

local function random(...)
    local draw = host.random and host.random()
    if not draw then
        error("math.random: there is no run yet: call it within `run`", 2)
    end
    local low, high = 1, ...
    local n = select("#", ...)
    if n == 0 then
        return (draw() >> 11) * (0.5 / (1 << 52))
    elseif n == 2 then
        low, high = ...
    end
    low, high = math.tointeger(low), math.tointeger(high)
    if not low or not high or n > 2 then
        error("math.random: at most two integers are expected", 2)
    elseif n == 1 and high == 0 then
        return draw()
    elseif low > high then
        error("math.random: the interval is empty", 2)
    end
    local span = high - low + 1 -- 0: all 64 bits
    if span == 0 then
        return draw()
    end
    local limit = math.maxinteger - math.maxinteger % (span > 0 and span or 1)
    local z
    repeat -- values above the last whole multiple would favour small results
        z = span > 0 and draw() & math.maxinteger or draw()
    until span < 0 and z >= low and z <= high or span > 0 and z < limit
    return span > 0 and low + z % span or z
end

-- ---- what a script sees ---------------------------------------------------------------------------------------------

string.dump = nil
string.format = format
table.sort = sort
math.random = random
math.randomseed = nil
for name in gmatch("atan2 cosh frexp ldexp log10 pow sinh tanh", "%S+") do
    math[name] = nil -- some builds of Lua have them
end
getmetatable_raw("").__metatable = false

local env = {
    _VERSION = _VERSION, assert = assert, error = error, getmetatable = getmetatable, ipairs = checked_ipairs, load = load,
    next = sorted_next, pairs = pairs, pcall = pcall, rawequal = rawequal, rawget = rawget, rawlen = rawlen,
    rawset = rawset, select = select, setmetatable = setmetatable, tonumber = tonumber, tostring = tostring,
    type = type, xpcall = xpcall,
    math = host.view(math, named("math")), string = host.view(string, named("string")),
    table = host.view(table, named("table")), utf8 = host.view(utf8, named("utf8")),
}
host.env = env
host.globals = host.view(env, function(name)
    return ("global '%s' can't be set: there are no global variables in a workflow: write `local %s`"):format(
        tostring(name), tostring(name))
end)
native.rawset(env, "_G", host.globals)
