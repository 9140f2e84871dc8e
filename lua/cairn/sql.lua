-- sql.lua: what workflows look at and do by SQL around an upgrade or a release, over the plugin postgres.
-- SPDX-License-Identifier: MIT
--
-- `conn` is the name of a connection of the configuration (section postgres of cairn.yaml), `where` is {host, port,
-- database}, of which each may be left out: nil stands for the connection's own. What is done in "all databases" is
-- done in each that one can connect to, templates and rdsadmin excepted.
--
--   sql.databases(conn, where)                 their names
--   sql.checks(conn, where, upgrade)           the findings before a major upgrade, "blue_green" or "in_place" (that if
--                                              left out), of all databases: a list of {check, severity, text, hint,
--                                              database}, those of severity "error" first
--   sql.errors(findings)                       how many of them are errors
--   sql.lines(findings)                        them as lines for people
--   sql.baseline(conn, where, queries, wanted) what is to be compared later: {version, plans, extensions, counts}, of
--                                              one database. queries: a list of texts or {name, sql}. wanted:
--                                              {analyze = false: plans without running; exact = true: real row counts}
--   sql.compare(before, after, limits)         two baselines: {ok, lines, worse, missing}. A query is worse when it
--                                              fails now, or when its time or cost is more than limits.factor (2) times
--                                              that of before (times below limits.noise_ms, 20, don't count)
--   sql.analyze(conn, where)                   statistics of all tables in all databases; how many tables
--   sql.extensions(conn, where)                those that aren't of the server's version: a list of {database, name,
--                                              version, default_version}
--   sql.update_extensions(conn, where)         bring them to it, in all databases; a list of what was changed. One that
--                                              can't be updated is told, and doesn't end the others
--   sql.counts(conn, where, options)           rows of tables of one database: "schema.table" -> rows. options:
--                                              {exact, tables, max_tables}
--   sql.sequences(conn, where)                 those that are behind their column, of all databases, as lines
--   sql.lag(conn, where)                       bytes by which the logical slot furthest behind is behind
--   sql.state(conn, where)                     {writable, in_recovery, read_only, version, version_num, ...}
--   sql.apply(conn, where, what)               a migration, exactly once: {name, sql | file, checksum, transaction,
--                                              lock_timeout, timeout}. Without a transaction, an INVALID index that an
--                                              earlier attempt left behind is dropped, and the statement run again
--   sql.not_looked()                           say in the run's report that SQL was left out; for runs without `conn`

local fail = require "cairn.fail"
local postgres = cairn.plugin "postgres"

local sql = {}

-- The arguments of an action, with where it goes.
local function at(conn, where, args)
  local all = { connection = conn, host = where and where.host, port = where and where.port,
    database = where and where.database }
  for name, value in pairs(args or {}) do
    all[name] = value
  end
  return all
end

local function in_database(where, name)
  return { host = where and where.host, port = where and where.port, database = name }
end

function sql.databases(conn, where)
  local names = cairn.array {}
  for _, database in ipairs(postgres.databases(at(conn, where)).databases) do
    names[#names + 1] = database.name
  end
  return names
end

-- visit(where, name) in each database.
local function each_database(conn, where, visit)
  for _, name in ipairs(sql.databases(conn, where)) do
    visit(in_database(where, name), name)
  end
end

function sql.checks(conn, where, upgrade)
  local errors, others = cairn.array {}, {}
  local first = true
  each_database(conn, where, function (there, name)
    local found = postgres.checks(at(conn, there, { upgrade = upgrade or "in_place", cluster = first })).findings
    first = false
    for _, finding in ipairs(found) do
      local list = finding.severity == "error" and errors or others
      list[#list + 1] = {
        check = finding.check, severity = finding.severity, text = finding.text, hint = finding.hint, database = name,
      }
    end
  end)
  for _, finding in ipairs(others) do
    errors[#errors + 1] = finding
  end
  return errors
end

function sql.errors(findings)
  local count = 0
  for _, finding in ipairs(findings) do
    count = count + (finding.severity == "error" and 1 or 0)
  end
  return count
end

function sql.lines(findings)
  local lines = cairn.array {}
  for _, finding in ipairs(findings) do
    lines[#lines + 1] = ("%s: %s: %s (%s)"):format(finding.severity, finding.database, finding.text, finding.hint)
  end
  return lines
end

function sql.counts(conn, where, options)
  local counted = {}
  for _, entry in ipairs(postgres.counts(at(conn, where, options)).tables) do
    counted[entry.schema .. "." .. entry.table] = entry.rows
  end
  return counted
end

function sql.baseline(conn, where, queries, wanted)
  local extensions = {}
  for _, extension in ipairs(postgres.extensions(at(conn, where)).extensions) do
    extensions[extension.name] = extension.version
  end
  local plans = cairn.array {}
  if #queries > 0 then
    plans = postgres.explain(at(conn, where, {
      queries = cairn.array { table.unpack(queries) }, analyze = not wanted or wanted.analyze ~= false,
    })).plans
  end
  return {
    version = postgres.writable(at(conn, where)).version, plans = plans, extensions = extensions,
    counts = sql.counts(conn, where, { exact = (wanted and wanted.exact) or false }),
  }
end

-- Is this query worse than before? A text that says how, or nil.
local function worse(before, after, limits)
  local factor, noise = limits.factor or 2, limits.noise_ms or 20
  if after.error then
    return not before.error and "fails now: " .. after.error.text or nil
  elseif before.error then
    return nil
  end
  if before.time_ms and after.time_ms then
    if after.time_ms > noise and after.time_ms > factor * math.max(before.time_ms, noise / factor) then
      return ("took %.1f ms, now %.1f ms"):format(before.time_ms, after.time_ms)
    end
  elseif after.total_cost > factor * before.total_cost then
    return ("cost %.0f, now %.0f"):format(before.total_cost, after.total_cost)
  end
  return nil
end

local function line_of(plan)
  if plan.error then
    return "fails: " .. plan.error.text
  elseif plan.time_ms then
    return ("%.1f ms, cost %.0f"):format(plan.time_ms, plan.total_cost)
  end
  return ("cost %.0f"):format(plan.total_cost)
end

function sql.compare(before, after, limits)
  local now = {}
  for _, plan in ipairs(after.plans) do
    now[plan.name] = plan
  end
  local result = { ok = true, lines = cairn.array {}, worse = cairn.array {}, missing = cairn.array {} }
  for _, plan in ipairs(before.plans) do
    local other = now[plan.name]
    local how = other and worse(plan, other, limits or {})
    result.lines[#result.lines + 1] = plan.name .. ": " .. line_of(plan) .. " -> " .. (other and line_of(other) or "?")
    if how then
      result.worse[#result.worse + 1] = plan.name .. " " .. how
    end
  end
  for name in pairs(before.extensions) do
    if not after.extensions[name] then
      result.missing[#result.missing + 1] = "extension " .. name
    end
  end
  for name in pairs(before.counts) do
    if not after.counts[name] then
      result.missing[#result.missing + 1] = "table " .. name
    end
  end
  result.ok = #result.worse == 0 and #result.missing == 0
  return result
end

-- A database whose tables take longer than a call may: it goes on with those that are left.
local function analyze_database(conn, where)
  local total, since = 0, nil
  repeat
    local done = postgres.analyze(at(conn, where, { since = since }))
    total, since = total + done.analyzed, done.since
    if done.left > 0 and done.analyzed == 0 then
      fail("analyze: the next table takes longer than a call may: analyze the rest by hand")
    end
  until done.left == 0
  return total
end

function sql.analyze(conn, where)
  local total = 0
  each_database(conn, where, function (there)
    total = total + analyze_database(conn, there)
  end)
  return total
end

function sql.extensions(conn, where)
  local outdated = cairn.array {}
  each_database(conn, where, function (there, name)
    for _, extension in ipairs(postgres.extensions(at(conn, there)).extensions) do
      if extension.outdated then
        outdated[#outdated + 1] = {
          database = name, name = extension.name, version = extension.version,
          default_version = extension.default_version,
        }
      end
    end
  end)
  return outdated
end

function sql.update_extensions(conn, where)
  local changed = cairn.array {}
  for _, extension in ipairs(sql.extensions(conn, where)) do
    local there = in_database(where, extension.database)
    local done, result = pcall(postgres.update_extension, at(conn, there, { name = extension.name }))
    local entry = { database = extension.database, name = extension.name, from = extension.version }
    if done then
      entry.version = result.version
    elseif type(result) == "table" and result.kind ~= "cancelled" then
      entry.error = result.text
    else
      error(result, 0)
    end
    changed[#changed + 1] = entry
  end
  return changed
end

function sql.sequences(conn, where)
  local behind = cairn.array {}
  each_database(conn, where, function (there, name)
    for _, sequence in ipairs(postgres.sequences(at(conn, there)).sequences) do
      if sequence.behind then
        behind[#behind + 1] = ("%s: %s.%s is at %s, %s.%s has %s"):format(name, sequence.schema, sequence.sequence,
          tostring(sequence.last_value), sequence.table, sequence.column, tostring(sequence.max))
      end
    end
  end)
  return behind
end

function sql.lag(conn, where)
  return postgres.lag(at(conn, where)).max_lag_bytes
end

function sql.state(conn, where)
  return postgres.writable(at(conn, where))
end

-- The INVALID index that an error is about: its name is in the text, its oid in the list.
local function drop_invalid(conn, where, err)
  for _, index in ipairs(postgres.invalid_indexes(at(conn, where)).indexes) do
    local name = index.schema .. "." .. index.name
    if err.text:find("index " .. name .. " on ", 1, true) then
      postgres.drop_invalid_index(at(conn, where, { name = name, oid = index.oid }))
      return true
    end
  end
  return false
end

function sql.apply(conn, where, what)
  local args = at(conn, where, what)
  local done, result = pcall(postgres.execute, args)
  if not done and type(result) == "table" and result.code == "INVALID_INDEX" and drop_invalid(conn, where, result) then
    return postgres.execute(args)
  end
  if not done then
    error(result, 0)
  end
  return result
end

function sql.not_looked()
  cairn.report("SQL", "not looked at: the parameter connection was not given")
end

return sql
