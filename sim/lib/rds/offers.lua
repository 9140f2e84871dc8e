-- offers.lua: what RDS offers and tells: engine versions, classes, events, tags.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local catalog = require "rds.catalog"
local host = require "host"
local xml = require "xml"

return function (R)
    local sim = R.sim

    local function upgrade_targets(engine, version)
        local list = {}
        for _, target in ipairs(catalog.targets(engine, version)) do
            list[#list + 1] = {
                Engine = engine, EngineVersion = target, Description = ("%s %s"):format(engine, target),
                    AutoUpgrade = R.settings.minor_upgrades[version] == target,
                IsMajorVersionUpgrade = catalog.major(target) ~= catalog.major(version),
                SupportedEngineModes = engine:find("^aurora") and xml.list("member", { "provisioned" }) or nil,
            }
        end
        return xml.list("UpgradeTarget", list)
    end

    local function render_version(v)
        return {
            Engine = v.engine, EngineVersion = v.version, DBParameterGroupFamily = catalog.family(v.engine, v.version),
            MajorEngineVersion = tostring(catalog.major(v.version)), DBEngineDescription = v.engine,
            DBEngineVersionDescription = ("%s %s"):format(v.engine, v.version), Status = "available",
            ValidUpgradeTarget = upgrade_targets(v.engine, v.version), SupportsReadReplica = true,
            SupportsLogExportsToCloudwatchLogs = true,
        }
    end

    local function is_wanted(v, form)
        return (not form.Engine or form.Engine == v.engine)
            and (not form.EngineVersion or form.EngineVersion == v.version
                or form.EngineVersion == tostring(catalog.major(v.version)))
            and (not form.DBParameterGroupFamily or form.DBParameterGroupFamily == catalog.family(v.engine, v.version))
    end

    local function versions(form)
        local list = {}
        for engine, known in pairs(catalog.versions) do
            for version in pairs(known) do
                local v = { engine = engine, version = version }
                if is_wanted(v, form) then
                    list[#list + 1] = v
                end
            end
        end
        table.sort(list, function (a, b)
            if a.engine ~= b.engine then
                return a.engine < b.engine
            end
            return catalog.is_newer(b.version, a.version)
        end)
        return R.page(form, "DBEngineVersions", "DBEngineVersion", list, render_version)
    end

    local function render_option(o)
        return {
            Engine = o.engine, EngineVersion = o.version, DBInstanceClass = o.class,
                LicenseModel = "postgresql-license",
            StorageType = o.engine:find("^aurora") and "aurora" or "gp3", MultiAZCapable = true,
                ReadReplicaCapable = true,
            Vpc = true, SupportsStorageEncryption = true,
            AvailabilityZones = xml.list("AvailabilityZone", { { Name = sim.world.region .. "a" } }),
        }
    end

    local function options(form)
        local engine = aws.required(form, "Engine")
        local list = {}
        for version in pairs(catalog.versions[engine] or {}) do
            for _, class in ipairs(catalog.classes[engine]) do
                if (not form.EngineVersion or form.EngineVersion == version)
                    and (not form.DBInstanceClass or form.DBInstanceClass == class)
                    and catalog.has_class(engine, version, class) then
                    list[#list + 1] = { engine = engine, version = version, class = class }
                end
            end
        end
        table.sort(list, function (a, b)
            if a.version ~= b.version then
                return catalog.is_newer(b.version, a.version)
            end
            return a.class < b.class
        end)
        return R.page(form, "OrderableDBInstanceOptions", "OrderableDBInstanceOption", list, render_option)
    end

    -- The object an ARN names, as a table with `tags`, or a refusal.
    local function by_arn(arn)
        local kind, name = arn:match("^arn:aws:rds:[^:]+:%d+:([%l%-]+):(.+)$")
        local s = R.state()
        local tables = {
            pg = s.groups, ["cluster-pg"] = s.cluster_groups, snapshot = s.snapshots,
                ["cluster-snapshot"] = s.cluster_snapshots,
            deployment = s.deployments, ["db-proxy"] = R.proxies_by_arn(), ["db-proxy-endpoint"] = R.endpoints_by_arn(),
        }
        if kind == "db" then
            return R.instance(name)
        elseif kind == "cluster" then
            return R.cluster(name)
        elseif not tables[kind] then
            aws.fail("InvalidParameterValue",
                ("The specified resource name does not match an RDS resource in this region: %s")
                :format(arn))
        end
        local codes = {
            pg = "DBParameterGroupNotFound", ["cluster-pg"] = "DBParameterGroupNotFound",
                snapshot = "DBSnapshotNotFound",
            ["cluster-snapshot"] = "DBClusterSnapshotNotFoundFault", deployment = "BlueGreenDeploymentNotFoundFault",
            ["db-proxy"] = "DBProxyNotFoundFault", ["db-proxy-endpoint"] = "DBProxyEndpointNotFoundFault",
        }
        return tables[kind][name] or aws.fail(codes[kind], ("%s not found"):format(arn), 404)
    end

    local function list_tags(form)
        return { TagList = R.tag_list(by_arn(aws.required(form, "ResourceName")).tags) }
    end

    local function add_tags(form)
        local arn = aws.required(form, "ResourceName")
        local object, tags = by_arn(arn), R.tags_of(form)
        if not next(tags) then
            aws.fail("MissingParameter", "The request must contain the parameter Tags.")
        end
        sim.ledger { target = arn }
        for key, value in pairs(tags) do
            object.tags[key] = value
        end
    end

    local function remove_tags(form)
        local arn = aws.required(form, "ResourceName")
        local object, keys = by_arn(arn), aws.values(form, "TagKeys.member")
        if #keys == 0 then
            aws.fail("MissingParameter", "The request must contain the parameter TagKeys.")
        end
        sim.ledger { target = arn }
        for _, key in ipairs(keys) do
            object.tags[key] = nil
        end
    end

    local function has_category(event, wanted)
        for _, category in ipairs(event.categories) do
            for _, name in ipairs(wanted) do
                if category == name then
                    return true
                end
            end
        end
        return #wanted == 0
    end

    local function time_of(form, name)
        local text = form[name]
        local ms = text and host.parse((text:gsub("%.%d+", ""):gsub("^(%d+%-%d+%-%d+)$", "%1T00:00:00Z"):gsub("(%d)$",
            "%1Z")))
        if text and not ms then
            aws.fail("InvalidParameterValue", ("Invalid value for %s: %s"):format(name, text))
        end
        return ms
    end

    local function render_event(e)
        return {
            SourceIdentifier = e.source, SourceType = e.type, SourceArn = e.arn, Message = e.message,
                Date = sim.time(e.at),
            EventCategories = xml.list("EventCategory", e.categories),
        }
    end

    local function events(form)
        if form.SourceIdentifier and not form.SourceType then
            aws.fail("InvalidParameterCombination", "SourceIdentifier is specified without SourceType")
        end
        local to = time_of(form, "EndTime") or sim.now()
        local minutes = aws.integer(form, "Duration", 60)
        if minutes > 20160 then
            aws.fail("InvalidParameterValue", "Duration must be at most 20160 minutes (14 days)")
        end
        local from = time_of(form, "StartTime") or sim.now() - minutes * 60000
        local wanted = aws.values(form, "EventCategories.EventCategory")
        local list = {}
        for _, e in ipairs(R.state().events) do
            if e.at >= from and e.at <= to and (not form.SourceType or e.type == form.SourceType)
                and (not form.SourceIdentifier or e.source == form.SourceIdentifier) and has_category(e, wanted) then
                list[#list + 1] = e
            end
        end
        return R.page(form, "Events", "Event", list, render_event)
    end

    R.operations.DescribeDBEngineVersions = versions
    R.operations.DescribeOrderableDBInstanceOptions = options
    R.operations.ListTagsForResource = list_tags
    R.operations.AddTagsToResource = add_tags
    R.operations.RemoveTagsFromResource = remove_tags
    R.operations.DescribeEvents = events
end
