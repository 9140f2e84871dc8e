-- settings.lua: the settings that a restored instance is to have, where each comes from, and whether it has them.
-- SPDX-License-Identifier: MIT
--
-- A restore takes nothing from the database of old that it isn't told. So all settings are written down first, as the
-- document that `settings.plan` makes:
--   { values = { FIELD = VALUE }, from = { FIELD = where it comes from } }
-- A field without a value and with an origin is one that must not be set ("no provisioned iops"). A field without an
-- origin is known to nobody: RDS decides.

local fail = require "cairn.fail"

local settings = {}

-- at: "restore": only a restore can set it; "later": only a change afterwards; "both"; "source": comes with what is
-- restored. Protection could be set by the restore as well, but then one that went wrong couldn't be deleted at once.
local FIELDS = {
  { "engine_version", at = "source" }, { "encrypted", at = "source" }, { "kms_key", at = "source" },
  { "class", at = "both" }, { "port", at = "restore" }, { "multi_az", at = "both" }, { "zone", at = "restore" },
  { "subnet_group", at = "restore" }, { "security_groups", at = "both" }, { "public", at = "both" },
  { "network_type", at = "restore" }, { "parameter_group", at = "both" }, { "option_group", at = "both" },
  { "storage_type", at = "both" }, { "allocated_storage", at = "both" }, { "iops", at = "both" },
  { "storage_throughput", at = "both" }, { "max_allocated_storage", at = "later" },
  { "dedicated_log_volume", at = "restore" }, { "license", at = "restore" }, { "lifecycle_support", at = "restore" },
  { "ca", at = "both" }, { "iam_auth", at = "both" }, { "auto_minor_upgrade", at = "both" },
  { "deletion_protection", at = "later" }, { "backup_retention", at = "both" }, { "backup_window", at = "both" },
  { "maintenance_window", at = "later" }, { "copy_tags", at = "both" }, { "log_exports", at = "both" },
  { "monitoring_interval", at = "later" }, { "monitoring_role", at = "later" },
  { "performance_insights", at = "later" }, { "performance_insights_key", at = "later" },
  { "performance_insights_retention", at = "later" }, { "insights_mode", at = "later" },
  { "master_secret", at = "later" }, { "roles", at = "later" }, { "tags", at = "restore" },
}

-- What RDS takes when a restore isn't told: the traps.
local DEFAULTS = {
  multi_az = false, storage_type = "gp3", deletion_protection = false, iam_auth = false, auto_minor_upgrade = true,
  copy_tags = false, public = false, monitoring_interval = 0, performance_insights = false,
}

-- Without these nobody could reach the database, or not as before: they must be known before anything is restored.
local NEEDED = { "security_groups", "subnet_group", "parameter_group", "multi_az" }

-- Below this size gp3 has the performance that it has, and RDS refuses to be told.
local GP3_FIXED_BELOW <const> = 400

