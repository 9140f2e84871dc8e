-- targets.lua: RDS Proxy: the target group of a proxy and the databases behind it.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local xml = require "xml"

return function (R)
    local sim = R.sim

    local function render_pool(p)
        return {
            DBProxyName = p.name, TargetGroupName = "default",
                TargetGroupArn = R.arn("target-group", "prx-tg-" .. p.id:sub(5)),
            IsDefault = true, Status = "available", CreatedDate = sim.time(p.created),
                UpdatedDate = sim.time(p.created),
            ConnectionPoolConfig = {
                MaxConnectionsPercent = p.pool.max_connections, MaxIdleConnectionsPercent = p.pool.max_idle,
                ConnectionBorrowTimeout = p.pool.borrow_timeout,
                    SessionPinningFilters = xml.list("member", p.pool.pinning),
                InitQuery = p.pool.init_query,
            },
        }
    end

    local function target_groups(form)
        return R.page(form, "TargetGroups", "member", { R.find_proxy(form) }, render_pool)
    end

    local function modify_pool(form)
        local p = R.find_available_proxy(form)
        local prefix = "ConnectionPoolConfig."
        local pinning = aws.values(form, prefix .. "SessionPinningFilters.member")
        local pool = {
            max_connections = aws.integer(form, prefix .. "MaxConnectionsPercent", p.pool.max_connections),
            max_idle = aws.integer(form, prefix .. "MaxIdleConnectionsPercent", p.pool.max_idle),
            borrow_timeout = aws.integer(form, prefix .. "ConnectionBorrowTimeout", p.pool.borrow_timeout),
            pinning = #pinning > 0 and pinning or form[prefix .. "SessionPinningFilters"] == nil and p.pool.pinning
                or {},
            init_query = form[prefix .. "InitQuery"] or p.pool.init_query,
        }
        if pool.max_connections < 1 or pool.max_connections > 100 or pool.max_idle > pool.max_connections then
            aws.fail("InvalidParameterValue",
                "MaxConnectionsPercent must be 1 to 100 and MaxIdleConnectionsPercent not above it.")
        end
        sim.ledger { target = p.name }
        p.pool = pool
        return { DBProxyTargetGroup = render_pool(p) }
    end

    local function health(p, t, db)
        if p.status ~= "available" then
            return { State = "UNAVAILABLE", Reason = "PENDING_PROXY_CAPACITY" }
        elseif t.broken then
            return { State = "UNAVAILABLE", Reason = t.broken }
        elseif sim.now() - t.since < R.durations().register_target then
            return { State = "REGISTERING" }
        elseif db.status == "available" or db.status == "modifying" or db.status == "backing-up" then
            return { State = "AVAILABLE" }
        end
        return { State = "UNAVAILABLE", Reason = "UNREACHABLE" }
    end

    local function may_break(p, t, db)
        local fault = sim.fault("target_unavailable", p.name, db.id)
        if fault then
            t.broken = fault.reason
            sim.after(fault.lasts, function () t.broken = nil end)
        end
    end

    local function instance_target(p, t, i, cluster)
        return {
            Type = "RDS_INSTANCE", RdsResourceId = i.id, TargetArn = R.instance_arn(i), Endpoint = R.instance_host(i),
            Port = (cluster or i).port, TrackedClusterId = cluster and cluster.id,
            Role = cluster and not i.writer and "READ_ONLY" or "READ_WRITE", TargetHealth = health(p, t, i),
        }
    end

    local function targets_of(p)
        local list = {}
        for _, t in ipairs(p.targets) do
            local c, i = R.state().clusters[t.id], R.state().instances[t.id]
            if c then
                list[#list + 1] = { Type = "TRACKED_CLUSTER", RdsResourceId = c.id, Port = c.port }
                for _, member in ipairs(R.members(c)) do
                    list[#list + 1] = instance_target(p, t, member, c)
                end
            elseif i then
                list[#list + 1] = instance_target(p, t, i, nil)
            end
        end
        return list
    end

    local function describe_targets(form)
        return R.page(form, "Targets", "member", targets_of(R.find_proxy(form)), function (t) return t end)
    end

    local function databases(form)
        local list = {}
        for _, id in ipairs(aws.values(form, "DBClusterIdentifiers.member")) do
            list[#list + 1] = { kind = "cluster", db = R.cluster(id) }
        end
        for _, id in ipairs(aws.values(form, "DBInstanceIdentifiers.member")) do
            list[#list + 1] = { kind = "instance", db = R.instance(id) }
        end
        if #list ~= 1 then
            aws.fail("InvalidParameterCombination", "Exactly one DB instance or DB cluster can be a target of a proxy.")
        end
        return list
    end

    local function check_register(p, item)
        for _, t in ipairs(p.targets) do
            if t.id == item.db.resource_id then
                aws.fail("DBProxyTargetAlreadyRegisteredFault",
                    ("The database %s is already registered with proxy %s."):format(item.db.id, p.name))
            end
        end
        if #p.targets > 0 then
            aws.fail("InvalidParameterCombination", ("The proxy %s already has a target."):format(p.name))
        elseif item.kind == "cluster" then
            R.need_cluster_available(item.db)
        elseif item.db.cluster then
            aws.fail("InvalidParameterCombination",
                ("The instance %s belongs to a cluster; register the cluster."):format(item.db.id))
        else
            R.need_available(item.db)
        end
        for _, d in pairs(R.state().deployments) do
            if (d.source == item.db.resource_id or d.target == item.db.resource_id)
                and d.status ~= "SWITCHOVER_COMPLETED"
                and d.status ~= "DELETING" then
                aws.fail(item.kind == "cluster" and "InvalidDBClusterStateFault" or "InvalidDBInstanceState",
                    ("%s is part of the blue/green deployment %s and can't become a target now."):format(item.db.id,
                        d.id))
            end
        end
    end


    local function register(form)
        local p = R.find_available_proxy(form)
        local list = databases(form)
        for _, item in ipairs(list) do
            check_register(p, item)
        end
        sim.ledger { target = p.name, note = list[1].db.id }
        for _, item in ipairs(list) do
            local t = { id = item.db.resource_id, kind = item.kind, since = sim.now() }
            table.insert(p.targets, t)
            may_break(p, t, item.db)
        end
        return { DBProxyTargets = xml.list("member", targets_of(p)) }
    end

    local function deregister(form)
        local p = R.find_available_proxy(form)
        local item = databases(form)[1]
        for n, t in ipairs(p.targets) do
            if t.id == item.db.resource_id then
                sim.ledger { target = p.name, note = item.db.id }
                table.remove(p.targets, n)
                return {}
            end
        end
        return aws.fail("DBProxyTargetNotFoundFault",
            ("The database %s is not registered with proxy %s."):format(item.db.id,
            p.name), 404)
    end

    -- Proxies with that database as a target.
    function R.proxies_of(_, db)
        local list = {}
        for _, p in ipairs(R.sorted(R.state().proxies, "name")) do
            for _, t in ipairs(p.targets) do
                if t.id == db.resource_id then
                    list[#list + 1] = p
                end
            end
        end
        return list
    end

    function R.forget_target(id)
        for _, p in pairs(R.state().proxies) do
            for n = #p.targets, 1, -1 do
                if p.targets[n].id == id then
                    table.remove(p.targets, n)
                end
            end
        end
    end

    -- A switchover takes the targets along.
    function R.move_target(from, to)
        for _, p in pairs(R.state().proxies) do
            for _, t in ipairs(p.targets) do
                if t.id == from then
                    t.id = to
                    may_break(p, t, R.state().clusters[to] or R.state().instances[to])
                end
            end
        end
    end

    R.operations.DescribeDBProxyTargetGroups = target_groups
    R.operations.ModifyDBProxyTargetGroup = modify_pool
    R.operations.DescribeDBProxyTargets = describe_targets
    R.operations.RegisterDBProxyTargets = register
    R.operations.DeregisterDBProxyTargets = deregister
end
