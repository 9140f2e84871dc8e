-- switch.lua: faults are looked at, switched on and off while the world runs: by tests in JSON, by people in words.
-- SPDX-License-Identifier: MIT
local faults = require "faults"
local schema = require "schema"

local M = {}

-- Text for those who ask for it (`cairn sim faults` does), JSON for all others.
function M.wants_text(req)
    return (req.headers.accept or ""):find("text/plain", 1, true) ~= nil
end

function M.text(body, status)
    return { status = status or 200, headers = { ["Content-Type"] = "text/plain; charset=utf-8" }, body = body }
end

-- Lines of at most 100 columns, each after the first with the indent.
local function wrap(words, indent)
    local lines, line = {}, nil
    for word in words:gmatch("%S+") do
        if line and #indent + #line + 1 + #word > 100 then
            lines[#lines + 1], line = line, word
        else
            line = line and line .. " " .. word or word
        end
    end
    lines[#lines + 1] = line
    return table.concat(lines, "\n" .. indent)
end

local function explain_param(param)
    local notes = {}
    notes[#notes + 1] = param.required and "required" or nil
    notes[#notes + 1] = param.one_of and "one of " .. table.concat(param.one_of, ", ") or nil
    notes[#notes + 1] = param.default and "default " .. param.default or nil
    local note = #notes > 0 and (" (%s)"):format(table.concat(notes, "; ")) or ""
    return ("      %s=%s  %s%s\n"):format(param.name, param.type:upper(), param.help or "", note)
end

local function explain(kind)
    local out = ("  %s (%s)\n      %s\n"):format(kind.name, kind.of, wrap(kind.help, "      "))
    for _, param in ipairs(kind.params) do
        out = out .. explain_param(param)
    end
    return out
end

local function in_words(fault)
    local words = {}
    for name, value in pairs(fault) do
        if name == "match" then
            for part, wanted in pairs(value) do
                words[#words + 1] = part .. "=" .. tostring(wanted)
            end
        elseif name ~= "do" and name ~= "n" and name ~= "seen" and name ~= "done" and type(value) ~= "table" then
            words[#words + 1] = name .. "=" .. tostring(value)
        end
    end
    table.sort(words)
    return ("  %d  %s %s (met %d, struck %d)\n"):format(fault.n, fault["do"], table.concat(words, " "), fault.seen,
        fault.done)
end

local function list_in_words()
    local out = {}
    for _, fault in ipairs(faults.all()) do
        out[#out + 1] = in_words(fault)
    end
    return #out > 0 and "Switched on:\n" .. table.concat(out) or "No fault is switched on.\n"
end

local footer = [[
Each takes target=NAME (which thing), n=N (the first that is struck), times=N (how many; 0: all until it is
mended); those of every service take service=NAME and action=OPERATION too.
`cairn sim fault KIND [PARAM=VALUE]...` switches one on, `cairn sim mend [KIND|NUMBER]` off.
]]

local function kinds_in_words(only)
    local out = {}
    for _, kind in ipairs(faults.kinds()) do
        if not only or kind.name == only or kind.of == only then
            out[#out + 1] = explain(kind)
        end
    end
    if #out == 0 then
        return nil
    end
    return "Kinds of faults:\n" .. table.concat(out) .. footer
end

local in_match = { service = true, action = true, target = true, n = true }

-- "true" and "3" of a query as what the kind's params want; what can't be converted is left for the check to refuse.
local function typed(value)
    if value == "true" or value == "false" then
        return value == "true"
    end
    return math.tointeger(tonumber(value)) or value
end

local function from_words(query)
    local fault = { match = {} }
    for name, value in pairs(query) do
        if in_match[name] then
            fault.match[name] = name == "n" and typed(value) or value
        elseif name == "do" then
            fault["do"] = value
        else
            fault[name] = faults.is_text(query["do"], name) and value or typed(value)
        end
    end
    return fault
end

function M.routes(sim)
    local function answer(req)
        return M.wants_text(req) and M.text(list_in_words()) or sim.reply(200, faults.all())
    end

    local function refuse(req, why)
        return M.wants_text(req) and M.text(why .. "\n", 400) or sim.reply(400, { message = why })
    end

    local function add(req)
        local given = req.query["do"] and from_words(req.query) or req.json
        if type(given) ~= "table" then
            return refuse(req, "the fault is not JSON: " .. tostring(req.json_error))
        end
        local ok, fault = pcall(faults.check, { name = "fault", lines = {} }, "", given)
        if not ok and (type(fault) ~= "string" or not fault:find("^world: ")) then
            error(fault, 0)
        end
        local why = not ok and fault:gsub("^world: fault:1: ", "") or ok and faults.add(fault)
        return why and refuse(req, why) or answer(req)
    end

    local function mend(req)
        local which = req.query.which
        if faults.mend(which) == 0 and which then
            return refuse(req, ("no fault %s is switched on"):format(which))
        end
        return answer(req)
    end

    local function kinds(req)
        if not M.wants_text(req) then
            return sim.reply(200, faults.kinds())
        end
        local only = req.query.only
        local known = kinds_in_words(only)
        if not known then
            local near = schema.nearest(only, faults.names())
            return refuse(req, ("there is no kind of fault %s%s"):format(only,
                near and ("; did you mean %s?"):format(near) or "; `cairn sim faults` lists them"))
        end
        return M.text((only and "" or list_in_words()) .. known)
    end

    return {
        { "GET", "/_sim/fault", "Faults", answer },
        { "POST", "/_sim/fault", "AddFault", add },
        { "DELETE", "/_sim/fault", "ClearFaults", mend },
        { "GET", "/_sim/fault/kinds", "FaultKinds", kinds },
    }
end

return M
