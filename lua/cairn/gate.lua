-- gate.lua: the tests of a stage, by which a version earns the next one: run by a command, looked up on a page, or by a
-- Lambda function.
-- SPDX-License-Identifier: MIT
--
-- A test is one of
--   { command = {"./run-tests", "nightly"}, cwd, timeout_s }   its status 0 is a yes; it must bear being run twice
--   { command = {...}, result = {"./result"} }    the command only begins; result: status 0 yes, 75 not yet, else no
--   { url = "https://...", expect_text, expect_status }        the page is as expected
--   { lambda = NAME, qualifier, payload }                      the function returns without an error
-- A command learns in its environment what it is about: STAGE, DATABASE, VERSION.

local fail = require "cairn.fail"
local exec = cairn.plugin "exec"
local http = cairn.plugin "http"
local lambda = cairn.plugin "lambda"

local gate = {}

local NOT_YET <const> = 75 -- EX_TEMPFAIL of sysexits.h
local SHOWN <const> = 400 -- bytes of an output

-- The end of what was written, for people.
local function tail(got)
  local text = (got.errors ~= "" and got.errors or got.output or ""):gsub("%s+$", "")
  return #text > SHOWN and "..." .. text:sub(-SHOWN) or text
end

local function verdict(got)
  return got.status == 0, "status " .. got.status .. (tail(got) ~= "" and ": " .. tail(got) or "")
end

local function by_command(test, about)
  local env = { STAGE = about.stage, DATABASE = about.database, VERSION = about.version }
  local function arguments(argv)
    return { argv = argv, cwd = test.cwd, env = env, timeout_s = test.timeout_s or 840, any_status = true }
  end
  local begun = exec.set(arguments(test.command))
  if begun.status ~= 0 or not test.result then
    return verdict(begun)
  end
  local ended = cairn.wait { title = "tests of " .. about.stage, every = 60, stall = 6 * 3600, poll = function ()
    local got = exec.look(arguments(test.result))
    return got.status ~= NOT_YET and got, tail(got)
  end }
  return verdict(ended)
end

local function by_page(test)
  local ok, got = pcall(http.get, {
    url = test.url, expect_text = test.expect_text, expect_status = test.expect_status, headers = test.headers,
  })
  if ok then
    return true, "HTTP " .. got.status
  elseif got.kind == "cancelled" or got.kind == "invalid" then
    error(got, 0)
  end
  return false, got.text
end

local function by_lambda(test, about)
  local got = lambda.invoke {
    name = test.lambda, qualifier = test.qualifier,
    payload = test.payload or { stage = about.stage, database = about.database, version = about.version },
  }
  return got.function_error == nil, got.function_error and "the function failed: " .. got.function_error
    or "the function returned"
end

-- Say early what is wrong with a test that is to run in weeks.
function gate.check(test, where)
  local kinds = 0
  for _, kind in ipairs { "command", "url", "lambda" } do
    kinds = kinds + (test[kind] ~= nil and 1 or 0)
  end
  if kinds ~= 1 then
    fail(where .. ": a test has one of command, url and lambda")
  elseif test.command and type(test.command) ~= "table" then
    fail(where .. ": the command is a list: the program and its arguments")
  end
end

-- about: {stage, database, version}. Returns whether it passed, and what was seen.
function gate.run(test, about)
  if test.command then
    return by_command(test, about)
  elseif test.url then
    return by_page(test)
  end
  return by_lambda(test, about)
end

return gate
