-- around.lua: what is looked at and done by SQL before and after a major upgrade in place.
-- SPDX-License-Identifier: MIT

local fail = require "cairn.fail"
local probe = require "cairn.probe"
local sql = require "cairn.sql"

local around = {}

local function of(db)
  return { host = db.writer.address, port = db.writer.port }
end

-- What pg_upgrade would stumble over stops the run; what is to be compared later is returned. `conn` may be nil: then
-- nothing is looked at.
function around.before(conn, db, queries)
  if not conn then
    return sql.not_looked()
  end
  local findings = sql.checks(conn, of(db), "in_place")
  if #findings > 0 then
    cairn.report("SQL checks", sql.lines(findings))
  end
  if sql.errors(findings) > 0 then
    fail("upgrade " .. db.id .. ": pg_upgrade would refuse: " .. table.concat(sql.lines(findings), "; "))
  end
  return sql.baseline(conn, of(db), queries)
end

-- Statistics don't come along with pg_upgrade, and extensions stay at their version.
function around.after(conn, db, before, queries)
  if not conn then
    return
  end
  cairn.report("tables analyzed", sql.analyze(conn, of(db)))
  cairn.report("extensions", sql.update_extensions(conn, of(db)))
  local now = sql.baseline(conn, of(db), queries)
  local compared = sql.compare(before, now)
  cairn.report("compared with before", {
    version = { before = before.version, after = now.version }, queries = compared.lines, worse = compared.worse,
    missing = compared.missing,
  })
end

-- body(), with a row written several times a second beside it: for how long was that not possible?
function around.measured(conn, db, body)
  if not conn then
    return body()
  end
  local result, seen = probe.during(conn, of(db), body)
  cairn.report("writes down, measured", probe.line(seen))
  return result
end

-- The table that the probe writes to; `add` puts on the list of what takes things back.
function around.prepare(conn, db, add)
  if conn then
    add("drop the table of the probe", function () probe.drop(conn, of(db)) end)
    probe.prepare(conn, of(db))
  end
end

function around.clean(conn, db)
  if conn then
    probe.drop(conn, of(db))
  end
end

return around
