-- errors.lua: error values, those of scripts and those of the protocol; the second of the embedded Lua files.
-- SPDX-License-Identifier: MIT
local host = ...

local error, pcall, rawget, setmetatable, type = error, pcall, rawget, setmetatable, type
local clean, tostring, traceback = host.clean, host.tostring, host.trace

local kinds = {}
for _, kind in ipairs { "invalid", "not_found", "denied", "conflict", "throttled", "unavailable", "timeout", "not_yet",
                        "failed", "in_doubt", "internal", "cancelled" } do
    kinds[kind] = true
end

local error_mt = { __metatable = false, __name = "error" }

function error_mt.__tostring(e)
    local text = rawget(e, "text")
    return type(text) == "string" and text or "error"
end

function error_mt.__concat(a, b) -- "can't do it: " .. err is what people write
    return tostring(a) .. tostring(b)
end

function host.make_error(kind, text, code, step)
    return setmetatable({ kind = kind, text = text, code = code, step = step }, error_mt)
end

local function throw(kind, text, code, step)
    error(host.make_error(kind, text, code, step), 0)
end
host.throw = throw

-- A mistake of the one who wrote the workflow.
local function misuse(text, ...)
    throw("invalid", host.at() .. ": " .. text:format(...), "script")
end
host.misuse = misuse

-- Remember where an error began: it may pass through stages and leave functions before it ends the run.
local function on_error(e)
    local f = host.current()
    if f and not (f.trace and rawequal(f.trace.err, e)) then
        f.trace = { err = e, text = traceback() }
    end
    return e
end
host.on_error = on_error

-- A member of an error value, if it is text.
local function field(e, name)
    local value = rawget(e, name)
    return type(value) == "string" and clean(value) or nil
end

-- Any error value as the protocol's error.
function host.describe(e)
    if type(e) == "table" and field(e, "text") then
        local kind = field(e, "kind")
        return { kind = kinds[kind] and kind or "failed", code = field(e, "code"), text = field(e, "text"),
                 step = field(e, "step") }
    end
    local ok, text = pcall(tostring, e)
    return { kind = "failed", code = "script", text = ok and clean(text) or "an error that can't be shown" }
end
host.field = field
