-- parameters.lua: parameter groups around a major upgrade: one for the new version, logical replication for the old.
-- SPDX-License-Identifier: MIT
--
-- A group is never changed while somebody uses it: it may be shared, and what it was could not be put back exactly. So
-- the database goes over to a copy. For Aurora the interesting settings are in the cluster's group; the instances have
-- one of their own.

local fail = require "cairn.fail"
local database = require "cairn.database"
local names = require "cairn.names"
local postgres = require "cairn.postgres"
local waits = require "cairn.waits"
local way_back = require "cairn.way_back"
local rds = cairn.plugin "rds"

local parameters = {}

local LOGICAL <const> = "rds.logical_replication"
local SETTLE <const> = 300 -- RDS wants about five minutes between making a group and using it

local function is_default(group)
  return group:sub(1, 8) == "default."
end

-- What the user set in a group, as NAME = VALUE, without what the new version dropped and what shall be left out.
local function overrides(group, dropped, skip)
  local set, left = {}, {}
  for name, setting in pairs(group.parameters) do
    if dropped[name] or skip[name] then
      left[#left + 1] = name
    elseif setting.value ~= nil then
      set[name] = tostring(setting.value)
    end
  end
  return set, left
end

-- A group that exists already may be used if it says what we would have said.
local function check_existing(there, wanted)
  if there.family ~= wanted.family then
    fail("parameter group " .. there.name .. ": it is of family " .. there.family .. ", not " .. wanted.family)
  end
  local differences = {}
  for name, value in pairs(wanted.parameters) do
    local has = there.parameters[name]
    if not has or tostring(has.value) ~= value then
      differences[#differences + 1] = name .. "=" .. value .. (has and " (it has " .. tostring(has.value) .. ")" or "")
    end
  end
  if #differences > 0 then
    fail("parameter group " .. there.name .. ": it exists and lacks " .. table.concat(differences, ", ")
      .. "; set these, or leave them out with skip_parameters")
  end
end

-- Make a group unless it is there. `wanted`: name, family, cluster, description, parameters. True if it was made.
local function provide(wanted, way)
  local cluster = wanted.cluster
  local there = waits.maybe(function ()
    return rds.describe_parameter_group { name = wanted.name, cluster = cluster }
  end)
  if there then
    check_existing(there, wanted)
    return false
  end
  rds.create_parameter_group {
    name = wanted.name, family = wanted.family, cluster = cluster, description = wanted.description,
  }
  way_back.add(way, "delete parameter group " .. wanted.name, function ()
    rds.delete_parameter_group { name = wanted.name, cluster = cluster }
  end)
  if next(wanted.parameters) then
    rds.modify_parameter_group {
      name = wanted.name, cluster = cluster, parameters = wanted.parameters, apply = "pending-reboot",
    }
  end
  return true
end

local function settle(made)
  if made then
    cairn.sleep { seconds = SETTLE, title = "let the new parameter group settle" }
  end
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list or {}) do
    set[name] = true
  end
  return set
end

-- The groups that the new version gets: {cluster_parameter_group =, parameter_group =}, always named, since RDS falls
-- back to the default group where one is left out. Settings of the old groups are carried over; `options.logical`: and
-- logical replication is on.
function parameters.for_target(db, target, options, way)
  local dropped = postgres.dropped_between(db.engine_version, target.version)
  local skip = set_of(options.skip)
  local result, made = {}, false

  local function carry(old_name, cluster, given, logical, of)
    if is_default(old_name) and not logical and not given then
      return "default." .. target.family
    end
    local old = rds.describe_parameter_group { name = old_name, cluster = cluster }
    local set, left = overrides(old, dropped, skip)
    if logical then
      set[LOGICAL] = "1"
    end
    local name = given or names.parameter_group(of or db.id, target.family)
    made = provide({
      name = name, family = target.family, cluster = cluster, parameters = set,
      description = "settings of " .. old_name .. " for " .. target.family,
    }, way) or made
    local kind = cluster and "cluster parameter group " or "parameter group "
    cairn.report(kind .. name, { carried_over_from = old_name, left_out = cairn.array(left) })
    return name
  end

  if db.cluster then
    result.cluster_parameter_group = carry(db.parameter_group, true, options.cluster_group, options.logical)
    result.parameter_group = carry(db.members[1].parameter_group, false, options.group, false)
  else
    result.parameter_group = carry(db.parameter_group, false, options.group, options.logical)
  end
  result.replicas = {}
  for _, replica in ipairs(options.replicas or {}) do
    local same = replica.parameter_group == db.parameter_group
    result.replicas[replica.id] = same and result.parameter_group or carry(replica.parameter_group, false, nil, false,
      replica.id)
  end
  settle(made)
  return result
end

local function pending(member)
  return member.parameter_status == "pending-reboot" or member.cluster_parameter_status == "pending-reboot"
end

local function first_pending(db)
  for _, member in ipairs(db.members) do
    if pending(member) then
      return member
    end
  end
  return nil
end

local function wait_restarted(db, member)
  return waits.till("restart of " .. member.id, function ()
    local now = database.describe(db, { resource_id = db.resource_id })
    for _, each in ipairs(now.members) do
      if each.resource_id == member.resource_id and (pending(each) or each.status ~= "available") then
        return nil, each.status
      end
    end
    return now.status == "available" and now, now.status
  end, { every = 5 })
end

-- Restart what waits for it, the writer first: on Aurora the readers may restart with it. Asks before, unless that was
-- agreed to already. Returns the database as it is then.
function parameters.restart_to_apply(db, why, agreed)
  local key = { resource_id = db.resource_id }
  local now = database.describe(db, key)
  local member = first_pending(now)
  if not member then
    return now
  end
  if not agreed then
    cairn.approve {
      title = "Restart " .. now.id .. "? (" .. why .. ")",
      details = { effect = "connections are dropped; about 10 s without writes", first = member.id },
    }
  end
  while member do
    rds.reboot_to_apply { id = member.id, resource_id = member.resource_id }
    now = wait_restarted(db, member)
    member = first_pending(now)
  end
  return now
end

-- Wait until the database uses the group, however far it is with that.
function parameters.wait_linked(db, group)
  return waits.till(db.id .. " uses parameter group " .. group, function ()
    local now = database.describe(db, { resource_id = db.resource_id })
    for _, member in ipairs(now.members) do
      if (member.cluster_parameter_status or member.parameter_status) == "applying" then
        return nil, member.id .. ": applying"
      end
    end
    return now.parameter_group == group and now.status == "available", now.status
  end)
end

-- A blue/green deployment copies by logical replication, which needs a static setting on the source: a restart.
function parameters.enable_logical_replication(db, way)
  local old = rds.describe_parameter_group { name = db.parameter_group, cluster = db.cluster }
  local setting = old.parameters[LOGICAL]
  if setting and tostring(setting.value) == "1" then
    return parameters.restart_to_apply(db, "settings of its parameter group wait for a restart")
  end
  local set = overrides(old, {}, {})
  set[LOGICAL] = "1"
  local copy = names.passing_group(db.id, "logical")
  settle(provide({
    name = copy, family = old.family, cluster = db.cluster, parameters = set,
    description = "copy of " .. old.name .. " with logical replication",
  }, way))
  -- Registered before the change: it looks first, and a change of which nobody knows must be put back as well.
  way_back.add(way, "put " .. db.id .. " back on parameter group " .. old.name, function ()
    if database.look(db, { resource_id = db.resource_id }).parameter_group ~= old.name then
      database.modify(db, { parameter_group = old.name })
      parameters.wait_linked(db, old.name)
    end
    parameters.restart_to_apply(db, "it goes back to its old settings")
  end)
  database.modify(db, { parameter_group = copy })
  parameters.wait_linked(db, copy)
  return parameters.restart_to_apply(db, "logical replication begins with a restart"), copy
end

return parameters
