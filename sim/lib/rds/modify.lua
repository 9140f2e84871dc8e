-- modify.lua: changes of RDS instances: what is refused, what comes at once, what waits.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local catalog = require "rds.catalog"

return function (R)
    local sim = R.sim

    -- A major step needs the flag, a step must be offered.
    function R.check_upgrade(db, form, version)
        if not catalog.is_target(db.engine, db.version, version) then
            aws.fail("InvalidParameterCombination",
                ("Cannot upgrade %s from %s to %s"):format(db.engine, db.version, version))
        end
        local major = catalog.major(version) ~= catalog.major(db.version)
        if major and not aws.boolean(form, "AllowMajorVersionUpgrade", false) then
            aws.fail("InvalidParameterCombination",
                "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.")
        end
        return major
    end

    local function check_pending(i, form)
        local values = {
            class = form.DBInstanceClass, storage_type = form.StorageType, multi_az = aws.boolean(form, "MultiAZ"),
            allocated_storage = aws.integer(form, "AllocatedStorage"), iops = aws.integer(form, "Iops"),
        }
        if form.EngineVersion and form.EngineVersion ~= i.version then
            R.check_upgrade(i, form, form.EngineVersion)
            values.version = form.EngineVersion
        elseif form.EngineVersion then
            i.pending.version = nil -- back to the current version: the queued one is taken out
        end
        if values.class and not catalog.has_class(i.engine, values.version or i.version, values.class) then
            aws.fail("InvalidParameterCombination", ("RDS does not support creating a DB instance with the following "
                .. "combination: DBInstanceClass=%s, Engine=%s, EngineVersion=%s"):format(values.class, i.engine,
                    i.version))
        end
        if form.NewDBInstanceIdentifier then
            values.id = R.check_name(form.NewDBInstanceIdentifier, "NewDBInstanceIdentifier")
            if R.find_instance(values.id) then
                aws.fail("DBInstanceAlreadyExists", ("DB Instance already exists: %s"):format(values.id))
            end
        end
        for name, value in pairs(values) do
            if i[name] == value then
                values[name] = nil
            end
        end
        return values
    end

    local function check_modify(i, form)
        R.need_available(i)
        if i.cluster then
            for _, name in ipairs { "DeletionProtection", "EngineVersion", "BackupRetentionPeriod", "MultiAZ" } do
                if form[name] then
                    aws.fail("InvalidParameterCombination",
                        ("The specified DB Instance is a member of a cluster. Modify "
                        .. "%s for the DB Cluster using the ModifyDBCluster API"):format(name))
                end
            end
        end
        if form.DBParameterGroupName then
            R.check_family("instance", form.DBParameterGroupName, i.engine, form.EngineVersion or i.version)
        end
        local days = aws.integer(form, "BackupRetentionPeriod")
        if days and (days < 0 or days > 35) then
            aws.fail("InvalidParameterValue", ("Invalid backup retention period: %d"):format(days))
        end
    end

    local function set_at_once(i, form)
        i.deletion_protection = aws.boolean(form, "DeletionProtection", i.deletion_protection)
        i.auto_minor = aws.boolean(form, "AutoMinorVersionUpgrade", i.auto_minor)
        i.copy_tags = aws.boolean(form, "CopyTagsToSnapshot", i.copy_tags)
        i.iam_auth = aws.boolean(form, "EnableIAMDatabaseAuthentication", i.iam_auth)
        i.performance_insights = aws.boolean(form, "EnablePerformanceInsights", i.performance_insights)
        i.monitoring_interval = aws.integer(form, "MonitoringInterval", i.monitoring_interval)
        i.backup_retention = aws.integer(form, "BackupRetentionPeriod", i.backup_retention)
        i.backup_window = form.PreferredBackupWindow or i.backup_window
        i.maintenance_window = form.PreferredMaintenanceWindow or i.maintenance_window
        local security = aws.values(form, "VpcSecurityGroupIds.VpcSecurityGroupId")
        i.security_groups = #security > 0 and security or i.security_groups
        if form.DBParameterGroupName and form.DBParameterGroupName ~= i.group
            and catalog.major(form.EngineVersion or i.version) == catalog.major(i.version) then
            i.group = form.DBParameterGroupName
            R.apply_group(i, "instance")
        end
    end

    local function finish_upgrade(i, group)
        R.instance_event(i, { "maintenance" }, "Database instance patched")
        local major = catalog.major(i.pending.version) ~= catalog.major(i.version)
        i.version, i.pending.version = i.pending.version, nil
        if major then
            i.group = group or "default." .. catalog.family(i.engine, i.version)
            R.restart_groups(i)
        end
    end

    -- What is queued comes into effect: the status leaves `available` a moment after the call was accepted.
    local function carry_out(i, group)
        local d = R.durations()
        local status, ms = "modifying", d.modify
        if i.pending.version then
            status, ms = "upgrading", d.upgrade
            R.writes_refused(i, d.upgrade_downtime)
        elseif i.pending.id then
            status, ms = "renaming", d.rename
        end
        sim.after(2000, function () R.set_status(i, status) end)
        sim.after(2000 + ms, function ()
            if not R.alive(i) or i.status == "deleting" then
                return
            end
            if i.pending.version then
                finish_upgrade(i, group)
            end
            for name, value in pairs(i.pending) do
                i[name] = value
            end
            i.pending = {}
            i.status = "available"
        end)
    end

    local function modify(form)
        local i = R.instance(aws.required(form, "DBInstanceIdentifier"))
        check_modify(i, form)
        local pending = check_pending(i, form)
        sim.ledger { target = i.id }
        set_at_once(i, form)
        for name, value in pairs(pending) do
            i.pending[name] = value
        end
        if next(i.pending) and aws.boolean(form, "ApplyImmediately", false) then
            carry_out(i, form.DBParameterGroupName)
        end
        return { DBInstance = R.render_instance(i) }
    end

    R.operations.ModifyDBInstance = modify
end
