-- release.lua: a migration of a schema as a release of its own: its files and their digest, applied to an environment
-- exactly once, proved in one before it goes to another, taken back; used by the workflow db-release.
-- SPDX-License-Identifier: MIT
--
-- Two ways lead to a database. Files go by the plugin postgres, which records each in the table cairn.applied of that
-- database with its digest: the proof that staging has passed lies in staging's own database. Or the project's own
-- program does it, and another of its programs tells whether it is done; then the proof is this run's own record.

local fail = require "cairn.fail"
local exec = cairn.plugin "exec"
local postgres = cairn.plugin "postgres"

local release = {}

local STATEMENT_MAX <const> = 840 -- s that the plugin waits for a transaction at most
local DOWN <const> = "/down/"

local function base_of(path)
  return path:match("([^/]+)$")
end

-- "a.sql", or {file = "a.sql", transaction = false}
local function step_of(rel, given, separator)
  local file = type(given) == "table" and given.file or given
  if type(file) ~= "string" or file == "" then
    fail("files: each is a path, or {\"file\": PATH, \"transaction\": false}")
  end
  return {
    file = file, name = rel.id .. separator .. base_of(file),
    transaction = not (type(given) == "table" and given.transaction == false),
  }
end

local function steps_of(rel, files, separator, seen)
  local steps = {}
  for i, given in ipairs(files) do
    local step = step_of(rel, given, separator)
    if seen[step.name] then
      fail("files: two are called " .. base_of(step.file))
    end
    seen[step.name], steps[i] = true, step
  end
  return steps
end

