-- proxy.lua: take an RDS Proxy out of the way of an upgrade, and put it back with everything that it had.
-- SPDX-License-Identifier: MIT
--
-- What `proxy.capture` returns is recorded with the run, so that the proxy can be made again even weeks later.
-- `proxy.restore` looks first and does only what is missing: it serves the way on, a resume, and the way back alike.

local fail = require "cairn.fail"
local metrics = require "cairn.metrics"
local waits = require "cairn.waits"
local way_back = require "cairn.way_back"
local rds = cairn.plugin "rds"
local rds_proxy = cairn.plugin "rds_proxy"

local proxy = {}

local function has(list, value)
  for _, each in ipairs(list) do
    if each == value then
      return true
    end
  end
  return false
end

function proxy.capture(name)
  return rds_proxy.capture { proxy = name }
end

function proxy.fronts(captured, db)
  return has(db.cluster and captured.targets.clusters or captured.targets.instances, db.id)
end

-- All addresses of the proxy: HOST = {endpoint = name or "default", role = "READ_WRITE" or "READ_ONLY"}.
function proxy.hosts(captured)
  local hosts = { [captured.proxy.endpoint] = { endpoint = "default", role = "READ_WRITE" } }
  for _, endpoint in ipairs(captured.endpoints) do
    if not endpoint.is_default then
      hosts[endpoint.endpoint] = { endpoint = endpoint.name, role = endpoint.role }
    end
  end
  return hosts
end

-- The address of the endpoint of that name; "default" is the proxy's own.
function proxy.host_of(captured, endpoint)
  for host, at in pairs(proxy.hosts(captured)) do
    if at.endpoint == endpoint then
      return host
    end
  end
  fail("proxy " .. captured.proxy.name .. ": it has no endpoint " .. endpoint)
end

-- What a person wants to know of it: for the report.
function proxy.summary(captured)
  local summary = { name = captured.proxy.name, status = captured.proxy.status, addresses = {} }
  for host, at in pairs(proxy.hosts(captured)) do
    summary.addresses[at.endpoint] = host
  end
  return summary
end

