-- smoke.lua: what the operator names to try a database out by its applications: a page, a function, a program.
-- SPDX-License-Identifier: MIT
--
-- A test is {url = U, text = T, status = N}, {["function"] = F, qualifier = Q, payload = {...}}, or {command = {...}}.
-- Only the first is sure to change nothing: what a function or a program does is theirs.

local fail = require "cairn.fail"
local exec = cairn.plugin "exec"
local http = cairn.plugin "http"
local lambda = cairn.plugin "lambda"

local smoke = {}

-- The workflows' parameter.
smoke.param = {
  type = "list", default = cairn.array {},
  help = 'what to try after it: [{"url":U,"text":T,"status":N} | {"function":F,"payload":{...}} | {"command":[...]}]',
}

local function try_function(test)
  local name = test["function"]
  local result = lambda.test { ["function"] = name, qualifier = test.qualifier, payload = test.payload or {} }
  if result.function_error then
    fail("function " .. name .. " failed: " .. result.function_error)
  end
end

local TYPES = { url = "string", ["function"] = "string", command = "table" }

local function is_sound(test)
  local kinds = 0
  for kind, wanted in pairs(TYPES) do
    if type(test) == "table" and test[kind] ~= nil then
      kinds = kinds + (type(test[kind]) == wanted and 1 or 2)
    end
  end
  return kinds == 1
end

-- A mistake is to be found before anything is changed. `environments` is a set of names of which each test has to name
-- one; without it there is only one place, and none may be named.
function smoke.check(tests, environments)
  for i, test in ipairs(tests) do
    if not is_sound(test) then
      fail("smoke[" .. i .. "]: each test has a url (a text), a function (a text) or a command (a list), one of them")
    end
    if environments and not environments[test.environment] then
      fail("smoke[" .. i .. "]: environment says where it is run: staging or production")
    end
    if not environments and test.environment then
      fail("smoke[" .. i .. "]: environment has no meaning here")
    end
  end
end

local function try(test)
  if test.url then
    http.get {
      url = test.url, expect_text = test.text, expect_status = test.status and cairn.array { test.status } or nil,
    }
  elseif test["function"] then
    try_function(test)
  else
    exec.look { argv = cairn.array(test.command) }
  end
end

-- All of them, or an error; `where` is what the report calls it.
function smoke.run(tests, where)
  for _, test in ipairs(tests) do
    try(test)
  end
  cairn.report("tried in " .. where, #tests > 0 and "tests passed: " .. #tests or "nothing: smoke names no test for it")
end

return smoke
