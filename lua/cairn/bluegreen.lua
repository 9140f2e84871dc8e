-- bluegreen.lua: an RDS blue/green deployment from its creation to its deletion.
-- SPDX-License-Identifier: MIT

local fail = require "cairn.fail"
local database = require "cairn.database"
local metrics = require "cairn.metrics"
local names = require "cairn.names"
local times = require "cairn.times"
local waits = require "cairn.waits"
local way_back = require "cairn.way_back"
local rds = cairn.plugin "rds"

local bluegreen = {}

local RETRY_FOR <const> = 10 * times.minute -- how long a refused switchover is tried again
local BETWEEN_LOOKS <const> = 15 -- seconds between the two looks that must agree
local NEAR_WITHIN <const> = 10 -- minutes that green gets to come near

local function read(id)
  return function () return rds.describe_blue_green { id = id } end
end

-- The messages about the deployment since `since`, newest last.
local function messages(id, since)
  local list = {}
  for _, event in ipairs(rds.events({ source = id, source_type = "blue-green-deployment", since = since }).events) do
    list[#list + 1] = event.message
  end
  return list
end

local function last_message(id, since)
  local list = messages(id, since)
  return list[#list] and ": " .. list[#list] or ""
end

local function tasks_note(deployment)
  local done, current = 0, nil
  for _, task in ipairs(deployment.tasks) do
    if task.status == "COMPLETED" then
      done = done + 1
    elseif task.status ~= "PENDING" and not current then
      current = task.name .. " " .. task.status
    end
  end
  current = current and ": " .. current or ""
  return string.format("%s, %d of %d tasks%s", deployment.status, done, #deployment.tasks, current)
end

local function bad(status)
  return status == "INVALID_CONFIGURATION" or status:find("FAILED", 1, true) ~= nil
end

-- Is the switchover under way, or done?
function bluegreen.is_switching(id)
  local status = rds.describe_blue_green({ id = id }).status
  return status == "SWITCHOVER_IN_PROGRESS" or status == "SWITCHOVER_COMPLETED"
end

-- The green side, or nil where there is none (yet, or any more).
local function find_green(deployment, source)
  local name = deployment.target and names.of_arn(deployment.target)
  if not name or name == source.id then
    return nil
  end
  local green = waits.maybe(function () return database.look(source, { id = name }) end)
  if not green or green.resource_id == source.resource_id then
    return nil
  end
  green.cluster = source.cluster
  return green
end

-- The green side goes with the deployment. It may have got blue's deletion protection, which would forbid that. Behind
-- a switchover green is the live database: nothing of it may be touched.
function bluegreen.take_back(id, source)
  local deployment = waits.maybe(read(id))
  if not deployment then
    return
  end
  if deployment.status == "SWITCHOVER_IN_PROGRESS" or deployment.status == "SWITCHOVER_COMPLETED" then
    fail("delete deployment " .. id .. " and its green side: it is " .. deployment.status .. ", green is live")
  end
  local green = find_green(deployment, source)
  if deployment.status ~= "DELETING" then
    if green and green.deletion_protection then
      database.set_protection(green, false)
    end
    rds.delete_blue_green { id = id, delete_target = true }
  end
  waits.gone("deployment " .. id .. " is gone", read(id))
  if green then -- as long as it is there, it uses the groups that are deleted next
    waits.gone("green database " .. green.id .. " is gone", function ()
      return database.look(source, { resource_id = green.resource_id })
    end)
  end
end

-- `what`: source (a db), version, groups, class?. Returns the deployment, AVAILABLE, all its tasks done; or the one
-- that can't be made, and why.
function bluegreen.create(what, way)
  local began = cairn.now()
  local made = rds.create_blue_green {
    name = names.deployment(what.source.id), source = what.source.arn, target_version = what.version,
    parameter_group = what.groups.parameter_group, cluster_parameter_group = what.groups.cluster_parameter_group,
    class = what.class,
  }
  way_back.add(way, "delete the deployment and its green side", function ()
    bluegreen.take_back(made.id, what.source)
  end)
  local ready = waits.till("blue/green deployment " .. made.id, function ()
    local now = waits.maybe(read(made.id))
    if not now then
      return nil, "not to be seen yet"
    end
    if bad(now.status) then
      return now, now.status
    end
    for _, task in ipairs(now.tasks) do
      if task.status ~= "COMPLETED" then
        return nil, tasks_note(now)
      end
    end
    return now.status == "AVAILABLE" and now.target ~= nil and now, tasks_note(now)
  end, { every = 30, stall = 2 * 3600 })
  if bad(ready.status) then
    local details = ready.status_details and ", " .. ready.status_details or ""
    return ready, "create deployment " .. made.id .. ": " .. ready.status .. details .. last_message(made.id, began)
  end
  return ready
end

-- That replication to green is broken is no status of a deployment: only events tell. nil, or what they say. Nothing
-- but another deployment cures it.
function bluegreen.broken(deployment)
  for _, text in ipairs(messages(deployment.id, times.parse(deployment.created) or 0)) do
    if text:lower():find("degraded", 1, true) then
      return "replication to green is broken; an event says: " .. text
    end
  end
  return nil
end

-- The green database, when it is as it should be: version, groups, every member available (no storage work going on).
function bluegreen.check_green(deployment, source, version, groups)
  local name = names.of_arn(deployment.target)
  local green = database.wait_fit("green database " .. name, source, { id = name })
  local wanted = source.cluster and groups.cluster_parameter_group or groups.parameter_group
  cairn.check(green.engine_version == version, "green " .. name .. " has version " .. version)
  cairn.check(green.parameter_group == wanted, "green " .. name .. " uses parameter group " .. wanted)
  cairn.check(#green.members == #source.members, "green " .. name .. " has as many instances as " .. source.id)
  cairn.check(green.resource_id ~= source.resource_id, "green " .. name .. " is another database than " .. source.id)
  for _, member in ipairs(green.members) do
    cairn.check(member.parameter_group == groups.parameter_group,
      "green " .. member.id .. " uses parameter group " .. groups.parameter_group)
  end
  return green
end

-- One look is not enough: the service has been seen to say AVAILABLE and to refuse the switchover. Days may have passed
-- since green was looked at, and others may have been at work.
function bluegreen.wait_steady(deployment)
  local id = deployment.id
  while true do
    waits.till("deployment " .. id .. " is available", function ()
      local now = rds.describe_blue_green { id = id }
      if bad(now.status) or now.status == "SWITCHOVER_COMPLETED" or now.status == "DELETING" then
        fail("switch over deployment " .. id .. ": it is " .. now.status .. ", and that was not this run's doing"
          .. (now.status_details and ": " .. now.status_details or ""))
      end
      return now.status == "AVAILABLE", now.status
    end)
    cairn.sleep { seconds = BETWEEN_LOOKS, title = "look a second time" }
    if rds.describe_blue_green({ id = id }).status == "AVAILABLE" then
      return
    end
  end
end

-- Green is at most `limit` bytes behind, as far as CloudWatch says. The slot keeps what green may still want, which can
-- be more than what it lacks: what doesn't get better is for a person to judge.
function bluegreen.wait_near(source, limit)
  local seen = metrics.wait_down("green is at most " .. limit .. " bytes behind", "OldestReplicationSlotLag",
    { DBInstanceIdentifier = source.members[1].id }, limit, NEAR_WITHIN)
  if seen.left then
    cairn.approve {
      title = "Switch over though green is " .. seen.left .. " bytes behind?",
      details = { limit = limit, effect = "writes stop until green has caught up, or RDS takes the switchover back" },
    }
  end
  cairn.report("green behind", seen.unknown and "not known: " .. seen.unknown or (seen.value or seen.left) .. " bytes")
end

-- Errors that say that nothing has begun.
local REFUSED <const> = { denied = true, failed = true, invalid = true, not_yet = true }

-- Ask for the switchover; a refusal because of a passing state is tried again for ten minutes, as nothing has begun.
-- nil, or why it was refused for good.
local function request_switchover(id, timeout_s)
  local began = cairn.now()
  while true do
    local accepted, err = pcall(rds.switchover_blue_green, { id = id, timeout_s = timeout_s })
    if accepted then
      return nil
    end
    if type(err) ~= "table" or not REFUSED[err.kind] then
      error(err, 0)
    end
    if err.kind ~= "not_yet" or cairn.now() - began > RETRY_FOR then
      return err.text
    end
    cairn.sleep { seconds = 30, title = "the switchover was refused for now: " .. err.text }
  end
end

local function cancelled_since(id, since)
  for _, text in ipairs(messages(id, since)) do
    if text:lower():find("switchover canceled", 1, true) then
      return true
    end
  end
  return false
end

-- Wait until the switchover has ended, one way or the other. A failure must be seen twice: after a second attempt a
-- stale answer may still tell of the first.
local function wait_ended(id, began, timeout_s)
  while true do
    local rest = waits.till("switchover", function ()
      local now = rds.describe_blue_green { id = id }
      if now.status == "SWITCHOVER_COMPLETED" or now.status == "SWITCHOVER_FAILED" then
        return now, now.status
      end
      if now.status == "AVAILABLE" and cancelled_since(id, began) then
        return now, "cancelled"
      end
      return nil, now.status
    end, { every = 5, stall = timeout_s + 600 })
    if rest.status == "SWITCHOVER_COMPLETED" then
      return rest
    end
    cairn.sleep { seconds = BETWEEN_LOOKS, title = "look a second time" }
    local again = rds.describe_blue_green { id = id }
    if again.status == rest.status then
      return again
    end
  end
end

-- How a switchover that was asked for after `began` ends: true when it completed; false and why when RDS took it back.
function bluegreen.outcome(id, began, timeout_s)
  local rest = wait_ended(id, began, timeout_s)
  if rest.status == "SWITCHOVER_COMPLETED" then
    return true
  end
  return false, (rest.status_details or rest.status) .. last_message(id, began)
end

-- True when it completed; false and why when RDS refused it or took it back, in which case blue is live as before.
function bluegreen.switchover(id, timeout_s)
  local began = cairn.now()
  local refused = request_switchover(id, timeout_s)
  if refused then
    return false, refused
  end
  return bluegreen.outcome(id, began, timeout_s)
end

-- Delete the deployment after its switchover. The old database stays: deleting that is an act of its own.
function bluegreen.delete(id)
  rds.delete_blue_green { id = id, delete_target = false }
  waits.gone("deployment " .. id .. " is gone", read(id))
end

return bluegreen
