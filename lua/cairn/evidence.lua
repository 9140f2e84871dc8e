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

-- "14 s", for people.
function evidence.span(ms)
  return ms and times.span(ms) or "unknown"
end

return evidence
