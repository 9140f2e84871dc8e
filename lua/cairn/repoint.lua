-- repoint.lua: lead those who use a database elsewhere and back: keys of Kubernetes secrets, secrets of AWS Secrets
-- Manager, and Lambda aliases.
-- SPDX-License-Identifier: MIT
--
-- Only the host in a URL is replaced; user, password and options stay, and no secret ever reaches this script. What is
-- to be changed is decided once, at the start, from what was found (`repoint.plan` for who comes by a proxy,
-- `repoint.find` for others):
--   {kind = "secret", namespace, name, key, role, endpoint, from, to}
--   {kind = "managed", id, member, role, endpoint, from, to}
--   {kind = "lambda", func, alias, version, variables = {{name, role, endpoint, from, to}, ...}}
-- `endpoint` is the proxy's endpoint that `from` belongs to; `version` is what the alias leads to at the start; `to` is
-- there once the database is known (`repoint.aim`).

local fail = require "cairn.fail"
local proxies = require "cairn.proxy"
local waits = require "cairn.waits"
local way_back = require "cairn.way_back"
local kubernetes = cairn.plugin "kubernetes"
local lambda = cairn.plugin "lambda"
local secretsmanager = cairn.plugin "secretsmanager"

local repoint = {}

-- Field managers that revert what somebody else writes into a secret.
local REVERTERS = {
  "argocd", "flux", "kustomize%-controller", "helm%-controller", "sealed%-secrets", "external%-secrets",
}

local function address(db, role, was)
  local at = role == "reader" and db.reader or db.writer
  if was:find(":", 1, true) or at.port ~= 5432 then
    return at.address .. ":" .. at.port
  end
  return at.address
end

-- Where does `host` lead now? It must be one that is ours to change: ends = {what = TEXT, hosts = {HOST = {...}}}.
local function planned(what, host, role, ends)
  if role ~= "writer" and role ~= "reader" then
    fail(what .. ": its role must be writer or reader, not " .. tostring(role))
  end
  if not host then
    fail(what .. ": it is not there, or it holds no URL")
  end
  local at = ends.hosts[host:match("^[^:]+")]
  if not at then
    fail(what .. ": it leads to " .. host .. ", which is no endpoint of " .. ends.what)
  end
  return { role = role, from = host, endpoint = at.endpoint }
end

