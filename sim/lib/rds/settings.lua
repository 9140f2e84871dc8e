-- settings.lua: RDS instances: the settings that are changed while the database runs, and how replies show them.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local xml = require "xml"

return function (R)
    local sim = R.sim

    local intervals = { [0] = true, [1] = true, [5] = true, [10] = true, [15] = true, [30] = true, [60] = true }
    local known_logs = { postgresql = true, upgrade = true, ["iam-db-auth-error"] = true }

    -- What a new instance has when nobody says otherwise.
    function R.default_settings()
        return {
            deletion_protection = false, auto_minor = true, copy_tags = false, iam_auth = false, public = false,
            monitoring_interval = 0, performance_insights = false, insights_mode = "standard", log_exports = {},
            ca = "rds-ca-rsa2048-g1", network_type = "IPV4", dedicated_log_volume = false, roles = {},
            lifecycle_support = "open-source-rds-extended-support",
            maintenance_window = "sat:06:24-sat:06:54", promotion_tier = 1,
        }
    end

    function R.check_logs(list)
        for _, name in ipairs(list) do
            if not known_logs[name] then
                aws.fail("InvalidParameterCombination",
                    ("You cannot use the log types '%s' with engine version postgres."):format(name))
            end
        end
        return list
    end

    local function check_insights(new)
        local days = new.performance_insights_retention
        if days and days ~= 7 and days ~= 731 and (days % 31 ~= 0 or days > 713) then
            aws.fail("InvalidParameterValue",
                ("Invalid Performance Insights retention period: %d"):format(days))
        elseif new.insights_mode == "advanced" and not (new.performance_insights and (days or 7) >= 465) then
            aws.fail("InvalidParameterCombination", "To enable the Advanced mode of Database Insights, set "
                .. "EnablePerformanceInsights to true and PerformanceInsightsRetentionPeriod to at least 465.")
        end
    end

    local function monitoring(i, form)
        local new = {
            monitoring_interval = aws.integer(form, "MonitoringInterval", i.monitoring_interval),
            monitoring_role = form.MonitoringRoleArn or i.monitoring_role,
        }
        if not intervals[new.monitoring_interval] then
            aws.fail("InvalidParameterValue", ("Invalid monitoring interval: %d"):format(new.monitoring_interval))
        elseif new.monitoring_interval > 0 and not new.monitoring_role then
            aws.fail("InvalidParameterCombination",
                "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.")
        elseif new.monitoring_interval == 0 then
            new.monitoring_role = nil
        end
        return new
    end

    local function insights(i, form)
        local on = aws.boolean(form, "EnablePerformanceInsights", i.performance_insights)
        local new = {
            performance_insights = on, insights_mode = form.DatabaseInsightsMode or i.insights_mode,
            performance_insights_key = on and (form.PerformanceInsightsKMSKeyId or i.performance_insights_key) or nil,
            performance_insights_retention = on and aws.integer(form, "PerformanceInsightsRetentionPeriod",
                i.performance_insights_retention or 7) or nil,
        }
        check_insights(new)
        return new
    end

    local function log_exports(i, form)
        local prefix, on = "CloudwatchLogsExportConfiguration.", {}
        for _, name in ipairs(i.log_exports) do
            on[name] = true
        end
        for _, name in ipairs(R.check_logs(aws.values(form, prefix .. "EnableLogTypes.member"))) do
            on[name] = true
        end
        for _, name in ipairs(aws.values(form, prefix .. "DisableLogTypes.member")) do
            on[name] = nil
        end
        local list = {}
        for name in pairs(on) do
            list[#list + 1] = name
        end
        table.sort(list)
        return { log_exports = list }
    end

    -- What is set while the status says what is being done: members of the request, members of the instance, and what
    -- the one makes of the other.
    local groups = {
        { status = "configuring-enhanced-monitoring", new = monitoring,
            given = { "MonitoringInterval", "MonitoringRoleArn" },
            keys = { "monitoring_interval", "monitoring_role" } },
        { status = "configuring-performance-insights", new = insights,
            given = { "EnablePerformanceInsights", "DatabaseInsightsMode", "PerformanceInsightsRetentionPeriod",
                "PerformanceInsightsKMSKeyId" },
            keys = { "performance_insights", "insights_mode", "performance_insights_key",
                "performance_insights_retention" } },
        { status = "configuring-log-exports", new = log_exports,
            given = { "CloudwatchLogsExportConfiguration.EnableLogTypes.member.1",
                "CloudwatchLogsExportConfiguration.DisableLogTypes.member.1" },
            keys = { "log_exports" } },
        { status = "configuring-iam-database-auth", given = { "EnableIAMDatabaseAuthentication" },
            keys = { "iam_auth" }, new = function (i, form)
                return { iam_auth = aws.boolean(form, "EnableIAMDatabaseAuthentication", i.iam_auth) }
            end },
    }

    local function same(a, b)
        if type(a) ~= "table" or type(b) ~= "table" then
            return a == b
        end
        return table.concat(a, " ") == table.concat(b, " ")
    end

    local function differs(i, keys, new)
        for _, key in ipairs(keys) do
            if not same(i[key], new[key]) then
                return true
            end
        end
        return false
    end

    local function asked(group, form)
        for _, name in ipairs(group.given) do
            if form[name] ~= nil then
                return true
            end
        end
        return false
    end

    -- The changes that the request asks for, checked and not made yet.
    function R.plan_settings(i, form)
        local list = {}
        for _, group in ipairs(groups) do
            local new = asked(group, form) and group.new(i, form)
            if new and differs(i, group.keys, new) then
                list[#list + 1] = { status = group.status, keys = group.keys, new = new }
            end
        end
        return list
    end

    -- Make them: what is new shows at once, and the status tells for a while that it is being done.
    function R.make_settings(i, list)
        local began = 1000
        for _, change in ipairs(list) do
            for _, key in ipairs(change.keys) do
                i[key] = change.new[key]
            end
            sim.after(began, function ()
                if i.status == "available" then
                    R.set_status(i, change.status)
                end
            end)
            began = began + R.durations().configure
            sim.after(began, function ()
                if i.status == change.status then
                    R.set_status(i, "available")
                end
            end)
        end
    end

    function R.render_settings(i)
        local roles = {}
        for _, role in ipairs(i.roles) do
            roles[#roles + 1] = { RoleArn = role.arn, FeatureName = role.feature, Status = "ACTIVE" }
        end
        local monitored = i.monitoring_interval > 0
        return {
            MaxAllocatedStorage = i.max_allocated_storage,
            StorageThroughput = i.storage_throughput,
            EnabledCloudwatchLogsExports = #i.log_exports > 0 and xml.list("member", i.log_exports) or nil,
            MonitoringInterval = i.monitoring_interval,
            MonitoringRoleArn = i.monitoring_role,
            EnhancedMonitoringResourceArn = monitored and ("arn:aws:logs:%s:%s:log-group:RDSOSMetrics:log-stream:%s")
                :format(sim.world.region, sim.world.account, i.resource_id) or nil,
            PerformanceInsightsEnabled = i.performance_insights,
            PerformanceInsightsKMSKeyId = i.performance_insights_key,
            PerformanceInsightsRetentionPeriod = i.performance_insights_retention,
            DatabaseInsightsMode = i.insights_mode,
            CACertificateIdentifier = i.ca,
            NetworkType = i.network_type,
            DedicatedLogVolume = i.dedicated_log_volume,
            EngineLifecycleSupport = i.lifecycle_support,
            AssociatedRoles = xml.list("DBInstanceRole", roles),
            PubliclyAccessible = i.public,
        }
    end

    local function role_of(i, form)
        local feature = aws.required(form, "FeatureName")
        local arn = aws.required(form, "RoleArn")
        for n, role in ipairs(i.roles) do
            if role.feature == feature then
                return n, role, arn, feature
            end
        end
        return nil, nil, arn, feature
    end

    local function add_role(form)
        local i = R.instance(aws.required(form, "DBInstanceIdentifier"))
        local n, role, arn, feature = role_of(i, form)
        R.need_available(i)
        if n then
            aws.fail("DBInstanceRoleAlreadyExists",
                ("The role %s is associated with the feature %s of %s already."):format(role.arn, feature, i.id))
        end
        sim.ledger { target = i.id, note = arn }
        table.insert(i.roles, { arn = arn, feature = feature })
        return {}
    end

    local function remove_role(form)
        local i = R.instance(aws.required(form, "DBInstanceIdentifier"))
        local n, role, arn = role_of(i, form)
        if not n or role.arn ~= arn then
            aws.fail("DBInstanceRoleNotFound",
                ("The role %s is not associated with %s."):format(arn, i.id), 404)
        end
        sim.ledger { target = i.id, note = arn }
        table.remove(i.roles, n)
        return {}
    end

    R.operations.AddRoleToDBInstance = add_role
    R.operations.RemoveRoleFromDBInstance = remove_role
end
