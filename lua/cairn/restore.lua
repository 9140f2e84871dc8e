-- restore.lua: a database out of a backup, with the settings of the one that it replaces; shared by both ways to put it
-- into service, workflows/rds-restore.lua and workflows/rds-restore-swap.lua.
-- SPDX-License-Identifier: MIT
--
-- A job is what a run knows:
--   p        the parameters                       live    the database to be replaced, as found; nil when it is gone
--   source   what is restored (backups.lua)       doc     the settings that the new one is to have (settings.lua)
--   new      {id, resource_id} of the new one     way     the way back
--   served   has anybody written to the new one?

local backups = require "cairn.backups"
local database = require "cairn.database"
local fail = require "cairn.fail"
local names = require "cairn.names"
local metrics = require "cairn.metrics"
local preflight = require "cairn.preflight"
local settings = require "cairn.settings"
local smoke = require "cairn.smoke"
local times = require "cairn.times"
local waits = require "cairn.waits"
local way_back = require "cairn.way_back"
local rds = cairn.plugin "rds"

local restore = {}

-- Parameters of both workflows.
restore.params = {
  database = { type = "string", required = true, help = "identifier of the instance that is to be replaced" },
  resource_id = { type = "string", help = "its resource id (db-...), if it is gone and others had its name" },
  snapshot = { type = "string", help = "name (or ARN) of the snapshot; the newest automated one if left out" },
  point_in_time = { type = "string", help = "instead of a snapshot: a time like 2026-11-17T08:00:00Z, or latest" },
  other_source = { type = "boolean", default = false, help = "the snapshot may be of a database of another name" },
  settings = {
    type = "map", default = {},
    help = "settings that the new instance is to have, whatever the old one had; all that matter if that is gone: "
      .. '{"class":"db.t3.small","security_groups":["sg-1"],"parameter_group":G,"subnet_group":S,"multi_az":false}',
  },
  accept = { type = "list", default = cairn.array {}, help = "settings that may differ from what they should be" },
  connection = {
    type = "string",
    help = "connection of the section postgres of cairn.yaml, to look into the restored database and the live one",
  },
  safety_snapshot = { type = "boolean", default = true, help = "take a snapshot of the live database first" },
  soak_minutes = { type = "integer", default = 1440, help = "how long the new database runs before the old may go" },
  delete_old = { type = "boolean", default = true, help = "ask for, and do, the deletion of the old database" },
  smoke = smoke.param,
  proxy = { type = "string", help = "RDS Proxy in front of the database; its target becomes the new one" },
  workloads = {
    type = "list", default = cairn.array {},
    help = 'what to restart for new connections: [{"kind":"deployment","name":N,"namespace":NS}]',
  },
  maintenance_route = { type = "string", help = "Cloudflare route pattern that shows a page meanwhile" },
  maintenance_script = { type = "string", help = "the Worker script that shows it" },
}

-- The parameters of both, and `more`.
function restore.with(more)
  local all = {}
  for _, part in ipairs { restore.params, more } do
    for name, param in pairs(part) do
      all[name] = param
    end
  end
  return all
end

