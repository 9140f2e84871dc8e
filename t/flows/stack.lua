-- stack.lua: reads a stack and compares it with a database as it is said to be; used by t/stack.t.
-- SPDX-License-Identifier: MIT

local stack = require "cairn.stack"

return cairn.workflow {
  summary = "Read a stack",
  params = {
    stack = { type = "map", required = true, help = "the stack" },
    database = { type = "string", default = "orders", help = "identifier of a database" },
    live = { type = "map", default = {}, help = "how the database is" },
  },
  run = function (p)
    local read = stack.read(p.stack)
    cairn.report("stack", read)
    cairn.report("drift", cairn.array(stack.drift(p.database, read.databases[p.database] or {}, p.live)))
  end,
}
