-- rename.lua: names of instances are given away and taken over; used by the restore by swap.
-- SPDX-License-Identifier: MIT
--
-- By resource id alone, forwards and backwards alike. A name that was given up stays taken for minutes, and nobody can
-- say for how many: who takes it over tries again.

local fail = require "cairn.fail"
local times = require "cairn.times"
local waits = require "cairn.waits"
local rds = cairn.plugin "rds"

local rename = {}

local PATIENCE <const> = 2 * times.hour

-- Nothing is done with it at the moment. What is broken rests, too.
local RESTING = {
  ["available"] = true, ["storage-optimization"] = true, ["storage-full"] = true, ["incompatible-parameters"] = true,
  ["failed"] = true, ["incompatible-network"] = true, ["incompatible-option-group"] = true,
}

-- Can an instance in this state be renamed?
rename.possible = {
  ["available"] = true, ["storage-optimization"] = true, ["storage-full"] = true, ["incompatible-parameters"] = true,
}

-- For polls. An answer that is out of date may leave it out.
local function see(resource_id)
  return waits.maybe(function () return rds.describe_instance { resource_id = resource_id } end)
    or { id = resource_id, status = "not to be seen", pending = {} }
end

-- The instance, when no change of it is under way.
function rename.at_rest(resource_id, title, name)
  return waits.till(title, function ()
    local now = see(resource_id)
    if not RESTING[now.status] or now.pending.db_instance_identifier then
      return nil, now.id .. " is " .. now.status
    elseif name and now.id ~= name then
      return nil, "it is still called " .. now.id
    end
    return now
  end, { every = 10 })
end

-- While the name is in use the engine repeats the step for a quarter of an hour; this repeats that.
local function take(now, name, freed_by)
  local began = cairn.now()
  while true do
    local done, err = pcall(rds.rename_instance, {
      id = now.id, resource_id = now.resource_id, new_id = name, freed_by = freed_by,
    })
    if done then
      return
    elseif err.kind ~= "not_yet" then
      error(err, 0)
    elseif cairn.now() - began > PATIENCE then
      fail("rename " .. now.id .. ": the name " .. name .. " has not become free in " .. times.span(PATIENCE)
        .. " (" .. err.text .. "); see who has it, then resume")
    end
    cairn.sleep { seconds = 30, title = "the name " .. name .. " is still in use" }
  end
end

-- The instance is called `name` when this returns, and may still be restarting; whatever it was called before.
-- `freed_by`: the resource id of the instance that gave the name up, if there is one.
function rename.begin(resource_id, name, freed_by)
  local now = rename.at_rest(resource_id, resource_id .. " is at rest")
  if now.id ~= name then
    take(now, name, freed_by)
  end
  return waits.till(resource_id .. " is called " .. name, function ()
    local seen = see(resource_id)
    return seen.id == name, seen.id .. " is " .. seen.status
  end, { every = 5 })
end

-- The same, and it is at rest again.
function rename.to(resource_id, name, freed_by)
  rename.begin(resource_id, name, freed_by)
  return rename.at_rest(resource_id, name .. " is at rest", name)
end

return rename
