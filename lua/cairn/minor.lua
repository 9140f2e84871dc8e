-- minor.lua: a minor version of an RDS instance, queued for its maintenance window, watched, and taken out again.
-- SPDX-License-Identifier: MIT
--
-- A change without ApplyImmediately waits for the window. Whoever applies anything immediately before that, for any
-- reason, has it carried out at once. Nothing can forbid that; it is noticed. There is no way back from a version.

local fail = require "cairn.fail"
local times = require "cairn.times"
local versions = require "cairn.versions"
local waits = require "cairn.waits"
local rds = cairn.plugin "rds"

local minor = {}

local HOUR <const> = 3600 -- s
local GRACE <const> = 2 * times.hour -- the window is when it may begin; the work may go on behind it

local function same_major(a, b)
  return versions.major(a) == versions.major(b)
end

local function offered(db, version)
  for _, target in ipairs(rds.describe_engine_version({ engine = db.engine, version = db.engine_version }).targets) do
    if target.version == version and not target.major then
      return rds.describe_orderable({ engine = db.engine, version = version, class = db.class }).offered
    end
  end
  return false
end

-- What is queued besides that version, by name.
local function others_queued(db, version)
  local names = {}
  for name, value in pairs(db.pending) do
    if name ~= "engine_version" or value ~= version then
      names[#names + 1] = name
    end
  end
  return names
end

-- Maintenance with a date within the next week: it comes in the same window, or before.
local function due_maintenance(db, now)
  local list = {}
  for _, action in ipairs(rds.pending_maintenance({ arn = db.arn }).actions) do
    local when = action.current_apply or action.auto_apply or action.forced_apply
    local at = when and times.parse(when)
    if at and at - now < 7 * times.day then
      list[#list + 1] = action.action .. " on " .. when
    end
  end
  return list
end

-- The rules, each with its text: { {holds, text}, ... }. Only reads.
function minor.rules(db, version)
  local order = versions.compare(version, db.engine_version)
  local list = {
    { db.status == "available", db.id .. " is available (it is " .. db.status .. ")" },
    { order >= 0, db.id .. " is not ahead (it has " .. db.engine_version .. "); versions never go back" },
    { same_major(version, db.engine_version), version .. " is no major step from " .. db.engine_version },
    { db.deletion_protection, "deletion protection of " .. db.id .. " is on" },
  }
  local others = others_queued(db, version)
  list[#list + 1] = { #others == 0, "nothing else is queued for " .. db.id
    .. (#others > 0 and " (" .. table.concat(others, ", ") .. ")" or "") }
  local due = due_maintenance(db, cairn.now())
  list[#list + 1] = { #due == 0, "no maintenance of " .. db.id .. " is due within a week"
    .. (#due > 0 and " (" .. table.concat(due, ", ") .. ")" or "") }
  if order > 0 and list[3][1] then
    local what = db.id .. " (" .. db.engine_version .. ", " .. db.class .. ")"
    list[#list + 1] = { offered(db, version), version .. " is offered for " .. what }
  end
  return list
end

local function look(db)
  return rds.describe_instance { resource_id = db.resource_id }
end

-- For `cairn rollback`: the current version, applied immediately, takes the queued one out, and carries out whatever
-- else waits. So nothing else may wait.
local function unqueue(db, version)
  local now = look(db)
  if now.engine_version == version then
    return cairn.report("not taken back: " .. db.id, "it has " .. version .. " already, and versions never go back")
  elseif now.pending.engine_version ~= version then
    return
  end
  local others = others_queued(now, version)
  if #others > 0 then
    fail("take " .. version .. " of " .. db.id .. " out of its queue: that would carry out at once what else waits ("
      .. table.concat(others, ", ") .. "); settle that first, then roll back again")
  end
  local due = due_maintenance(now, cairn.now())
  if #due > 0 then
    fail("take " .. version .. " of " .. db.id .. " out of its queue: that may carry out pending maintenance at once ("
      .. table.concat(due, ", ") .. "); settle that first, then roll back again")
  end
  rds.modify_instance {
    id = now.id, resource_id = now.resource_id, engine_version = now.engine_version, apply_immediately = true,
    allow_pending = { engine_version = version },
  }
  waits.till(version .. " of " .. db.id .. " is out of the queue", function ()
    local left = look(db)
    return left.pending.engine_version == nil and left.status == "available", left.status
  end, { every = 10 })
end

-- Queue the version, and see that it is queued (or, within the window, that it has begun).
function minor.queue(db, version)
  cairn.undo("take " .. version .. " of " .. db.id .. " out of its queue", function () unqueue(db, version) end)
  if db.pending.engine_version ~= version then
    rds.modify_instance { id = db.id, resource_id = db.resource_id, engine_version = version }
  end
  waits.till(version .. " is queued for " .. db.id, function ()
    local now = look(db)
    local begun = now.engine_version == version or now.status == "upgrading"
    return begun or now.pending.engine_version == version, now.status
  end, { every = 10, stall = 600 })
end

-- When the window opens next, or opened if it is open, and how long it is.
local function window_of(db)
  local now = cairn.now()
  return now + times.until_window(db.maintenance_window, now), times.window_length(db.maintenance_window)
end

-- What became of it: "reached", "lost" (it is queued no more), or nil while it is on its way.
local function outcome(now, version)
  if now.status ~= "available" then
    return nil, now.status
  elseif now.engine_version == version then
    return "reached"
  elseif now.pending.engine_version ~= version then
    return "lost"
  end
  return nil, "queued"
end

-- What RDS says happened since then; it keeps that for 14 days.
local function events_since(db, since)
  local from = math.max(since, cairn.now() - 13 * times.day)
  return rds.events({ source = db.id, source_type = "db-instance", since = from }).events
end

-- The same as lines, for the report of a version that wasn't reached.
function minor.events(db, since)
  local messages = cairn.array {}
  for _, event in ipairs(events_since(db, since)) do
    messages[#messages + 1] = event.date .. " " .. event.message
  end
  return messages
end

-- Did it come before the first window behind `since`? By the event of RDS, not by when anybody looked.
local function came_early(db, since)
  local opens = since + times.until_window(db.maintenance_window, since)
  for _, event in ipairs(events_since(db, since)) do
    if event.message:lower():find("patched", 1, true) then
      return event.at < opens
    end
  end
  return false
end

-- Wait for the window and through it. `since`: before it was queued. Returns "reached", "early" (before the window:
-- somebody applied immediately), "lost" or "late", and the instance as it is then.
function minor.await(db, version, since)
  local opens, length = window_of(db)
  local begun = waits.till(db.id .. ": " .. version .. " waits for the window " .. db.maintenance_window, function ()
    local now = look(db)
    local what, status = outcome(now, version)
    local left = opens - cairn.now()
    if what or left <= 0 then
      return { what = what }
    end
    return nil, status == "queued" and "queued; the window opens in " .. times.span(left) or status
  end, { every = HOUR, stall = 14 * 24 * HOUR })
  local what = begun.what
  if not what then
    what = waits.till(db.id .. ": " .. version .. " in its window", function ()
      local now, at = look(db), cairn.now()
      local now_is, status = outcome(now, version)
      local over = status == "queued" and at > opens + length + GRACE
      return now_is or over and "late", status
    end, { every = 60, stall = 2 * HOUR })
  end
  if what == "reached" and came_early(db, since) then
    what = "early"
  end
  return what, look(db)
end

return minor
