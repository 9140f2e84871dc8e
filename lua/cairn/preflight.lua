-- preflight.lua: everything that can be known before anything is changed: is an upgrade possible, and is it now?
-- SPDX-License-Identifier: MIT
--
-- Only reads. Every finding is recorded by cairn.check, so that the run's report says what was looked at; the first
-- that is not so stops the run while the world is still untouched.

local fail = require "cairn.fail"
local database = require "cairn.database"
local postgres = require "cairn.postgres"
local times = require "cairn.times"
local rds = cairn.plugin "rds"
local sts = cairn.plugin "sts"

local preflight = {}

local MARGIN <const> = 2 * times.hour -- a window that opens this soon may fall into the upgrade

-- Which account is this, and with whose keys?
function preflight.identity()
  local me = sts.caller_identity {}
  cairn.report("account", me.account)
  cairn.report("caller", me.arn)
  return me
end

local function check_source(db)
  cairn.check(postgres.is_engine(db.engine), db.id .. " is PostgreSQL (" .. db.engine .. ")")
  cairn.check(not db.replica_of, db.id .. " is no replica itself")
  cairn.check(db.backup_retention > 0, db.id .. " has automated backups")
end

local function check_blue_green(db, class)
  local able, why = postgres.blue_green_from(db.engine_version)
  cairn.check(able, db.id .. " " .. db.engine_version .. " can be the source of a blue/green deployment"
    .. (able and "" or "; " .. why))
  cairn.check(not db.master_secret, db.id .. " has no managed master password, with which blue/green is not possible")
  cairn.check(not (db.cluster and class), "no class is given, as an Aurora deployment keeps its own")
end

local function check_state(db)
  cairn.check(db.status == "available", db.id .. " is available (it is " .. db.status .. ")")
  for _, member in ipairs(db.members) do
    cairn.check(member.status == "available", member.id .. " is available (it is " .. member.status .. ")")
    for _, status in ipairs { member.parameter_status, member.cluster_parameter_status or "in-sync" } do
      cairn.check(status == "in-sync" or status == "pending-reboot",
        member.id .. " is in step with its parameter group (" .. status .. ")")
    end
  end
end

local function check_window(what, spec, now)
  if not spec then
    return
  end
  local left = times.until_window(spec, now)
  cairn.check(left > MARGIN, what .. " " .. spec .. " UTC is not within the next " .. times.span(MARGIN))
end

-- Changes that wait for the maintenance window, as { "ID: NAME" = VALUE }.
function preflight.queued(db)
  local queued = {}
  for _, of in ipairs { db, table.unpack(db.cluster and db.members or {}) } do
    for name, value in pairs(of.pending) do
      queued[of.id .. ": " .. name] = value
    end
  end
  return queued
end

-- Windows that RDS would open by itself in the middle of the upgrade.
local function check_windows(db, options)
  if not options.ignore_windows then
    check_window("maintenance window of " .. db.id, db.maintenance_window, cairn.now())
    check_window("backup window of " .. db.id, db.backup_window, cairn.now())
  end
end

-- Maintenance that RDS would begin by itself in the middle of the upgrade.
local function check_maintenance(db)
  local now = cairn.now()
  for _, of in ipairs { db, table.unpack(db.cluster and db.members or {}) } do
    for _, action in ipairs(rds.pending_maintenance({ arn = of.arn }).actions) do
      local when = action.current_apply and times.parse(action.current_apply)
      cairn.check(not when or when - now > times.day,
        of.id .. ": maintenance " .. action.action .. " is not due within a day")
      cairn.report("pending maintenance of " .. of.id, action.action .. ": " .. tostring(action.description))
    end
  end
end

