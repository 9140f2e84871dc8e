-- proxies.lua: RDS Proxy: proxies and their endpoints.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local ids = require "ids"
local xml = require "xml"

return function (R)
    local sim = R.sim

    -- proxies by name: { name, id, status, engine_family, role_arn, subnets, security_groups, auth, require_tls,
    -- idle_timeout, debug_logging, tags, created, pool, targets = { { id = resource id, kind, since } } }
    -- endpoints by name: { name, id, proxy, role, subnets, security_groups, status, tags, created }
    local function proxies()
        return R.state().proxies
    end

    local function endpoints()
        return R.state().endpoints
    end

    local function proxy_arn(p)
        return R.arn("db-proxy", p.id)
    end

    local function endpoint_arn(e)
        return R.arn("db-proxy-endpoint", e.id)
    end

    function R.proxies_by_arn()
        local map = {}
        for _, p in pairs(proxies()) do
            map[p.id] = p
        end
        return map
    end

    function R.endpoints_by_arn()
        local map = {}
        for _, e in pairs(endpoints()) do
            map[e.id] = e
        end
        return map
    end

    local function domain()
        return ("proxy-%s.%s.rds.amazonaws.com"):format(R.zone, sim.world.region)
    end

    function R.proxy_host(p)
        return ("%s.%s"):format(p.name, domain())
    end

    function R.endpoint_host(e)
        return ("%s.endpoint.%s"):format(e.name, domain())
    end

    function R.find_proxy(form)
        local name = aws.required(form, "DBProxyName"):lower()
        return proxies()[name] or aws.fail("DBProxyNotFoundFault", ("DBProxy not found: %s"):format(name), 404)
    end

    local function need_available(p)
        if p.status ~= "available" then
            aws.fail("InvalidDBProxyStateFault", ("DB proxy %s is not available, it is in %s state."):format(p.name,
                p.status))
        end
    end

    function R.find_available_proxy(form)
        local p = R.find_proxy(form)
        need_available(p)
        if form.TargetGroupName and form.TargetGroupName ~= "default" then
            aws.fail("DBProxyTargetGroupNotFoundFault",
                ("DBProxyTargetGroup not found: %s"):format(form.TargetGroupName), 404)
        end
        return p
    end

    local function render_auth(list)
        local out = {}
        for _, a in ipairs(list) do
            out[#out + 1] = {
                AuthScheme = a.scheme, SecretArn = a.secret_arn, IAMAuth = a.iam_auth, UserName = a.username,
                Description = a.description, ClientPasswordAuthType = a.client_password_auth,
            }
        end
        return xml.list("member", out)
    end

    local function render(p)
        return {
            DBProxyName = p.name, DBProxyArn = proxy_arn(p), Status = p.status, EngineFamily = p.engine_family,
                VpcId = R.vpc,
            VpcSecurityGroupIds = xml.list("member", p.security_groups), VpcSubnetIds = xml.list("member", p.subnets),
            DefaultAuthScheme = "NONE", Auth = render_auth(p.auth), RoleArn = p.role_arn, Endpoint = R.proxy_host(p),
            RequireTLS = p.require_tls, IdleClientTimeout = p.idle_timeout, DebugLogging = p.debug_logging,
            CreatedDate = sim.time(p.created), UpdatedDate = sim.time(p.updated or p.created),
        }
    end

    local function render_endpoint(e)
        return {
            DBProxyEndpointName = e.name, DBProxyEndpointArn = e.default and proxy_arn(e.of) or endpoint_arn(e),
            DBProxyName = e.proxy, Status = e.status, VpcId = R.vpc,
                VpcSecurityGroupIds = xml.list("member", e.security_groups),
            VpcSubnetIds = xml.list("member", e.subnets), Endpoint = e.default and R.proxy_host(e.of)
                or R.endpoint_host(e),
            CreatedDate = sim.time(e.created), TargetRole = e.role, IsDefault = e.default or false,
        }
    end

    local function auth_of(form)
        local list = {}
        for _, a in ipairs(aws.structures(form, "Auth.member",
            { "AuthScheme", "SecretArn", "IAMAuth", "UserName", "Description",
            "ClientPasswordAuthType" })) do
            list[#list + 1] = {
                scheme = a.AuthScheme, secret_arn = a.SecretArn, iam_auth = a.IAMAuth, username = a.UserName,
                description = a.Description, client_password_auth = a.ClientPasswordAuthType,
            }
        end
        return list
    end

    local function create(form)
        local name = R.check_name(aws.required(form, "DBProxyName"), "DBProxyName")
        local family = aws.required(form, "EngineFamily")
        local subnets = aws.values(form, "VpcSubnetIds.member")
        if proxies()[name] then
            aws.fail("DBProxyAlreadyExistsFault", ("DB Proxy already exists: %s"):format(name))
        elseif family ~= "POSTGRESQL" then
            aws.fail("InvalidParameterValue", ("The simulated world has no engine family %s"):format(family))
        elseif #subnets < 2 then
            aws.fail("InvalidSubnet", "DBProxy Vpc must have at least two subnets in different availability zones.")
        end
        local p = {
            name = name, status = "creating", engine_family = family, role_arn = aws.required(form, "RoleArn"),
                subnets = subnets,
            security_groups = aws.values(form, "VpcSecurityGroupIds.member"), auth = auth_of(form),
            require_tls = aws.boolean(form, "RequireTLS", false),
                idle_timeout = aws.integer(form, "IdleClientTimeout", 1800),
            debug_logging = aws.boolean(form, "DebugLogging", false), tags = R.tags_of(form), created = sim.now(),
                targets = {},
            pool = R.default_pool(),
        }
        if #p.auth == 0 then
            aws.fail("InvalidParameterCombination", "The proxy needs at least one authentication entry.")
        end
        sim.ledger { target = name }
        p.id = "prx-" .. ids.hex("proxy", 17)
        proxies()[name] = p
        local fault = sim.fault("proxy_not_made", name)
        sim.after(R.durations().create_proxy, function ()
            p.status = p.status == "creating" and (fault and fault.status or "available") or p.status
        end)
        if fault then
            sim.after(R.durations().create_proxy + fault.lasts, function ()
                p.status = p.status == fault.status and "available" or p.status
            end)
        end
        return { DBProxy = render(p) }
    end

    function R.default_pool()
        return { max_connections = 100, max_idle = 50, borrow_timeout = 120, pinning = {}, init_query = nil }
    end

    local function describe(form)
        local list = form.DBProxyName and { R.find_proxy(form) } or R.sorted(proxies(), "name")
        return R.page(form, "DBProxies", "member", list, render)
    end

    local function modify(form)
        local p = R.find_available_proxy(form)
        local auth, security = auth_of(form), aws.values(form, "SecurityGroups.member")
        sim.ledger { target = p.name }
        p.auth = #auth > 0 and auth or p.auth
        p.security_groups = #security > 0 and security or p.security_groups
        p.require_tls = aws.boolean(form, "RequireTLS", p.require_tls)
        p.idle_timeout = aws.integer(form, "IdleClientTimeout", p.idle_timeout)
        p.debug_logging = aws.boolean(form, "DebugLogging", p.debug_logging)
        p.role_arn = form.RoleArn or p.role_arn
        p.status, p.updated = "modifying", sim.now()
        sim.after(R.durations().modify, function ()
            p.status = p.status == "modifying" and "available" or p.status
        end)
        return { DBProxy = render(p) }
    end

    local function delete(form)
        local p = R.find_proxy(form)
        if p.status == "deleting" then
            aws.fail("InvalidDBProxyStateFault", ("DB proxy %s is already being deleted."):format(p.name))
        end
        sim.ledger { target = p.name }
        p.status, p.targets = "deleting", {}
        for _, e in pairs(endpoints()) do
            if e.proxy == p.name then
                e.status = "deleting"
            end
        end
        sim.after(R.durations().delete_proxy, function ()
            proxies()[p.name] = nil
            for _, e in ipairs(R.sorted(endpoints(), "name")) do
                if e.proxy == p.name then
                    endpoints()[e.name] = nil
                end
            end
        end)
        return { DBProxy = render(p) }
    end

    local function create_endpoint(form)
        local p = R.find_available_proxy(form)
        local name = R.check_name(aws.required(form, "DBProxyEndpointName"), "DBProxyEndpointName")
        local role = form.TargetRole or "READ_WRITE"
        if endpoints()[name] then
            aws.fail("DBProxyEndpointAlreadyExistsFault", ("DB Proxy Endpoint already exists: %s"):format(name))
        elseif role ~= "READ_WRITE" and role ~= "READ_ONLY" then
            aws.fail("InvalidParameterValue", ("Invalid TargetRole: %s"):format(role))
        end
        sim.ledger { target = name }
        local security = aws.values(form, "VpcSecurityGroupIds.member")
        local e = {
            name = name, id = "prx-endpoint-" .. ids.hex("endpoint", 17), proxy = p.name, role = role,
                status = "creating",
            subnets = aws.values(form, "VpcSubnetIds.member"), tags = R.tags_of(form), created = sim.now(),
            security_groups = #security > 0 and security or p.security_groups,
        }
        endpoints()[name] = e
        sim.after(R.durations().create_endpoint, function ()
            e.status = e.status == "creating" and "available" or e.status
        end)
        return { DBProxyEndpoint = render_endpoint(e) }
    end

    local function default_endpoint(p)
        return {
            name = "default", default = true, of = p, proxy = p.name, role = "READ_WRITE", subnets = p.subnets,
            security_groups = p.security_groups, status = p.status, created = p.created,
        }
    end

    local function find_endpoint(form)
        local name = aws.required(form, "DBProxyEndpointName"):lower()
        return endpoints()[name] or aws.fail("DBProxyEndpointNotFoundFault",
            ("DBProxyEndpoint not found: %s"):format(name), 404)
    end

    local function describe_endpoints(form)
        local list = {}
        if form.DBProxyEndpointName then
            list = { find_endpoint(form) }
        else
            for _, p in ipairs(form.DBProxyName and { R.find_proxy(form) } or R.sorted(proxies(), "name")) do
                list[#list + 1] = default_endpoint(p)
                for _, e in ipairs(R.sorted(endpoints(), "name")) do
                    if e.proxy == p.name then
                        list[#list + 1] = e
                    end
                end
            end
        end
        return R.page(form, "DBProxyEndpoints", "member", list, render_endpoint)
    end

    local function delete_endpoint(form)
        local e = find_endpoint(form)
        if e.status ~= "available" then
            aws.fail("InvalidDBProxyEndpointStateFault", ("DB proxy endpoint %s is in %s state."):format(e.name,
                e.status))
        end
        sim.ledger { target = e.name }
        e.status = "deleting"
        sim.after(R.durations().delete_endpoint, function ()
            if endpoints()[e.name] == e then
                endpoints()[e.name] = nil
            end
        end)
        return { DBProxyEndpoint = render_endpoint(e) }
    end

    R.operations.CreateDBProxy = create
    R.operations.DescribeDBProxies = describe
    R.operations.ModifyDBProxy = modify
    R.operations.DeleteDBProxy = delete
    R.operations.CreateDBProxyEndpoint = create_endpoint
    R.operations.DescribeDBProxyEndpoints = describe_endpoints
    R.operations.DeleteDBProxyEndpoint = delete_endpoint
end
