-- evidence.lua: what RDS itself says about the past: how long writes were down; for a run's report.
-- SPDX-License-Identifier: MIT

local times = require "cairn.times"
local rds = cairn.plugin "rds"

local evidence = {}

-- Begin and end of a switchover by the messages of one source.
local function span_of(source, source_type, since)
  local began, ended
  for _, event in ipairs(rds.events({ source = source, source_type = source_type, since = since }).events) do
    local text = event.message:lower()
    if text:find("switchover", 1, true) and not text:find("sequence", 1, true) then
      if text:find("started", 1, true) then
        began = began or event.at
      elseif text:find("cancel", 1, true) then
        began = nil
      elseif text:find("completed", 1, true) then
        ended = event.at
      end
    end
  end
  if began and ended and ended >= began then
    return ended - began
  end
  return nil
end

-- From the event that says that the switchover began to the one that says that it ended, in ms: writes were down for at
-- most so long. The deployment's own events come first: those of a database are under whatever name it had then. nil
-- when there are none (any more).
function evidence.switchover(deployment, old, since)
  local own = span_of(deployment, "blue-green-deployment", since)
  return own or span_of(old.id, old.cluster and "db-cluster" or "db-instance", since)
end

-- What RDS says of an upgrade in place that began after `since`: its messages, whether there is any, the one that says
-- why it could not be, whether it failed, and for how many ms writes were down at most (`down`), if that can be told.
function evidence.upgrade(db, since)
  local source_type = db.cluster and "db-cluster" or "db-instance"
  local found = { messages = cairn.array {}, began = false, failed = false }
  local down
  for _, event in ipairs(rds.events({ source = db.id, source_type = source_type, since = since }).events) do
    local text = event.message:lower()
    if text:find("upgrade", 1, true) or text:find("downtime", 1, true) or text:find("patch", 1, true) then
      found.messages[#found.messages + 1] = event.message
      found.began = true
    end
    if text:find("downtime started", 1, true) then
      down = event.at
    elseif down and (text:find("upgrade finished", 1, true) or text:find("upgrade failed", 1, true)) then
      found.down, down = event.at - down, nil
    end
    if text:find("cannot be upgraded", 1, true) or text:find("can't be upgraded", 1, true) then
      found.reason = event.message
    end
    found.failed = found.reason ~= nil or found.failed or text:find("upgrade failed", 1, true) ~= nil
  end
  return found
end

-- "14 s", for people.
function evidence.span(ms)
  return ms and times.span(ms) or "unknown"
end

return evidence
