-- consumers.lua: what makes functions run (event sources, rules, callers), paused for a while and led back exactly as
-- it was; used by workflows that need a quiet database.
-- SPDX-License-Identifier: MIT
--
-- Each item knows what it was before: only what was enabled is enabled again, whatever happens in between. A mapping
-- that is told to stop polls on for a while, so a pause is over only when all are Disabled and nothing is in flight.

local fail = require "cairn.fail"
local waits = require "cairn.waits"
local events = cairn.plugin "events"
local lambda = cairn.plugin "lambda"
local sts = cairn.plugin "sts"

local consumers = {}

local MOTION <const> = { Creating = true, Enabling = true, Disabling = true, Updating = true }

-- ---- what there is ------------------------------------------------------------------------------------------------

-- "arn:aws:lambda:REGION:ACCOUNT:function:NAME", in the caller's own partition.
local function arn_of(me, name)
  if name:find("^arn:") then
    return name
  end
  return ("%s:lambda:%s:%s:function:%s"):format(me.arn:match("^arn:[^:]+"), me.region, me.account, name)
end

local function is_queue(source)
  return source ~= nil and source:find("^arn:[^:]+:sqs:") ~= nil
end

-- A mapping in motion is on its way to what somebody wants: that is what it was.
local function add_mappings(list, name)
  for _, seen in ipairs(lambda.event_source_mappings({ ["function"] = name }).mappings) do
    local now = seen
    if MOTION[seen.state] then
      now = waits.till("mapping " .. seen.uuid .. " is at rest", function ()
        local m = lambda.event_source_mapping { uuid = seen.uuid }
        return not MOTION[m.state] and m, m.state
      end, { every = 5 })
    end
    list[#list + 1] = {
      kind = "mapping", name = seen.uuid, fn = name, source = now.source, queue = is_queue(now.source),
      enabled = now.state == "Enabled",
    }
  end
end

