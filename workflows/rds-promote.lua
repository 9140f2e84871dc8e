-- rds-promote.lua: staged minor versions: each stage gets what the one before it has proved, in its maintenance window.
-- SPDX-License-Identifier: MIT
--
-- main -> pre-production -> production, over weeks, in one run that mostly waits. For each stage after the first: the
-- stage before it has finished its upgrade; its tests ran behind that and passed; the soak time is over; then its
-- version is queued here, read replicas first, and comes in the maintenance window. Nothing is ever applied immediately
-- (but for taking a queued version out again at a rollback), no version goes back, no step is a major one.
--
-- What blocks the way is told by an alert and asked as a question: it is looked at again when a person says so.

local alert = require "cairn.alert"
local fail = require "cairn.fail"
local gate = require "cairn.gate"
local minor = require "cairn.minor"
local preflight = require "cairn.preflight"
local stack = require "cairn.stack"
local versions = require "cairn.versions"
local waits = require "cairn.waits"
local rds = cairn.plugin "rds"

local params = {
  stages = {
    type = "list", required = true,
    help = 'from the first to the last: [{"name":N,"database":ID,"test":{"command":["./run-tests"]},"soak_days":D,'
      .. '"stack":{"command":["terraform","state","pull"],"cwd":DIR}}]; a test may have "url" or "lambda" instead',
  },
  soak_days = { type = "number", default = 2, help = "how long a tested version runs before the next stage gets it" },
  wait_for_first = {
    type = "boolean", default = false, help = "wait until the first stage has a newer version than the second",
  },
  ask = { type = "boolean", default = true, help = "ask a person before a version is queued" },
}

-- Ask until `look` has no objection; it returns nil, or why not.
local function clear(title, look)
  local why = look()
  while why do
    cairn.report("blocked: " .. title, why)
    alert.raise(title .. ": blocked", why, { run = cairn.run_id() })
    cairn.approve {
      title = title .. ": it is blocked. Look again? (reject: the run ends here)", details = { why = why },
    }
    why = look()
  end
end

-- ---- the stages ----------------------------------------------------------------------------------------------------

local KNOWN = { name = true, database = true, test = true, soak_days = true, stack = true }

local function check_stage(stage, n, count, seen)
  local where = "stage " .. n
  if type(stage) ~= "table" or type(stage.name) ~= "string" or type(stage.database) ~= "string" then
    fail(where .. ": it needs a name and a database")
  end
  for key in pairs(stage) do
    if not KNOWN[key] then
      fail(where .. " (" .. stage.name .. "): it has no " .. key)
    end
  end
  if seen[stage.database] or seen["stage " .. stage.name] then
    fail(where .. " (" .. stage.name .. "): its name or its database is another stage's, too")
  end
  seen[stage.database], seen["stage " .. stage.name] = true, true
  if stage.test then
    gate.check(stage.test, where .. " (" .. stage.name .. ")")
  elseif n < count then
    fail(where .. " (" .. stage.name .. "): it has no test, and nothing goes on without one")
  end
end

-- What a stack declares and what is live, of one stage. It is told, and it is no reason to stop.
local function report_drift(stage)
  if not stage.stack then
    return
  end
  local declared = stack.read(stage.stack).databases[stage.db.id]
  if not declared then
    return cairn.report("drift of " .. stage.name, "the stack has no database " .. stage.db.id)
  end
  local drift, queued = cairn.array {}, cairn.array {}
  for _, each in ipairs(stack.drift(stage.db.id, declared, stage.db)) do
    table.insert(each.queued and queued or drift, each)
  end
  cairn.report("drift of " .. stage.name, drift)
  if #queued > 0 then
    cairn.report("on its way in " .. stage.name, queued)
  end
end

local function state_of(db)
  local state = db.engine_version
  if db.pending.engine_version then
    state = state .. ", " .. db.pending.engine_version .. " queued for " .. db.maintenance_window
  end
  return state .. (db.auto_minor_upgrade and ", AWS upgrades minors" or "")
end

