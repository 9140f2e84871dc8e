-- postgres.lua: what has to be known of PostgreSQL's versions for an upgrade on RDS.
-- SPDX-License-Identifier: MIT

local postgres = {}

local ENGINES = { ["postgres"] = true, ["aurora-postgresql"] = true }

-- The first minor of each major from which a blue/green deployment can start.
local BLUE_GREEN_FROM = { [11] = 21, [12] = 16, [13] = 12, [14] = 9, [15] = 4, [16] = 1 }

-- Settings that a major version no longer knows: RDS refuses a parameter group that names them.
local GONE_IN = {
  [12] = { "default_with_oids" },
  [13] = { "wal_keep_segments" },
  [14] = { "operator_precedence_warning", "vacuum_cleanup_index_scale_factor" },
  [15] = { "stats_temp_directory" },
  [16] = { "force_parallel_mode", "promote_trigger_file", "vacuum_defer_cleanup_age" },
  [17] = { "db_user_namespace", "old_snapshot_threshold", "trace_recovery_messages" },
}

function postgres.is_engine(engine)
  return ENGINES[engine] == true
end

-- "15.5" -> 15, 5; Aurora's "11.21.1" has a third part that plays no role here.
function postgres.version(text)
  local major, minor = text:match("^(%d+)%.(%d+)")
  return tonumber(major), tonumber(minor)
end

-- Can a blue/green deployment start from this version? If not, the second result says from which on it can.
function postgres.blue_green_from(text)
  local major, minor = postgres.version(text)
  if not major then
    return false, "the version can't be read"
  elseif major > 16 then
    return true
  elseif not BLUE_GREEN_FROM[major] then
    return false, "major version " .. major .. " is too old"
  end
  return minor >= BLUE_GREEN_FROM[major], "it needs " .. major .. "." .. BLUE_GREEN_FROM[major] .. " or later"
end

-- Names of settings that exist in the old major version and not in the new one: { NAME = major that dropped it }.
function postgres.dropped_between(old, new)
  local from, to = postgres.version(old), postgres.version(new)
  local dropped = {}
  for major = from + 1, to do
    for _, name in ipairs(GONE_IN[major] or {}) do
      dropped[name] = major
    end
  end
  return dropped
end

return postgres
