-- store.lua: the state of the RDS model: finding things, naming them, their tags and events, pages of lists.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local ids = require "ids"
local xml = require "xml"

return function (R)
    local sim = R.sim

    -- { instances, clusters, groups, cluster_groups, snapshots, cluster_snapshots, deployments, proxies, endpoints,
    --   events, maintenance, logs }: instances, clusters, maintenance and logs by resource id, deployments by id, the
    -- others by name.
    function R.state()
        return sim.state "rds"
    end

    function R.durations()
        return sim.world.durations
    end

    -- The values of a table in the order of `field`.
    function R.sorted(map, field)
        local list = {}
        for _, value in pairs(map) do
            list[#list + 1] = value
        end
        table.sort(list, function (a, b) return a[field] < b[field] end)
        return list
    end

    function R.arn(kind, name)
        return ("arn:aws:rds:%s:%s:%s:%s"):format(sim.world.region, sim.world.account, kind, name)
    end

    function R.instance_arn(i)
        return R.arn("db", i.id)
    end

    function R.cluster_arn(c)
        return R.arn("cluster", c.id)
    end

    local function domain()
        return ("%s.%s.rds.amazonaws.com"):format(R.zone, sim.world.region)
    end

    function R.instance_host(i)
        return ("%s.%s"):format(i.id, domain())
    end

    function R.cluster_host(c)
        return ("%s.cluster-%s"):format(c.id, domain())
    end

    function R.reader_host(c)
        return ("%s.cluster-ro-%s"):format(c.id, domain())
    end

    function R.find_instance(id)
        for _, i in pairs(R.state().instances) do
            if i.id == id then
                return i
            end
        end
        return nil
    end

    function R.find_cluster(id)
        for _, c in pairs(R.state().clusters) do
            if c.id == id then
                return c
            end
        end
        return nil
    end

    function R.instance(id)
        id = id:lower()
        return R.find_instance(id) or aws.fail("DBInstanceNotFound", ("DBInstance %s not found."):format(id), 404)
    end

    function R.cluster(id)
        id = id:lower()
        return R.find_cluster(id) or aws.fail("DBClusterNotFoundFault", ("DBCluster %s not found."):format(id), 404)
    end

    -- The instances of a cluster, the writer first.
    function R.members(c)
        local list = {}
        for _, i in pairs(R.state().instances) do
            if i.cluster == c.resource_id then
                list[#list + 1] = i
            end
        end
        table.sort(list, function (a, b)
            if a.writer ~= b.writer then
                return a.writer
            end
            return a.id < b.id
        end)
        return list
    end

    function R.writer(c)
        return R.members(c)[1]
    end

    function R.cluster_of(i)
        return i.cluster and R.state().clusters[i.cluster]
    end

    function R.new_instance_id()
        return "db-" .. ids.letters("instance", 26)
    end

    function R.new_cluster_id()
        return "cluster-" .. ids.letters("cluster", 26)
    end

    local function event_of(kind, name, arn, categories, message)
        local events = R.state().events
        events[#events + 1] = {
            source = name, type = kind, arn = arn, categories = categories, message = message, at = sim.now(),
        }
    end

    function R.instance_event(i, categories, message)
        event_of("db-instance", i.id, R.instance_arn(i), categories, message)
    end

    function R.cluster_event(c, categories, message)
        event_of("db-cluster", c.id, R.cluster_arn(c), categories, message)
    end

    function R.deployment_event(d, categories, message)
        event_of("blue-green-deployment", d.id, R.arn("deployment", d.id), categories, message)
    end

    R.event = event_of

    function R.tags_of(form, prefix)
        local tags = {}
        for _, tag in ipairs(aws.structures(form, (prefix or "Tags.Tag"), { "Key", "Value" })) do
            if not tag.Key or tag.Key:find("^aws:") then
                aws.fail("InvalidParameterValue", "Tag keys must not be empty or begin with aws:")
            end
            tags[tag.Key] = tag.Value or ""
        end
        return tags
    end

    function R.tag_list(tags)
        local list = {}
        for key, value in pairs(tags or {}) do
            list[#list + 1] = { Key = key, Value = value }
        end
        table.sort(list, function (a, b) return a.Key < b.Key end)
        return xml.list("Tag", list)
    end

    -- One page of `items` as the result of a Describe: { [name] = list of TAG, Marker = ... }.
    function R.page(form, name, tag, items, render)
        local size = aws.integer(form, "MaxRecords", 100)
        if size < 20 or size > 100 then
            aws.fail("InvalidParameterValue",
                ("Invalid value %d for MaxRecords. Must be between 20 and 100"):format(size))
        end
        local from = 0
        if form.Marker and form.Marker ~= "" then
            from = tonumber(form.Marker:match("^" .. name .. "|(%d+)|$"))
            if not from then
                aws.fail("InvalidParameterValue", "Invalid or out-of-range value for Marker")
            end
        end
        local out = {}
        for n = from + 1, math.min(from + size, #items) do
            out[#out + 1] = render(items[n])
        end
        return {
            [name] = xml.list(tag, out),
            Marker = from + size < #items and ("%s|%d|"):format(name, from + size) or nil,
        }
    end

    -- Filters as { NAME = { VALUE = true } }; names outside `allowed` are refused.
    function R.filters(form, allowed)
        local out, n = {}, 1
        while form["Filters.Filter." .. n .. ".Name"] do
            local prefix = "Filters.Filter." .. n
            local name = form[prefix .. ".Name"]
            if not allowed[name] then
                aws.fail("InvalidParameterValue", ("Unrecognized filter name: %s"):format(name))
            end
            out[name] = out[name] or {}
            for _, value in ipairs(aws.values(form, prefix .. ".Values.Value")) do
                out[name][value] = true
            end
            n = n + 1
        end
        return out
    end

    -- A name as the service keeps it: lower case, letters, digits and hyphens.
    function R.check_name(name, what, max)
        local id = name:lower()
        if #id > (max or 63) or not id:find("^%l[%l%d%-]*$") or id:find("%-%-") or id:find("%-$") then
            aws.fail("InvalidParameterValue",
                ("The parameter %s is not a valid identifier. Identifiers must begin with a "
                .. "letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or "
                .. "contain two consecutive hyphens."):format(what))
        end
        return id
    end

    -- Writes to a database were refused for so long.
    function R.note_downtime(name, ms)
        sim.downtime[name] = (sim.downtime[name] or 0) + ms
    end
end
