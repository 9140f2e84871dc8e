-- metrics.lua: what CloudWatch measures of databases and proxies, computed from who has their addresses.
-- SPDX-License-Identifier: MIT
--
-- Each consumer, a function or a secret of Kubernetes with the address in it, holds so many connections.
local host = require "host"

local PER_CONSUMER <const> = 5
local GIB <const> = 1 << 30

return function (R)
    local sim = R.sim
    local M = {}

    local function in_functions(name)
        local n = 0
        for _, f in pairs(sim.state("lambda").functions) do
            for _, value in pairs(f.latest.variables) do
                n = n + (value:find(name, 1, true) and 1 or 0)
            end
        end
        return n
    end

    local function in_secrets(name)
        local n = 0
        for _, cluster in pairs(sim.state("kubernetes").clusters or {}) do
            for _, secret in pairs(cluster.objects.secrets or {}) do
                for _, value in pairs(secret.data or {}) do
                    n = n + ((host.unbase64(value) or ""):find(name, 1, true) and 1 or 0)
                end
            end
        end
        return n
    end

    local function users(name)
        return (in_functions(name) + in_secrets(name)) * PER_CONSUMER
    end

    function M.clients(proxy)
        local n = users(R.proxy_host(proxy))
        for _, e in pairs(R.state().endpoints) do
            n = n + (e.proxy == proxy.id and users(R.endpoint_host(e)) or 0)
        end
        return n
    end

    local function connections(i)
        local n = users(R.instance_host(i))
        for _, p in pairs(R.state().proxies) do
            for _, target in ipairs(p.targets) do
                if target.id == i.resource_id then
                    n = n + M.clients(p)
                end
            end
        end
        return i.status == "available" and n or 0
    end

    -- A slot is there while a deployment replicates out of this database.
    local function slot_lag(i)
        for _, d in pairs(R.state().deployments) do
            if d.source == i.resource_id and (d.status == "PROVISIONING" or d.status == "AVAILABLE") then
                local behind = R.strikes("slot_lag", d)
                return behind and behind.bytes or 65536
            end
        end
        return -1
    end

    local function sorted(map, name)
        local list = {}
        for _, object in pairs(map) do
            list[#list + 1] = object[name]
        end
        table.sort(list)
        return list
    end

    function M.instances()
        return sorted(R.state().instances, "id")
    end

    function M.proxies()
        return sorted(R.state().proxies, "name")
    end

    local function gauge(unit, fn)
        return { unit, fn }
    end

    function M.of_instance(id)
        local i = R.find_instance(id)
        local out = {
            DatabaseConnections = gauge("Count", function () return connections(i) end),
            FreeStorageSpace = gauge("Bytes", function () return (i.allocated_storage or 100) * GIB * 6 // 10 end),
            CPUUtilization = gauge("Percent", function () return i.status == "available" and 12.5 or 0 end),
            OldestReplicationSlotLag = gauge("Bytes", function () return slot_lag(i) end),
        }
        if i.replica_of then
            out.ReplicaLag = gauge("Seconds", function () return 0.5 end)
        end
        return out
    end

    function M.of_proxy(name)
        for _, p in pairs(R.state().proxies) do
            if p.name == name then
                return {
                    ClientConnections = gauge("Count", function () return M.clients(p) end),
                    DatabaseConnections = gauge("Count",
                        function () return #p.targets > 0 and M.clients(p) // PER_CONSUMER or 0 end),
                }
            end
        end
        return {}
    end

    R.metrics = M
end
