-- waits.lua: the ways in which workflows wait for the world; used by all modules here.
-- SPDX-License-Identifier: MIT
--
-- Nothing here gives up: a cloud takes as long as it takes. What has not moved for `stall` seconds is pointed out to
-- the operator, and the wait goes on. What the world calls a failure is an error at once.

local fail = require "cairn.fail"

local waits = {}

-- States out of which nothing comes without a person.
local BROKEN = {
  ["failed"] = true,
  ["incompatible-network"] = true,
  ["incompatible-option-group"] = true,
  ["incompatible-parameters"] = true,
  ["incompatible-restore"] = true,
  ["insufficient-capacity"] = true,
  ["insufficient-resource-limits"] = true,
  ["restore-error"] = true,
  ["storage-full"] = true,
  ["inaccessible-encryption-credentials"] = true,
  ["cloning-failed"] = true,
  ["migration-failed"] = true,
  ["suspended"] = true,
}

-- Wait until `look` returns a value; its second result is shown as the state of the matter.
function waits.till(title, look, options)
  options = options or {}
  return cairn.wait { title = title, every = options.every or 20, stall = options.stall or 3600, poll = look }
end

-- An error when the thing is in a state out of which it doesn't come by itself.
function waits.check_sound(title, thing)
  local status = tostring(thing.status)
  if BROKEN[status:lower()] then
    fail(title .. ": " .. (thing.id and thing.id .. " is " or "the state is ") .. status
      .. (thing.reason and ": " .. thing.reason or ""))
  end
end

-- Wait until `read` returns something whose status is `wanted`, and which is `also(value)`. Status alone is not enough
-- after a change: a modify may return while the status still says available. What was made a moment ago may not be seen
-- everywhere yet: with `made` set, absence is waited out.
function waits.status(title, wanted, read, options)
  local also, made = options and options.also, options and options.made
  return waits.till(title, function ()
    local now
    if made then
      now = waits.maybe(read)
    else
      now = read()
    end
    if not now then
      return nil, "not to be seen yet"
    end
    local status = tostring(now.status)
    waits.check_sound(title, now)
    if status ~= wanted then
      return nil, status
    end
    local ok, why = true, nil
    if also then
      ok, why = also(now)
    end
    if not ok then
      return nil, why or status
    end
    return now, status
  end, options)
end

-- Wait until `read` fails because the thing is gone.
function waits.gone(title, read, options)
  return waits.till(title, function ()
    local there, now = pcall(read)
    if there then
      return nil, now.status
    end
    if type(now) == "table" and now.kind == "not_found" then
      return true, "gone"
    end
    error(now, 0)
  end, options)
end

-- The value of read(), or nil when there is no such thing; every other error passes.
function waits.maybe(read)
  local there, now = pcall(read)
  if there then
    return now
  end
  if type(now) == "table" and now.kind == "not_found" then
    return nil
  end
  error(now, 0)
end

return waits
