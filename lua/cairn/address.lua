-- address.lua: tell a program of this host a database's address, for what cairn can't lead over by itself; used by the
-- restore by replacement.
-- SPDX-License-Identifier: MIT
--
-- The program is {set = {"esc", "env", "set", "app/staging", "db-host", "{address}"}, check = {"has-it", "{address}"}}
-- where {address} stands for the address. With a check it isn't run when that says (by status 0) that it was done;
-- without one it must be such that running it twice does no harm.

local fail = require "cairn.fail"
local way_back = require "cairn.way_back"
local exec = cairn.plugin "exec"

local address = {}

local function is_program(argv)
  return type(argv) == "table" and type(argv[1]) == "string"
end

-- A mistake is to be found before anything is changed.
function address.check(program)
  if program and not (is_program(program.set) and (program.check == nil or is_program(program.check))) then
    fail('address_program: it is {"set":[PROGRAM,ARGUMENT...],"check":[PROGRAM,ARGUMENT...]}; check may be left out')
  end
end

local function filled(argv, host)
  local list = cairn.array {}
  for _, each in ipairs(argv) do
    list[#list + 1] = (each:gsub("{address}", { ["{address}"] = host }))
  end
  return list
end

local function run(program, host)
  local argv = filled(program.set, host)
  if program.check then
    exec.guarded { argv = argv, check = filled(program.check, host) }
  else
    exec.set { argv = argv }
  end
end

-- `was`: the address of before; nil when nobody knows it, and then nobody can be told it again.
function address.tell(program, host, was, way)
  if not program then
    return
  end
  if was then
    way_back.add(way, "tell the address of before", function () run(program, was) end)
  end
  run(program, host)
end

return address
