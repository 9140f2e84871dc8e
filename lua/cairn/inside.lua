-- inside.lua: what is in a restored database, by SQL, beside what the live one holds; used by the restore workflows.
-- SPDX-License-Identifier: MIT

local sql = require "cairn.sql"

local inside = {}

local SHOWN <const> = 50 -- tables that are told

local function of(db)
  return { host = db.endpoint.address, port = db.endpoint.port }
end

-- Tables that have other numbers of rows than those of the live database, which is asked if it still answers.
local function beside_live(conn, live, restored)
  if not (live and live.endpoint) then
    return "there is no live database to compare with"
  end
  local asked, rows = pcall(sql.counts, conn, of(live))
  if not asked then
    return "the live database can't be asked: " .. rows.text
  end
  local lines = cairn.array {}
  for name, count in pairs(rows) do
    if restored[name] ~= count and #lines < SHOWN then
      lines[#lines + 1] = name .. ": " .. tostring(restored[name] or "not there") .. ", live " .. tostring(count)
    end
  end
  return lines
end

-- With the credentials of the application: does it answer, can it be written to, and what is in it? `new` and `live`
-- are described instances, `live` may be nil.
function inside.look(conn, new, live)
  if not conn then
    return sql.not_looked()
  end
  cairn.check(sql.state(conn, of(new)).writable, new.id .. " can be written to")
  local rows, tables, total = sql.counts(conn, of(new)), 0, 0
  for _, count in pairs(rows) do
    tables, total = tables + 1, total + count
  end
  cairn.report("in the restored database", { tables = tables, rows = total })
  cairn.report("tables with other numbers of rows than in the live database", beside_live(conn, live, rows))
  cairn.report("sequences that are behind their column", sql.sequences(conn, of(new)))
end

return inside
