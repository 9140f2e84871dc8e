-- metrics.lua: what CloudWatch has measured of databases and proxies, as something to wait for; used by modules here.
-- SPDX-License-Identifier: MIT
--
-- A value comes a minute or two after its time, and nobody has to be allowed to read it: what isn't known is told as
-- such, and never taken for 0.

local times = require "cairn.times"
local waits = require "cairn.waits"
local cloudwatch = cairn.plugin "cloudwatch"

local metrics = {}

local LOOK_BACK <const> = 5 -- minutes whose highest value counts

-- The highest value of the last minutes; or nil, and why it isn't known.
local function highest(metric, dimensions)
  local seen, result = pcall(cloudwatch.statistics, {
    namespace = "AWS/RDS", metric = metric, dimensions = dimensions, minutes = LOOK_BACK, statistic = "Maximum",
  })
  if seen then
    return result.highest and math.floor(result.highest), "CloudWatch has no value of " .. metric
  elseif type(result) == "table" and result.kind == "denied" then
    return nil, result.text
  end
  error(result, 0)
end

-- Wait until the metric is at most `limit`, for so many minutes at most: {value = N}, or {left = N} when it is still
-- above it then, or {unknown = TEXT} at once.
function metrics.wait_down(title, metric, dimensions, limit, minutes)
  local deadline = cairn.now() + minutes * times.minute
  return waits.till(title, function ()
    local now, why = highest(metric, dimensions)
    if not now then
      return { unknown = why }
    elseif now <= limit then
      return { value = now }
    end
    return cairn.now() >= deadline and { left = now }, metric .. " is " .. now
  end, { every = 30 })
end

return metrics
