-- database.lua: a single instance and an Aurora cluster as one thing: described, changed and deleted the same way.
-- SPDX-License-Identifier: MIT
--
-- A database is known by its resource id, which never changes; its name moves to another database at a switchover. A
-- description (`db` below) is what the rds plugin says, with these members added:
--   cluster   true for an Aurora cluster        members  the instances, the writer first: {id, resource_id, class, ...}
--   writer    {address, port} of the endpoint for writing; `reader` likewise (the same one for a single instance)

local fail = require "cairn.fail"
local waits = require "cairn.waits"
local rds = cairn.plugin "rds"

local database = {}

local function describe_members(cluster)
  local members = {}
  for _, link in ipairs(cluster.members) do
    local member = rds.describe_instance { id = link.id }
    member.writes = link.writer
    member.cluster_parameter_status = link.parameter_status
    table.insert(members, link.writer and 1 or #members + 1, member)
  end
  return members
end

local function of_cluster(described)
  described.cluster = true
  described.writer = { address = described.endpoint, port = described.port }
  described.reader = { address = described.reader_endpoint or described.endpoint, port = described.port }
  described.members = describe_members(described)
  return described
end

local function of_instance(described)
  if described.cluster then
    fail("database " .. described.id .. ": it is a member of the cluster " .. described.cluster
      .. "; give the cluster's name")
  end
  described.cluster = false
  described.writer = described.endpoint
  described.reader = described.endpoint
  local own = {}
  for key, value in pairs(described) do
    own[key] = value
  end
  own.writes = true
  described.members = { own }
  return described
end

-- By name, whichever kind it is.
function database.find(name)
  local cluster = waits.maybe(function () return rds.describe_cluster { id = name } end)
  if cluster then
    return of_cluster(cluster)
  end
  return of_instance(rds.describe_instance { id = name })
end

-- The same kind as `db`: {id=...} or {resource_id=...}.
function database.describe(db, key)
  if db.cluster then
    return of_cluster(rds.describe_cluster(key))
  end
  return of_instance(rds.describe_instance(key))
end

-- Only what the service says of the database itself: one call, for polls.
function database.look(db, key)
  if db.cluster then
    return rds.describe_cluster(key)
  end
  return rds.describe_instance(key)
end

-- What must be said of members before and after: each available and in step with its groups. nil, or why not.
function database.unfit(db)
  if db.status ~= "available" then
    return db.id .. " is " .. db.status
  end
  for _, member in ipairs(db.members) do
    if member.status ~= "available" then
      return member.id .. " is " .. member.status
    end
    if db.cluster and member.cluster ~= db.id then -- names move at a switchover, one after the other
      return member.id .. " is an instance of " .. tostring(member.cluster)
    end
    local group = member.cluster_parameter_status or "in-sync"
    if group ~= "in-sync" or member.parameter_status ~= "in-sync" then
      return member.id .. " has parameters that are " .. (group ~= "in-sync" and group or member.parameter_status)
    end
  end
  return nil
end

function database.wait_fit(title, db, key)
  return waits.till(title, function ()
    local now = database.describe(db, key)
    waits.check_sound(title, now)
    for _, member in ipairs(now.members) do
      waits.check_sound(title, member)
    end
    local why = database.unfit(now)
    return not why and now, why
  end)
end

-- Change settings. The plugin looks first that the name still belongs to the resource id.
function database.modify(db, changes)
  changes.id, changes.resource_id = db.id, db.resource_id
  if db.cluster then
    return rds.modify_cluster(changes)
  end
  return rds.modify_instance(changes)
end

function database.set_protection(db, on)
  database.modify(db, { deletion_protection = on })
  return waits.till("deletion protection of " .. db.id .. (on and " is on" or " is off"), function ()
    return database.look(db, { resource_id = db.resource_id }).deletion_protection == on
  end, { every = 5 })
end

-- Begin a snapshot; wait_snapshot() waits for it.
function database.snapshot(db, name, tags)
  if db.cluster then
    rds.create_cluster_snapshot { cluster = db.id, name = name, tags = tags }
  else
    rds.create_snapshot { instance = db.id, name = name, tags = tags }
  end
end

function database.snapshot_reader(db, name)
  local describe = db.cluster and rds.describe_cluster_snapshot or rds.describe_snapshot
  return function () return describe { name = name } end
end

function database.wait_snapshot(db, name)
  return waits.status("snapshot " .. name, "available", database.snapshot_reader(db, name), { made = true })
end

-- A snapshot that is being made can't be deleted, and being made may take hours.
function database.delete_snapshot(db, name)
  local read = database.snapshot_reader(db, name)
  local there = waits.till("snapshot " .. name .. " is at rest", function ()
    local now = waits.maybe(read)
    return not now and { gone = true } or now.status ~= "creating" and now, now and now.status
  end)
  if not there.gone then
    rds.delete_snapshot { name = name, cluster = db.cluster }
    waits.gone("snapshot " .. name .. " is gone", read)
  end
end

local function wait_instance_gone(member)
  waits.gone("instance " .. member.id .. " is gone", function ()
    return rds.describe_instance { resource_id = member.resource_id }
  end)
end

-- Read replicas of an instance would become databases of their own when it is deleted. They hold nothing that it lacks.
local function delete_replicas(db)
  for _, name in ipairs(db.replicas) do
    local replica = rds.describe_instance { id = name }
    replica.cluster = false
    cairn.check(replica.replica_of == db.id, name .. " is a replica of " .. db.id)
    if replica.deletion_protection then
      database.set_protection(replica, false)
    end
    rds.delete_instance { id = name, resource_id = replica.resource_id, skip_final_snapshot = true }
    wait_instance_gone(replica)
  end
end

-- Delete by resource id, with a final snapshot (an instance without one when none is named); automated backups of an
-- instance are kept. Aurora's instances hold no data of their own: the snapshot is the cluster's.
function database.delete(db, final_snapshot)
  if not db.cluster then
    delete_replicas(db)
    rds.delete_instance {
      id = db.id, resource_id = db.resource_id, final_snapshot = final_snapshot,
      skip_final_snapshot = final_snapshot == nil or nil,
    }
    return wait_instance_gone(db)
  end
  for i = #db.members, 1, -1 do
    local member = db.members[i]
    rds.delete_instance { id = member.id, resource_id = member.resource_id, skip_final_snapshot = true }
  end
  for _, member in ipairs(db.members) do
    wait_instance_gone(member)
  end
  rds.delete_cluster { id = db.id, resource_id = db.resource_id, final_snapshot = final_snapshot }
  return waits.gone("cluster " .. db.id .. " is gone", function ()
    return rds.describe_cluster { resource_id = db.resource_id }
  end)
end

return database
