-- rds-blue-green.lua: a major PostgreSQL upgrade by an RDS blue/green deployment, for an instance or an Aurora cluster.
-- SPDX-License-Identifier: MIT
--
-- The order is: look at everything; make parameter groups; enable logical replication (a restart); lead the consumers
-- past the proxy and take the proxy out; snapshot; create the deployment; look at green; ask; switch over; look again;
-- proxy and consumers back; soak; ask; delete the deployment and then the old database.
--
-- Up to the switchover each change is registered with what puts it back, and `cairn rollback` leaves the world as it
-- was. Behind it there is no way back by a tool: what is written after it is only in the new database.

local fail = require "cairn.fail"
local bluegreen = require "cairn.bluegreen"
local bluegreen_sql = require "cairn.bluegreen_sql"
local database = require "cairn.database"
local evidence = require "cairn.evidence"
local maintenance = require "cairn.maintenance"
local names = require "cairn.names"
local parameters = require "cairn.parameters"
local preflight = require "cairn.preflight"
local proxies = require "cairn.proxy"
local repoint = require "cairn.repoint"
local waits = require "cairn.waits"
local way_back = require "cairn.way_back"
local exec = cairn.plugin "exec"
local rds = cairn.plugin "rds"

local params = {
  database = { type = "string", required = true, help = "identifier of the live cluster or instance" },
  target_version = { type = "string", required = true, help = "engine version to upgrade to, in full: 15.5" },
  class = { type = "string", help = "instance class of the new database; not for Aurora; the same if left out" },
  parameter_group = { type = "string", help = "parameter group for the new instances; made if it isn't there" },
  cluster_parameter_group = { type = "string", help = "the same for an Aurora cluster" },
  skip_parameters = { type = "list", default = cairn.array {}, help = "settings that are not carried over" },
  proxy = { type = "string", help = "RDS Proxy in front of the database; none if left out" },
  proxy_mode = {
    type = "string", default = "keep",
    help = "keep: the proxy stays (it must have the database as a target already); deregister: its target is taken out "
      .. "and put back; recreate: the proxy is deleted and made again",
  },
  secrets = {
    type = "list", default = cairn.array {},
    help = 'Kubernetes secrets with the database\'s URL: [{"name":N,"namespace":NS,"keys":{"KEY":"writer"|"reader"}}]',
  },
  workloads = {
    type = "list", default = cairn.array {},
    help = 'what to restart when addresses change: [{"kind":"deployment","name":N,"namespace":NS}]',
  },
  lambdas = {
    type = "list", default = cairn.array {},
    help = 'functions with the URL in variables: [{"name":F,"alias":A,"variables":{"VAR":"writer"|"reader"}}]',
  },
  requeue = {
    type = "list", default = cairn.array {},
    help = "a program and its words, run once behind the switchover: it sends on work that got stuck meanwhile",
  },
  requeue_check = {
    type = "list", default = cairn.array {},
    help = "a program that ends with 0 when requeue has been done and with 1 when not; without it a person is asked "
      .. "when it isn't known whether requeue ran",
  },
  allow_managed = { type = "boolean", default = false, help = "change secrets though a controller may put them back" },
  drain_minutes = {
    type = "integer", default = 5,
    help = "how long connections get to leave the proxy; who stays is asked about, if CloudWatch can be read",
  },
  ignore_windows = { type = "boolean", default = false, help = "start though a maintenance or backup window is near" },
  switchover_timeout = {
    type = "integer", default = 600, help = "seconds (30-3600) until RDS takes a switchover back",
  },
  maintenance_route = { type = "string", help = "Cloudflare route pattern that shows a page during the switchover" },
  maintenance_script = { type = "string", help = "the Worker script that shows it" },
  soak_minutes = {
    type = "integer", default = 1440, help = "how long the new database runs before the old one may go",
  },
  delete_old = { type = "boolean", default = true, help = "ask for, and do, the deletion of the old database" },
}
for name, param in pairs(bluegreen_sql.params) do
  params[name] = param
end

local MODES = { keep = true, deregister = true, recreate = true }

local function check_params(p)
  cairn.check(MODES[p.proxy_mode], "proxy_mode is keep, deregister or recreate")
  cairn.check(p.switchover_timeout >= 30 and p.switchover_timeout <= 3600, "switchover_timeout is within 30..3600 s")
  cairn.check((p.maintenance_route == nil) == (p.maintenance_script == nil),
    "maintenance_route and maintenance_script are given together")
end

