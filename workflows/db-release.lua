-- db-release.lua: a change of a database's schema as a release of its own, in staging first, with queues that wait.
-- SPDX-License-Identifier: MIT
--
-- The order is: look at everything; ask, with the digest of the files; staging: checks, apply, try it; ask again;
-- production, only with the files that were approved and that staging has passed: pause the consumers of its queues as
-- long as the queues can wait, snapshot, apply, try it, lead the consumers back as they were; watch the queues recover.
--
-- Consumers come back on every way out: failure, cancel, rollback, death of this program, and when the time is used up.

local fail = require "cairn.fail"
local consumers = require "cairn.consumers"
local database = require "cairn.database"
local names = require "cairn.names"
local preflight = require "cairn.preflight"
local queues = require "cairn.queues"
local release = require "cairn.release"
local smoke = require "cairn.smoke"
local times = require "cairn.times"
local waits = require "cairn.waits"

local params = {
  release = { type = "string", required = true, help = "name of the release, once and for all: 0042-add-index" },
  files = {
    type = "list", required = true,
    help = 'SQL files in their order; {"file":F,"transaction":false} for CREATE INDEX CONCURRENTLY. With commands: '
      .. "what they apply, for the digest",
  },
  down = { type = "list", default = cairn.array {}, help = "SQL files that take the release back; none: forward only" },
  commands = {
    type = "map",
    help = 'the project\'s own program instead: {"up":[...],"up_done":[...],"down":[...],"down_done":[...]}; '
      .. "{environment}, {release} and {checksum} are filled in; ..._done ends with 0 if it is done and 1 if not",
  },
  environments = {
    type = "list", default = cairn.array { "staging", "production" },
    help = "staging, production or both; production alone needs the proof in staging's database",
  },
  staging = { type = "string", help = "connection of the configuration to staging; not with commands" },
  production = { type = "string", help = "connection of the configuration to production; not with commands" },
  kind = { type = "string", default = "expand", help = "expand (the running application doesn't notice) or contract" },
  compatible = { type = "string", help = "versions of the application that work before and after" },
  risk = { type = "string", default = "safe", help = "safe (an index, a column) or complex: then a snapshot is taken" },
  database = { type = "string", help = "RDS instance or Aurora cluster of production, for the snapshot" },
  functions = {
    type = "list", default = cairn.array {},
    help = "Lambda functions that stand still meanwhile: their event sources and rules are disabled",
  },
  rules = { type = "list", default = cairn.array {}, help = "more EventBridge rules to disable meanwhile" },
  freeze = {
    type = "list", default = cairn.array {},
    help = "Lambda functions that others call, not fed by a queue: reserved concurrency 0 meanwhile",
  },
  queue_limit = { type = "integer", help = "messages that may wait in a queue; any number if left out" },
  peak_per_hour = { type = "number", help = "messages an hour that come to a queue at most; measured if left out" },
  safety = { type = "number", default = 0.8, help = "share of the time until a queue is in trouble that may be used" },
  estimate_minutes = { type = "number", default = 10, help = "how long production will take, with its snapshot" },
  max_transaction_seconds = { type = "integer", default = 60, help = "older open transactions stop the run" },
  max_lag_seconds = { type = "integer", default = 30, help = "replicas that are further behind stop the run" },
  smoke = {
    type = "list", default = cairn.array {},
    help = 'what to try after it: [{"environment":E} and "url":U,"text":T,"status":N | "function":F,"payload":{...} | '
      .. '"command":[...]]',
  },
}

local KNOWN <const> = { staging = true, production = true }
local OVERHEAD <const> = 2 * times.minute -- until all stand still, and until all are back

local function check_params(p, wanted)
  for _, name in ipairs(p.environments) do
    cairn.check(KNOWN[name], "environments holds staging and production only")
  end
  cairn.check(wanted.staging or wanted.production, "environments names at least one")
  cairn.check(p.kind == "expand" or p.kind == "contract", "kind is expand or contract")
  cairn.check(p.risk == "safe" or p.risk == "complex", "risk is safe or complex")
  cairn.check(p.safety > 0 and p.safety <= 1, "safety is above 0 and at most 1")
  cairn.check(p.commands or p.staging, "staging names a connection, or commands says how it is done")
  cairn.check(p.commands or not wanted.production or p.production, "production names a connection")
  cairn.check(wanted.staging or not p.commands, "staging comes first: with commands this run alone can prove it")
  smoke.check(p.smoke, KNOWN)
  cairn.check(p.risk == "safe" or not wanted.production or p.database,
    "database names what the snapshot of a complex release is of")
end

