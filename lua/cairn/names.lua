-- names.lua: names for what a run makes: the same in every attempt, within the rules of RDS; used by all workflows.
-- SPDX-License-Identifier: MIT
--
-- RDS has no idempotency tokens: the name is what tells a repeat from a second thing. So a name is made of the
-- database's name, what it is for, and the run's id. Identifiers: letters, digits and hyphens, the first a letter, no
-- hyphen at the end, no two in a row.

local fail = require "cairn.fail"

local names = {}

local INSTANCE_MAX = 63
local SNAPSHOT_MAX = 255
local GROUP_MAX = 255
local DEPLOYMENT_MAX = 60

-- Only what every kind of RDS identifier allows.
local function tidy(text)
  text = text:lower():gsub("[^a-z0-9]+", "-"):gsub("^[^a-z]+", ""):gsub("%-+$", "")
  return text
end

-- "base-suffix", shortened in the base: the end tells one thing of a database from the other.
function names.fit(base, suffix, max)
  base, suffix = tidy(base), suffix:lower():gsub("[^a-z0-9]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  local room = max - #suffix - 1
  if room < 1 then
    fail("name for " .. base .. ": nothing is left of it beside " .. suffix)
  end
  base = base:sub(1, room):gsub("%-+$", "")
  if base == "" then
    base = "db"
  end
  return base .. "-" .. suffix
end

-- The snapshot that a run takes before it changes anything that can't be put back.
function names.snapshot(database)
  return names.fit(database, "cairn-" .. cairn.run_id() .. "-before", SNAPSHOT_MAX)
end

-- The snapshot of what is put aside, as near to that as can be.
function names.last_snapshot(database)
  return names.fit(database, "cairn-" .. cairn.run_id() .. "-last", SNAPSHOT_MAX)
end

-- The one that it takes when it is through.
function names.snapshot_after(database)
  return names.fit(database, "cairn-" .. cairn.run_id() .. "-after", SNAPSHOT_MAX)
end

function names.final_snapshot(database)
  return names.fit(database, "cairn-" .. cairn.run_id() .. "-final", SNAPSHOT_MAX)
end

function names.deployment(database)
  return names.fit(database, "cairn-" .. cairn.run_id(), DEPLOYMENT_MAX)
end

-- A group of the target version stays in use for years: it is named by its family, not by the run.
function names.parameter_group(database, family)
  return names.fit(database, family, GROUP_MAX)
end

-- A group that only this run needs.
function names.passing_group(database, purpose)
  return names.fit(database, purpose .. "-cairn-" .. cairn.run_id(), GROUP_MAX)
end

function names.instance(database, suffix)
  return names.fit(database, suffix, INSTANCE_MAX)
end

-- The last part of an ARN: "arn:aws:rds:ca-central-1:239043911459:cluster:prod" -> "prod", "cluster".
function names.of_arn(arn)
  local kind, name = arn:match("^arn:[^:]*:rds:[^:]*:%d*:([^:]+):(.+)$")
  if not name then
    fail("read ARN " .. arn .. ": it is not one of RDS")
  end
  return name, kind
end

return names