-- The databases behind the proxy now.
local function targets_now(name)
  local clusters, instances = {}, {}
  for _, target in ipairs(rds_proxy.describe_targets({ proxy = name }).targets) do
    if target.type == "TRACKED_CLUSTER" then
      clusters[#clusters + 1] = target.cluster or target.id
    elseif not target.cluster then
      instances[#instances + 1] = target.id
    end
  end
  return clusters, instances
end

-- Those of `wanted` that are not in `there`; nil for none, as actions leave out what is nil.
local function lacking(wanted, there)
  local list = {}
  for _, id in ipairs(wanted) do
    if not has(there, id) then
      list[#list + 1] = id
    end
  end
  return #list > 0 and list or nil
end

local function register(captured)
  local name = captured.proxy.name
  local clusters, instances = targets_now(name)
  clusters = lacking(captured.targets.clusters, clusters)
  instances = lacking(captured.targets.instances, instances)
  if clusters or instances then
    rds_proxy.register_targets { proxy = name, clusters = clusters, instances = instances }
  end
end

function proxy.wait_targets(name)
  return waits.till("targets of proxy " .. name .. " are available", function ()
    local targets = rds_proxy.describe_targets({ proxy = name }).targets
    local instances, note = 0, "no target yet"
    for _, target in ipairs(targets) do
      if target.type == "RDS_INSTANCE" then
        instances = instances + 1
        if target.state ~= "AVAILABLE" then
          return nil, target.id .. " is " .. tostring(target.state) .. (target.reason and ": " .. target.reason or "")
        end
      end
    end
    return instances > 0, note
  end, { every = 15 })
end

-- What a run creates bears its marks, by which it knows it after a crash. What is to be as it was shall not keep them.
local function unmark(thing)
  rds.remove_tags { arn = thing.arn, keys = { "cairn:run", "cairn:step" } }
end

local function restore_itself(captured)
  local want = captured.proxy
  local function read()
    return rds_proxy.describe { name = want.name }
  end
  local now = waits.maybe(read)
  if now and now.status == "deleting" then
    waits.gone("proxy " .. want.name .. " is gone", read)
    now = nil
  end
  if not now then
    rds_proxy.create {
      name = want.name, engine_family = want.engine_family, role_arn = want.role_arn, subnets = want.subnets,
      security_groups = want.security_groups, auth = want.auth, require_tls = want.require_tls,
      idle_timeout = want.idle_timeout, debug_logging = want.debug_logging, tags = want.tags,
      default_auth_scheme = want.default_auth_scheme, endpoint_network_type = want.endpoint_network_type,
      target_network_type = want.target_network_type,
    }
  end
  local ready = waits.status("proxy " .. want.name, "available", read, { made = not now })
  if not now then
    rds_proxy.modify_pool { proxy = want.name, pool = captured.pool }
    unmark(ready)
  end
end

local function restore_endpoint(captured, want)
  local function read()
    return rds_proxy.describe_endpoint { name = want.name }
  end
  local now = waits.maybe(read)
  if now and now.status == "deleting" then
    waits.gone("endpoint " .. want.name .. " is gone", read)
    now = nil
  end
  if not now then
    rds_proxy.create_endpoint {
      proxy = captured.proxy.name, name = want.name, role = want.role, subnets = want.subnets,
      security_groups = want.security_groups, tags = want.tags,
    }
  end
  local ready = waits.status("endpoint " .. want.name, "available", read, { made = not now })
  if not now then
    unmark(ready)
  end
end

-- The proxy, its endpoints, its pool and its targets as captured. Returns what is there then: addresses may be new.
function proxy.restore(captured)
  restore_itself(captured)
  register(captured)
  for _, endpoint in ipairs(captured.endpoints) do
    if not endpoint.is_default then
      restore_endpoint(captured, endpoint)
    end
  end
  proxy.wait_targets(captured.proxy.name)
  return proxy.capture(captured.proxy.name)
end

-- The proxy's target is to be the instance `to` instead of `from`. It looks first, so it serves a resume as well; both
-- by the names that they have at that time.
function proxy.move(name, from, to)
  local _, instances = targets_now(name)
  if has(instances, from.id) then
    rds_proxy.deregister_targets { proxy = name, instances = { from.id } }
    waits.till(from.id .. " is no target of " .. name .. " any more", function ()
      local _, now = targets_now(name)
      return not has(now, from.id)
    end, { every = 5 })
  end
  if not has(instances, to.id) then
    rds_proxy.register_targets { proxy = name, instances = { to.id } }
  end
  return proxy.wait_targets(name)
end

-- A proxy that lost its database and keeps its addresses.
local function deregister(captured, db)
  local name = captured.proxy.name
  local clusters = db.cluster and { db.id } or nil
  local instances = not db.cluster and { db.id } or nil
  rds_proxy.deregister_targets { proxy = name, clusters = clusters, instances = instances }
  waits.till(db.id .. " is no target of " .. name .. " any more", function ()
    local clusters_now, instances_now = targets_now(name)
    return not has(db.cluster and clusters_now or instances_now, db.id)
  end)
end

local function delete(captured)
  local name = captured.proxy.name
  for _, endpoint in ipairs(captured.endpoints) do
    if not endpoint.is_default then
      rds_proxy.delete_endpoint { name = endpoint.name }
      waits.gone("endpoint " .. endpoint.name .. " is gone", function ()
        return rds_proxy.describe_endpoint { name = endpoint.name }
      end)
    end
  end
  rds_proxy.delete { name = name }
  waits.gone("proxy " .. name .. " is gone", function () return rds_proxy.describe { name = name } end)
end

-- Behind the minutes that connections were given to leave: until no client is connected to the proxy any more. Who
-- still is after as many minutes again is for a person to judge.
function proxy.drain(captured, minutes)
  local name, told = captured.proxy.name, "none is left"
  local seen = metrics.wait_down("no client is connected to proxy " .. name, "ClientConnections",
    { ProxyName = name }, 0, minutes)
  if seen.unknown then
    told = ("not known (%s); %d minutes were waited"):format(seen.unknown, minutes)
  elseif seen.left then
    cairn.approve {
      title = ("Take proxy %s out though clients are connected to it?"):format(name),
      details = {
        connections = seen.left, effect = "whoever uses the proxy loses the database until it is back",
        check = "who was not led past it: secrets and functions that this run doesn't know",
      },
    }
    told = seen.left .. " connections were left, and a person said to go on"
  end
  cairn.report("client connections of the proxy", told)
end

-- mode: "deregister" or "recreate". The way back is registered first: it looks at what is missing.
function proxy.take_out(captured, db, mode, way)
  way_back.add(way, "bring back proxy " .. captured.proxy.name, function ()
    captured.now = proxy.restore(captured) -- for those who are led back to it: its addresses may be new
  end)
  if mode == "deregister" then
    deregister(captured, db)
  else
    delete(captured)
  end
end

return proxy
