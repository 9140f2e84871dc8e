-- cloudwatch.lua: the model of Amazon CloudWatch: metrics that are computed from what the other models know.
-- SPDX-License-Identifier: MIT
--
-- Nothing is stored: a value of the past is what the present state says of that time.
local aws = require "aws"
local awsjson = require "awsjson"
local host = require "host"
local xml = require "xml"

return function (sim)
    local M = {
        name = "cloudwatch", service = "monitoring", target = "GraniteServiceVersion20100801", json = "1.0",
        shapes = "com.amazonaws.cloudwatch#", throttled = "Throttling", operations = {},
    }

    -- namespace, dimension, names() -> list, metrics(name) -> { METRIC = { unit, fn(at ms, period s) } }
    local rds, sqs = sim.by_name.rds.metrics, sim.by_name.sqs
    local sources = {
        { "AWS/RDS", "DBInstanceIdentifier", rds.instances, rds.of_instance },
        { "AWS/RDS", "ProxyName", rds.proxies, rds.of_proxy },
        { "AWS/SQS", "QueueName", sqs.names, sqs.metrics },
    }

    -- fn(namespace, metric, dimension, name, { unit, fn }) for each metric there is.
    local function each(fn)
        for _, s in ipairs(sources) do
            for _, name in ipairs(s[3]()) do
                local list = {}
                local known = s[4](name)
                for metric in pairs(known) do
                    list[#list + 1] = metric
                end
                table.sort(list)
                for _, metric in ipairs(list) do
                    fn(s[1], metric, s[2], name, known[metric])
                end
            end
        end
    end

    local function find(namespace, metric, dimensions)
        local found
        local wanted = dimensions and #dimensions == 1 and dimensions[1] or {}
        each(function (ns, metric_name, dimension, name, how)
            if ns == namespace and metric_name == metric and dimension == wanted.Name and name == wanted.Value then
                found = how
            end
        end)
        return found
    end

    local function seconds(value, name)
        local number = tonumber(value)
        local ms = not number and host.parse((tostring(value):gsub("[+]00:00$", "Z")))
        if not number and not ms then
            aws.fail("InvalidParameterValue", "Invalid timestamp: " .. name)
        end
        return number or ms / 1000
    end

    -- { at (s), value } for each period that has begun; those of the future have no value.
    local function points(how, body, period)
        local from, to = seconds(body.StartTime, "StartTime"), seconds(body.EndTime, "EndTime")
        local list = {}
        period = math.tointeger(tonumber(period)) or 0
        if period < 1 or (period % 60 ~= 0 and period ~= 1 and period ~= 5 and period ~= 10 and period ~= 30) then
            aws.fail("InvalidParameterValue", "The parameter Period must be a multiple of 60.")
        elseif from >= to then
            aws.fail("InvalidParameterCombination", "The parameter StartTime must be less than the parameter EndTime.")
        elseif (to - from) / period > 1440 then
            aws.fail("InvalidParameterCombination", "You have requested more than 1,440 datapoints.")
        end
        for at = from // period * period, to - 1, period do
            local value = how and at * 1000 <= sim.now() and how[2](math.min((at + period) * 1000, sim.now()), period)
            if value and at >= from - period then
                list[#list + 1] = { at = math.tointeger(at) or at, value = value + 0.0 }
            end
        end
        return list
    end

    local known = { Average = true, Sum = true, Minimum = true, Maximum = true, SampleCount = true }

    function M.operations.GetMetricStatistics(body)
        local how = find(awsjson.required(body, "Namespace"), awsjson.required(body, "MetricName"), body.Dimensions)
        local out = host.list {}
        for _, p in ipairs(points(how, body, awsjson.required(body, "Period"))) do
            local point = { Timestamp = p.at, Unit = how[1] }
            for _, statistic in ipairs(body.Statistics or {}) do
                if not known[statistic] then
                    aws.fail("InvalidParameterValue", "The parameter Statistics has an unknown value: " .. statistic)
                end
                point[statistic] = statistic == "SampleCount" and 1 or p.value
            end
            table.insert(out, 1, point) -- in no order that anybody may rely on
        end
        return { Label = body.MetricName, Datapoints = out }
    end

    function M.operations.GetMetricData(body)
        local results = host.list {}
        for i, query in ipairs(awsjson.required(body, "MetricDataQueries")) do
            local stat = query.MetricStat
            if not stat then
                aws.fail("ValidationError", "The simulator computes no expressions.")
            end
            local metric = stat.Metric
            local times, values = host.list {}, host.list {}
            local how = find(metric.Namespace, metric.MetricName, metric.Dimensions)
            for _, p in ipairs(points(how, body, stat.Period)) do
                local where = body.ScanBy == "TimestampAscending" and #times + 1 or 1
                table.insert(times, where, p.at)
                table.insert(values, where, stat.Stat == "SampleCount" and 1 or p.value)
            end
            results[i] = {
                Id = query.Id, Label = query.Label or metric.MetricName, Timestamps = times, Values = values,
                StatusCode = "Complete",
            }
        end
        return { MetricDataResults = results, Messages = host.list {} }
    end

    function M.operations.ListMetrics(body)
        local items = {}
        local wanted = body.Dimensions and body.Dimensions[1] or {}
        each(function (namespace, metric, dimension, name)
            if (body.Namespace or namespace) == namespace and (body.MetricName or metric) == metric
                and (wanted.Name or dimension) == dimension and (wanted.Value or name) == name
            then
                items[#items + 1] = {
                    Namespace = namespace, MetricName = metric,
                    Dimensions = host.list { { Name = dimension, Value = name } },
                }
            end
        end)
        return awsjson.page(body, items, "Metrics", 500)
    end

    -- ---- the Query protocol, which the programs of before 2025 speak ----------------------------------------------

    local function members(list, fn)
        local items = {}
        for i, item in ipairs(list or {}) do
            items[i] = fn and fn(item) or item
        end
        return xml.list("member", items)
    end

    local function dimensions_of(form, prefix)
        return aws.structures(form, prefix .. ".member", { "Name", "Value" })
    end

    local function time(at)
        return sim.time(math.tointeger(at * 1000 // 1))
    end

    local function take_queries(form)
        local list = {}
        while form[("MetricDataQueries.member.%d.Id"):format(#list + 1)] do
            local at = ("MetricDataQueries.member.%d."):format(#list + 1)
            local stat = at .. "MetricStat."
            list[#list + 1] = {
                Id = form[at .. "Id"], Label = form[at .. "Label"],
                MetricStat = form[stat .. "Period"] and {
                    Period = form[stat .. "Period"], Stat = form[stat .. "Stat"],
                    Metric = {
                        Namespace = form[stat .. "Metric.Namespace"], MetricName = form[stat .. "Metric.MetricName"],
                        Dimensions = dimensions_of(form, stat .. "Metric.Dimensions"),
                    },
                },
            }
        end
        return {
            MetricDataQueries = list, StartTime = form.StartTime, EndTime = form.EndTime, ScanBy = form.ScanBy,
        }
    end

    M.old = {
        namespace = "http://monitoring.amazonaws.com/doc/2010-08-01/",
        version = "2010-08-01",
        codes = {},
        take = {
            GetMetricStatistics = function (form)
                local body = { Dimensions = dimensions_of(form, "Dimensions"),
                    Statistics = aws.values(form, "Statistics.member") }
                for _, name in ipairs { "Namespace", "MetricName", "StartTime", "EndTime", "Period" } do
                    body[name] = form[name]
                end
                return body
            end,
            GetMetricData = take_queries,
            ListMetrics = function (form)
                local dimensions = dimensions_of(form, "Dimensions")
                return {
                    Namespace = form.Namespace, MetricName = form.MetricName, NextToken = form.NextToken,
                    Dimensions = #dimensions > 0 and dimensions or nil,
                }
            end,
        },
        give = {
            GetMetricStatistics = function (result)
                return {
                    Label = result.Label,
                    Datapoints = members(result.Datapoints, function (p)
                        p.Timestamp = time(p.Timestamp)
                        return p
                    end),
                }
            end,
            GetMetricData = function (result)
                return {
                    Messages = members {},
                    MetricDataResults = members(result.MetricDataResults, function (r)
                        return {
                            Id = r.Id, Label = r.Label, StatusCode = r.StatusCode, Values = members(r.Values),
                            Timestamps = members(r.Timestamps, time),
                        }
                    end),
                }
            end,
            ListMetrics = function (result)
                return {
                    NextToken = result.NextToken,
                    Metrics = members(result.Metrics, function (m)
                        m.Dimensions = members(m.Dimensions)
                        return m
                    end),
                }
            end,
        },
    }

    return awsjson.model(sim, M)
end
