-- backups.lua: what a database can be restored from, and which of it to take; used by the restore workflows.
-- SPDX-License-Identifier: MIT
--
-- A source, as `backups.choose` returns it, is what RDS says of the snapshot or the automated backup, with
--   what  "snapshot rds:planx-2026-11-17-03-05", "planx as of 2026-11-17T08:00:00Z", for people
--   kind  "snapshot" or "time"            time  of a point in time: the text, or "latest"
--   at    when its data is from, ms

local fail = require "cairn.fail"
local times = require "cairn.times"
local rds = cairn.plugin "rds"

local backups = {}

-- Of which database? A name may have had several owners: then only the resource id tells.
local function owner(list, p, what)
  local ids = {}
  for _, each in ipairs(list) do
    ids[each.resource_id] = true
  end
  local known = {}
  for id in pairs(ids) do
    known[#known + 1] = id
  end
  if #known > 1 then
    fail("find " .. what .. " of " .. p.database .. ": several databases had that name; give resource_id, one of "
      .. table.concat(known, ", "))
  end
  return known[1]
end

local function list_snapshots(p, live, kind)
  local id = live and live.resource_id or p.resource_id
  if id then
    return rds.snapshots({ resource_id = id, type = kind }).snapshots
  end
  local list = rds.snapshots({ instance = p.database, type = kind }).snapshots
  owner(list, p, "the snapshots")
  return list
end

local function newest(p, live)
  local seen = {}
  for _, snapshot in ipairs(list_snapshots(p, live, "automated")) do
    if snapshot.status == "available" then
      return snapshot
    end
    seen[#seen + 1] = snapshot.name .. " is " .. snapshot.status
  end
  for _, snapshot in ipairs(list_snapshots(p, live, nil)) do
    seen[#seen + 1] = snapshot.name .. " (" .. snapshot.type .. ") is " .. snapshot.status
  end
  fail("find a snapshot of " .. p.database .. ": there is no automated one that is available; "
    .. (#seen > 0 and "name one of: " .. table.concat(seen, ", ") or "there are no others either"))
end

local function check_snapshot(p, live, snapshot)
  local name = snapshot.name
  cairn.check(snapshot.status == "available", "snapshot " .. name .. " is available (it is " .. snapshot.status .. ")")
  cairn.check(not (snapshot.type == "shared" and snapshot.encrypted), "snapshot " .. name
    .. " can be restored: a shared, encrypted one has to be copied into this account first (aws rds copy-db-snapshot)")
  local own = live and live.resource_id or p.resource_id
  cairn.check(p.other_source or snapshot.resource_id == own or snapshot.source == p.database,
    "snapshot " .. name .. " is of " .. p.database .. " (it is of " .. tostring(snapshot.source)
      .. "; other_source=true allows that)")
end

local function of_snapshot(p, live)
  local snapshot = p.snapshot and rds.describe_snapshot { name = p.snapshot } or newest(p, live)
  check_snapshot(p, live, snapshot)
  -- A shared one goes by its ARN.
  snapshot.restore_by = snapshot.type == "shared" and snapshot.arn or snapshot.name
  snapshot.kind, snapshot.what = "snapshot", "snapshot " .. snapshot.name
  snapshot.at = times.parse(snapshot.created)
  return snapshot
end

local function of_time(p, live)
  local id = live and live.resource_id or p.resource_id
  local list = rds.automated_backups(id and { resource_id = id } or { instance = p.database }).backups
  owner(list, p, "the automated backups")
  local backup = list[1]
  cairn.check(backup ~= nil, "there are automated backups of " .. p.database)
  local asked = p.point_in_time
  local at = times.parse(asked == "latest" and tostring(backup.latest) or asked)
  cairn.check(at ~= nil, "point_in_time is \"latest\" or a time like 2026-11-17T08:00:00Z")
  local first, last = times.parse(backup.earliest), times.parse(backup.latest)
  cairn.check(at >= first and at <= last,
    asked .. " is within " .. backup.earliest .. " and " .. backup.latest .. ", the times that can be restored")
  backup.kind, backup.time, backup.at = "time", asked, at
  backup.what = p.database .. " as of " .. (asked == "latest" and backup.latest or asked)
  return backup
end

-- live: the described instance, or nil when it is gone.
function backups.choose(p, live)
  cairn.check(not (p.snapshot and p.point_in_time), "snapshot and point_in_time are not given together")
  if p.point_in_time then
    return of_time(p, live)
  end
  return of_snapshot(p, live)
end

-- For the report and for the person who is asked. Everything written after it is lost.
function backups.summary(source)
  local age = cairn.now() - source.at
  return {
    what = source.what, age = times.span(age), engine_version = source.engine_version, type = source.type,
    allocated_storage = source.allocated_storage, encrypted = source.encrypted, kms_key = source.kms_key,
  }
end

return backups