-- The tests that are meant for this environment.
local function try(p, env)
  local own = {}
  for _, test in ipairs(p.smoke) do
    if test.environment == env.name then
      own[#own + 1] = test
    end
  end
  smoke.run(own, env.name)
end

-- ---- the stages ---------------------------------------------------------------------------------------------------

local function look(p)
  local wanted = {}
  for _, name in ipairs(p.environments) do
    wanted[name] = true
  end
  check_params(p, wanted)
  preflight.identity()
  local job = {
    p = p, wanted = wanted, release = release.read(p),
    staging = { name = "staging", connection = p.staging },
    production = { name = "production", connection = p.production },
    limits = { transaction_seconds = p.max_transaction_seconds, lag_seconds = p.max_lag_seconds },
  }
  cairn.report("release", {
    name = p.release, digest = job.release.checksum, kind = p.kind, risk = p.risk, compatible = p.compatible,
    way_back = job.release.reversible and "its down script" or "forward only",
  })
  job.consumers = {}
  if wanted.production then
    job.consumers = consumers.capture(p.functions, p.rules, p.freeze)
    cairn.report("consumers before", consumers.summary(job.consumers))
    job.db = p.risk == "complex" and database.find(p.database) or nil
  end
  return job
end

local function ask(job, title, details)
  details.digest, details.kind, details.risk = job.release.checksum, job.p.kind, job.p.risk
  details.way_back = job.release.reversible and "a down script" or "none: forward only"
  details.compatible = job.p.compatible
  local answer = cairn.approve { title = title, details = details }
  cairn.report("approved", { what = title, digest = job.release.checksum, by = answer.by, at = answer.at })
end

local function register_way_back(job, env, around)
  local rel = job.release
  cairn.undo("schema of " .. env.name, function ()
    if rel.reversible then
      around(function () release.take_back(rel, env) end)
    else
      cairn.report("schema of " .. env.name, "forward only: what was applied stays")
    end
  end)
end

local function staging(job)
  local rel, env = job.release, job.staging
  release.check_unchanged(rel)
  release.precheck(rel, env, job.limits)
  register_way_back(job, env, function (fn) fn() end)
  local began = cairn.now()
  local already = release.apply(rel, env, release.NO_HOLD)
  job.took = cairn.now() - began
  try(job.p, env)
  env.passed = rel.checksum
  cairn.report("staging", {
    digest = rel.checksum, applied = already and "before this run" or "now", took = times.span(job.took),
  })
end

-- ms that the consumers may stand still; an error when that is not enough for what is planned.
local function budget(job)
  local p = job.p
  job.queues = queues.look(consumers.queues(job.consumers))
  local ms, why = queues.budget(job.queues, { safety = p.safety, limit = p.queue_limit, peak = p.peak_per_hour })
  if not ms then
    return nil
  end
  local projected = math.floor(math.max(p.estimate_minutes * times.minute, job.took or 0)) + OVERHEAD
  cairn.report("time budget", { budget = times.span(ms), projected = times.span(projected), because = why })
  if projected > ms then
    fail("the release would take " .. times.span(projected) .. ", and its queues can wait for " .. times.span(ms)
      .. ": " .. why)
  end
  return ms
end

local function snapshot(job, hold)
  local name = names.snapshot(job.db.id)
  database.snapshot(job.db, name)
  local read = database.snapshot_reader(job.db, name)
  waits.till("snapshot " .. name, function ()
    local now = waits.maybe(read)
    return hold.stop() and "stop" or now and now.status == "available" and now.status, now and now.status
  end)
  hold.check()
  cairn.report("snapshot before", {
    name = name, of = job.db.resource_id, lost = "what is written after " .. cairn.now() .. " (ms) is not in it",
  })
end

local function production(job, hold)
  local rel, env = job.release, job.production
  if job.db then
    cairn.stage("snapshot", snapshot, job, hold)
  end
  cairn.stage("apply to production", function ()
    release.apply(rel, env, hold)
    hold.check()
  end)
  cairn.stage("try it in production", try, job.p, env)
end

-- With nobody to pause there is no time to keep.
local function while_paused(job, limit, body)
  if #job.consumers == 0 then
    body(release.NO_HOLD)
  else
    consumers.during(job.consumers, limit, body)
  end
end

-- A schema that has to be taken back is not left half-way because of the queues.
local function take_back_paused(job, fn)
  while_paused(job, function () return nil end, function () fn() end)
end

local function run_production(job)
  local p, rel, env = job.p, job.release, job.production
  cairn.stage("ask for production", function ()
    release.check_passed(rel, job.staging)
    ask(job, "Release " .. p.release .. " to production?", {
      consumers = consumers.summary(job.consumers), snapshot = job.db and "yes" or "no",
    })
  end)
  cairn.stage("look before production", function ()
    release.check_unchanged(rel)
    release.check_passed(rel, job.staging)
    release.precheck(rel, env, job.limits)
  end)
  register_way_back(job, env, function (fn) take_back_paused(job, fn) end)
  cairn.stage("production", while_paused, job, function () return budget(job) end, function (hold)
    production(job, hold)
  end)
  if job.queues and #job.queues > 0 then
    cairn.stage("the queues recover", function ()
      queues.wait_drained(job.queues)
      cairn.report("queues", "worked off, and nothing new in dead-letter queues")
    end)
  end
end

return cairn.workflow {
  summary = "Schema migration as a release of its own",
  params = params,
  locks = function (p)
    local keys = {}
    for _, name in ipairs(p.environments) do
      keys[#keys + 1] = "db-release:" .. name .. ":" .. (p[name] or "")
    end
    for _, list in ipairs { p.functions, p.freeze } do
      for _, name in ipairs(list) do
        keys[#keys + 1] = "lambda:" .. name
      end
    end
    return keys
  end,
  run = function (p)
    local job = cairn.stage("look before anything changes", look, p)
    if job.wanted.staging then
      cairn.stage("ask", ask, job, "Release " .. p.release .. "?", {
        files = p.files, environments = p.environments,
      })
      cairn.stage("staging", staging, job)
    end
    if job.wanted.production then
      run_production(job)
    end
    return { release = p.release, digest = job.release.checksum }
  end,
}