local function text(value)
  if value == nil then
    return "none"
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  for key, each in pairs(value) do
    parts[#parts + 1] = math.type(key) and text(each) or key .. "=" .. text(each)
  end
  table.sort(parts)
  return "[" .. table.concat(parts, ", ") .. "]"
end

-- Lists in any order: what they hold is what counts.
local function same(a, b)
  return text(a) == text(b)
end

-- The tags that are the database's own: ours and AWS' are put on by whoever makes the instance.
local function own_tags(tags)
  local own = {}
  for key, value in pairs(tags or {}) do
    if not key:find("^cairn:") and not key:find("^aws:") then
      own[key] = value
    end
  end
  return own
end

local function plain_roles(roles)
  local list = cairn.array {}
  for _, each in ipairs(roles or {}) do
    list[#list + 1] = { role = each.role, feature = each.feature }
  end
  return list
end

-- The fields of a described instance.
function settings.of(db)
  local values = {}
  for _, field in ipairs(FIELDS) do
    values[field[1]] = db[field[1]]
  end
  values.port = db.endpoint and db.endpoint.port
  values.tags, values.roles = own_tags(db.tags), plain_roles(db.roles)
  values.zone = not db.multi_az and db.zone or nil
  return values
end

local function check_given(given)
  local known = {}
  for _, field in ipairs(FIELDS) do
    known[field[1]] = field.at ~= "source"
  end
  for name in pairs(given) do
    if not known[name] then
      fail("settings: " .. name .. (known[name] == false and " is what the snapshot has, and can't be set"
        or " isn't a setting"))
    end
  end
end

-- live: the described instance, or nil when it is gone; given: what the operator says, which goes before it; source:
-- the described snapshot or automated backup.
function settings.plan(live, given, source)
  check_given(given)
  local before = live and settings.of(live) or nil
  local doc = { values = {}, from = {} }
  for _, field in ipairs(FIELDS) do
    local name = field[1]
    if given[name] ~= nil then
      doc.values[name], doc.from[name] = given[name], "given"
    elseif before then
      doc.values[name], doc.from[name] = before[name], "the live database"
    elseif source[name] ~= nil then
      doc.values[name], doc.from[name] = source[name], "what is restored"
    end
  end
  if given.deletion_protection == nil then
    doc.values.deletion_protection, doc.from.deletion_protection = true, "always on"
  end
  if doc.values.multi_az then
    doc.values.zone, doc.from.zone = nil, nil -- RDS chooses both
  end
  return doc
end

-- The first setting that nobody knows though it has to be, or nil.
function settings.unknown(doc)
  for _, name in ipairs(NEEDED) do
    if not doc.from[name] then
      return name
    end
  end
  return nil
end

local function fixed_storage(doc)
  local kind = doc.values.storage_type
  return kind == "gp2" or kind == "gp3" and (doc.values.allocated_storage or 0) < GP3_FIXED_BELOW
end

-- Arguments for a restore. Storage is never less than what is restored has.
function settings.at_restore(doc, source)
  local args, values = {}, doc.values
  for _, field in ipairs(FIELDS) do
    if field.at == "restore" or field.at == "both" then
      args[field[1]] = values[field[1]]
    end
  end
  if fixed_storage(doc) then
    args.iops, args.storage_throughput = nil, nil
  end
  local least = source.allocated_storage
  if least and args.allocated_storage and args.allocated_storage < least then
    args.allocated_storage = least
  end
  if args.log_exports and #args.log_exports == 0 then
    args.log_exports = nil
  end
  return args
end

local function changeable(doc, field)
  local name = field[1]
  if field.at ~= "later" and field.at ~= "both" or name == "roles" or name == "master_secret" then
    return false
  end
  return not (fixed_storage(doc) and (name == "iops" or name == "storage_throughput"))
end

-- Arguments for the change that is left to do, and the roles that are missing.
function settings.afterwards(doc, db)
  local now, changes, roles = settings.of(db), {}, {}
  for _, field in ipairs(FIELDS) do
    local name = field[1]
    local want = doc.values[name]
    if changeable(doc, field) and want ~= nil and not same(want, now[name]) then
      changes[name] = want
    end
  end
  if changes.allocated_storage and changes.allocated_storage < (now.allocated_storage or 0) then
    changes.allocated_storage = nil
  end
  if changes.monitoring_role and not changes.monitoring_interval then
    changes.monitoring_interval = doc.values.monitoring_interval
  end
  if doc.values.master_secret and not now.master_secret then
    changes.managed_password = true
  end
  local there = {}
  for _, each in ipairs(now.roles) do
    there[each.feature] = each.role
  end
  for _, each in ipairs(doc.values.roles or {}) do
    if there[each.feature] ~= each.role then
      roles[#roles + 1] = each
    end
  end
  return changes, roles
end

-- Do those fields show now what they were changed to?
function settings.hold(changes, db)
  local now = settings.of(db)
  for name, want in pairs(changes) do
    if name == "managed_password" then
      name = "master_secret"
    end
    if not same(want, now[name]) then
      return false, name .. " is " .. text(now[name])
    end
  end
  return true
end

-- Why may it differ? nil when nobody knows.
local function reason(name, want, now, from, source)
  if from == nil then
    return "nobody says what it was: RDS decided"
  elseif (name == "engine_version" or name == "encrypted" or name == "kms_key") and same(now, source[name]) then
    return "as what was restored"
  elseif name == "allocated_storage" and (now or 0) > (want or 0) and now == source.allocated_storage then
    return "what was restored has so much, and storage doesn't shrink"
  end
  return nil
end

-- Field by field. Returns the differences without an explanation, those with one, and what differs from before on
-- purpose, each a list of texts. `accept`: names of fields that the operator lets differ.
function settings.compare(doc, db, source, accept)
  local now, before = settings.of(db), {}
  local unexplained, explained = cairn.array {}, cairn.array {}
  for _, name in ipairs(accept) do
    before[name] = true
  end
  for _, field in ipairs(FIELDS) do
    local name = field[1]
    local want, from = doc.values[name], doc.from[name]
    if not same(want, now[name]) then
      local line = name .. ": " .. text(want) .. " -> " .. text(now[name])
      local why = reason(name, want, now[name], from, source) or before[name] and "accepted by the operator" or nil
      if why then
        explained[#explained + 1] = line .. " (" .. why .. ")"
      elseif not (name == "zone" and from == nil) then
        unexplained[#unexplained + 1] = line .. " (as of " .. tostring(from) .. ")"
      end
    elseif from == "given" then
      explained[#explained + 1] = name .. ": " .. text(want) .. " (given)"
    end
  end
  return unexplained, explained
end

-- What would have come out differently by RDS' own defaults: for the person who is asked.
function settings.traps(doc, source)
  local list = cairn.array {}
  for name, usual in pairs(DEFAULTS) do
    if doc.from[name] and not same(doc.values[name], usual) then
      list[#list + 1] = name .. ": " .. text(doc.values[name]) .. ", not " .. text(usual)
    end
  end
  if doc.from.parameter_group and not doc.values.parameter_group:find("^default%.") then
    list[#list + 1] = "parameter_group: " .. doc.values.parameter_group .. ", not the engine's default"
  end
  if doc.from.security_groups then
    list[#list + 1] = "security_groups: " .. text(doc.values.security_groups) .. ", not the VPC's default"
  end
  if doc.values.allocated_storage and source.allocated_storage
    and doc.values.allocated_storage > source.allocated_storage then
    list[#list + 1] = "allocated_storage: " .. doc.values.allocated_storage .. ", not " .. source.allocated_storage
  end
  return list
end

return settings
