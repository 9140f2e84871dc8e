-- sqs.lua: the model of Amazon SQS: queues whose backlog grows and drains, attributes, dead-letter queues.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local awsjson = require "awsjson"
local host = require "host"
local queues = require "queues"
local xml = require "xml"

return function (sim)
    local M = {
        name = "sqs", service = "sqs", target = "AmazonSQS", json = "1.0", shapes = "com.amazonaws.sqs#",
        throttled = "RequestThrottled", operations = {},
    }

    M.schema = {
        type = "map",
        fields = {
            queues = {
                type = "table",
                of = {
                    type = "map",
                    fields = {
                        messages = { type = "integer", default = 0, min = 0 },
                        per_hour = { type = "number", default = 0, min = 0 },
                        peak_per_hour = { type = "number", min = 0 },
                        delayed = { type = "integer", default = 0, min = 0 },
                        retention = { type = "duration", default = "4d" },
                        visibility_timeout = { type = "duration", default = "30s" },
                        dead_letter = { type = "string" },
                        max_receive_count = { type = "integer", default = 5, min = 1, max = 1000 },
                        attributes = { type = "table", of = { type = "string" } },
                    },
                },
            },
        },
    }

    local function all()
        return sim.state("sqs").queues
    end

    local function arn(name)
        return ("arn:aws:sqs:%s:%s:%s"):format(sim.world.region, sim.world.account, name)
    end

    local function sorted()
        local names = {}
        for name in pairs(all()) do
            names[#names + 1] = name
        end
        table.sort(names)
        return names
    end

    -- When the last consumer has gone (when the queue was last put forward), what it had is done within a batch's time.
    local function put_forward(q)
        local since, was_busy = q.at, q.busy
        local flying = queues.in_flight(q, since, sim.world.durations.process_batch)
        local dead = queues.settle(q, sim.now(), sim.by_name.lambda.consumers(arn(q.name)))
        if was_busy and not q.busy then
            q.flying, q.flying_until = flying, since + sim.world.durations.process_batch
        end
        if dead > 0 then
            all()[q.dead_letter].waiting = all()[q.dead_letter].waiting + dead
        end
    end

    -- Put all queues forward to now: called before anything changes for their consumers.
    function M.settle()
        for _, name in ipairs(sorted()) do
            put_forward(all()[name])
        end
    end

    local function policy(q)
        return q.dead_letter and host.encode {
            deadLetterTargetArn = arn(q.dead_letter), maxReceiveCount = q.max_receive,
        } or nil
    end

    function M.start(section)
        sim.state("sqs").queues = {}
        for name, given in pairs(section.queues) do
            if given.dead_letter and not section.queues[given.dead_letter] then
                require "schema".fail(sim.where, ("/sqs/queues/%s/dead_letter"):format(name),
                    "there is no queue " .. given.dead_letter)
            end
            all()[name] = {
                name = name, rate = given.per_hour, peak = given.peak_per_hour or given.per_hour, lost = 0,
                waiting = given.messages, at = sim.now(), delayed = given.delayed, retention = given.retention,
                visibility = given.visibility_timeout, dead_letter = given.dead_letter,
                max_receive = given.dead_letter and given.max_receive_count or nil, attributes = given.attributes,
                created = sim.now() - 86400000, oldest = given.messages > 0 and sim.now() or nil,
            }
        end
        M.settle()
    end

    -- ---- operations -----------------------------------------------------------------------------------------------

    -- As old programs and new ones see it: the world's own address, which is no part of the request's signature.
    local function url_of(name)
        return ("%s/%s/%s"):format(sim.url, sim.world.account, name)
    end

    local function find(name)
        M.settle()
        return all()[name or ""] or aws.fail("QueueDoesNotExist", "The specified queue does not exist.", 400)
    end

    local function by_url(body)
        local url = awsjson.required(body, "QueueUrl", "MissingParameter")
        return find(url:match("/" .. sim.world.account .. "/([%w_.-]+)$"))
    end

    function M.operations.GetQueueUrl(body)
        local owner = body.QueueOwnerAWSAccountId
        if owner and owner ~= sim.world.account then
            find(nil)
        end
        return { QueueUrl = url_of(find(awsjson.required(body, "QueueName", "MissingParameter")).name) }
    end

    function M.operations.ListQueues(body)
        local urls, prefix = {}, body.QueueNamePrefix or ""
        for _, name in ipairs(sorted()) do
            if name:sub(1, #prefix) == prefix then
                urls[#urls + 1] = url_of(name)
            end
        end
        local page = awsjson.page(body, urls, "QueueUrls", 1000)
        return #page.QueueUrls > 0 and page or {}
    end

    local function whole(ms)
        return tostring(ms // 1000)
    end

    local function attributes(q)
        local flying = queues.in_flight(q, sim.now(), sim.world.durations.process_batch)
        local out = {
            ApproximateNumberOfMessages = tostring(queues.backlog(q)),
            ApproximateNumberOfMessagesNotVisible = tostring(flying),
            ApproximateNumberOfMessagesDelayed = tostring(q.delayed), MessageRetentionPeriod = whole(q.retention),
            VisibilityTimeout = whole(q.visibility), QueueArn = arn(q.name), CreatedTimestamp = whole(q.created),
            LastModifiedTimestamp = whole(q.created), DelaySeconds = "0", ReceiveMessageWaitTimeSeconds = "0",
            MaximumMessageSize = "262144", SqsManagedSseEnabled = "true", RedrivePolicy = policy(q),
            FifoQueue = q.name:find("%.fifo$") and "true" or nil,
        }
        for name, value in pairs(q.attributes) do
            out[name] = value
        end
        return out
    end

    function M.operations.GetQueueAttributes(body)
        local have, out = attributes(by_url(body)), {}
        for _, name in ipairs(body.AttributeNames or {}) do
            if name == "All" then
                return { Attributes = have }
            end
            out[name] = have[name]
        end
        return next(out) and { Attributes = out } or {}
    end

    local function number(name, value, min, max)
        local n = math.tointeger(tonumber(value))
        if not n or n < min or n > max then
            aws.fail("InvalidAttributeValue", ("Invalid value for the parameter %s."):format(name))
        end
        return n * 1000
    end

    local setters = {
        MessageRetentionPeriod = function (q, value, name) q.retention = number(name, value, 60, 1209600) end,
        VisibilityTimeout = function (q, value, name) q.visibility = number(name, value, 0, 43200) end,
        RedrivePolicy = function (q, value)
            local json = value ~= "" and host.decode(value) or {}
            local name = (json.deadLetterTargetArn or ""):match(":([^:]+)$")
            if value ~= "" and not all()[name or ""] then
                aws.fail("InvalidAttributeValue", "Value for parameter RedrivePolicy is invalid. Reason: Dead letter "
                    .. "target does not exist.")
            end
            q.dead_letter, q.max_receive = name, math.tointeger(tonumber(json.maxReceiveCount))
        end,
    }
    local plain = { DelaySeconds = true, MaximumMessageSize = true, Policy = true, ReceiveMessageWaitTimeSeconds = true,
        KmsMasterKeyId = true, KmsDataKeyReusePeriodSeconds = true, RedriveAllowPolicy = true,
        SqsManagedSseEnabled = true, ContentBasedDeduplication = true }

    function M.operations.SetQueueAttributes(body)
        local q = by_url(body)
        local wanted = awsjson.required(body, "Attributes", "MissingParameter")
        for name in pairs(wanted) do
            if not setters[name] and not plain[name] then
                aws.fail("InvalidAttributeName", ("Unknown Attribute %s."):format(name))
            end
        end
        for name, value in pairs(wanted) do
            if setters[name] then
                setters[name](q, value, name)
            else
                q.attributes[name] = value
            end
        end
        sim.ledger { target = q.name }
        return nil
    end

    -- ---- the Query protocol, which the programs of before 2024 speak ----------------------------------------------

    local function numbered(form, prefix)
        return aws.values(form, prefix)
    end

    M.old = {
        namespace = "http://queue.amazonaws.com/doc/2012-11-05/",
        version = "2012-11-05",
        codes = {
            QueueDoesNotExist = "AWS.SimpleQueueService.NonExistentQueue", RequestThrottled = "RequestThrottled",
        },
        take = {
            GetQueueUrl = function (form) return form end,
            ListQueues = function (form)
                return {
                    QueueNamePrefix = form.QueueNamePrefix, NextToken = form.NextToken,
                    MaxResults = tonumber(form.MaxResults),
                }
            end,
            GetQueueAttributes = function (form)
                return { QueueUrl = form.QueueUrl, AttributeNames = numbered(form, "AttributeName") }
            end,
            SetQueueAttributes = function (form)
                local map = {}
                for _, pair in ipairs(aws.structures(form, "Attribute", { "Name", "Value" })) do
                    map[pair.Name] = pair.Value
                end
                return { QueueUrl = form.QueueUrl, Attributes = map }
            end,
        },
        give = {
            GetQueueUrl = function (result) return result end,
            ListQueues = function (result)
                return { QueueUrls = xml.flat("QueueUrl", result.QueueUrls or {}), NextToken = result.NextToken }
            end,
            GetQueueAttributes = function (result)
                local pairs_ = {}
                for name, value in pairs(result.Attributes or {}) do
                    pairs_[#pairs_ + 1] = { Name = name, Value = value }
                end
                table.sort(pairs_, function (a, b) return a.Name < b.Name end)
                return { Attributes = xml.flat("Attribute", pairs_) }
            end,
        },
    }

    -- ---- what others ask ------------------------------------------------------------------------------------------

    local function yesterday(at)
        return math.abs(sim.now() - 86400000 - at) <= 1800000
    end

    -- For CloudWatch: name of the metric -> { unit, fn(at, period) -> value }.
    function M.metrics(name)
        local q = find(name)
        local takes = sim.world.durations.process_batch
        return {
            ApproximateAgeOfOldestMessage = { "Seconds", function (at) return queues.age(q, at) end },
            ApproximateNumberOfMessagesVisible = { "Count", function () return queues.backlog(q) end },
            ApproximateNumberOfMessagesNotVisible = { "Count",
                function () return queues.in_flight(q, sim.now(), takes) end },
            NumberOfMessagesSent = { "Count",
                function (at, period) return (yesterday(at) and q.peak or q.rate) * period / 3600 end },
        }
    end

    M.names = sorted

    -- How full a queue is depends on when one looks; whether messages were lost does not.
    function M.export()
        M.settle()
        local out = {}
        for name, q in pairs(all()) do
            out[name] = {
                retention = q.retention, visibility = q.visibility, redrive = policy(q), attributes = q.attributes,
                lost = q.lost > 0, dead = q.rate == 0 and queues.backlog(q) or nil,
            }
        end
        return out
    end

    return awsjson.model(sim, M)
end
