-- rds.lua: the model of Amazon RDS with RDS Proxy; its parts are in lib/rds/.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local host = require "host"

local parts = { "store", "data", "render", "groups", "settings", "rename", "instances", "modify", "upgrade", "clusters",
    "snapshots", "restore", "green", "bluegreen", "switchover", "proxies", "targets", "offers", "maintenance", "logs",
    "metrics", "begin" }

return function (sim)
    local M = {
        name = "rds",
        service = "rds",
        namespace = "http://rds.amazonaws.com/doc/2014-10-31/",
        version = "2014-10-31",
        schema = require "rds.schema",
        operations = {},
        faults = require "rds.faults",
    }
    local R = { sim = sim, operations = M.operations }

    for _, part in ipairs(parts) do
        require("rds." .. part)(R)
    end

    -- The fault of that kind that strikes a deployment, named by itself or by its source.
    function R.strikes(kind, d)
        local blue = R.state().clusters[d.source] or R.state().instances[d.source]
        return sim.fault(kind, d.name, d.id, blue and blue.id, d.source)
    end

    for name, kind in pairs(require "rds.troubles" (R)) do
        M.faults[name] = kind
    end

    function R.secret_arn(resource_id)
        return ("arn:aws:secretsmanager:%s:%s:secret:rds!%s-abcdef"):format(sim.world.region, sim.world.account,
            resource_id)
    end

    -- Whether a host name leads to something that answers now, for models that connect to a database.
    function M.answers(name)
        for _, c in pairs(R.state().clusters) do
            if name == R.cluster_host(c) or name == R.reader_host(c) then
                return true
            end
        end
        for _, i in pairs(R.state().instances) do
            if name == R.instance_host(i) then
                return i.status ~= "creating" and i.status ~= "deleting"
            end
        end
        for _, p in pairs(R.state().proxies) do
            if name == R.proxy_host(p) then
                return p.status == "available" and #p.targets > 0
            end
        end
        for _, e in pairs(R.state().endpoints) do
            if name == R.endpoint_host(e) then
                return e.status == "available" and #R.state().proxies[e.proxy].targets > 0
            end
        end
        return false
    end

    M.metrics = R.metrics

    function M.start(section)
        R.settings, R.zone, R.vpc = section, section.zone, section.vpc
        R.hosted_zone = "Z1XAMPLE" .. section.zone:upper():sub(1, 6)
        R.begin(section)
        R.begin_data(section)
    end

    function M.environment(place)
        return sim.servers and sim.servers.environment(place)
    end

    -- By name, without times; events are their texts in order.
    function M.export()
        local s = R.state()
        local out = { events = {} }
        local function plain(value, key)
            if type(value) ~= "table" then
                local is_time = key == "created" or key == "updated" or key == "deleted" or key == "since"
                    or key == "takes" or key == "begun" or key == "ended"
                return not is_time and value or nil
            end
            local new = {}
            for k, v in pairs(value) do
                new[k] = plain(v, k)
            end
            return setmetatable(new, getmetatable(value))
        end
        for _, name in ipairs { "instances", "clusters", "groups", "cluster_groups", "snapshots", "cluster_snapshots",
            "deployments", "proxies", "endpoints", "backups" } do
            out[name] = {}
            for _, object in pairs(s[name]) do
                local key = object.id or object.name or object.resource_id
                out[name][name == "deployments" and object.name or key] = plain(object)
            end
        end
        for _, p in pairs(s.proxies) do
            out.proxies[p.id], out.proxies[p.name] = nil, plain(p)
        end
        for _, e in pairs(s.endpoints) do
            out.endpoints[e.id], out.endpoints[e.name] = nil, plain(e)
        end
        for i, e in ipairs(s.events) do
            out.events[i] = ("%s %s: %s"):format(e.type, e.source, e.message)
        end
        out.events = host.list(out.events)
        return out
    end

    return aws.query_model(sim, M)
end
