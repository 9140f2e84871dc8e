-- versions.lua: PostgreSQL's version numbers compared: which is newer, and is it another major version?
-- SPDX-License-Identifier: MIT

local fail = require "cairn.fail"

local versions = {}

-- "13.16" -> { 13, 16 }, "9.6.24" -> { 9, 6, 24 }; what AWS appends ("16.4-R2") counts as a last number.
local function numbers(text)
  local list = {}
  for number in text:gmatch("%d+") do
    list[#list + 1] = tonumber(number)
  end
  if #list < 2 or not text:find("^%d+%.%d+") then
    fail("version " .. text .. ": expected a whole one, like 13.16")
  end
  return list
end

-- "13" of "13.16"; "9.6" of "9.6.24": until 10, the first two numbers were the major version.
function versions.major(text)
  local list = numbers(text)
  return list[1] >= 10 and tostring(list[1]) or list[1] .. "." .. list[2]
end

-- Less than 0 when a is older than b, 0 when they are the same, more than 0 when it is newer.
function versions.compare(a, b)
  local x, y = numbers(a), numbers(b)
  for i = 1, math.max(#x, #y) do
    local difference = (x[i] or 0) - (y[i] or 0)
    if difference ~= 0 then
      return difference
    end
  end
  return 0
end

-- Does a declared version stand for a live one? "13" and "9.6" are what AWS completes by itself.
function versions.stands_for(declared, live)
  return declared == live or live:sub(1, #declared + 1) == declared .. "."
end

return versions
