-- rds-restore-swap.lua: restore a database and give it the name of the live one: two renames, and nobody is led over.
-- SPDX-License-Identifier: MIT
--
-- Between the two renames nobody has the name that everybody uses. So a run that dies there goes on by itself when it
-- is resumed, without a question; and where a name is not free yet, it is tried again, forwards and backwards.

local backups = require "cairn.backups"
local inside = require "cairn.inside"
local maintenance = require "cairn.maintenance"
local names = require "cairn.names"
local proxies = require "cairn.proxy"
local rename = require "cairn.rename"
local repoint = require "cairn.repoint"
local restore = require "cairn.restore"
local smoke = require "cairn.smoke"
local times = require "cairn.times"
local waits = require "cairn.waits"
local way_back = require "cairn.way_back"
local rds = cairn.plugin "rds"

local function look(p)
  local job = restore.look(p)
  local live = job.live
  job.new_id = live and names.instance(p.database, "restore-" .. cairn.run_id()) or p.database
  if live then
    job.original_id = names.instance(p.database, "original-" .. cairn.run_id())
    cairn.check(rename.possible[live.status], live.id .. " can be renamed (it is " .. live.status
      .. "); else take rds-restore.lua, which leaves it alone")
  end
  if p.proxy then
    job.proxy = proxies.capture(p.proxy)
    cairn.check(live == nil or proxies.fronts(job.proxy, live), "proxy " .. p.proxy .. " has " .. p.database
      .. " as a target")
    cairn.report("proxy before", proxies.summary(job.proxy))
  end
  return job
end

local function ask_to_swap(job)
  cairn.approve {
    title = "Swap the names: " .. job.new_id .. " becomes " .. job.p.database .. "?",
    details = {
      effect = "both restart; for some minutes nothing answers under " .. tostring(job.live.endpoint.address),
      original = "it becomes " .. job.original_id .. " and stays until another question",
      restored = backups.summary(job.source),
      before = "stop whatever writes: what is written from now on is in the last snapshot only; look into "
        .. job.new.endpoint.address .. " with the application's own credentials",
    },
  }
end

-- Both as they were called before. It looks first, so it serves whatever came of the renames.
local function give_names_back(job)
  local name, new_id, old_id = job.p.database, job.new.resource_id, job.live.resource_id
  local new = rename.at_rest(new_id, job.new_id .. " is at rest")
  if new.id == name then
    rename.begin(new_id, job.new_id)
  end
  rename.to(old_id, name, new_id)
end

-- No question and no look at anything else between the two.
local function swap(job)
  local name, began = job.p.database, cairn.now()
  way_back.add(job.way, "give the names back", function () give_names_back(job) end)
  rename.begin(job.live.resource_id, job.original_id)
  job.served = true
  rename.to(job.new.resource_id, name, job.live.resource_id)
  cairn.report("nothing answered under the name for at most", times.span(cairn.now() - began))
end

-- A target is a database, not a name: the proxy went along with the original.
local function move_proxy(job)
  local name = job.p.proxy
  local new, original = { id = job.p.database }, { id = job.original_id }
  way_back.add(job.way, "point proxy " .. name .. " back", function () proxies.move(name, new, original) end)
  proxies.move(name, original, new)
end

-- The name must lead to the restored database, by its resource id, and the address must be what it was.
local function verify(job)
  local name, live = job.p.database, job.live
  local now = waits.till(name .. " is the restored database", function ()
    local seen = waits.maybe(function () return rds.describe_instance { id = name } end)
    if not seen or seen.resource_id ~= job.new.resource_id then
      return nil, "the name has not moved yet"
    end
    return seen.status == "available" and seen, seen.status
  end, { every = 5 })
  if live and live.endpoint then
    cairn.check(now.endpoint.address == live.endpoint.address, name .. " has its address as before ("
      .. now.endpoint.address .. ")")
    cairn.check(now.endpoint.port == live.endpoint.port or job.p.settings.port, name .. " has its port as before")
  end
  restore.protect(job)
  job.new.endpoint = now.endpoint
  cairn.report("database after", {
    id = now.id, resource_id = now.resource_id, engine_version = now.engine_version, address = now.endpoint.address,
    read_replicas_of_the_original = live and live.replicas or nil,
    note = "what goes by the resource id (alarms, Performance Insights, IAM policies) still means the original",
  })
end

local function swap_in(job)
  local p = job.p
  cairn.stage("ask whether to swap", function () ask_to_swap(job) end)
  maintenance.during(p.maintenance_route, p.maintenance_script, job.way, function ()
    cairn.stage("last snapshot of the original", function ()
      restore.snapshot_live(job, names.last_snapshot(p.database), "last snapshot")
    end)
    cairn.stage("swap the names", function () swap(job) end)
    cairn.stage("look at the database", function () verify(job) end)
    if job.proxy then
      cairn.stage("point the proxy to the restored database", function () move_proxy(job) end)
    end
    cairn.stage("new connections", function ()
      way_back.add(job.way, "restart the workloads", function () repoint.restart(p.workloads) end)
      repoint.restart(p.workloads)
    end)
  end)
  cairn.stage("try it", function () smoke.run(p.smoke, p.database) end)
  cairn.stage("soak", function () restore.soak(job) end)
  if p.delete_old then
    cairn.stage("delete the original", function () restore.delete_old(job) end)
  end
end

local function run(p)
  local job = cairn.stage("look before anything changes", function () return look(p) end)
  cairn.stage("ask", function ()
    restore.ask(job, job.live and "as " .. job.new_id .. "; the names are swapped after another question"
      or "under its own name at once, as nobody has it")
  end)
  cairn.stage("safety snapshot", function () restore.safety(job) end)
  cairn.stage("restore", function () restore.make(job) end)
  cairn.stage("settings that a restore can't set", function () restore.put_right(job) end)
  cairn.stage("compare settings", function () restore.compare(job) end)
  cairn.stage("look inside", function () inside.look(p.connection, restore.describe_new(job), job.live) end)
  if job.live then
    swap_in(job)
  else
    cairn.stage("look at the database", function () verify(job) end)
  end
  return { database = p.database, resource_id = job.new.resource_id, address = job.new.endpoint.address }
end

return cairn.workflow {
  summary = "Restore a database from a snapshot and swap names with the live one",
  params = restore.with {},
  locks = restore.locks,
  run = run,
}