local function digest(rel)
  local paths = {}
  for _, step in ipairs(rel.up) do
    paths[#paths + 1] = step.file
  end
  for _, step in ipairs(rel.down) do
    paths[#paths + 1] = step.file
  end
  return postgres.checksum_files { files = cairn.array(paths) }
end

-- What is to be released: p.release, p.files, p.down, p.commands, as the workflow takes them.
function release.read(p)
  local rel = { id = p.release, commands = p.commands }
  cairn.check(#p.files > 0, "the release has files")
  rel.up = steps_of(rel, p.files, "/", {})
  rel.down = steps_of(rel, p.down, DOWN, {})
  local found = digest(rel)
  rel.checksum = found.checksum
  for i, file in ipairs(found.files) do
    (rel.up[i] or rel.down[i - #rel.up]).checksum = file.checksum
  end
  rel.reversible = #rel.down > 0 or rel.commands ~= nil and rel.commands.down ~= nil
  return rel
end

-- The files are what they were when the release was approved.
function release.check_unchanged(rel)
  local now = digest(rel).checksum
  if now ~= rel.checksum then
    fail("the files of release " .. rel.id .. " have the digest " .. now .. " now, and " .. rel.checksum
      .. " was approved: start again, so that what is released is what was approved")
  end
  cairn.check(true, "the files of the release are those that were approved")
end

-- There is no time to keep. Else a `hold` is what consumers.during() gives.
release.NO_HOLD = { check = function () end, stop = function () end }

-- How long a step may take: what `hold` has left, s.
local function time_left(hold)
  local left = hold.deadline and (hold.deadline - cairn.now()) // 1000
  return math.min(STATEMENT_MAX, math.max(1, left or STATEMENT_MAX))
end

-- ---- by the plugin postgres ---------------------------------------------------------------------------------------

local function at(env, args)
  args.connection = env.connection
  return args
end

local function applied(env)
  local rows = {}
  for _, row in ipairs(postgres.applied(at(env, {})).applied) do
    rows[row.name] = row
  end
  return rows
end

-- A statement outside of a transaction that died leaves an index that no query uses and every write pays for. The
-- answer may come late: hold.check() says whether there is still time.
local function rebuild(env, err, hold)
  local oid = math.tointeger(tonumber(err.text:match("%(oid (%d+)%)")))
  for _, index in ipairs(postgres.invalid_indexes(at(env, {})).indexes) do
    if index.oid == oid then
      cairn.approve {
        title = "Drop the INVALID index " .. index.name .. " and build it again?",
        details = { environment = env.name, table = index.table, why = err.text },
      }
      hold.check()
      postgres.drop_invalid_index(at(env, { name = index.name, oid = oid }))
      return
    end
  end
  error(err, 0)
end

local function apply(env, step, hold)
  while true do
    local timeout = time_left(hold)
    local ok, result = pcall(postgres.execute, at(env, {
      name = step.name, file = step.file, checksum = step.checksum, transaction = step.transaction,
      timeout = step.transaction and timeout or nil,
    }))
    if ok then
      return result.already
    elseif result.code ~= "INVALID_INDEX" then
      error(result, 0)
    end
    rebuild(env, result, hold)
  end
end

-- ---- by the project's own programs --------------------------------------------------------------------------------

local function words(list, env, rel)
  local out = cairn.array {}
  for i, word in ipairs(list) do
    out[i] = word:gsub("{(%w+)}", { environment = env.name, release = rel.id, checksum = rel.checksum })
  end
  return out
end

local function run(rel, env, what, timeout)
  local argv, check = rel.commands[what], rel.commands[what .. "_done"]
  if type(argv) ~= "table" or type(check) ~= "table" then
    fail("commands: " .. what .. " and " .. what .. "_done are lists, a program and its arguments each")
  end
  return exec.guarded {
    argv = words(argv, env, rel), check = words(check, env, rel), timeout_s = timeout or STATEMENT_MAX,
  }.already
end

-- ---- both ---------------------------------------------------------------------------------------------------------

-- Apply what isn't applied yet. True if all was there before.
function release.apply(rel, env, hold)
  local already = true
  if rel.commands then
    return run(rel, env, "up", time_left(hold))
  end
  for _, step in ipairs(rel.up) do
    already = apply(env, step, hold) and already
    hold.check()
  end
  return already
end

-- Refuse what `env`, an environment before, has not passed with these very files.
function release.check_passed(rel, env)
  if rel.commands then
    cairn.check(env.passed == rel.checksum, "this run has passed " .. env.name .. " with the digest " .. rel.checksum)
    return
  end
  local rows = applied(env)
  for _, step in ipairs(rel.up) do
    local row = rows[step.name]
    cairn.check(row and row.state == "done", env.name .. " has " .. step.name)
    cairn.check(row.checksum == step.checksum, env.name .. " has " .. step.name .. " with the same SQL")
  end
end

-- By the down files, the last first; nothing if nothing of the release is there.
function release.take_back(rel, env)
  if rel.commands then
    run(rel, env, "down")
    return
  end
  local rows, any = applied(env), false
  for _, step in ipairs(rel.up) do
    any = any or rows[step.name] ~= nil
  end
  for _, step in ipairs(any and rel.down or {}) do
    apply(env, step, release.NO_HOLD)
  end
end

-- ---- what has to be known before ----------------------------------------------------------------------------------

local function value(env, sql, ...)
  return postgres.query(at(env, { sql = sql, params = cairn.array { ... } })).rows[1]
end

local LONG <const> = [[select count(*)::int as n, coalesce(max(extract(epoch from now() - xact_start))::int, 0) as age
  from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'
  and xact_start < now() - make_interval(secs => $1::int)]]
local PREPARED <const> = "select count(*)::int as n from pg_prepared_xacts where database = current_database()"
local REPLICAS <const> = [[select count(*)::int as n, coalesce(max(extract(epoch from replay_lag))::int, 0) as lag
  from pg_stat_replication]]

-- Nothing may be in the way of a lock, replicas must follow, and nothing of an earlier try be left over.
function release.precheck(rel, env, limits)
  if rel.commands then
    cairn.report("checks of " .. env.name .. " by SQL", "left out: the release is applied by the project's own program")
    return
  end
  local server = postgres.writable(at(env, {}))
  cairn.check(server.writable, env.name .. " takes writes (" .. server.version .. ")")
  local long = value(env, LONG, limits.transaction_seconds)
  cairn.check(long.n == 0, ("%s has no transaction open for more than %d s (there are %d, the oldest of %d s)"):format(
    env.name, limits.transaction_seconds, long.n, long.age))
  cairn.check(value(env, PREPARED).n == 0, env.name .. " has no prepared transaction")
  local replicas = value(env, REPLICAS)
  cairn.check(replicas.lag <= limits.lag_seconds, ("no replica of %s is more than %d s behind (%d of them, %d s)")
    :format(env.name, limits.lag_seconds, replicas.n, replicas.lag))
  local rows = applied(env)
  for _, step in ipairs(rel.down) do
    cairn.check(not rows[step.name], "release " .. rel.id .. " was not taken back in " .. env.name
      .. " (if it was, give it a new name)")
  end
  for _, step in ipairs(rel.up) do
    local row = rows[step.name]
    cairn.check(not row or row.checksum == step.checksum, env.name .. " has no " .. step.name .. " of other SQL")
  end
end

return release
