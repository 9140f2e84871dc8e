-- inplace.lua: an upgrade in place from the request to its end, which may be that nothing has changed.
-- SPDX-License-Identifier: MIT
--
-- RDS says yes at once. Whether pg_upgrade will do it turns out in the downtime, and when it doesn't, the instance
-- is available again with the version that it had, and no call has failed. So the version decides, never the status.

local fail = require "cairn.fail"
local database = require "cairn.database"
local evidence = require "cairn.evidence"
local waits = require "cairn.waits"
local rds = cairn.plugin "rds"

local inplace = {}

local LOOK_EVERY <const> = 20 -- seconds
local LOOKS <const> = 45 -- a quarter of an hour for RDS to begin
local SAME_LOOKS <const> = 6 -- until it is believed that nothing has changed
local LOG_BYTES <const> = 16384 -- of each log file; reasons are at its end
local LOG_FILES <const> = 6

-- Errors that say that nothing has begun.
local REFUSED <const> = { conflict = true, denied = true, failed = true, invalid = true, not_yet = true }

-- `what`: version, groups, allow_pending. nil, or why it was refused.
local function request(db, what)
  local changes = {
    engine_version = what.version, allow_major = true, apply_immediately = true,
    parameter_group = what.groups.parameter_group,
  }
  if db.cluster then
    changes.parameter_group = what.groups.cluster_parameter_group
    changes.instance_parameter_group = what.groups.parameter_group
  else
    changes.allow_pending = what.allow_pending
  end
  local accepted, err = pcall(database.modify, db, changes)
  if accepted then
    return nil
  elseif type(err) ~= "table" or not REFUSED[err.kind] then
    error(err, 0)
  end
  return err.text
end

local function look(db)
  return database.look(db, { resource_id = db.resource_id })
end

-- The call returns while the status still is available. True once something has begun; false if it doesn't.
local function wait_begun(db, version, since)
  for _ = 1, LOOKS do
    local now = look(db)
    if now.status ~= "available" or now.engine_version == version or evidence.upgrade(db, since).began then
      return true
    end
    cairn.sleep { seconds = LOOK_EVERY, title = "the upgrade begins" }
  end
  return false
end

-- Is it available with the old version, and stays so? One answer may be from before the upgrade; events that tell of
-- a failure are not. nil when it isn't so.
local function surely_same(db, version, since)
  local now
  for _ = 1, SAME_LOOKS do
    cairn.sleep { seconds = LOOK_EVERY, title = "available, and not upgraded: look again" }
    now = look(db)
    if now.status ~= "available" or now.engine_version == version then
      return nil
    elseif evidence.upgrade(db, since).failed then
      return now
    end
  end
  return now
end

-- Available again, one way or the other.
local function wait_ended(db, version, since)
  local now
  repeat
    now = waits.till("upgrade of " .. db.id .. " to " .. version, function ()
      local seen = look(db)
      waits.check_sound("upgrade of " .. db.id, seen)
      return seen.status == "available" and seen, seen.status .. ", " .. seen.engine_version
    end)
  until now.engine_version == version or surely_same(db, version, since)
  return now
end

-- What pg_upgrade wrote since: { FILE = TEXT }. That it can't be read is no reason to stop.
local function logs_since(db, since)
  local logs = {}
  local listed, answer = pcall(rds.log_files, { id = db.id, contains = "pg_upgrade", since = since })
  local files = listed and answer.files or {}
  for i = math.max(1, #files - LOG_FILES + 1), #files do
    local read, portion = pcall(rds.log_text, { id = db.id, file = files[i].name, max_bytes = LOG_BYTES })
    logs[files[i].name] = read and portion.text or tostring(portion)
  end
  return logs
end

-- The lines in which pg_upgrade says why, out of its logs; nil when none does.
local function reason_in(logs)
  for _, text in pairs(logs) do
    local why = text:match("fatal%s*(.-)%s*Failure, exiting") or text:match("(FATAL:[^\n]*)")
    if why and why ~= "" then
      return why
    end
  end
  return nil
end

local function nothing_changed(db, now, since)
  local seen = evidence.upgrade(db, since)
  local logs = db.cluster and {} or logs_since(db, since)
  local why = { engine_version = now.engine_version, events = seen.messages, logs = logs }
  why.writes_down = seen.down and evidence.span(seen.down)
  why.reason = reason_in(logs) or seen.reason or "neither events nor logs say why"
  return why
end

-- Ask for it, and see how it ends. Returns nil when the database has the version, else what became of it:
-- { reason =, engine_version =, events =, logs =, writes_down? }.
function inplace.attempt(db, what)
  local since = cairn.now()
  local refused = request(db, what)
  if refused then
    return { reason = "RDS refused it: " .. refused, engine_version = db.engine_version }
  end
  if not wait_begun(db, what.version, since) then
    local now = look(db)
    local queued = next(now.pending) and "it is queued" or "nothing of it is to be seen"
    return { reason = "RDS accepted it and did not begin; " .. queued, engine_version = now.engine_version }
  end
  local now = wait_ended(db, what.version, since)
  if now.engine_version == what.version then
    return nil
  end
  return nothing_changed(db, now, since)
end

-- One text with all there is to know, for the error.
function inplace.explain(db, why)
  local lines = { db.id .. " still has version " .. why.engine_version .. ": " .. why.reason }
  for _, message in ipairs(why.events or {}) do
    lines[#lines + 1] = "event: " .. message
  end
  for name, text in pairs(why.logs or {}) do
    lines[#lines + 1] = name .. ": " .. text:sub(-400):gsub("%s+", " ")
  end
  return table.concat(lines, "; ")
end

-- The replicas of an instance have come along; they are given their groups. `groups`: { ID = GROUP }.
function inplace.wait_replicas(replicas, version)
  for _, replica in ipairs(replicas) do
    local now = waits.status("replica " .. replica.id, "available", function ()
      return rds.describe_instance { resource_id = replica.resource_id }
    end, { also = function (seen) return seen.engine_version == version, seen.engine_version end })
    if now.engine_version ~= version then
      fail("replica " .. replica.id .. " has version " .. now.engine_version)
    end
  end
end

return inplace
