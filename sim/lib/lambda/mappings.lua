-- mappings.lua: event source mappings and reserved concurrency of the Lambda model.
-- SPDX-License-Identifier: MIT
--
-- A mapping that is told to stop polls on until its state is Disabled. What a function makes of its messages is the
-- business of queues.lua, which asks here who consumes a queue.
local aws = require "aws"
local host = require "host"
local ids = require "ids"

return function (sim, L)
    local M = {}

    M.schema = {
        type = "list",
        of = {
            type = "map",
            fields = {
                queue = { type = "string" }, -- of the section sqs
                source = { type = "string" }, -- any other ARN
                enabled = { type = "boolean", default = true },
                batch_size = { type = "integer", default = 10, min = 1, max = 10000 },
                per_hour = { type = "number", default = 100000, min = 0 },
                uuid = { type = "string", pattern = "^%x+%-%x+%-%x+%-%x+%-%x+$" },
            },
        },
    }

    local function mappings()
        return sim.state("lambda").mappings
    end

    function M.begin(name, list)
        for i, given in ipairs(list) do
            local source = given.source
            if given.queue then
                if not (sim.world.sqs and sim.world.sqs.queues[given.queue]) then
                    require "schema".fail(sim.where, ("/lambda/functions/%s/mappings/%d/queue"):format(name, i - 1),
                        "there is no queue " .. given.queue)
                end
                source = ("arn:aws:sqs:%s:%s:%s"):format(sim.world.region, sim.world.account, given.queue)
            end
            local uuid = given.uuid or ids.uuid("mapping")
            mappings()[uuid] = {
                uuid = uuid, fn = name, source = source, state = given.enabled and "Enabled" or "Disabled",
                batch_size = given.batch_size, per_hour = given.per_hour, modified = sim.now() - 86400000,
            }
        end
    end

    -- Those who poll the source with this ARN: { per_hour, blocked } for each.
    function M.consumers(source)
        local list = {}
        for _, uuid in ipairs(L.sorted(mappings())) do
            local m = mappings()[uuid]
            if m.source == source and (m.state == "Enabled" or m.state == "Disabling") then
                local f = L.functions()[m.fn]
                list[#list + 1] = {
                    per_hour = m.per_hour, blocked = f.reserved == 0 or L.unreachable(f.latest) ~= nil,
                }
            end
        end
        return list
    end

    local function render(m)
        return {
            UUID = m.uuid, EventSourceArn = m.source, FunctionArn = L.arn(m.fn), State = m.state,
            StateTransitionReason = "USER_INITIATED", BatchSize = m.batch_size, LastModified = m.modified / 1000,
            MaximumBatchingWindowInSeconds = 0, FunctionResponseTypes = host.list {},
        }
    end

    local function find(req)
        local m = mappings()[req.params.uuid]
        if not m then
            aws.fail("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        end
        return m
    end

    local function get(req)
        return render(find(req))
    end

    local function list(req)
        local wanted = req.query.FunctionName and L.split(req.query.FunctionName)
        if wanted and not L.functions()[wanted] then
            aws.fail("ResourceNotFoundException", "Function not found: " .. L.arn(wanted), 404)
        end
        local items = {}
        for _, uuid in ipairs(L.sorted(mappings())) do
            local m = mappings()[uuid]
            if (not wanted or m.fn == wanted) and (not req.query.EventSourceArn or m.source == req.query.EventSourceArn)
            then
                items[#items + 1] = m
            end
        end
        return L.page(req, items, "EventSourceMappings", render, 100)
    end

    -- The queues' clocks are put forward first: what polls them changes at this very instant.
    local function move(m, state)
        sim.by_name.sqs.settle()
        m.state = state
    end

    local function update(req)
        local m = find(req)
        local enabled = L.body_of(req).Enabled
        if m.state ~= "Enabled" and m.state ~= "Disabled" then
            aws.fail("ResourceConflictException", ("The event source mapping is in state %s and can't be changed "
                .. "now."):format(m.state), 409)
        end
        sim.ledger { target = m.uuid, note = m.fn .. (enabled and " on" or " off") }
        m.modified = sim.now()
        if type(enabled) == "boolean" and enabled ~= (m.state == "Enabled") then
            local durations = sim.world.durations
            m.state = enabled and "Enabling" or "Disabling"
            sim.after(enabled and durations.enable_mapping or durations.disable_mapping, function ()
                move(mappings()[m.uuid], enabled and "Enabled" or "Disabled")
            end)
        end
        return render(m), 202
    end

    local function get_concurrency(req)
        return { ReservedConcurrentExecutions = L.find(req).reserved }
    end

    local function put_concurrency(req)
        local f = L.find(req)
        local n = math.tointeger(L.body_of(req).ReservedConcurrentExecutions)
        if not n or n < 0 then
            aws.fail("InvalidParameterValueException", "ReservedConcurrentExecutions must be a number from 0")
        elseif n > 900 then
            aws.fail("InvalidParameterValueException", "Specified ReservedConcurrentExecutions for function decreases "
                .. "account's UnreservedConcurrentExecution below its minimum value of [100].")
        end
        sim.ledger { target = f.latest.name, note = tostring(n) }
        sim.by_name.sqs.settle()
        f.reserved = n
        return { ReservedConcurrentExecutions = n }
    end

    local function delete_concurrency(req)
        local f = L.find(req)
        sim.ledger { target = f.latest.name }
        sim.by_name.sqs.settle()
        f.reserved = nil
        return nil, 204
    end

    function M.export()
        local out = {}
        for uuid, m in pairs(mappings()) do
            out[uuid] = { state = m.state, fn = m.fn, source = m.source }
        end
        return out
    end

    local mapping = "/2015-03-31/event-source-mappings"
    M.routes = {
        { "GET", mapping, "ListEventSourceMappings", list },
        { "GET", mapping .. "/{uuid}", "GetEventSourceMapping", get },
        { "PUT", mapping .. "/{uuid}", "UpdateEventSourceMapping", update },
        { "GET", "/2019-09-30/functions/{name}/concurrency", "GetFunctionConcurrency", get_concurrency },
        { "PUT", "/2017-10-31/functions/{name}/concurrency", "PutFunctionConcurrency", put_concurrency },
        { "DELETE", "/2017-10-31/functions/{name}/concurrency", "DeleteFunctionConcurrency", delete_concurrency },
    }
    return M
end
