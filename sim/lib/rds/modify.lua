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
            storage_throughput = aws.integer(form, "StorageThroughput"),
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
            if values.id ~= i.id then
                R.check_name_free(values.id)
            end
        end
        for name, value in pairs(values) do
            if i[name] == value then
                values[name] = nil
            end
        end
        return values
    end

    local modifiable = { ["storage-optimization"] = true, ["storage-full"] = true,
        ["incompatible-parameters"] = true }

    -- Protection is taken off what can't be helped any more, so that it can be deleted.
    local function only_protection(form)
        for name in pairs(form) do
            if name ~= "Action" and name ~= "Version" and name ~= "DBInstanceIdentifier" and name ~= "ApplyImmediately"
                and name ~= "DeletionProtection" then
                return false
            end
        end
        return true
    end

    local function check_modify(i, form)
        if not modifiable[i.status] and not (i.status == i.broken and only_protection(form)) then
            R.need_available(i)
        end
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
        i.managed_secret = aws.boolean(form, "ManageMasterUserPassword", i.managed_secret)
        i.option_group = form.OptionGroupName or i.option_group
        i.public = aws.boolean(form, "PubliclyAccessible", i.public)
        i.ca = form.CACertificateIdentifier or i.ca
        i.max_allocated_storage = aws.integer(form, "MaxAllocatedStorage", i.max_allocated_storage)
        if i.max_allocated_storage == i.allocated_storage then
            i.max_allocated_storage = nil -- that is how it is switched off
        end
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

    -- What was queued is in force. Storage goes on working for a while.
    local function take_pending(i)
        local storage = i.pending.storage_type or i.pending.allocated_storage or i.pending.iops
            or i.pending.storage_throughput
        for name, value in pairs(i.pending) do
            i[name] = value
        end
        i.pending = {}
        R.set_status(i, storage and "storage-optimization" or "available")
        if storage then
            sim.after(R.durations().optimize, function ()
                if i.status == "storage-optimization" then
                    R.set_status(i, "available")
                end
            end)
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
            return R.rename_instance(i, function () take_pending(i) end)
        end
        sim.after(2000, function () R.set_status(i, status) end)
        sim.after(2000 + ms, function ()
            if not R.alive(i) or i.status == "deleting" then
                return
            end
            if i.pending.version then
                finish_upgrade(i, group)
            end
            take_pending(i)
        end)
    end

    -- The name that it has already, as a new one, is taken for a change: it restarts.
    local function restart_needlessly(i, form)
        if form.NewDBInstanceIdentifier and form.NewDBInstanceIdentifier:lower() == i.id
            and aws.boolean(form, "ApplyImmediately", false) then
            R.restart(i)
        end
    end

    local function modify(form)
        local i = R.instance(aws.required(form, "DBInstanceIdentifier"))
        check_modify(i, form)
        local pending = check_pending(i, form)
        local settings = R.plan_settings(i, form)
        sim.ledger { target = i.id }
        set_at_once(i, form)
        R.make_settings(i, settings)
        restart_needlessly(i, form)
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
