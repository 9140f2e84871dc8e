-- queues.lua: how long queues can wait, and whether they have recovered; used by workflows that pause consumers.
-- SPDX-License-Identifier: MIT
--
-- SQS keeps as many messages as come, but each only for the retention; how many more one wants to have waiting is for
-- the operator to say. Whichever of the two comes first is the time that there is.

local fail = require "cairn.fail"
local times = require "cairn.times"
local waits = require "cairn.waits"
local cloudwatch = cairn.plugin "cloudwatch"
local sqs = cairn.plugin "sqs"

local queues = {}

local FEW <const> = 10 -- a backlog of so many is none
local WEEKS_MINUTES <const> = 14 * 24 * 60

local function name_of(arn)
  return arn:match("([^:]+)$")
end

local function metric(name, of, minutes, period, statistic)
  return cloudwatch.statistics {
    namespace = "AWS/SQS", metric = name, dimensions = { QueueName = of }, minutes = minutes, period = period,
    statistic = statistic,
  }
end

local function dead_messages(queue)
  local dead = queue.dead_letter and waits.maybe(function () return sqs.queue { name = queue.dead_letter.name } end)
  return dead and dead.messages + dead.not_visible
end

-- What is in each queue now, s that its oldest message has waited, and messages an hour at its peak in two weeks.
function queues.look(arns)
  local list = {}
  for i, arn in ipairs(arns) do
    local queue = sqs.queue { name = name_of(arn) }
    local peak = metric("NumberOfMessagesSent", queue.name, WEEKS_MINUTES, 3600, "Sum").highest
    list[i] = {
      name = queue.name, messages = queue.messages + queue.delayed, retention = queue.retention,
      oldest = metric("ApproximateAgeOfOldestMessage", queue.name, 10, 60, "Maximum").last or 0, peak = peak,
      dead = dead_messages(queue), dead_letter = queue.dead_letter and queue.dead_letter.name, fifo = queue.fifo,
    }
  end
  return list
end

-- options: safety (share of the time that may be used), limit (messages in a queue at most; nil: any number), peak
-- (messages an hour; nil: as measured). The ms until the first queue is in trouble and why, or nil without queues.
function queues.budget(list, options)
  local best, why
  local function offer(ms, text)
    ms = math.floor(math.max(0, ms) * options.safety)
    if not best or ms < best then
      best, why = ms, text
    end
  end
  for _, q in ipairs(list) do
    offer((q.retention - q.oldest) * 1000, ("the oldest message of %s is %s old, and is lost after %s"):format(q.name,
      times.span(math.floor(q.oldest * 1000)), times.span(q.retention * 1000)))
    local peak = options.peak or q.peak
    if options.limit and peak and peak > 0 then
      offer((options.limit - q.messages) / peak * times.hour, ("%s holds %d messages, %d may wait, %d an hour come at "
        .. "the peak"):format(q.name, q.messages, options.limit, math.floor(peak)))
    elseif options.limit then
      fail("queue " .. q.name .. ": nothing was measured of how many messages come; give peak_per_hour")
    end
  end
  return best, why
end

-- Until no queue has more than before, and no dead-letter queue has got anything meanwhile.
function queues.wait_drained(before)
  local result = waits.till("the backlog is worked off", function ()
    local worst
    for _, q in ipairs(before) do
      local now = sqs.queue { name = q.name }
      local dead = dead_messages(now)
      if dead and q.dead and dead > q.dead then
        return {
          grown = ("dead-letter queue %s has got %d messages since the pause"):format(q.dead_letter, dead - q.dead),
        }
      elseif now.messages > math.max(q.messages, FEW) then
        worst = worst or ("%s holds %d messages"):format(q.name, now.messages)
      end
    end
    return not worst and { drained = true }, worst
  end, { every = 30, stall = 1800 })
  if result.grown then
    fail(result.grown .. ": look at them before they are sent again")
  end
end

return queues
