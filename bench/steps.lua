-- steps.lua: as many steps in a row as asked for, each of them as cheap as a step can be.
-- SPDX-License-Identifier: MIT
local probe = cairn.plugin "probe"

return cairn.workflow {
  summary = "Take many steps",
  params = {
    changes = { type = "integer", default = 0, help = "how many changing steps" },
    reads = { type = "integer", default = 0, help = "how many reads" },
  },
  run = function (p)
    for i = 1, p.changes do
      probe.set { name = "bench", value = "value " .. i }
    end
    for _ = 1, p.reads do
      probe.read { name = "bench" }
    end
  end,
}