function restore.locks(p)
  local keys = { "rds:" .. p.database }
  if p.proxy then
    keys[#keys + 1] = "rds_proxy:" .. p.proxy
  end
  return keys
end

-- ---- before anything changes ----------------------------------------------------------------------------------------

-- That it is gone is believed when it was not seen several times: an answer may be out of date.
local function seek(name)
  for try = 1, 3 do
    local found = waits.maybe(function () return rds.describe_instance { id = name } end)
    if found then
      return found
    elseif try < 3 then
      cairn.sleep { seconds = 5, title = "look for " .. name .. " again" }
    end
  end
  return nil
end

local function find_live(p)
  local live = seek(p.database)
  if not live then
    cairn.report("live database", p.database .. " is gone")
    return nil
  end
  if live.cluster then
    fail("database " .. p.database .. ": it is an instance of the cluster " .. live.cluster
      .. "; clusters are restored in another way")
  end
  cairn.check(live.status ~= "deleting", p.database .. " is not being deleted; when it is gone, run this again")
  cairn.check(not p.resource_id or p.resource_id == live.resource_id,
    p.database .. " has the resource id " .. tostring(p.resource_id) .. " (it has " .. live.resource_id .. ")")
  cairn.report("live database", {
    id = live.id, resource_id = live.resource_id, status = live.status, engine_version = live.engine_version,
    endpoint = live.endpoint and live.endpoint.address, parameter_group = live.parameter_group,
  })
  if next(live.pending) then
    cairn.report("changes queued on " .. live.id .. ", not carried over", live.pending)
  end
  return live
end

-- A group of another major version's family would be refused in the middle of it all.
local function check_groups(job)
  local group, version = job.doc.values.parameter_group, job.source.engine_version
  local offer = rds.describe_engine_version { engine = "postgres", version = version }
  if group and not group:find("^default%.") then
    local found = rds.describe_parameter_group { name = group }
    cairn.check(found.family == offer.family, "parameter group " .. group .. " (" .. found.family
      .. ") is of the family of " .. version .. ", which is restored (" .. tostring(offer.family)
      .. "); else give another by settings")
  end
  local class = job.doc.values.class
  if class then
    local answer = rds.describe_orderable { engine = "postgres", version = version, class = class }
    cairn.check(answer.offered, class .. " is offered for " .. version)
  end
end

-- Everything that can be known before anything is changed.
function restore.look(p)
  smoke.check(p.smoke)
  preflight.identity()
  cairn.check((p.maintenance_route == nil) == (p.maintenance_script == nil),
    "maintenance_route and maintenance_script are given together")
  local job = { p = p, way = way_back.new(), live = find_live(p) }
  job.source = backups.choose(p, job.live)
  cairn.report("restored from", backups.summary(job.source))
  job.doc = settings.plan(job.live, p.settings, job.source)
  local unknown = settings.unknown(job.doc)
  cairn.check(not unknown, unknown and unknown .. " is known: the live database is gone, give it by settings"
    or "all settings that matter are known")
  check_groups(job)
  cairn.report("settings wanted", job.doc.values)
  cairn.report("not as RDS would have it", settings.traps(job.doc, job.source))
  return job
end

-- What is asked before the first change. `way`: how the new database comes into service, a text.
function restore.ask(job, way)
  local live = job.live
  cairn.approve {
    title = "Restore " .. job.p.database .. " from " .. job.source.what .. "?",
    details = {
      lost = "everything written in the last " .. times.span(cairn.now() - job.source.at), way = way,
      live = live and live.id .. " (" .. live.resource_id .. ") is " .. live.status or "gone",
      restored_as = job.new_id, not_as_rds_would_have_it = settings.traps(job.doc, job.source),
      password = "the master password will be that of the time of the backup",
    },
  }
end

local LEAVE_WITHIN <const> = 15 -- minutes that connections to the old database get to end
local CAN_SNAPSHOT = { ["available"] = true, ["storage-optimization"] = true }

-- Best effort: a broken database takes no snapshot, and that must not stop its restore.
function restore.snapshot_live(job, name, key)
  local live = job.live and waits.maybe(function ()
    return rds.describe_instance { resource_id = job.live.resource_id }
  end)
  local skip = not live and "there is no database" or not CAN_SNAPSHOT[live.status] and live.id .. " is " .. live.status
  if skip then
    cairn.report(key, "skipped: " .. skip)
    return nil
  end
  local taken, err = pcall(rds.create_snapshot, { instance = live.id, name = name })
  if not taken then
    if err.kind ~= "not_yet" then
      error(err, 0)
    end
    cairn.report(key, "skipped: " .. err.text)
    return nil
  end
  cairn.report(key, { name = name, arn = database.wait_snapshot(live, name).arn })
  return name
end

function restore.safety(job)
  if not job.p.safety_snapshot then
    return cairn.report("safety snapshot", "skipped: not wanted")
  end
  return restore.snapshot_live(job, names.snapshot(job.p.database), "safety snapshot")
end

-- ---- the new database -----------------------------------------------------------------------------------------------

local function look_at_new(job)
  return waits.maybe(function () return rds.describe_instance { resource_id = job.new.resource_id } end)
end

-- What was made a while ago may still be missing in an answer that is out of date. For polls: an error that passes.
local function seen_new(job)
  return look_at_new(job) or { id = job.new.id, status = "not to be seen", pending = {}, parameter_status = "unknown" }
end

function restore.describe_new(job)
  return waits.till(job.new_id .. " is seen", function () return look_at_new(job), "not to be seen" end, { every = 5 })
end

local RESTING = {
  ["available"] = true, ["failed"] = true, ["incompatible-restore"] = true, ["incompatible-network"] = true,
  ["incompatible-parameters"] = true, ["incompatible-option-group"] = true, ["storage-full"] = true,
  ["storage-optimization"] = true, ["stopped"] = true, ["restore-error"] = true, ["deleting"] = true,
}

-- Away with it, by its resource id alone. What somebody may have written to it is kept in a final snapshot.
local function remove_new(job)
  local function read()
    return rds.describe_instance { resource_id = job.new.resource_id }
  end
  local now = waits.till(job.new.id .. " is at rest", function ()
    local seen = waits.maybe(read)
    return not seen and { gone = true } or RESTING[seen.status] and seen, seen and seen.status
  end)
  if now.gone then
    return
  end
  if now.deletion_protection and now.status ~= "deleting" then
    now.cluster = false
    database.set_protection(now, false)
  end
  local final = job.served and now.status == "available" and names.final_snapshot(now.id) or nil
  if now.status ~= "deleting" then
    rds.delete_instance {
      id = now.id, resource_id = now.resource_id, final_snapshot = final, skip_final_snapshot = final == nil or nil,
      delete_automated_backups = final == nil,
    }
  end
  waits.gone("instance " .. now.id .. " is gone", read)
end

local function begin(job)
  local args = settings.at_restore(job.doc, job.source)
  args.id = job.new_id
  if job.source.kind == "time" then
    args.source_resource_id, args.time = job.source.resource_id, job.source.time
    return rds.restore_point_in_time(args)
  end
  args.snapshot = job.source.restore_by
  return rds.restore_snapshot(args)
end

-- The new instance, available. The way back is registered first: it removes only what turned out to be ours.
function restore.make(job)
  way_back.add(job.way, "delete " .. job.new_id, function ()
    if job.new then
      remove_new(job)
    end
  end)
  local made = begin(job)
  job.new = { id = job.new_id, resource_id = made.resource_id }
  cairn.report("restored database", { id = made.id, resource_id = made.resource_id, arn = made.arn })
  waits.status("restored instance " .. job.new_id, "available", function () return seen_new(job) end)
end

local function wait_in_force(job, changes)
  return waits.till("settings of " .. job.new_id .. " are in force", function ()
    local now = seen_new(job)
    waits.check_sound("settings of " .. job.new_id, now)
    if now.status ~= "available" or next(now.pending) then
      return nil, now.status
    end
    return settings.hold(changes, now)
  end, { every = 10 })
end

local function add_roles(job, roles)
  for _, each in ipairs(roles) do
    rds.add_role { id = job.new.id, resource_id = job.new.resource_id, role = each.role, feature = each.feature }
  end
end

local function wait_in_sync(job)
  local now = waits.till(job.new_id .. " follows its parameter group", function ()
    local seen = seen_new(job)
    local status = seen.parameter_status
    return seen.status == "available" and (status == "in-sync" or status == "pending-reboot") and seen, status
  end, { every = 10 })
  if now.parameter_status == "pending-reboot" then
    rds.reboot_to_apply { id = job.new.id, resource_id = job.new.resource_id }
    waits.till(job.new_id .. " is in step with its parameter group", function ()
      local seen = seen_new(job)
      return seen.status == "available" and seen.parameter_status == "in-sync", seen.parameter_status
    end, { every = 5 })
  end
end

-- The settings that a restore can't set, the roles, and the group's static parameters.
function restore.put_right(job)
  local changes, roles = settings.afterwards(job.doc, restore.describe_new(job))
  if next(changes) then
    local args = { id = job.new.id, resource_id = job.new.resource_id, apply_immediately = true }
    for name, value in pairs(changes) do
      args[name] = value
    end
    rds.modify_instance(args)
    wait_in_force(job, changes)
  end
  add_roles(job, roles)
  wait_in_sync(job)
end

-- A difference is believed when it is seen several times: an answer may be out of date.
local function differences(job)
  for try = 1, 3 do
    local now = restore.describe_new(job)
    local unexplained, explained = settings.compare(job.doc, now, job.source, job.p.accept)
    if #unexplained == 0 or try == 3 then
      return now, unexplained, explained
    end
    cairn.sleep { seconds = 10, title = "look at the settings again" }
  end
end

-- The gate: nothing differs that nobody can explain.
function restore.compare(job)
  local now, unexplained, explained = differences(job)
  cairn.report("settings that differ, explained", explained)
  cairn.report("settings that differ, unexplained", unexplained)
  cairn.check(#unexplained == 0, job.new_id .. " has the settings that it should have"
    .. (#unexplained > 0 and "; it differs in " .. table.concat(unexplained, "; ")
      .. ". Mend them and resume, or start again with accept" or ""))
  job.new.endpoint = now.endpoint
  return now
end

-- Protection on, as the last word.
function restore.protect(job)
  local now = restore.describe_new(job)
  local is_on = now.deletion_protection
  if not is_on then
    now.cluster = false
    is_on = database.set_protection(now, true)
  end
  cairn.check(is_on, "deletion protection of " .. now.id .. " is on")
end

-- ---- the old database -----------------------------------------------------------------------------------------------

-- Who is connected to the old database still uses it, and was not led over.
local function ask_in_spite_of_connections(old)
  local seen = metrics.wait_down("nobody is connected to " .. old.id, "DatabaseConnections",
    { DBInstanceIdentifier = old.id }, 0, LEAVE_WITHIN)
  local told = seen.unknown and "not known: " .. seen.unknown or (seen.left or 0) .. " are open"
  cairn.report("connections to " .. old.id, told)
  if seen.left then
    cairn.approve {
      title = "Go on to the deletion of " .. old.id .. " though it is in use? (reject: it is kept)",
      details = {
        connections = seen.left, check = "who has its address in a place that this run doesn't know; programs that "
          .. "watch databases count as well", resource_id = old.resource_id,
      },
    }
  end
  return told
end

local function ask_for_deletion(old, final, destroys)
  local connections = ask_in_spite_of_connections(old)
  cairn.approve {
    title = "Delete the old database " .. old.id .. "? (reject: it is kept)",
    details = {
      resource_id = old.resource_id, status = old.status, destroys = destroys, connections = connections,
      final_snapshot = final or "none: it is " .. old.status .. "; the automated backups are kept",
    },
    confirm = old.id, destroys = destroys,
  }
end

-- The old one goes when a person says so, by its resource id, with a final snapshot if it can still take one.
function restore.delete_old(job)
  local old = rds.describe_instance { resource_id = job.live.resource_id }
  old.cluster = false
  local final = CAN_SNAPSHOT[old.status] and names.final_snapshot(old.id) or nil
  local yes, err = pcall(ask_for_deletion, old, final, { old.id, table.unpack(old.replicas) })
  if not yes then
    if err.kind ~= "denied" then
      error(err, 0)
    end
    return cairn.report("old database kept", err.text)
  end
  cairn.point_of_no_return("deletion of " .. old.id)
  cairn.check(old.resource_id ~= job.new.resource_id, old.id .. " is not the restored database")
  if old.deletion_protection then
    database.set_protection(old, false)
  end
  database.delete(old, final)
  cairn.report("final snapshot", final or "none")
end

function restore.soak(job)
  cairn.sleep { seconds = job.p.soak_minutes * 60, title = "the new database proves itself" }
end

return restore