-- All that is pending for the database, its instances and replicas: { {of =, arn =, action =, description =, ...} }.
function preflight.maintenance(db, replicas)
  local all, list = { db }, {}
  table.move(db.cluster and db.members or {}, 1, #db.members, 2, all)
  table.move(replicas or {}, 1, #(replicas or {}), #all + 1, all)
  for _, of in ipairs(all) do
    for _, action in ipairs(rds.pending_maintenance({ arn = of.arn }).actions) do
      action.of, action.arn = of.id, of.arn
      list[#list + 1] = action
    end
  end
  return list
end

-- The step from the live version to the target: offered, major, and with the classes in use. Ask with the live version,
-- not with the one that some file says. Returns {version, family, family_before}.
local function check_target(db, version, class, replicas)
  local from = rds.describe_engine_version { engine = db.engine, version = db.engine_version }
  local offered, found = {}, nil
  for _, target in ipairs(from.targets) do
    offered[#offered + 1] = target.version
    if target.version == version then
      found = target
    end
  end
  cairn.check(found ~= nil, version .. " is among the versions that " .. db.engine_version .. " can be upgraded to ("
    .. (#offered > 0 and table.concat(offered, ", ") or "none") .. ")")
  cairn.check(found.major, version .. " is a major upgrade of " .. db.engine_version)
  local target = rds.describe_engine_version { engine = db.engine, version = version }
  local asked = {}
  local instances = table.move(replicas or {}, 1, #(replicas or {}), #db.members + 1, { table.unpack(db.members) })
  for _, member in ipairs(instances) do
    local wanted = class or member.class
    if not asked[wanted] then
      asked[wanted] = true
      local answer = rds.describe_orderable { engine = db.engine, version = version, class = wanted }
      cairn.check(answer.offered, wanted .. " is offered for " .. version)
    end
  end
  return { version = version, family = target.family, family_before = from.family }
end

local function check_regions(db)
  for _, member in ipairs(db.members) do
    for _, replica in ipairs(member.replicas or {}) do
      cairn.check(not replica:find("^arn:"), "replica " .. replica .. " is in the same region")
    end
  end
end

local function find(name)
  local db = database.find(name)
  cairn.report("database before", {
    id = db.id, resource_id = db.resource_id, engine_version = db.engine_version, parameter_group = db.parameter_group,
    writer = db.writer.address, reader = db.reader.address, deletion_protection = db.deletion_protection,
  })
  return db
end

-- For an upgrade by blue/green. options: target_version, class?, ignore_windows. Returns the database and the target.
function preflight.database(name, options)
  local db = find(name)
  check_source(db)
  check_blue_green(db, options.class)
  check_state(db)
  cairn.check(next(preflight.queued(db)) == nil, db.id .. " has no change queued")
  check_regions(db)
  local target = check_target(db, options.target_version, options.class)
  check_windows(db, options)
  check_maintenance(db)
  return db, target
end

-- The read replicas of an instance, all of them in its region and available.
function preflight.replicas(db)
  check_regions(db)
  local replicas = {}
  for _, id in ipairs(db.cluster and {} or db.replicas) do
    local replica = rds.describe_instance { id = id }
    cairn.check(replica.status == "available", id .. " is available (it is " .. replica.status .. ")")
    replicas[#replicas + 1] = replica
  end
  return replicas
end

-- AWS upgrades minor versions by itself: what some file says may be older than what runs. It is told, and it is no
-- reason to stop; the targets of the live version are what counts.
local function report_drift(db, expected)
  if expected and expected ~= db.engine_version then
    cairn.report("drift", { engine_version = { configured = expected, live = db.engine_version } })
  end
end

-- For an upgrade in place. options: target_version, expected_version?, ignore_windows. What is queued and what
-- maintenance is pending is looked at by the caller. Returns the database, the target and the replicas.
function preflight.in_place(name, options)
  if not options.target_version:find("^%d+%.%d+") then
    fail("upgrade to " .. options.target_version .. ": give the whole version, as in 16.3; AWS would choose the rest")
  end
  local db = find(name)
  report_drift(db, options.expected_version)
  check_source(db)
  check_state(db)
  local replicas = preflight.replicas(db)
  local target = check_target(db, options.target_version, nil, replicas)
  check_windows(db, options)
  return db, target, replicas
end

-- Days may have passed since, and others may have been at work: is it the same database in the same state?
function preflight.again(db, target)
  local now = database.describe(db, { resource_id = db.resource_id })
  cairn.check(now.id == db.id, db.resource_id .. " still is called " .. db.id)
  check_state(now)
  if now.engine_version ~= db.engine_version then
    check_target(now, target.version)
  end
  return now
end

return preflight