local function add_rule(list, name, seen)
  if seen[name] then
    return
  end
  seen[name] = true
  local rule = events.describe_rule { name = name }
  if rule.state ~= "DISABLED" and rule.managed_by then
    fail("rule " .. name .. " is kept by " .. rule.managed_by .. ", which alone may disable it")
  end
  list[#list + 1] = { kind = "rule", name = name, enabled = rule.state ~= "DISABLED", schedule = rule.schedule }
end

-- A reservation of 0 makes no pause of a queue's deliveries: they are refused, and each counts as a receive.
local function check_reserved(list, name, reserved, freezes)
  for _, item in ipairs(list) do
    if item.kind == "mapping" and item.fn == name and item.queue and item.enabled then
      if reserved == 0 then
        fail("function " .. name .. " has reserved concurrency 0 while its mapping of " .. item.source .. " is "
          .. "enabled: messages go to the dead-letter queue; disable the mapping, or take the reservation away")
      elseif freezes then
        fail("freeze: function " .. name .. " is fed by " .. item.source .. ": with reserved concurrency 0 its "
          .. "deliveries would count as receives and end in the dead-letter queue; list it in functions instead")
      end
    end
  end
end

-- functions: those whose event sources and rules are paused; rules: more rules; freeze: functions that others call,
-- which get reserved concurrency 0 meanwhile.
function consumers.capture(functions, rules, freeze)
  local me = sts.caller_identity {}
  local list, seen = {}, {}
  for _, name in ipairs(functions) do
    add_mappings(list, name)
    check_reserved(list, name, lambda.concurrency({ ["function"] = name }).reserved, false)
    for _, rule in ipairs(events.rules({ target = arn_of(me, name) }).names) do
      add_rule(list, rule, seen)
    end
  end
  for _, rule in ipairs(rules) do
    add_rule(list, rule, seen)
  end
  for _, name in ipairs(freeze) do
    local own = {}
    add_mappings(own, name)
    check_reserved(own, name, nil, true)
    local reserved = lambda.concurrency({ ["function"] = name }).reserved
    list[#list + 1] = { kind = "concurrency", name = name, reserved = reserved, enabled = reserved ~= 0 }
  end
  return list
end

-- For the report.
function consumers.summary(list)
  local out = cairn.array {}
  for i, item in ipairs(list) do
    out[i] = {
      kind = item.kind, name = item.name, of = item.source or item.schedule, reserved = item.reserved,
      was = item.enabled and "enabled" or "disabled",
    }
  end
  return out
end

-- ARNs of the queues behind the mappings that will be paused, each once.
function consumers.queues(list)
  local out, seen = {}, {}
  for _, item in ipairs(list) do
    if item.queue and item.enabled and not seen[item.source] then
      seen[item.source] = true
      out[#out + 1] = item.source
    end
  end
  return out
end

-- ---- off and on ---------------------------------------------------------------------------------------------------

local kinds = {
  mapping = {
    look = function (item)
      local state = lambda.event_source_mapping({ uuid = item.name }).state
      return state == "Enabled" or state == "Enabling", MOTION[state], state
    end,
    set = function (item, on) lambda.set_event_source_mapping { uuid = item.name, enabled = on } end,
  },
  rule = {
    look = function (item)
      local state = events.describe_rule({ name = item.name }).state
      return state ~= "DISABLED", false, state
    end,
    set = function (item, on)
      local change = on and events.enable_rule or events.disable_rule
      change { name = item.name }
    end,
  },
  concurrency = {
    look = function (item)
      local reserved = lambda.concurrency({ ["function"] = item.name }).reserved
      return reserved ~= 0, false, reserved and "reserved " .. reserved or "not reserved"
    end,
    set = function (item, on)
      if not on then
        lambda.set_concurrency { ["function"] = item.name, reserved = 0 }
      elseif item.reserved then
        lambda.set_concurrency { ["function"] = item.name, reserved = item.reserved }
      else
        lambda.delete_concurrency { ["function"] = item.name }
      end
    end,
  },
}

local function on_now(item)
  return kinds[item.kind].look(item)
end

-- Those of the list that were enabled and aren't at rest in the wanted state; for polls.
local function unsettled(list, on)
  for _, item in ipairs(list) do
    if item.enabled then
      local is_on, moving, state = on_now(item)
      if is_on ~= on or moving then
        return item.kind .. " " .. item.name .. " is " .. state
      end
    end
  end
  return nil
end

-- Turn all that were enabled to `on`. What is there already is left alone. An error with one doesn't keep the others
-- from their turn; the first is raised at the end.
local function turn(list, on)
  local why
  for _, item in ipairs(list) do
    if item.enabled then
      local ok, e = pcall(function ()
        if on_now(item) ~= on then
          kinds[item.kind].set(item, on)
        end
      end)
      why = why or (not ok and e or nil)
    end
  end
  if why then
    error(why, 0)
  end
end

-- Until nothing polls any more, or stop(). Looked at anew in each round: a resume may find some led back meanwhile.
function consumers.pause(list, stop)
  local left
  repeat
    turn(list, false)
    left = waits.till("the consumers stand still", function ()
      if stop() then
        return "stop"
      end
      local why = unsettled(list, false)
      return not why and "still", why
    end, { every = 5, stall = 900 })
  until left == "stop" or not unsettled(list, false)
end

function consumers.resume(list)
  turn(list, true)
  waits.till("the consumers are back", function ()
    local why = unsettled(list, true)
    return not why, why
  end, { every = 5, stall = 900 })
end

-- ---- a pause ------------------------------------------------------------------------------------------------------

local LOOK_EVERY <const> = 20 -- s: so late at most is the end of the budget seen

local function is_over(hold)
  return not hold.over and hold.deadline and cairn.now() >= hold.deadline
end

-- Lead the consumers back when the time budget is used up, whatever else goes on: also as the first thing that a run
-- does which was resumed too late. It goes on after that: a resume pauses anew, with a time of its own.
local function watch(list, hold)
  while not hold.done do
    cairn.wait {
      title = "time budget of the pause", every = LOOK_EVERY,
      poll = function ()
        return hold.done and "not needed any more" or is_over(hold) and "used up"
      end,
    }
    if not hold.done and is_over(hold) then
      hold.over = true
      local ok, e = pcall(consumers.resume, list)
      cairn.report("time budget used up", ok and "the consumers were led back" or e)
      hold.back = true
    end
  end
end

-- Raise an error when the budget is used up. The look makes the time a fresh one, and what a resume does again: the
-- consumers are paused anew before it.
local function check_time(list, hold)
  if hold.over and not hold.back then
    -- A resume that does this again has paused anew: then nothing is over.
    waits.till("the consumers are led back", function () return hold.back or not hold.over end, { every = 1 })
  end
  for _, item in ipairs(list) do
    if item.enabled then
      on_now(item)
      break
    end
  end
  if hold.over then
    fail("the time budget is used up, and the consumers were led back; when the cause is known, cairn resume pauses "
      .. "them anew, and cairn rollback takes the release back")
  elseif hold.deadline and cairn.now() >= hold.deadline then
    fail("the time budget is used up: the consumers are led back")
  end
end

-- Run body(hold) while the consumers are paused, and lead them back on every way out: also after a failure, a cancel, a
-- rollback, and when the budget is used up. `budget()` gives the ms that there are, before anything is paused, or
-- raises an error; nil is no limit. The body calls hold.check() between its steps, and hold.stop() in polls of its own.
function consumers.during(list, budget, body)
  local hold = {}
  hold.stop = function () return hold.over end
  hold.check = function () check_time(list, hold) end
  local function enter()
    local ms = budget()
    hold.over, hold.back = false, false
    hold.deadline = ms and cairn.now() + ms
    if hold.entered then -- after a failure, to go on with the step that failed
      consumers.pause(list, hold.stop)
      check_time(list, hold)
    end
    hold.entered = true
  end
  local function work()
    local ok, e = pcall(function ()
      consumers.pause(list, hold.stop)
      hold.check()
      body(hold)
    end)
    hold.done = true
    if not ok then
      error(e, 0)
    end
    consumers.resume(list) -- now, and not only when the watch has seen it
  end
  local function leave()
    consumers.resume(list)
  end
  cairn.undo("consumers as they were", leave)
  -- Two blocks: what ENTER did of a pause is taken back as well when it fails half-way.
  return cairn.during(function () end, leave, function ()
    return cairn.during(enter, function () end, function ()
      cairn.parallel { work = work, watch = function () watch(list, hold) end }
    end)
  end)
end

return consumers
