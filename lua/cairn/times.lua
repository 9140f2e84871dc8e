-- times.lua: times and windows as AWS writes them, without a clock of its own; used by checks and reports.
-- SPDX-License-Identifier: MIT
--
-- Times are milliseconds since 1970, as cairn.now() gives them. Windows are in UTC.

local fail = require "cairn.fail"

local times = {}

local SECOND <const> = 1000
local MINUTE <const> = 60 * SECOND
local HOUR <const> = 60 * MINUTE
local DAY <const> = 24 * HOUR
local WEEK <const> = 7 * DAY
local DAYS = { sun = 0, mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6 }

times.minute, times.hour, times.day = MINUTE, HOUR, DAY

-- Days since 1970-01-01 of a date of the Gregorian calendar; years begin in March, so that a leap day is a year's last.
local function days_of(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local era = year // 400
  local in_era = year - era * 400
  local in_year = (153 * (month - 3) + 2) // 5 + day - 1
  return era * 146097 + in_era * 365 + in_era // 4 - in_era // 100 + in_year - 719468
end

-- "2026-11-20T13:36:57.123Z" -> ms, or nil when it isn't such a time.
function times.parse(text)
  local y, mo, d, h, mi, s, rest = text:match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)(.*)$")
  if not y then
    return nil
  end
  local fraction, zone = rest:match("^%.(%d+)(.*)$")
  zone = zone or rest
  local ms = fraction and tonumber((fraction .. "00"):sub(1, 3)) or 0
  local at = days_of(tonumber(y), tonumber(mo), tonumber(d)) * DAY + tonumber(h) * HOUR + tonumber(mi) * MINUTE
    + tonumber(s) * SECOND + ms
  if zone == "Z" then
    return at
  end
  local sign, zh, zm = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then
    return nil
  end
  local shift = tonumber(zh) * HOUR + tonumber(zm) * MINUTE
  return sign == "+" and at - shift or at + shift
end

local function clock(text)
  local h, m = text:match("^(%d%d?):(%d%d)$")
  return h and tonumber(h) * HOUR + tonumber(m) * MINUTE
end

-- Begin, length and period of "sun:05:00-sun:06:00" (weekly) or "03:00-04:00" (daily), from 1970-01-04 (a Sunday) on.
local function window(spec)
  local day1, t1, day2, t2 = spec:lower():match("^(%a%a%a):(%d+:%d+)%-(%a%a%a):(%d+:%d+)$")
  local period = WEEK
  local from, to
  if day1 then
    from = DAYS[day1] and DAYS[day1] * DAY + clock(t1)
    to = DAYS[day2] and DAYS[day2] * DAY + clock(t2)
  else
    t1, t2 = spec:match("^(%d+:%d+)%-(%d+:%d+)$")
    period = DAY
    from, to = t1 and clock(t1), t2 and clock(t2)
  end
  if not from or not to then
    fail("read window " .. spec .. ": expected ddd:hh:mm-ddd:hh:mm or hh:mm-hh:mm")
  end
  return from, (to - from) % period, period
end

-- 0 while the window is open, else how long until it opens, ms.
function times.until_window(spec, now)
  local from, length, period = window(spec)
  local since = (now - 3 * DAY - from) % period
  return since < length and 0 or period - since
end

-- How long a window is open, ms.
function times.window_length(spec)
  local _, length = window(spec)
  return length
end

-- "3 d 4 h", "1 h 05 min", "2 min 14 s", "14 s": for people.
function times.span(ms)
  local seconds = (ms + SECOND // 2) // SECOND
  if seconds < 60 then
    return seconds .. " s"
  elseif seconds < 3600 then
    return string.format("%d min %02d s", seconds // 60, seconds % 60)
  elseif seconds >= 2 * 86400 then
    return string.format("%d d %d h", seconds // 86400, seconds % 86400 // 3600)
  end
  return string.format("%d h %02d min", seconds // 3600, seconds % 3600 // 60)
end

return times
