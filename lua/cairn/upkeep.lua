-- upkeep.lua: pending maintenance, done at once or in its window, and the groups of replicas.
-- SPDX-License-Identifier: MIT

local database = require "cairn.database"
local parameters = require "cairn.parameters"
local waits = require "cairn.waits"
local rds = cairn.plugin "rds"

local upkeep = {}

local WEEK <const> = 7 * 24 * 3600

-- One line for each action.
function upkeep.summary(list)
  local lines = cairn.array {}
  for _, action in ipairs(list) do
    local when = action.current_apply or action.auto_apply or action.forced_apply
    lines[#lines + 1] = action.of .. ": " .. action.action .. (action.description and " (" .. action.description .. ")"
      or "") .. (when and ", " .. when or "")
  end
  return lines
end

function upkeep.ask(db, list)
  cairn.approve {
    title = "Have the pending maintenance of " .. db.id .. " done now, before the upgrade?",
    details = {
      pending = upkeep.summary(list), effect = "a restart of some minutes for each; it can't be undone",
      why = "pg_upgrade has been seen to refuse because of it, after its downtime; an engine upgrade that AWS requires "
        .. "comes with the upgrade anyway",
      otherwise = "reject, and start again with pending_maintenance=window (it waits for that window) or leave",
    },
  }
end

local function wait_done(action, every, stall)
  waits.till(action.action .. " of " .. action.of .. " is done", function ()
    for _, left in ipairs(rds.pending_maintenance({ arn = action.arn }).actions) do
      if left.action == action.action then
        return nil, "pending, " .. tostring(left.opt_in)
      end
    end
    return true
  end, { every = every, stall = stall })
end

-- The list no longer has it; the database may still be at it.
local function wait_available(action)
  waits.till(action.of .. " is available", function ()
    local key = { id = action.of }
    local now = waits.maybe(function () return rds.describe_instance(key) end) or rds.describe_cluster(key)
    return now.status == "available", now.status
  end)
end

-- One after the other: RDS refuses while the database is at work.
function upkeep.at_once(list)
  for _, action in ipairs(list) do
    wait_available(action)
    rds.apply_maintenance { arn = action.arn, action = action.action, opt_in = "immediate" }
    wait_done(action, 20, 3600)
    wait_available(action)
  end
end

-- In the next maintenance window, however far that is.
function upkeep.in_window(list)
  for _, action in ipairs(list) do
    rds.apply_maintenance { arn = action.arn, action = action.action, opt_in = "next-maintenance" }
  end
  for _, action in ipairs(list) do
    wait_done(action, 300, WEEK + 24 * 3600)
    wait_available(action)
  end
end

-- A replica that came along with a major upgrade is on the default group of the new version.
function upkeep.give_group(replica, group)
  local now = rds.describe_instance { resource_id = replica.resource_id }
  now.cluster, now.members = false, { now }
  if now.parameter_group ~= group then
    database.modify(now, { parameter_group = group })
  end
  parameters.wait_linked(now, group)
  parameters.restart_to_apply(now, "settings of its new group", true)
end

return upkeep