-- What there is and what will be done with it: everything later relies on this and not on names alone.
local function look(p)
  check_params(p)
  preflight.identity()
  local job = { p = p, way = way_back.new() }
  job.old, job.target = preflight.database(p.database, p)
  job.group_before = job.old.members[1].parameter_group
  job.cluster_group_before = job.old.cluster and job.old.parameter_group or nil
  job.items = {}
  if p.proxy then
    job.proxy = proxies.capture(p.proxy)
    cairn.check(proxies.fronts(job.proxy, job.old), "proxy " .. p.proxy .. " has " .. p.database .. " as a target")
    cairn.check(job.proxy.proxy.status == "available", "proxy " .. p.proxy .. " is available")
    cairn.report("proxy before", proxies.summary(job.proxy))
  end
  job.bypass = p.proxy ~= nil and p.proxy_mode ~= "keep"
  if job.bypass then
    job.items = repoint.plan(p, job.old, job.proxy)
    cairn.report("consumers", repoint.summary(job.items))
  end
  bluegreen_sql.look(job)
  return job
end

local function ask_for_proxy(job)
  local name, destroys = job.proxy.proxy.name, { job.proxy.proxy.name }
  for _, endpoint in ipairs(job.proxy.endpoints) do
    if not endpoint.is_default then
      destroys[#destroys + 1] = endpoint.name
    end
  end
  cairn.approve {
    title = "Delete the proxy " .. name .. "?",
    details = {
      destroys = destroys, after = "it is made again from what was recorded of it; that takes about half an hour",
      check = "all who use it were led past it; ClientConnections is looked at before it is deleted",
    },
    confirm = name, destroys = destroys,
  }
end

local function take_proxy_out(job)
  local p = job.p
  if job.bypass then
    cairn.stage("consumers past the proxy", function ()
      repoint.bypass(job.items, p.workloads, job.proxy, job.way)
    end)
    cairn.stage("take the proxy out", function ()
      if p.proxy_mode == "recreate" then
        ask_for_proxy(job)
      end
      cairn.sleep { seconds = p.drain_minutes * 60, title = "connections leave the proxy" }
      repoint.settle_bypass(job.items, p.workloads)
      proxies.drain(job.proxy, p.drain_minutes)
      proxies.take_out(job.proxy, job.old, p.proxy_mode, job.way)
    end)
  end
end

-- What to go back to if everything else fails. It is not needed once the upgrade was taken back.
local function take_snapshot(job)
  local old = job.old
  local name = names.snapshot(old.id)
  database.snapshot(old, name)
  way_back.add(job.way, "delete snapshot " .. name, function () database.delete_snapshot(old, name) end)
  local snapshot = database.wait_snapshot(old, name)
  cairn.check((snapshot.resource_id or old.resource_id) == old.resource_id, "snapshot " .. name .. " is of " .. old.id)
  cairn.report("snapshot before", { name = name, arn = snapshot.arn })
end

-- nil, or why there is no green database to be switched over to.
local function create_green(job)
  local p = job.p
  local why
  job.deployment, why = cairn.stage("create the blue/green deployment", function ()
    return bluegreen.create({
      source = job.old, version = p.target_version, groups = job.groups, class = p.class,
    }, job.way)
  end)
  if why then
    return why
  end
  job.green = cairn.stage("look at green", function ()
    return bluegreen.check_green(job.deployment, job.old, p.target_version, job.groups)
  end)
  cairn.stage("look at green by SQL", function () bluegreen_sql.check_green(job) end)
  cairn.report("green database", {
    id = job.green.id, resource_id = job.green.resource_id, engine_version = job.green.engine_version,
    endpoint = job.green.writer.address,
  })
  return bluegreen.broken(job.deployment)
end

local function ask_for_switchover(job)
  cairn.approve {
    title = "Switch " .. job.old.id .. " over to " .. job.green.engine_version .. "?",
    details = {
      effect = "writes stop for some seconds up to minutes, all connections are dropped; there is no way back",
      before = bluegreen_sql.before_switchover(job),
      timeout_s = job.p.switchover_timeout,
    },
  }
end

-- Green is of no use: a person mends the cause, and it is deleted and made again.
local function make_green_anew(job, why)
  cairn.report("green was of no use", why)
  cairn.approve {
    title = "Delete green and make it again? (reject: the run stops, and cairn rollback puts everything back)",
    details = { reason = why, before = "mend the cause: no DDL on blue while a deployment exists; its parameter groups",
      state = "the old database is live, as before", destroys = job.deployment.id },
  }
  cairn.stage("delete green", function () bluegreen.take_back(job.deployment.id, job.old) end)
end

-- Until there is a green database that may be switched over to, and a person said so. Days may pass with the question:
-- what was seen before it is looked at again.
local function prepare_green(job)
  while true do
    local why = create_green(job)
    if not why then
      cairn.stage("ask", function () ask_for_switchover(job) end)
      cairn.stage("look at green again", function ()
        bluegreen.wait_steady(job.deployment)
        bluegreen.check_green(job.deployment, job.old, job.p.target_version, job.groups)
        why = bluegreen.broken(job.deployment)
      end)
    end
    if not why then
      return
    end
    make_green_anew(job, why)
  end
end

-- RDS refused the switchover or took it back. True when a person wants it tried again.
local function ask_for_another(why)
  local again, err = pcall(cairn.approve, {
    title = "RDS took the switchover back; try again? (reject: everything is put back)",
    details = { reason = why, state = "the old database is live, as before" },
  })
  if not again and err.kind ~= "denied" then
    error(err, 0)
  end
  return again
end

-- The switchover, again and again if RDS takes it back and a person wants so. When nobody does, everything is put back,
-- unless it turns out that the switchover goes on after all: then green is live, and there is no way back.
local function switch_over(job)
  local id, timeout = job.deployment.id, job.p.switchover_timeout
  local function attempt() return bluegreen.switchover(id, timeout) end
  bluegreen_sql.wait_lag(job)
  job.began = cairn.now()
  cairn.point_of_no_return("switchover of " .. job.old.id)
  local completed, why = bluegreen_sql.switchover(job, attempt)
  while not completed do
    cairn.report("switchover taken back by RDS", why)
    if ask_for_another(why) then
      completed, why = bluegreen_sql.switchover(job, attempt)
    elseif bluegreen.is_switching(id) then
      completed, why = bluegreen.outcome(id, job.began, timeout)
    else
      way_back.walk(job.way)
      fail("the switchover failed (" .. why .. ") and everything was put back; end this run by cairn cancel")
    end
  end
end

-- The name must lead to the green database by its resource id: a name proves nothing.
local function verify_new(job)
  local old, p = job.old, job.p
  job.new = waits.till(old.id .. " is the new database", function ()
    local now = waits.maybe(function () return database.describe(old, { id = old.id }) end)
    if not now or now.resource_id ~= job.green.resource_id then
      return nil, "the name has not moved yet"
    end
    local why = database.unfit(now)
    return not why and now, why
  end, { every = 5, stall = 600 })
  cairn.check(job.new.engine_version == p.target_version, old.id .. " has version " .. p.target_version)
  cairn.check(#job.new.members == #old.members, old.id .. " has as many instances as before")
  cairn.check(#(job.new.replicas or {}) == #(old.replicas or {}), old.id .. " has as many read replicas as before")
  cairn.check(job.new.writer.address == old.writer.address, old.id .. " has its address as before")
  cairn.check(job.new.reader.address == old.reader.address, old.id .. " has its address for reading as before")
  for _, member in ipairs(rds.describe_blue_green({ id = job.deployment.id }).members) do
    cairn.check(member.status == "SWITCHOVER_COMPLETED", names.of_arn(member.source) .. " is switched over")
  end
  job.left = database.describe(old, { resource_id = old.resource_id })
  cairn.check(job.left.id ~= old.id, "the old database goes by " .. job.left.id)
  local down = evidence.switchover(job.deployment.id, old, job.began)
  cairn.report("writes down at most", evidence.span(down))
  cairn.report("database after", {
    id = job.new.id, resource_id = job.new.resource_id, engine_version = job.new.engine_version,
    parameter_group = job.new.parameter_group, writer = job.new.writer.address, reader = job.new.reader.address,
  })
  cairn.report("old database", { id = job.left.id, resource_id = job.left.resource_id })
end

local function protect_new(job)
  local new = database.describe(job.new, { resource_id = job.new.resource_id })
  if not new.deletion_protection then
    database.set_protection(new, true)
  end
  cairn.check(database.look(new, { resource_id = new.resource_id }).deletion_protection,
    "deletion protection of " .. new.id .. " is on")
end

-- Proxy and consumers as they were, in the reverse order.
local function bring_back(job)
  local p = job.p
  if job.bypass then
    local now = cairn.stage("put the proxy back", function () return proxies.restore(job.proxy) end)
    cairn.stage("consumers back to the proxy", function () repoint.back(job.items, p.workloads, now) end)
    cairn.report("proxy after", proxies.summary(now))
  elseif job.proxy then
    cairn.stage("look at the proxy", function () proxies.wait_targets(p.proxy) end)
  end
end

-- Everything that the last deletion takes: the database, its instances or replicas, and the group that only it uses.
local function doomed(job)
  local list = { job.left.id }
  for _, member in ipairs(job.left.cluster and job.left.members or {}) do
    list[#list + 1] = member.id
  end
  for _, replica in ipairs(job.left.replicas or {}) do
    list[#list + 1] = replica
  end
  list[#list + 1] = job.passing_group
  return list
end

-- Deleting the deployment leaves the old database alone, and takes away the guard that kept it read-only. Protection is
-- lifted from the old one only, and only when nothing but its deletion is left.
local function delete_old(job)
  local left = job.left
  local final = names.final_snapshot(left.id)
  local destroys = doomed(job)
  local yes, err = pcall(cairn.approve, {
    title = "Delete the old database " .. left.id .. "? (reject: it is kept)",
    details = {
      resource_id = left.resource_id, engine_version = left.engine_version, final_snapshot = final, destroys = destroys,
    },
    confirm = left.id, destroys = destroys,
  })
  if not yes then
    if err.kind ~= "denied" then
      error(err, 0)
    end
    return cairn.report("old database kept", err.text)
  end
  bluegreen.delete(job.deployment.id)
  local now = database.describe(left, { resource_id = left.resource_id })
  cairn.check(now.id ~= job.new.id and now.resource_id ~= job.new.resource_id, now.id .. " is not the live database")
  if now.deletion_protection then
    database.set_protection(now, false)
  end
  database.delete(now, final)
  cairn.report("final snapshot", final)
  if job.passing_group then
    rds.delete_parameter_group { name = job.passing_group, cluster = left.cluster }
  end
end

-- Work that was under way when the writes stopped stands still until somebody sends it on.
local function requeue(p)
  if #p.requeue > 0 then
    cairn.stage("requeue stuck work", function ()
      local done = #p.requeue_check > 0 and exec.guarded { argv = p.requeue, check = p.requeue_check }
        or exec.trigger { argv = p.requeue }
      cairn.report("requeue", done.output)
    end)
  end
end

-- What Terraform, Pulumi and their like still believe, and what is so now.
local function report_drift(job)
  local old, new = job.old, job.new
  local function change(was, is)
    return was == is and is or tostring(was) .. " -> " .. tostring(is)
  end
  local ids = {}
  for _, member in ipairs(new.members) do
    ids[member.id] = member.resource_id
  end
  cairn.report("to reconcile in infrastructure as code", {
    address = new.id, engine_version = change(old.engine_version, new.engine_version),
    parameter_group_family = change(job.target.family_before, job.target.family),
    parameter_group = change(job.group_before, new.members[1].parameter_group),
    cluster_parameter_group = new.cluster and change(job.cluster_group_before, new.parameter_group) or nil,
    resource_id = change(old.resource_id, new.resource_id), resource_ids = ids,
    by_resource_id = "Performance Insights, IAM database authentication and backup selections name the old resource id",
  })
end

local function run(p)
  local job = cairn.stage("look before anything changes", function () return look(p) end)
  job.groups = cairn.stage("parameter group for " .. p.target_version, function ()
    return parameters.for_target(job.old, job.target, {
      group = p.parameter_group, cluster_group = p.cluster_parameter_group, skip = p.skip_parameters, logical = true,
    }, job.way)
  end)
  cairn.stage("logical replication", function ()
    job.old, job.passing_group = parameters.enable_logical_replication(job.old, job.way)
  end)
  take_proxy_out(job)
  cairn.stage("snapshot", function () take_snapshot(job) end)
  bluegreen_sql.prepare(job)
  prepare_green(job)
  maintenance.during(p.maintenance_route, p.maintenance_script, job.way, function ()
    cairn.stage("switchover", function () switch_over(job) end)
    cairn.stage("look at the new database", function ()
      verify_new(job)
      bluegreen_sql.verify(job)
      protect_new(job)
    end)
    -- Pools that lived through it hold dead connections, or ones to a database that is read-only now.
    cairn.stage("new connections", function () repoint.restart(p.workloads) end)
  end)
  requeue(p)
  bring_back(job)
  cairn.stage("soak", function ()
    cairn.sleep { seconds = p.soak_minutes * 60, title = "the new database proves itself" }
  end)
  report_drift(job)
  if p.delete_old then
    cairn.stage("delete the old database", function () delete_old(job) end)
  end
  cairn.stage("look at the new database once more", function () protect_new(job) end)
  return { database = job.new.id, resource_id = job.new.resource_id, engine_version = job.new.engine_version }
end

return cairn.workflow {
  summary = "Major PostgreSQL upgrade by a blue/green deployment",
  params = params,
  locks = function (p)
    local keys = { "rds:" .. p.database }
    if p.proxy then
      keys[#keys + 1] = "rds_proxy:" .. p.proxy
    end
    for _, secret in ipairs(p.secrets) do
      keys[#keys + 1] = "kubernetes:" .. (secret.namespace or "") .. "/" .. secret.name
    end
    for _, spec in ipairs(p.lambdas) do
      keys[#keys + 1] = "lambda:" .. spec.name
    end
    return keys
  end,
  run = run,
}
