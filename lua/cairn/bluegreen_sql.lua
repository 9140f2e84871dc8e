-- bluegreen_sql.lua: what an upgrade by blue/green looks at by SQL, when it is given a connection.
-- SPDX-License-Identifier: MIT
--
-- Without one the functions here do nothing but the switchover itself and a look at CloudWatch, and the report says
-- that SQL wasn't looked at.
-- `job` is the workflow's: p (its parameters), way, old, green, new.

local bluegreen = require "cairn.bluegreen"
local postgres = require "cairn.postgres"
local probe = require "cairn.probe"
local sql = require "cairn.sql"
local waits = require "cairn.waits"
local way_back = require "cairn.way_back"

local bluegreen_sql = {}

local CALM <const> = 3 -- looks in a row at which the slots must be near
local BETWEEN_LOOKS <const> = 10 -- seconds

bluegreen_sql.params = {
  connection = {
    type = "string",
    help = "a connection of the section postgres of cairn.yaml: look by SQL, and measure; not if left out",
  },
  queries = {
    type = "list", default = cairn.array {},
    help = 'queries whose plans are compared: texts, or [{"name":N,"sql":Q}]; they are run, read-only, on both sides',
  },
  lag_limit = {
    type = "integer", default = 200000, help = "bytes by which green may be behind when the switchover begins",
  },
}

local function where(db)
  return { host = db.writer.address, port = db.writer.port }
end

-- What stands in the way needs a person's word: a table without a key does no harm where rows are only added.
local function ask_in_spite(findings)
  cairn.approve {
    title = "Go on in spite of " .. sql.errors(findings) .. " finding(s) in the database?",
    details = { findings = sql.lines(findings) },
  }
end

-- Before anything is changed.
function bluegreen_sql.look(job)
  local conn = job.p.connection
  if not conn then
    return sql.not_looked()
  end
  local state = sql.state(conn, where(job.old))
  cairn.check(state.writable, job.old.id .. " takes writes")
  local findings = sql.checks(conn, where(job.old), "blue_green")
  cairn.report("SQL findings before", sql.lines(findings))
  if sql.errors(findings) > 0 then
    ask_in_spite(findings)
  end
end

-- As long as DDL is allowed, and early enough to find out that it can't write.
function bluegreen_sql.prepare(job)
  local conn, old = job.p.connection, job.old
  if conn then
    probe.prepare(conn, where(old))
    way_back.add(job.way, "drop the probe's table", function () probe.drop(conn, where(old)) end)
    probe.check(conn, where(old))
  end
end

-- Statistics, plans, extensions and rows of green, beside those of blue. What is worse is for the person who is asked.
function bluegreen_sql.check_green(job)
  local conn, p = job.p.connection, job.p
  if not conn then
    return
  end
  local there = where(job.green)
  local state = sql.state(conn, there)
  cairn.check(state.version_num // 10000 == postgres.version(p.target_version),
    "the server of green says version " .. p.target_version:match("^%d+"))
  local notes = cairn.array {}
  if state.writable then
    notes[1] = "green takes writes: whatever is written there is lost, or breaks the replication"
  end
  cairn.report("tables analyzed on green", sql.analyze(conn, there))
  local compared = sql.compare(sql.baseline(conn, where(job.old), p.queries), sql.baseline(conn, there, p.queries))
  for _, list in ipairs { compared.worse, compared.missing } do
    for _, line in ipairs(list) do
      notes[#notes + 1] = line
    end
  end
  cairn.report("SQL on green", {
    plans = compared.lines, notes = notes, extensions_to_update = sql.extensions(conn, there),
  })
  job.sql_notes = notes
end

-- What is said when the switchover is asked for.
function bluegreen_sql.before_switchover(job)
  if not job.p.connection then
    return "on green (" .. job.green.writer.address .. "): ANALYZE every database, compare query plans, run the "
      .. "application's read-only tests; no DDL on blue since the deployment was created"
  end
  local notes = #job.sql_notes == 0 and "nothing worse was found" or table.concat(job.sql_notes, "; ")
  return "green (" .. job.green.writer.address .. ") was analyzed and compared by SQL: " .. notes
    .. ". Run the application's read-only tests there; no DDL on blue since the deployment was created"
end

-- Near enough, several times in a row; without a connection, as far as CloudWatch says.
function bluegreen_sql.wait_lag(job)
  local conn, limit = job.p.connection, job.p.lag_limit
  local calm = 0
  if not conn then
    return bluegreen.wait_near(job.old, limit)
  end
  while calm < CALM do
    calm = sql.lag(conn, where(job.old)) <= limit and calm + 1 or 0
    if calm == 0 then
      waits.till("green is at most " .. limit .. " bytes behind", function ()
        local lag = sql.lag(conn, where(job.old))
        return lag <= limit, lag .. " bytes behind"
      end, { every = BETWEEN_LOOKS, stall = 1800 })
    elseif calm < CALM then
      cairn.sleep { seconds = BETWEEN_LOOKS, title = "green stays near" }
    end
  end
end

-- attempt() -> completed, why. The name leads to blue before and to green afterwards: the probe writes through it.
function bluegreen_sql.switchover(job, attempt)
  local conn = job.p.connection
  if not conn then
    return attempt()
  end
  local outcome, seen = probe.during(conn, where(job.old), function ()
    local completed, why = attempt()
    return { completed = completed, why = why }
  end)
  cairn.report("writes down by a probe", probe.line(seen))
  return outcome.completed, outcome.why
end

-- Behind the switchover: does the name lead to a database that takes writes, and has it all numbers that were given?
function bluegreen_sql.verify(job)
  local conn = job.p.connection
  if not conn then
    return
  end
  local there = where(job.new)
  -- The old address may still be in caches, and behind it is the old database, which is read-only now.
  local state = waits.till(job.new.id .. " takes writes", function ()
    local now = sql.state(conn, there)
    return now.writable and now, "it is read-only: applications that connect now can't write"
  end, { every = 5, stall = 300 })
  cairn.check(state.version_num // 10000 == postgres.version(job.p.target_version),
    "the server behind " .. there.host .. " says version " .. job.p.target_version:match("^%d+"))
  probe.check(conn, there)
  cairn.report("sequences behind their columns", sql.sequences(conn, there))
  probe.drop(conn, there)
end

return bluegreen_sql
