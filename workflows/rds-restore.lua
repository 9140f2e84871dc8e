-- rds-restore.lua: restore a database beside the live one and lead everybody over: replacement and repoint.
-- SPDX-License-Identifier: MIT
--
-- The new instance has a new name and a new address. The old one stays as it is, under its name, until the end; so up
-- to its deletion `cairn rollback` leads everybody back and deletes the new one.

local address = require "cairn.address"
local backups = require "cairn.backups"
local inside = require "cairn.inside"
local maintenance = require "cairn.maintenance"
local names = require "cairn.names"
local proxies = require "cairn.proxy"
local repoint = require "cairn.repoint"
local restore = require "cairn.restore"
local smoke = require "cairn.smoke"
local way_back = require "cairn.way_back"

local params = restore.with {
  address = { type = "string", help = "the old address, which those who use the database have, if that is gone" },
  secrets = {
    type = "list", default = cairn.array {},
    help = 'Kubernetes secrets with the database\'s URL: [{"name":N,"namespace":NS,"keys":{"KEY":"writer"}}]',
  },
  lambdas = {
    type = "list", default = cairn.array {},
    help = 'functions with the URL in variables: [{"name":F,"alias":A,"variables":{"VAR":"writer"}}]',
  },
  managed_secrets = {
    type = "list", default = cairn.array {},
    help = "secrets of AWS Secrets Manager with the database's URL, or with a JSON member that is the URL or the host: "
      .. '[{"id":"app/database","member":"host"}]',
  },
  address_program = {
    type = "map",
    help = 'a program that tells others the new address: {"set":["esc","env","set","app","db-host","{address}"],'
      .. '"check":["has-it","{address}"]}; without a check, it must do no harm when it runs twice',
  },
  allow_managed = { type = "boolean", default = false, help = "change secrets though a controller may put them back" },
}

-- Who uses the database, and by what: its own address, or a proxy.
local function find_consumers(job)
  local p, live = job.p, job.live
  if p.proxy then
    job.proxy = proxies.capture(p.proxy)
    cairn.check(live == nil or proxies.fronts(job.proxy, live), "proxy " .. p.proxy .. " has " .. p.database
      .. " as a target")
    cairn.report("proxy before", proxies.summary(job.proxy))
  end
  address.check(p.address_program)
  local was = p.address or live and live.endpoint and live.endpoint.address
  cairn.check(was ~= nil or #p.secrets + #p.lambdas + #p.managed_secrets == 0,
    "the address that is to be replaced is known; give it by address")
  job.was = was
  local ends = { what = p.database, hosts = was and { [was] = { endpoint = "default" } } or {} }
  job.items = repoint.find(p, ends)
  cairn.report("consumers", repoint.summary(job.items))
end

local function look(p)
  local job = restore.look(p)
  job.new_id = names.instance(p.database, "restore-" .. cairn.run_id())
  find_consumers(job)
  return job
end

local function ask_to_lead_over(job)
  cairn.approve {
    title = "Lead everybody over to " .. job.new_id .. "?",
    details = {
      from = job.live and job.live.id or job.p.database .. ", which is gone", to = job.new.endpoint.address,
      restored = backups.summary(job.source), consumers = repoint.summary(job.items), proxy = job.p.proxy,
      before = "look into the new database with the application's own credentials: the first reads are slow, as its "
        .. "storage is filled while it is read",
    },
  }
end

-- Proxy first: it holds the connections of those who come by it.
local function lead_over(job)
  local new = restore.describe_new(job)
  new.writer, new.reader = new.endpoint, new.endpoint
  job.served = true
  if job.proxy then
    local name = job.p.proxy
    if job.live then
      way_back.add(job.way, "point proxy " .. name .. " back", function () proxies.move(name, new, job.live) end)
    end
    proxies.move(name, job.live or { id = job.p.database }, new)
  end
  address.tell(job.p.address_program, new.endpoint.address, job.was, job.way)
  repoint.lead(repoint.aim(job.items, new), job.p.workloads, job.way)
end

local function verify(job)
  local new = restore.describe_new(job)
  cairn.check(new.status == "available", new.id .. " is available")
  restore.protect(job)
  cairn.report("database after", {
    id = new.id, resource_id = new.resource_id, engine_version = new.engine_version, address = new.endpoint.address,
    read_replicas_of_the_old_one = job.live and job.live.replicas or nil,
  })
end

local function run(p)
  local job = cairn.stage("look before anything changes", function () return look(p) end)
  cairn.stage("ask", function ()
    restore.ask(job, "beside the live database; everybody is led over to its address after another question")
  end)
  cairn.stage("safety snapshot", function () restore.safety(job) end)
  cairn.stage("restore", function () restore.make(job) end)
  cairn.stage("settings that a restore can't set", function () restore.put_right(job) end)
  cairn.stage("compare settings", function () restore.compare(job) end)
  cairn.stage("look inside", function () inside.look(p.connection, restore.describe_new(job), job.live) end)
  cairn.stage("ask whether to lead over", function () ask_to_lead_over(job) end)
  maintenance.during(p.maintenance_route, p.maintenance_script, job.way, function ()
    cairn.stage("lead everybody over", function () lead_over(job) end)
    cairn.stage("look at the new database", function () verify(job) end)
  end)
  cairn.stage("try it", function () smoke.run(p.smoke, job.new.id) end)
  if job.live then
    cairn.stage("soak", function () restore.soak(job) end)
  end
  if job.live and p.delete_old then
    cairn.stage("delete the old database", function () restore.delete_old(job) end)
  end
  return { database = job.new.id, resource_id = job.new.resource_id, address = job.new.endpoint.address }
end

return cairn.workflow {
  summary = "Restore a database from a snapshot beside the live one, and lead everybody over",
  params = params,
  locks = function (p)
    local keys = restore.locks(p)
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
