-- probe.lua: for how long are writes down while something is done? Measured by writing, over the plugin postgres.
-- SPDX-License-Identifier: MIT
--
--   probe.prepare(conn, where)        make the table cairn.heartbeat; before a deployment that forbids DDL is created
--   probe.during(conn, where, body)   run body() and write a row several times a second beside it, through the address
--                                     of the applications: what body returned, and {gap_ms, attempts, failed, blind_ms,
--                                     down, last_error}
--   probe.check(conn, where)          a single write; an error when it fails
--   probe.line(seen)                  the second of them as a line for people
--   probe.drop(conn, where)           drop the table
--
-- gap_ms is the longest time between two writes that succeeded, so without any trouble it is that between two writes,
-- some tenths of a second. Time in which the engine was away and nobody looked is in blind_ms, not in gap_ms. `down` is
-- set when writes were still failing a minute after body had ended. body's errors pass, after the probe has ended.

local fail = require "cairn.fail"
local times = require "cairn.times"
local postgres = cairn.plugin "postgres"

local probe = {}

local SHORT, LONG = 5, 20 -- seconds of one step
local SHORT_STEPS = 100 -- then a body that takes hours leaves less records
local LAST_STEPS = 12 -- after the end of body, until writes succeed

local function at(conn, where, args)
  args.connection, args.host, args.port = conn, where and where.host, where and where.port
  args.database = where and where.database
  return args
end

function probe.prepare(conn, where)
  postgres.prepare_probe(at(conn, where, {}))
end

function probe.drop(conn, where)
  postgres.drop_probe(at(conn, where, {}))
end

-- One step, added to what was seen before.
local function look(conn, where, seconds, seen)
  local now = postgres.probe(at(conn, where, {
    seconds = seconds, last_success = seen.last_success, looked_until = seen.ended,
  }))
  return {
    gap_ms = math.max(seen.gap_ms, now.longest_gap_ms), attempts = seen.attempts + now.attempts,
    failed = seen.failed + now.failed, blind_ms = seen.blind_ms + now.blind_ms, down = now.ok == 0,
    last_error = now.last_error or seen.last_error, last_success = now.last_success, ended = now.ended,
  }
end

function probe.check(conn, where)
  local seen = look(conn, where, 0, { gap_ms = 0, attempts = 0, failed = 0, blind_ms = 0 })
  if seen.down then
    fail("a probe of " .. conn .. " can't write: " .. tostring(seen.last_error))
  end
  return seen
end

function probe.during(conn, where, body)
  local seen = probe.check(conn, where)
  local over = false
  local results = cairn.parallel {
    body = function ()
      local done, value = pcall(body)
      over = true
      if not done then
        error(value, 0)
      end
      return value
    end,
    probe = function ()
      local steps, last = 0, 0
      while not over or (seen.down and last < LAST_STEPS) do
        last = over and last + 1 or 0
        steps = steps + 1
        seen = look(conn, where, steps > SHORT_STEPS and LONG or SHORT, seen)
      end
    end,
  }
  return results.body, {
    gap_ms = seen.gap_ms, attempts = seen.attempts, failed = seen.failed, blind_ms = seen.blind_ms, down = seen.down,
    last_error = seen.last_error,
  }
end

local function span(ms)
  return ms < 60000 and ("%.1f s"):format(ms / 1000) or times.span(ms)
end

function probe.line(seen)
  local line = ("%s at most between two writes (%d tried, %d failed)"):format(span(seen.gap_ms), seen.attempts,
    seen.failed)
  if seen.blind_ms > 0 then
    line = line .. "; nobody looked for " .. span(seen.blind_ms)
  end
  if seen.down then
    line = line .. "; STILL DOWN when the probe ended: " .. tostring(seen.last_error)
  end
  return line
end

return probe
