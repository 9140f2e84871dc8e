-- rds-upgrade.lua: a major PostgreSQL upgrade in place, for an instance with its replicas or an Aurora cluster.
-- SPDX-License-Identifier: MIT
--
-- Up to the upgrade everything can be taken back with `cairn rollback`. The upgrade itself can't be stopped, and there
-- is no way back but restoring a snapshot. It can end without having changed anything: then a person is asked, and
-- nothing is tried again by itself, not by a resume either.

local fail = require "cairn.fail"
local around = require "cairn.around"
local database = require "cairn.database"
local evidence = require "cairn.evidence"
local inplace = require "cairn.inplace"
local maintenance = require "cairn.maintenance"
local names = require "cairn.names"
local parameters = require "cairn.parameters"
local preflight = require "cairn.preflight"
local smoke = require "cairn.smoke"
local stack = require "cairn.stack"
local upkeep = require "cairn.upkeep"
local waits = require "cairn.waits"
local way_back = require "cairn.way_back"

local params = {
  database = { type = "string", required = true, help = "identifier of the instance or cluster" },
  target_version = { type = "string", required = true, help = "engine version to upgrade to, in full: 16.3" },
  expected_version = { type = "string", help = "the version that your configuration says it has; a drift is reported" },
  stack = {
    type = "map",
    help = "instead: where the configuration says so, a state of Terraform or an export of Pulumi: "
      .. '{"command":["pulumi","stack","export"],"cwd":DIR} or {"file":"main.tfstate"}',
  },
  parameter_group = { type = "string", help = "parameter group for the new version; made if it isn't there" },
  cluster_parameter_group = { type = "string", help = "the same for an Aurora cluster" },
  skip_parameters = { type = "list", default = cairn.array {}, help = "settings that are not carried over" },
  pending_maintenance = {
    type = "string", default = "ask",
    help = "what to do with maintenance that is pending: ask whether to have it done now; window: have it done in the "
      .. "next maintenance window, and wait; leave: go on with it",
  },
  window = { type = "string", help = "begin only within this window, UTC: Sun:03:00-Sun:04:00" },
  ignore_windows = { type = "boolean", default = false, help = "start though a maintenance or backup window is near" },
  maintenance_route = { type = "string", help = "Cloudflare route pattern that shows a page during the upgrade" },
  maintenance_script = { type = "string", help = "the Worker script that shows it" },
  connection = {
    type = "string",
    help = "connection of the section postgres of cairn.yaml: for checks before, ANALYZE, extensions and query plans",
  },
  queries = { type = "list", default = cairn.array {}, help = "queries whose plans are compared: SELECT texts" },
  probe = {
    type = "boolean", default = false,
    help = "measure for how long writes are down, by writing rows to cairn.heartbeat (needs connection)",
  },
  smoke = smoke.param,
  snapshot_after = { type = "boolean", default = true, help = "take a snapshot of the upgraded database" },
}

local POLICIES = { ask = true, window = true, leave = true }

-- The version that the configuration says the database has, as far as it is given.
local function expected_version(p)
  if not p.stack then
    return p.expected_version
  end
  local declared = stack.read(p.stack).databases[p.database]
  cairn.report("declared by the stack", declared or "it has no database " .. p.database)
  return declared and declared.engine_version
end

