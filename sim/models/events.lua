-- events.lua: the model of Amazon EventBridge: rules that are enabled or not, and their targets.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local awsjson = require "awsjson"
local host = require "host"

return function (sim)
    local M = { name = "events", service = "events", target = "AWSEvents", json = "1.1", operations = {} }

    M.schema = {
        type = "map",
        fields = {
            rules = {
                type = "table",
                of = {
                    type = "map",
                    fields = {
                        schedule = { type = "string" },
                        pattern = { type = "string" },
                        state = { type = "string", default = "ENABLED", one_of = { "ENABLED", "DISABLED" } },
                        description = { type = "string", default = "" },
                        managed_by = { type = "string" },
                        functions = { type = "list", of = { type = "string" } },
                        targets = { type = "list", of = { type = "string" } },
                    },
                },
            },
        },
    }

    local function rules()
        return sim.state("events").rules
    end

    local function arn(name)
        return ("arn:aws:events:%s:%s:rule/%s"):format(sim.world.region, sim.world.account, name)
    end

    function M.start(section)
        sim.state("events").rules = {}
        for name, given in pairs(section.rules) do
            local targets = {}
            for i, fn in ipairs(given.functions) do
                if not sim.world.lambda.functions[fn] then
                    require "schema".fail(sim.where, ("/events/rules/%s/functions/%d"):format(name, i - 1),
                        "there is no function " .. fn)
                end
                targets[#targets + 1] = ("arn:aws:lambda:%s:%s:function:%s"):format(sim.world.region,
                    sim.world.account, fn)
            end
            for _, target in ipairs(given.targets) do
                targets[#targets + 1] = target
            end
            rules()[name] = {
                name = name, state = given.state, schedule = given.schedule, pattern = given.pattern,
                description = given.description, managed_by = given.managed_by, targets = targets,
            }
        end
    end

    local function bus(body)
        local name = body.EventBusName or "default"
        if name ~= "default" and not name:find(":event%-bus/default$") then
            aws.fail("ResourceNotFoundException", ("Event bus %s does not exist."):format(name))
        end
    end

    local function find(body)
        bus(body)
        local name = awsjson.required(body, "Name")
        return rules()[name] or aws.fail("ResourceNotFoundException",
            ("Rule %s does not exist on EventBus default."):format(name))
    end

    local function render(r)
        return {
            Name = r.name, Arn = arn(r.name), State = r.state, ScheduleExpression = r.schedule,
            EventPattern = r.pattern, Description = r.description ~= "" and r.description or nil,
            ManagedBy = r.managed_by, EventBusName = "default",
        }
    end

    local function matching(fn)
        local names, out = {}, {}
        for name in pairs(rules()) do
            names[#names + 1] = name
        end
        table.sort(names)
        for _, name in ipairs(names) do
            local value = fn(rules()[name])
            out[#out + 1] = value or nil
        end
        return out
    end

    function M.operations.DescribeRule(body)
        return render(find(body))
    end

    function M.operations.ListRules(body)
        bus(body)
        local prefix = body.NamePrefix or ""
        return awsjson.page(body, matching(function (r)
            return r.name:sub(1, #prefix) == prefix and render(r)
        end), "Rules", 100, "Limit")
    end

    function M.operations.ListRuleNamesByTarget(body)
        bus(body)
        local target = awsjson.required(body, "TargetArn")
        return awsjson.page(body, matching(function (r)
            for _, t in ipairs(r.targets) do
                if t == target then
                    return r.name
                end
            end
        end), "RuleNames", 100, "Limit")
    end

    function M.operations.ListTargetsByRule(body)
        local items = {}
        for i, target in ipairs(find { Name = body.Rule, EventBusName = body.EventBusName }.targets) do
            items[i] = { Id = ("Target%d"):format(i), Arn = target }
        end
        return awsjson.page(body, items, "Targets", 100, "Limit")
    end

    local function set(state)
        return function (body)
            local r = find(body)
            if r.managed_by then
                aws.fail("ManagedRuleException", ("Rule %s is managed by %s and can only be modified by it."):format(
                    r.name, r.managed_by))
            end
            sim.ledger { target = r.name }
            r.state = state
            return nil
        end
    end

    M.operations.EnableRule, M.operations.DisableRule = set "ENABLED", set "DISABLED"

    function M.export()
        local out = {}
        for name, r in pairs(rules()) do
            out[name] = { state = r.state, targets = host.list(r.targets) }
        end
        return out
    end

    return awsjson.model(sim, M)
end