local function look(p)
  local stages, seen, before = {}, {}, {}
  cairn.check(#p.stages >= 2, "there are two stages at least")
  for n, given in ipairs(p.stages) do
    check_stage(given, n, #p.stages, seen)
  end
  preflight.identity()
  for n, given in ipairs(p.stages) do
    local stage = { soak_days = p.soak_days }
    for key, value in pairs(given) do
      stage[key] = value
    end
    stage.db = rds.describe_instance { id = stage.database }
    cairn.check(not stage.db.cluster, stage.database .. " is an instance of its own, not of a cluster")
    cairn.check(not stage.db.replica_of, stage.database .. " is no replica")
    cairn.check(stage.db.engine == "postgres", stage.database .. " is PostgreSQL (" .. stage.db.engine .. ")")
    cairn.check(n == 1 or not stage.db.auto_minor_upgrade, stage.name .. " gets no minor versions by itself")
    before[stage.name] = state_of(stage.db)
    report_drift(stage)
    stages[n] = stage
  end
  cairn.report("stages before", before)
  return stages
end

local function live(stage)
  return rds.describe_instance { resource_id = stage.db.resource_id }
end

-- ---- what a stage has proved ----------------------------------------------------------------------------------------

-- A version that is queued, or coming in, isn't one that can be tested yet.
local function settled(stage, newer_than)
  local title = stage.name .. ": no upgrade is on its way" .. (newer_than and ", and it is newer" or "")
  return waits.till(title, function ()
    local now = live(stage)
    if now.status ~= "available" then
      return nil, now.status
    elseif now.pending.engine_version then
      return nil, now.pending.engine_version .. " is queued for " .. now.maintenance_window
    elseif newer_than and versions.compare(now.engine_version, newer_than) <= 0 then
      return nil, "it has " .. now.engine_version
    end
    return now.engine_version, now.status
  end, { every = 3600, stall = 14 * 24 * 3600 })
end

local function test(stage, version)
  local about = { stage = stage.name, database = stage.db.id, version = version }
  clear("tests of " .. stage.name .. " with " .. version, function ()
    local passed, seen = gate.run(stage.test, about)
    cairn.report("tests of " .. stage.name, { version = version, passed = passed, seen = seen, at = cairn.now() })
    return not passed and seen or nil
  end)
end

-- The version that the tests passed with and that is still there after the soak time: the next stage may have it.
local function prove(stage, newer_than)
  while true do
    local version = settled(stage, newer_than)
    test(stage, version)
    local soak = math.tointeger(stage.soak_days * 86400 // 1)
    if soak > 0 then
      cairn.sleep { seconds = soak, title = stage.name .. " proves " .. version }
    end
    local now = live(stage)
    if now.engine_version == version and not now.pending.engine_version then
      cairn.report("proved by " .. stage.name, version)
      return version
    end
    cairn.report("moved on meanwhile: " .. stage.name, state_of(now))
  end
end

-- ---- what a stage gets ----------------------------------------------------------------------------------------------

-- All rules hold for the instance as it is now; else it is asked.
local function check_rules(stage, id_of, version)
  local db
  clear(stage.name .. " may not get " .. version, function ()
    db = rds.describe_instance { resource_id = id_of.resource_id }
    local broken = {}
    for _, rule in ipairs(minor.rules(db, version)) do
      broken[#broken + 1] = not rule[1] and "not so: " .. rule[2] or nil
    end
    return #broken > 0 and table.concat(broken, "; ") or nil
  end)
  return db
end

local function ask(job, stage, db, version)
  if not job.p.ask then
    return
  end
  cairn.approve {
    title = "Queue " .. version .. " for " .. stage.name .. " (" .. db.id .. ")?",
    details = {
      now = db.engine_version, window = db.maintenance_window .. " UTC, the next one",
      proved_by = stage.before.name, effect = "some minutes without the database, in the window",
      danger = "until then, whoever applies any change of " .. db.id .. " immediately has this one carried out at once",
    },
  }
end

-- The version wasn't reached: what RDS says of it, an alert, and the question whether to queue it again.
local function missed(stage, db, version, what, since)
  local why = what == "late" and "its window is over, and it still is only queued"
    or "it is queued no more, and the version is " .. db.engine_version
  local events = minor.events(db, since)
  cairn.report("not reached: " .. db.id, { version = version, why = why, events = events })
  alert.raise(stage.name .. ": " .. version .. " was not reached", db.id .. ": " .. why, {
    run = cairn.run_id(), events = table.concat(events, "; "),
  })
  cairn.approve {
    title = stage.name .. ": " .. version .. " was not reached. Try the next window? (reject: the run ends here)",
    details = { why = why, events = events },
  }
end

-- It came before its window: somebody applied some change immediately. It is there, and the tests will tell.
local function tell_early(stage, db, version, since)
  local events = minor.events(db, since)
  cairn.report("before its window: " .. db.id, { version = version, events = events })
  alert.raise(stage.name .. ": " .. version .. " came before its window",
    "somebody applied a change of " .. db.id .. " immediately, and with it what was queued", {
      run = cairn.run_id(), events = table.concat(events, "; "),
    })
end

-- One instance, until it has the version.
local function upgrade(job, stage, of, version)
  local db = check_rules(stage, of, version)
  if db.engine_version == version then
    return cairn.report("already there: " .. db.id, version)
  end
  ask(job, stage, db, version)
  while db.engine_version ~= version do
    local since = cairn.now()
    local what
    minor.queue(db, version)
    cairn.report("queued: " .. db.id, { version = version, window = db.maintenance_window })
    what, db = minor.await(db, version, since)
    if what == "early" then
      tell_early(stage, db, version, since)
    elseif what ~= "reached" then
      missed(stage, db, version, what, since)
      db = check_rules(stage, of, version)
    end
  end
  cairn.point_of_no_return(db.id .. " has " .. version)
  cairn.report("reached: " .. db.id, { version = version, at = cairn.now() })
end

local function check_early(stage, version)
  local now = live(stage)
  cairn.check(now.engine_version == version, stage.db.id .. " has " .. version)
  cairn.check(now.deletion_protection, "deletion protection of " .. stage.db.id .. " is on")
end

-- Read replicas first: RDS refuses a minor version to an instance whose replicas are older.
local function promote(job, stage, version)
  local db = live(stage)
  for _, replica in ipairs(db.replicas) do
    clear(stage.name .. " may not get " .. version, function ()
      return replica:find("^arn:") and "its replica " .. replica .. " is in another region" or nil
    end)
    upgrade(job, stage, rds.describe_instance { id = replica }, version)
  end
  upgrade(job, stage, db, version)
  check_early(stage, version)
end

local function run(p)
  local job = { p = p }
  job.stages = cairn.stage("look before anything changes", function () return look(p) end)
  local after, version = {}, nil
  for n, stage in ipairs(job.stages) do
    stage.before = job.stages[n - 1]
    if stage.before then
      local proved = version
      cairn.stage(stage.name .. ": upgrade to " .. proved, function () promote(job, stage, proved) end)
    end
    if n < #job.stages then
      local newer_than = n == 1 and p.wait_for_first and job.stages[2].db.engine_version or nil
      version = cairn.stage(stage.name .. ": tests and soak", function () return prove(stage, newer_than) end)
    elseif stage.test then
      local reached = version
      cairn.stage(stage.name .. ": tests", function () test(stage, reached) end)
    end
    after[stage.name] = version
  end
  cairn.report("stages after", after)
  alert.tell("minor version " .. version .. " is everywhere", "all stages have it", after)
end

return cairn.workflow {
  summary = "Promote a minor version from stage to stage, in maintenance windows, with the tests as the gate",
  params = params,
  locks = function (p)
    local keys = {}
    for n, stage in ipairs(p.stages) do
      if type(stage) == "table" and type(stage.database) == "string" then
        keys[n] = "rds:" .. stage.database
      end
    end
    return keys
  end,
  run = run,
}