local function look(p)
  cairn.check(POLICIES[p.pending_maintenance], "pending_maintenance is ask, window or leave")
  cairn.check((p.maintenance_route == nil) == (p.maintenance_script == nil),
    "maintenance_route and maintenance_script are given together")
  cairn.check(p.connection or not p.probe and #p.queries == 0, "connection is given where SQL is to be done")
  cairn.check(not (p.stack and p.expected_version), "expected_version is given, or stack, and not both")
  smoke.check(p.smoke)
  preflight.identity()
  local job = { p = p, way = way_back.new() }
  job.db, job.target, job.replicas = preflight.in_place(p.database, {
    target_version = p.target_version, expected_version = expected_version(p), ignore_windows = p.ignore_windows,
  })
  return job
end

-- Maintenance that is pending comes in the way: pg_upgrade refuses, or it is pulled forward with the upgrade.
local function clear_maintenance(job)
  local list = preflight.maintenance(job.db, job.replicas)
  if #list == 0 then
    return
  end
  cairn.report("pending maintenance", upkeep.summary(list))
  if job.p.pending_maintenance == "leave" then
    return
  elseif job.p.pending_maintenance == "window" then
    upkeep.in_window(list)
  else
    upkeep.ask(job.db, list)
    upkeep.at_once(list)
  end
  job.db = preflight.again(job.db, job.target)
end

-- Everything that waits comes with a change that is applied immediately.
local function ask_for_queued(job)
  local queued = preflight.queued(job.db)
  if next(queued) then
    cairn.report("queued changes", queued)
    cairn.approve {
      title = "Apply what is queued for " .. job.db.id .. " together with the upgrade?",
      details = {
        queued = queued, why = "an upgrade is applied immediately, and takes everything along that waits",
        otherwise = "reject; take the changes back or have them done first",
      },
    }
  end
  job.queued = job.db.pending
end

local function look_inside(job)
  local p = job.p
  job.before = around.before(p.connection, job.db, p.queries)
  job.probe = p.probe and p.connection or nil
  around.prepare(job.probe, job.db, function (title, fn) way_back.add(job.way, title, fn) end)
end

local function provide_groups(job)
  local p = job.p
  job.groups = parameters.for_target(job.db, job.target, {
    group = p.parameter_group, cluster_group = p.cluster_parameter_group, skip = p.skip_parameters,
    replicas = job.replicas,
  }, job.way)
end

local function ask_for_upgrade(job)
  local db, others = job.db, {}
  for _, replica in ipairs(job.replicas) do
    others[#others + 1] = replica.id
  end
  cairn.approve {
    title = "Upgrade " .. db.id .. " from " .. db.engine_version .. " to " .. job.target.version .. "?",
    details = {
      effect = "a snapshot first; then about ten minutes, some of them without the database; large ones take hours",
      no_way_back = "it can't be stopped; going back is restoring a snapshot",
      parameter_group = job.groups.parameter_group, replicas = #others > 0 and others or nil,
      begins = job.p.window and "in the window " .. job.p.window or "at once",
    },
  }
end

-- Shortly before, so that what RDS saves by itself in the downtime is little.
local function take_snapshot(job)
  local db, name = job.db, names.snapshot(job.db.id)
  database.snapshot(db, name)
  way_back.add(job.way, "delete snapshot " .. name, function () database.delete_snapshot(db, name) end)
  local snapshot = database.wait_snapshot(db, name)
  cairn.check((snapshot.resource_id or db.resource_id) == db.resource_id, "snapshot " .. name .. " is of " .. db.id)
  cairn.report("snapshot before", { name = name, arn = snapshot.arn })
end

-- The last look before the point of no return.
local function look_again(job)
  waits.till(job.db.id .. " is available", function ()
    local now = database.look(job.db, { resource_id = job.db.resource_id })
    return now.status == "available", now.status
  end)
  local now = preflight.again(job.db, job.target)
  for name, value in pairs(now.pending) do
    cairn.check(job.queued[name] == value, "nothing was queued for " .. now.id .. " since then (" .. name .. ")")
  end
end

-- nil when it is done, else why not.
local function attempt(job)
  return cairn.stage("upgrade", function ()
    job.began = job.began or cairn.now()
    return inplace.attempt(job.db, {
      version = job.target.version, groups = job.groups, allow_pending = job.queued,
    })
  end)
end

-- The groups of the new version are in force, of replicas too.
local function settle(job)
  local db = job.db
  local group = db.cluster and job.groups.cluster_parameter_group or job.groups.parameter_group
  parameters.wait_linked(db, group)
  parameters.restart_to_apply(db, "settings of its new group", true)
  inplace.wait_replicas(job.replicas, job.target.version)
  for _, replica in ipairs(job.replicas) do
    upkeep.give_group(replica, job.groups.replicas[replica.id])
  end
  job.new = database.wait_fit(db.id .. " is in step with its groups", db, { resource_id = db.resource_id })
end

local function verify(job)
  local db, new = job.db, job.new
  cairn.check(new.engine_version == job.target.version, new.id .. " has version " .. job.target.version)
  cairn.check(new.id == db.id and new.writer.address == db.writer.address, new.id .. " has its name and address")
  cairn.check(new.deletion_protection == db.deletion_protection, new.id .. " is protected as before")
  local seen = evidence.upgrade(db, job.began)
  cairn.report("writes down at most", evidence.span(seen.down))
  cairn.report("database after", {
    id = new.id, resource_id = new.resource_id, engine_version = new.engine_version,
    parameter_group = new.parameter_group, writer = new.writer.address,
  })
end

-- Nothing has changed. True when a person wants it tried again.
local function ask_for_another(job, why)
  local again, err = pcall(cairn.approve, {
    title = "The upgrade of " .. job.db.id .. " changed nothing; try again? (reject: what was prepared is taken back)",
    details = {
      state = "available with version " .. why.engine_version .. ", as before", reason = why.reason,
      events = why.events, logs = "in the report", before = "mend the cause; another attempt is another outage",
    },
  })
  if not again and err.kind ~= "denied" then
    error(err, 0)
  end
  return again
end

-- One attempt, with the page shown as long as the database isn't fit. nil, or why it changed nothing.
local function upgrade(job)
  local p = job.p
  return maintenance.during(p.maintenance_route, p.maintenance_script, job.way, function ()
    local why = around.measured(job.probe, job.db, function () return attempt(job) or false end)
    if not why then
      cairn.stage("settings of the new version", function () settle(job) end)
      cairn.stage("look at the upgraded database", function ()
        verify(job)
        around.after(p.connection, job.new, job.before, p.queries)
      end)
    end
    return why
  end)
end

local function upgrade_until_done(job)
  cairn.point_of_no_return("upgrade of " .. job.db.id)
  local why = upgrade(job)
  while why do
    cairn.report("upgrade that changed nothing", why)
    if not ask_for_another(job, why) then
      way_back.walk(job.way)
      fail(inplace.explain(job.db, why) .. "; what was prepared is taken back; end this run by cairn cancel")
    end
    why = upgrade(job)
  end
end

local function snapshot_after(job)
  local name = names.snapshot_after(job.new.id)
  database.snapshot(job.new, name)
  database.wait_snapshot(job.new, name)
  cairn.report("snapshot after", name)
end

local function run(p)
  local job = cairn.stage("look before anything changes", function () return look(p) end)
  cairn.stage("pending maintenance", function () clear_maintenance(job) end)
  cairn.stage("queued changes", function () ask_for_queued(job) end)
  cairn.stage("look inside", function () look_inside(job) end)
  cairn.stage("parameter group for " .. p.target_version, function () provide_groups(job) end)
  cairn.stage("ask", function () ask_for_upgrade(job) end)
  if p.window then
    cairn.window(p.window)
  end
  cairn.stage("snapshot", function () take_snapshot(job) end)
  cairn.stage("look again", function () look_again(job) end)
  upgrade_until_done(job)
  around.clean(job.probe, job.new)
  cairn.stage("try it", function () smoke.run(p.smoke, job.new.id) end)
  if p.snapshot_after then
    cairn.stage("snapshot of the upgraded database", function () snapshot_after(job) end)
  end
  return { database = job.new.id, resource_id = job.new.resource_id, engine_version = job.new.engine_version }
end

return cairn.workflow {
  summary = "Major PostgreSQL upgrade in place",
  params = params,
  locks = function (p) return { "rds:" .. p.database } end,
  run = run,
}
