-- green.lua: the green side of a blue/green deployment as it comes into being, and the exchange of names.
-- SPDX-License-Identifier: MIT
local catalog = require "rds.catalog"
local ids = require "ids"

return function (R)
    local sim = R.sim

    local function copy(value)
        if type(value) ~= "table" then
            return value
        end
        local new = {}
        for k, v in pairs(value) do
            new[k] = copy(v)
        end
        return new
    end

    local function green_name(id)
        return ("%s-green-%s"):format(id:sub(1, 50), ids.hex("green", 6))
    end

    local function green_tags(d, blue)
        local tags = copy(blue.tags)
        for key, value in pairs(d.tags) do
            tags[key] = value
        end
        return tags
    end

    local function like(d, blue, resource_id)
        local g = copy(blue)
        g.resource_id, g.id, g.status = resource_id, green_name(blue.id), "creating"
        g.pending, g.tags, g.created, g.read_only = {}, green_tags(d, blue), sim.now(), true
        if R.settings.green_deletion_protection == "off" then
            g.deletion_protection = false
        end
        return g
    end

    local function pair(d, blue, green)
        for _, m in ipairs(d.members) do
            if m.source == blue.resource_id then
                m.target = green.resource_id
            end
        end
    end

    local function add_instance(d, blue, cluster)
        local g = like(d, blue, R.new_instance_id())
        g.cluster = cluster and cluster.resource_id
        g.class = d.class or g.class
        R.state().instances[g.resource_id] = g
        pair(d, blue, g)
        return g
    end

    -- The first green object: the cluster, or the instance as a replica of the blue one.
    function R.begin_green(d)
        if d.kind == "cluster" then
            local blue = R.state().clusters[d.source]
            local g = like(d, blue, R.new_cluster_id())
            R.state().clusters[g.resource_id] = g
            pair(d, blue, g)
            d.target = g.resource_id
        else
            d.target = add_instance(d, R.state().instances[d.source]).resource_id
        end
    end

    function R.green(d)
        local s = R.state()
        return d.target and (s.clusters[d.target] or s.instances[d.target])
    end

    -- Its own group and version; Aurora's instances come afterwards.
    function R.upgrade_green(d)
        local g = R.green(d)
        local major = catalog.major(d.version) ~= catalog.major(g.version)
        g.version = d.version
        if d.kind == "cluster" then
            g.group = d.cluster_group
        else
            g.group = d.group or major and "default." .. catalog.family(g.engine, d.version) or g.group
            R.restart_groups(g)
        end
    end

    -- The rest of the topology: a cluster's instances, an instance's replicas.
    function R.complete_green(d)
        local g = R.green(d)
        local s = R.state()
        for _, m in ipairs(d.members) do
            local blue = s.instances[m.source]
            if blue and not m.target then
                local new = add_instance(d, blue, d.kind == "cluster" and g or nil)
                new.version = d.version
                new.group = d.group or d.default_group or new.group
                new.replica_of = d.kind == "instance" and g.resource_id or nil
                R.restart_groups(new)
            end
        end
    end

    function R.each_member(d, fn)
        local s = R.state()
        for _, m in ipairs(d.members) do
            local is_cluster = d.kind == "cluster" and m.source == d.source
            local from = is_cluster and s.clusters or s.instances
            fn(m, from[m.source], m.target and from[m.target], is_cluster)
        end
    end

    local function old_name(id, find)
        local n = 1
        while find(id .. "-old" .. n) do
            n = n + 1
        end
        return id .. "-old" .. n
    end

    -- The green side takes names and tags, and with the names the endpoints.
    function R.exchange_names(d)
        R.each_member(d, function (_, blue, green, is_cluster)
            if not blue or not green then
                return
            end
            local name, was = blue.id, green.id
            blue.id = old_name(name, is_cluster and R.find_cluster or R.find_instance)
            green.id = name
            for key, value in pairs(blue.tags) do
                green.tags[key] = value
            end
            blue.read_only, green.read_only = true, false
            local event = is_cluster and R.cluster_event or R.instance_event
            local what = is_cluster and "cluster" or "instance"
            event(blue, { "notification" }, ("Renamed %s from %s to %s"):format(what, name, blue.id))
            event(green, { "notification" }, ("Renamed %s from %s to %s"):format(what, was, name))
            R.move_target(blue.resource_id, green.resource_id)
        end)
    end

    -- Remove everything green.
    function R.remove_green(d)
        R.each_member(d, function (_, _, green, is_cluster)
            if green and not is_cluster then
                R.remove_instance(green)
            end
        end)
        if d.kind == "cluster" and R.green(d) then
            R.remove_cluster(R.green(d))
        end
    end
end
