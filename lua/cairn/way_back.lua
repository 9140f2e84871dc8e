-- way_back.lua: a list of what puts things back, for `cairn rollback` and for a workflow that turns round by itself.
-- SPDX-License-Identifier: MIT
--
-- cairn.undo() alone serves `cairn rollback`. A workflow that finds out, behind its point of no return, that the point
-- was not passed after all (a switchover that RDS took back) walks the same list itself.

local way_back = {}

function way_back.new()
  return { entries = {} }
end

function way_back.add(list, title, fn)
  list.entries[#list.entries + 1] = { title = title, fn = fn }
  cairn.undo(title, fn)
end

-- Newest first, like a rollback.
function way_back.walk(list)
  while #list.entries > 0 do
    local last = list.entries[#list.entries]
    cairn.stage("put back: " .. last.title, last.fn)
    list.entries[#list.entries] = nil
  end
end

return way_back
