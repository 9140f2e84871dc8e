-- preflight.lua: everything that can be known before anything is changed: is an upgrade by blue/green possible, now?
-- SPDX-License-Identifier: MIT
--
-- Only reads. Every finding is recorded by cairn.check, so that the run's report says what was looked at; the first
-- that is not so stops the run while the world is still untouched.

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

local function check_source(db, class)
  cairn.check(postgres.is_engine(db.engine), db.id .. " is PostgreSQL (" .. db.engine .. ")")
  local able, why = postgres.blue_green_from(db.engine_version)
  cairn.check(able, db.id .. " " .. db.engine_version .. " can be the source of a blue/green deployment"
    .. (able and "" or "; " .. why))
  cairn.check(not db.master_secret, db.id .. " has no managed master password, with which blue/green is not possible")
  cairn.check(not db.replica_of, db.id .. " is no replica itself")
  cairn.check(not (db.cluster and class), "no class is given, as an Aurora deployment keeps its own")
  cairn.check(db.backup_retention > 0, db.id .. " has automated backups")
end

local function check_state(db)
  cairn.check(db.status == "available", db.id .. " is available (it is " .. db.status .. ")")
  cairn.check(next(db.pending) == nil, db.id .. " has no change queued")
  for _, member in ipairs(db.members) do
    cairn.check(member.status == "available", member.id .. " is available (it is " .. member.status .. ")")
    cairn.check(next(member.pending) == nil, member.id .. " has no change queued")
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

-- Windows and maintenance that RDS would start by itself in the middle of the upgrade.
local function check_quiet(db, options)
  local now = cairn.now()
  if not options.ignore_windows then
    check_window("maintenance window of " .. db.id, db.maintenance_window, now)
    check_window("backup window of " .. db.id, db.backup_window, now)
  end
  for _, of in ipairs { db, table.unpack(db.cluster and db.members or {}) } do
    for _, action in ipairs(rds.pending_maintenance({ arn = of.arn }).actions) do
      local when = action.current_apply and times.parse(action.current_apply)
      cairn.check(not when or when - now > times.day,
        of.id .. ": maintenance " .. action.action .. " is not due within a day")
      cairn.report("pending maintenance of " .. of.id, action.action .. ": " .. tostring(action.description))
    end
  end
end

-- The step from the live version to the target: offered, major, and with the classes in use. Ask with the live version,
-- not with the one that some file says. Returns {version, family,
-- family_before}.
local function check_target(db, version, class)
  local from = rds.describe_engine_version { engine = db.engine, version = db.engine_version }
  local offered, found = {}, nil
  for _, target in ipairs(from.targets) do
    offered[#offered + 1] = target.version
    if target.version == version then
      found = target
    end
  end
  cairn.check(found ~= nil, version .. " is among the versions that " .. db.engine_version .. " can be upgraded to ("
    .. table.concat(offered, ", ") .. ")")
  cairn.check(found.major, version .. " is a major upgrade of " .. db.engine_version)
  local target = rds.describe_engine_version { engine = db.engine, version = version }
  local asked = {}
  for _, member in ipairs(db.members) do
    local wanted = class or member.class
    if not asked[wanted] then
      asked[wanted] = true
      local answer = rds.describe_orderable { engine = db.engine, version = version, class = wanted }
      cairn.check(answer.offered, wanted .. " is offered for " .. version)
    end
  end
  return { version = version, family = target.family, family_before = from.family }
end

local function check_replicas(db)
  for _, member in ipairs(db.members) do
    for _, replica in ipairs(member.replicas or {}) do
      cairn.check(not replica:find("^arn:"), "replica " .. replica .. " is in the same region")
    end
  end
end

-- options: target_version, class?, ignore_windows. Returns the database and the target.
function preflight.database(name, options)
  local db = database.find(name)
  cairn.report("database before", {
    id = db.id, resource_id = db.resource_id, engine_version = db.engine_version, parameter_group = db.parameter_group,
    writer = db.writer.address, reader = db.reader.address, deletion_protection = db.deletion_protection,
  })
  check_source(db, options.class)
  check_state(db)
  check_replicas(db)
  local target = check_target(db, options.target_version, options.class)
  check_quiet(db, options)
  return db, target
end

return preflight
