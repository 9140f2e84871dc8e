-- begin.lua: the RDS state at the beginning, from the world file.
-- SPDX-License-Identifier: MIT
local catalog = require "rds.catalog"
local ids = require "ids"
local schema = require "schema"

return function (R)
    local sim = R.sim
    local day = 86400000

    local function fail(path, why)
        schema.fail(sim.where, "/rds" .. path, why)
    end

    local function names(map)
        local list = {}
        for name in pairs(map) do
            list[#list + 1] = name
        end
        table.sort(list)
        return list
    end

    local function known(path, name, groups, family)
        local group = groups[name] or name == "default." .. family and { family = family }
        if not group then
            local near = schema.nearest(name, names(groups))
            fail(path, ("there is no parameter group %s%s"):format(name, near and "; did you mean " .. near .. "?"
                or ""))
        elseif group.family ~= family then
            fail(path, ("the parameter group %s is of family %s, not %s"):format(name, group.family, family))
        end
    end

    local function begin_groups(section, kind)
        local table_ = kind == "cluster" and "cluster_groups" or "groups"
        local key = kind == "cluster" and "cluster_parameter_groups" or "parameter_groups"
        for _, name in ipairs(names(section[key])) do
            local g = section[key][name]
            local parameters = {}
            for p, value in pairs(g.parameters) do
                if not catalog.parameters[p] then
                    local near = schema.nearest(p, names(catalog.parameters))
                    fail(("/%s/%s/parameters/%s"):format(key, name, p), "unknown parameter"
                        .. (near and ("; did you mean %s?"):format(near) or ""))
                end
                parameters[p] = { value = tostring(value), method = catalog.parameters[p] == "s" and "pending-reboot"
                    or "immediate" }
            end
            R.state()[table_][name] = {
                name = name, family = g.family, description = g.description, parameters = parameters, tags = g.tags,
            }
        end
    end

    local function check_database(path, db, groups)
        if not catalog.targets(db.engine, db.version) then
            local near = schema.nearest(db.version, names(catalog.versions[db.engine]))
            fail(path .. "/version", ("the world has no %s %s%s"):format(db.engine, db.version,
                near and "; did you mean " .. near .. "?" or ""))
        end
        local family = catalog.family(db.engine, db.version)
        known(path .. "/parameter_group", db.parameter_group or "default." .. family, groups, family)
        return family
    end

    local function check_class(path, engine, version, class)
        if not catalog.has_class(engine, version, class) then
            local near = schema.nearest(class, { table.unpack(catalog.classes[engine]) })
            fail(path .. "/class", ("%s %s is not offered on %s%s"):format(engine, version, class,
                near and "; did you mean " .. near .. "?" or ""))
        end
    end

    local function new_instance(id, given, db, more)
        local i = {
            id = id, resource_id = R.new_instance_id(), status = "available", engine = db.engine, version = db.version,
            class = given.class, pending = {}, tags = given.tags, created = sim.now() - 30 * day,
            maintenance_window = given.maintenance_window, option_group = given.option_group,
                auto_minor = given.auto_minor,
            zone = given.zone or sim.world.region .. "a",
        }
        local own = { more, given, R.default_settings() } -- the first that says something counts
        for key in pairs(R.default_settings()) do
            for n = 3, 1, -1 do
                if own[n][key] ~= nil then
                    i[key] = own[n][key]
                end
            end
        end
        for key, value in pairs(more) do
            i[key] = value
        end
        R.state().instances[i.resource_id] = i
        R.restart_groups(i)
        return i
    end

    -- What both kinds have under the same name in the file and in the state.
    local function shared(db)
        return {
            deletion_protection = db.deletion_protection, backup_retention = db.backup_retention,
            backup_window = db.backup_window, port = db.port, username = db.username, database = db.database,
            managed_secret = db.managed_secret, subnet_group = db.subnet_group, security_groups = db.security_groups,
            encrypted = db.encrypted, kms_key = db.kms_key, iam_auth = db.iam_auth, copy_tags = db.copy_tags,
        }
    end

    local function begin_cluster(section, id)
        local path, given = "/clusters/" .. id, section.clusters[id]
        if given.engine ~= "aurora-postgresql" then
            fail(path .. "/engine", "a cluster must be aurora-postgresql")
        end
        local family = check_database(path, given, section.cluster_parameter_groups)
        local members = names(given.instances)
        local writer = given.writer or members[1]
        if not given.instances[writer or ""] then
            fail(path .. (writer and "/writer" or "/instances"), writer
                and ("there is no instance %s in the cluster"):format(writer)
                or "a cluster needs an instance")
        end
        local c = shared(given)
        c.id, c.resource_id, c.status, c.engine, c.version = id, R.new_cluster_id(), "available", given.engine,
            given.version
        c.group, c.pending, c.tags = given.parameter_group or "default." .. family, {}, given.tags
        c.maintenance_window, c.created = given.maintenance_window, sim.now() - 30 * day
        local r = sim.world.region
        c.zones = #given.zones > 0 and given.zones or sim.list { r .. "a", r .. "b", r .. "d" }
        R.state().clusters[c.resource_id] = c
        for _, name in ipairs(members) do
            local member = given.instances[name]
            local at = path .. "/instances/" .. name
            known(at .. "/parameter_group", member.parameter_group or "default." .. family, section.parameter_groups,
                family)
            check_class(at, given.engine, given.version, member.class)
            new_instance(name, member, given, {
                cluster = c.resource_id, writer = name == writer, group = member.parameter_group or "default."
                    .. family,
                storage_type = "aurora", allocated_storage = 1, multi_az = false, deletion_protection = false,
            })
        end
    end

    local function begin_instance(section, id)
        local path, given = "/instances/" .. id, section.instances[id]
        if given.engine ~= "postgres" then
            fail(path .. "/engine", "an instance without a cluster must be postgres")
        end
        local family = check_database(path, given, section.parameter_groups)
        check_class(path, given.engine, given.version, given.class)
        local more = shared(given)
        more.group = given.parameter_group or "default." .. family
        more.storage_type, more.allocated_storage = given.storage_type, given.allocated_storage
        more.iops, more.multi_az, more.storage_throughput = given.iops, given.multi_az, given.storage_throughput
        more.max_allocated_storage, more.monitoring_role = given.max_allocated_storage, given.monitoring_role
        more.performance_insights_key = given.performance_insights_key
        more.performance_insights_retention = given.performance_insights and given.performance_insights_retention or nil
        local i = new_instance(id, given, given, more)
        i.pending = given.queued
        R.begin_logs(i, given.log_lines)
        R.await_window(i)
        if given.status ~= "available" then
            i.status, i.broken = given.status, given.status
        end
    end

    -- A snapshot of an instance of the world, or of one that is gone.
    local function begin_snapshot(section, name)
        local path, given = "/snapshots/" .. name, section.snapshots[name]
        local i = given.instance and R.find_instance(given.instance) or {}
        if given.instance and not i.id then
            fail(path .. "/instance", ("there is no instance %s"):format(given.instance))
        elseif not given.instance and not (given.source and given.version and given.class) then
            fail(path, "a snapshot needs an instance, or source, version and class of one that is gone")
        end
        if given.version and not catalog.targets("postgres", given.version) then
            fail(path .. "/version", ("the world has no postgres %s"):format(given.version))
        end
        local encrypted = i.encrypted ~= false
        if given.encrypted ~= nil then
            encrypted = given.encrypted
        end
        R.state().snapshots[name] = {
            name = name, source = given.source or i.id, status = given.status, type = given.type, owner = given.owner,
            resource_id = given.resource_id or i.resource_id or R.new_instance_id(), tags = given.tags, takes = 0,
            created = given.created or sim.now() - given.age, engine = "postgres", version = given.version or i.version,
            class = given.class or i.class, port = i.port or 5432, username = i.username or "postgres",
            database = i.database, encrypted = encrypted, kms_key = given.kms_key or i.kms_key,
            allocated_storage = given.allocated_storage or i.allocated_storage or 100, iops = i.iops,
            storage_type = i.storage_type or "gp3", option_group = i.option_group or "default", zone = i.zone,
            backup_retention = i.backup_retention or 7, backup_window = i.backup_window or "03:00-03:30",
            begun = i.created,
        }
    end

    local function begin_snapshots(section)
        for _, name in ipairs(names(section.snapshots)) do
            begin_snapshot(section, name)
        end
    end

    local function link_replicas(section)
        for _, id in ipairs(names(section.instances)) do
            local source = section.instances[id].replica_of
            if source then
                local i = R.find_instance(source)
                if not i or source == id then
                    fail("/instances/" .. id .. "/replica_of", ("there is no other instance %s"):format(source))
                end
                R.find_instance(id).replica_of = i.resource_id
            end
        end
    end

    local function target(path, given)
        local c, i = given.cluster and R.find_cluster(given.cluster), given.instance and R.find_instance(given.instance)
        if given.cluster and given.instance then
            fail(path, "a proxy has one target: a cluster or an instance")
        elseif given.cluster and not c then
            fail(path .. "/cluster", ("there is no cluster %s"):format(given.cluster))
        elseif given.instance and not i then
            fail(path .. "/instance", ("there is no instance %s"):format(given.instance))
        end
        local db = c or i
        return db and { { id = db.resource_id, kind = c and "cluster" or "instance", since = sim.now() - day } } or {}
    end

    local function begin_proxy(name, given)
        local p = {
            name = name, id = "prx-" .. ids.hex("proxy", 17), status = "available", engine_family = "POSTGRESQL",
            role_arn = given.role_arn, subnets = given.subnets, security_groups = given.security_groups,
                auth = given.auth,
            require_tls = given.require_tls, idle_timeout = given.idle_timeout, debug_logging = given.debug_logging,
            tags = given.tags, pool = given.pool, created = sim.now() - 30 * day,
                targets = target("/proxies/" .. name, given),
        }
        R.state().proxies[name] = p
        for _, e in ipairs(names(given.endpoints)) do
            local end_ = given.endpoints[e]
            R.state().endpoints[e] = {
                name = e, id = "prx-endpoint-" .. ids.hex("endpoint", 17), proxy = name, role = end_.role,
                    status = "available",
                subnets = #end_.subnets > 0 and end_.subnets or given.subnets, tags = end_.tags, created = p.created,
                security_groups = #end_.security_groups > 0 and end_.security_groups or given.security_groups,
            }
        end
    end

    local function begin_maintenance(section)
        for _, id in ipairs(names(section.maintenance)) do
            local db = R.find_cluster(id) or R.find_instance(id)
                or fail("/maintenance/" .. id, ("there is no database %s"):format(id))
            R.state().maintenance[db.resource_id] = section.maintenance[id]
            R.await_window(db)
        end
    end

    function R.begin(section)
        for _, name in ipairs { "instances", "clusters", "groups", "cluster_groups", "snapshots", "cluster_snapshots",
            "deployments", "proxies", "endpoints", "events", "maintenance", "logs", "backups",
            "names_in_use", "unserved" } do
            R.state()[name] = {}
        end
        begin_groups(section, "instance")
        begin_groups(section, "cluster")
        for _, id in ipairs(names(section.clusters)) do
            begin_cluster(section, id)
        end
        for _, id in ipairs(names(section.instances)) do
            begin_instance(section, id)
        end
        link_replicas(section)
        begin_snapshots(section)
        for _, name in ipairs(names(section.proxies)) do
            begin_proxy(name, section.proxies[name])
        end
        begin_maintenance(section)
    end
end