local function find_secret(secret, ends, allow_managed, items)
  local found = kubernetes.read_secret { namespace = secret.namespace, name = secret.name }
  local what = "secret " .. secret.name
  if found.immutable then
    fail(what .. ": it is immutable")
  end
  for _, manager in ipairs(found.managers or {}) do
    for _, pattern in ipairs(REVERTERS) do
      if not allow_managed and manager:lower():find(pattern) then
        fail(what .. ": " .. manager .. " would put it back; pause that, then give allow_managed=true")
      end
    end
  end
  for key, role in pairs(secret.keys) do
    local item = planned(what .. " key " .. key, found.hosts[key], role, ends)
    item.kind, item.namespace, item.name, item.key = "secret", secret.namespace, secret.name, key
    items[#items + 1] = item
  end
end

-- A secret of AWS Secrets Manager. One that a service keeps, or that is rotated, is not ours to write.
local function find_managed(spec, ends, allow_managed, items)
  local what = "secret " .. spec.id .. " of Secrets Manager"
  local secret = secretsmanager.describe { id = spec.id }
  if secret.owner then
    fail(what .. ": " .. secret.owner .. " keeps it; it can't be led over")
  elseif secret.rotation and not allow_managed then
    fail(what .. ": it is rotated, which would put it back; pause that, then give allow_managed=true")
  end
  local hosts = cairn.array {}
  for host in pairs(ends.hosts) do
    hosts[#hosts + 1] = host
  end
  local item = planned(what, secretsmanager.find_host({ id = spec.id, member = spec.member, hosts = hosts }).host,
    spec.role or "writer", ends)
  item.kind, item.id, item.member = "managed", spec.id, spec.member
  items[#items + 1] = item
end

-- An alias serves a frozen version. Publishing a new one ships whatever is in $LATEST: refuse if that is other code.
local function find_lambda(spec, ends, items)
  local what = "function " .. spec.name
  local latest = lambda.get_configuration { ["function"] = spec.name }
  local live = lambda.get_configuration { ["function"] = spec.name, qualifier = spec.alias }
  if latest.code_sha256 ~= live.code_sha256 then
    fail(what .. ": $LATEST has other code than alias " .. spec.alias .. "; release or put back that first")
  end
  if latest.environment_error or live.environment_error then
    fail(what .. ": its variables can't be read: " .. (latest.environment_error or live.environment_error))
  end
  local item = { kind = "lambda", func = spec.name, alias = spec.alias, variables = {} }
  for name, role in pairs(spec.variables) do
    local variable = planned(what .. " variable " .. name, latest.hosts[name], role, ends)
    if live.hosts[name] ~= variable.from then
      fail(what .. ": alias " .. spec.alias .. " leads elsewhere than $LATEST; release or put back that first")
    end
    variable.name = name
    item.variables[#item.variables + 1] = variable
  end
  if #item.variables == 0 then
    fail(what .. ": no variables of it are named")
  end
  item.version = lambda.get_alias({ ["function"] = spec.name, alias = spec.alias }).version
  items[#items + 1] = item
end

-- Who leads to one of the hosts, and where each of them leads exactly.
function repoint.find(consumers, ends)
  local items = {}
  for _, secret in ipairs(consumers.secrets) do
    find_secret(secret, ends, consumers.allow_managed, items)
  end
  for _, spec in ipairs(consumers.managed_secrets or {}) do
    find_managed(spec, ends, consumers.allow_managed, items)
  end
  for _, spec in ipairs(consumers.lambdas) do
    find_lambda(spec, ends, items)
  end
  return items
end

-- They are to lead to this database.
function repoint.aim(items, db)
  for _, item in ipairs(items) do
    for _, at in ipairs(item.variables or { item }) do
      at.to = address(db, at.role, at.from)
    end
  end
  return items
end

-- Those who come by the proxy are to lead to the database itself.
function repoint.plan(consumers, db, captured)
  local ends = { what = "the proxy", hosts = proxies.hosts(captured) }
  return repoint.aim(repoint.find(consumers, ends), db)
end

-- Who leads where now: for the report.
function repoint.summary(items)
  local summary = {}
  for _, item in ipairs(items) do
    if item.kind == "secret" then
      summary[item.name .. " " .. item.key] = item.from
    elseif item.kind == "managed" then
      summary[item.id .. (item.member and " " .. item.member or "")] = item.from
    else
      for _, variable in ipairs(item.variables) do
        summary[item.func .. " " .. variable.name] = variable.from
      end
    end
  end
  return summary
end

local function set_secret(item, from, to)
  kubernetes.replace_host { namespace = item.namespace, name = item.name, key = item.key, from = from, to = to }
end

-- A function takes one change at a time: wait until it has taken this one.
local function set_variable(item, variable, from, to)
  lambda.replace_host { ["function"] = item.func, variable = variable.name, from = from, to = to }
  waits.till("function " .. item.func .. " is updated", function ()
    local now = lambda.get_configuration { ["function"] = item.func }
    if now.last_update_status == "Failed" then
      fail("update function " .. item.func .. ": " .. tostring(now.last_update_reason))
    end
    return now.last_update_status == "Successful" and now.state == "Active", now.last_update_status
  end, { every = 5 })
end

-- The alias must have the version that we think it has: somebody else's release in between is not overwritten.
local function set_alias(item, version, expect)
  lambda.update_alias { ["function"] = item.func, alias = item.alias, version = version, expect = expect }
  local now = lambda.get_alias { ["function"] = item.func, alias = item.alias }
  cairn.check(now.version == version, "alias " .. item.alias .. " of " .. item.func .. " leads to version " .. version)
end

local function release(item, text)
  local version = lambda.publish_version({ ["function"] = item.func, description = text }).version
  waits.till("version " .. version .. " of " .. item.func .. " is active", function ()
    local now = lambda.get_configuration { ["function"] = item.func, qualifier = version }
    return now.state == "Active", now.state
  end, { every = 5 })
  return version
end

-- Start the workloads anew, so that they read the secret and open new connections; wait until the old pods are gone.
function repoint.restart(workloads)
  for _, each in ipairs(workloads) do
    kubernetes.restart { namespace = each.namespace, kind = each.kind, name = each.name }
  end
  for _, each in ipairs(workloads) do
    waits.till("rollout of " .. each.kind .. " " .. each.name, function ()
      local now = kubernetes.rollout { namespace = each.namespace, kind = each.kind, name = each.name }
      return now.done, now.note
    end, { every = 5, stall = 900 })
  end
end

local function set_managed(item, from, to)
  secretsmanager.replace_host { id = item.id, member = item.member, from = from, to = to }
end

-- What keeps an address that somebody else may put back: where it leads, and how it is set.
local KEPT = {
  secret = {
    host = function (item)
      return kubernetes.read_secret { namespace = item.namespace, name = item.name }.hosts[item.key]
    end,
    set = set_secret,
    title = function (item) return item.name .. " " .. item.key end,
  },
  managed = {
    host = function (item, ...)
      return secretsmanager.find_host { id = item.id, member = item.member, hosts = cairn.array { ... } }.host
    end,
    set = set_managed,
    title = function (item) return "secret " .. item.id end,
  },
}

-- Those that don't lead to item[side].
local function put_back(items, was, side)
  local list = {}
  for _, item in ipairs(items) do
    local kept = KEPT[item.kind]
    if kept and kept.host(item, item[was], item[side]) ~= item[side] then
      list[#list + 1] = item
    end
  end
  return list
end

-- A controller that has a secret from elsewhere reverts an edit some time later, and not all of them can be known
-- beforehand. Then a person pauses it, and the keys are set again.
local function settle_secrets(items, was, side, workloads)
  while true do
    local list, titles = put_back(items, was, side), {}
    if #list == 0 then
      return
    end
    for _, item in ipairs(list) do
      titles[#titles + 1] = KEPT[item.kind].title(item)
    end
    cairn.approve {
      title = "Set " .. table.concat(titles, ", ") .. " again? (reject: the run stops)",
      details = { reason = "somebody put it back since; a controller that has it from elsewhere does so each time",
        before = "pause that controller, or change the secret where it has it from" },
    }
    for _, item in ipairs(list) do
      KEPT[item.kind].set(item, item[was], item[side])
    end
    repoint.restart(workloads)
  end
end

-- Looked at again some minutes after the bypass: what was put back meanwhile would break with the proxy.
function repoint.settle_bypass(items, workloads)
  settle_secrets(items, "from", "to", workloads)
end

-- Where something led to before (`at`: a secret's item or a function's variable), in the proxy as it is now.
local function home(at, captured)
  return proxies.host_of(captured, at.endpoint) .. (at.from:match(":%d+$") or "")
end

-- Ways back are registered before the change: they look first, and of a change that was made and then went wrong they
-- must know as well.
local function lead_secret(item, from, way)
  way_back.add(way, "point key " .. item.key .. " back", function () set_secret(item, item.to, from(item)) end)
  set_secret(item, item.from, item.to)
end

local function lead_managed(item, from, way)
  way_back.add(way, "point secret " .. item.id .. " back", function () set_managed(item, item.to, from(item)) end)
  set_managed(item, item.from, item.to)
end

-- The version from before serves again, unless it leads to addresses that are no longer there.
local function take_lambda_back(item, from)
  local moved = false
  for _, variable in ipairs(item.variables) do
    moved = moved or from(variable) ~= variable.from
  end
  if item.direct and not moved then
    set_alias(item, item.version, item.direct)
  end
  for _, variable in ipairs(item.variables) do
    set_variable(item, variable, variable.to, from(variable))
  end
  if item.direct and moved then
    set_alias(item, release(item, "back to " .. from(item.variables[1])), item.direct)
  end
end

local function lead_lambda(item, from, way)
  way_back.add(way, "point " .. item.func .. " back", function () take_lambda_back(item, from) end)
  for _, variable in ipairs(item.variables) do
    set_variable(item, variable, variable.from, variable.to)
  end
  item.direct = release(item, "to " .. item.variables[1].to)
  set_alias(item, item.direct, item.version)
end

local function each(items, kind, fn)
  for _, item in ipairs(items) do
    if item.kind == kind then
      fn(item)
    end
  end
end

local function as_before(at)
  return at.from
end

-- To where `to` says. `from(at)` is what an item or variable is led back to; what it was if left out.
function repoint.lead(items, workloads, way, from)
  from = from or as_before
  way_back.add(way, "restart the workloads", function () repoint.restart(workloads) end)
  each(items, "secret", function (item) lead_secret(item, from, way) end)
  each(items, "managed", function (item) lead_managed(item, from, way) end)
  repoint.restart(workloads)
  repoint.settle_bypass(items, workloads)
  each(items, "lambda", function (item) lead_lambda(item, from, way) end)
end

-- Past the proxy, straight to the database. `captured` is the proxy as it was; its member `now`, as it was made again.
function repoint.bypass(items, workloads, captured, way)
  repoint.lead(items, workloads, way, function (at) return home(at, captured.now or captured) end)
end

-- Back to the proxy, in the reverse order. `captured` is the proxy as it is now: its addresses may have changed.
function repoint.back(items, workloads, captured)
  each(items, "lambda", function (item)
    for _, variable in ipairs(item.variables) do
      set_variable(item, variable, variable.to, home(variable, captured))
    end
    set_alias(item, release(item, "through the proxy"), item.direct)
  end)
  each(items, "secret", function (item)
    item.back = home(item, captured)
    set_secret(item, item.to, item.back)
  end)
  repoint.restart(workloads)
  settle_secrets(items, "to", "back", workloads)
end

return repoint
