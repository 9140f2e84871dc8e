-- control.lua: what tests ask of the world itself, below /_sim/.
-- SPDX-License-Identifier: MIT
local host = require "host"
local faults = require "faults"
local ids = require "ids"
local ledger = require "ledger"
local schema = require "schema"
local served = require "served"
local switch = require "switch"
local timers = require "timers"

-- Times, and what differs from run to run, as fixed words.
local function normal(value, words, seen)
    if type(value) == "string" then
        if value:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d") then
            return "TIME"
        end
        for _, word in ipairs(words) do
            value = value:gsub(word[1], word[2])
        end
        return value
    elseif type(value) ~= "table" then
        return value
    end
    local new = {}
    for k, v in pairs(value) do
        new[type(k) == "string" and normal(k, words) or k] = normal(v, words, seen)
    end
    return setmetatable(new, getmetatable(value))
end

local function literal(text)
    return (text:gsub("%W", "%%%0"))
end

-- As it stands in the name of a resource, which has lower-case letters, digits and hyphens only.
local function in_a_name(run)
    return (run:lower():gsub("[^%l%d]+", "-"))
end

-- The run ids and tokens that callers named, the longest first.
local function words_of(entries)
    local seen, words = {}, {}
    local function add(text, word)
        if text and #text >= 6 and not seen[text] then
            seen[text] = true
            words[#words + 1] = { literal(text), word, #text }
        end
    end
    for _, e in ipairs(entries) do
        add(e.caller.run, "RUN")
        add(e.caller.run and in_a_name(e.caller.run), "RUN")
        add(e.caller.token, "TOKEN")
    end
    table.sort(words, function (a, b)
        if a[3] ~= b[3] then
            return a[3] > b[3]
        end
        return a[1] < b[1]
    end)
    return words
end

local week = 7 * 24 * 3600 * 1000

return function (sim)
    local function export()
        local out = {}
        for _, model in ipairs(sim.models) do
            if model.export then
                out[model.name] = model.export()
            end
        end
        return out
    end

    local function world()
        return sim.reply(200, normal(export(), words_of(ledger.all())))
    end

    -- The world when all that is under way in it has come to its end, at the end of a whole week that it has lasted: so
    -- two runs of which one took longer can be compared. Its ledger, too.
    local function at_rest()
        local now = host.now() + timers.offset
        local weeks = math.ceil((now - timers.began) / week) + 1
        timers.run(timers.began + weeks * week, true)
        local words = words_of(ledger.all())
        return { world = normal(export(), words), ledger = normal(ledger.all(), words),
            twice = normal(ledger.twice(), words), downtime = sim.downtime, faults = faults.all(), ids = ids.made }
    end

    -- The setting is one by which others have the world's time, also after it was put forward.
    local function clock()
        local setting = host.clock_setting() -- or the path of a file
        local wall, start, speed = setting:match("^(%d+):(%d+):(.+)$")
        if wall then
            setting = ("%s:%d:%s"):format(wall, math.tointeger(start) + timers.offset, speed)
        end
        return sim.reply(200, { now = sim.time(), ms = sim.now(), setting = setting })
    end

    local function advance(req)
        local ms = schema.duration(req.query.by or "")
        if not ms then
            return sim.reply(400, { message = "by must be a duration like 38m or 14s" })
        end
        timers.offset = timers.offset + ms
        timers.run(host.now() + timers.offset)
        return clock()
    end

    local function operations(req)
        local list = served.list(sim.models, req.query.service)
        if (req.headers.accept or ""):find("text/markdown", 1, true) then
            return switch.text(served.as_table(list))
        end
        return switch.wants_text(req) and switch.text(served.in_words(list)) or sim.reply(200, list)
    end

    local model = {
        name = "_sim",
        at_rest = at_rest,
        control = true,
        routes = {
            { "GET", "/_sim/ledger", "Ledger", function () return sim.reply(200, ledger.all()) end },
            { "GET", "/_sim/verdict", "Verdict",
                function () return sim.reply(200, { changes = ledger.count(), twice = ledger.twice() }) end },
            { "GET", "/_sim/world", "World", world },
            { "GET", "/_sim/clock", "Clock", clock },
            { "POST", "/_sim/advance", "Advance", advance },
            { "GET", "/_sim/operations", "Operations", operations },
            { "POST", "/_sim/expire", "Expire",
                function () sim.by_name.sts.expire() return sim.reply(200, {}) end },
            { "GET", "/_sim/downtime", "Downtime", function () return sim.reply(200, sim.downtime) end },
        },
    }
    for _, route in ipairs(switch.routes(sim)) do
        table.insert(model.routes, route)
    end
    return model
end
