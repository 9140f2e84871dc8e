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

    local function refuse_combination(class, engine, version)
        aws.fail("InvalidParameterCombination", ("RDS does not support creating a DB instance with the following "
            .. "combination: DBInstanceClass=%s, Engine=%s, EngineVersion=%s"):format(class, engine, version))
    end

    -- A class must be known to the version that runs, and to the one that is to come.
    local function check_class(i, form, version)
        local class = form.DBInstanceClass or i.class
        for _, each in ipairs { i.version, version } do
            if (form.DBInstanceClass or version ~= i.version) and not catalog.has_class(i.engine, each, class) then
                refuse_combination(class, i.engine, each)
            end
        end
    end

    -- Replicas follow a major upgrade of their source, and come before it in a minor one.
    local function check_replicas(i, version, major)
        if i.replica_of and major then
            aws.fail("InvalidParameterCombination", "A major version upgrade of a read replica comes with its source.")
        end
        for _, r in ipairs(R.replicas_of(i)) do
            if major and r.status ~= "available" then
                aws.fail("DBUpgradeDependencyFailure",
                    ("The DB upgrade failed because the read replica %s is %s."):format(r.id, r.status))
            elseif not major and catalog.is_newer(version, r.version) then
                aws.fail("InvalidParameterCombination",
                    ("One or more of the DB Instance's read replicas need to be upgraded: %s"):format(r.id))
            end
        end
    end

    local function check_version(i, form)
        local version = form.EngineVersion
        if not version or version == i.version then
            return nil
        end
        local major = R.check_upgrade(i, form, version)
        check_class(i, form, version)
        check_replicas(i, version, major)
        return version
    end

    -- What waits for the window, or for a change that is applied immediately.
    local function check_pending(i, form)
        local values = {
            class = form.DBInstanceClass, storage_type = form.StorageType, multi_az = aws.boolean(form, "MultiAZ"),
            allocated_storage = aws.integer(form, "AllocatedStorage"), iops = aws.integer(form, "Iops"),
            storage_throughput = aws.integer(form, "StorageThroughput"), version = check_version(i, form),
        }
        if values.class then
            check_class(i, form, values.version or i.version)
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
        if form.PreferredMaintenanceWindow then
            R.check_window(form.PreferredMaintenanceWindow)
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

    -- The value that it has now takes the queued one out, if that is to be applied immediately.
    local function take_back(i, form)
        local asked = {
            version = form.EngineVersion, class = form.DBInstanceClass, storage_type = form.StorageType,
            multi_az = aws.boolean(form, "MultiAZ"), allocated_storage = aws.integer(form, "AllocatedStorage"),
            iops = aws.integer(form, "Iops"), storage_throughput = aws.integer(form, "StorageThroughput"),
        }
        for name, value in pairs(asked) do
            if i[name] == value then
                i.pending[name] = nil
            end
        end
        i.next_group = i.pending.version and i.next_group
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
        local now = aws.boolean(form, "ApplyImmediately", false)
        local settings = R.plan_settings(i, form)
        sim.ledger { target = i.id }
        set_at_once(i, form)
        R.make_settings(i, settings)
        restart_needlessly(i, form)
        for name, value in pairs(pending) do
            i.pending[name] = value
        end
        if pending.version then
            i.next_group = form.DBParameterGroupName
        end
        if now and not sim.fault("not_begun", i.id, i.resource_id) then
            take_back(i, form)
            R.carry_out(i)
        end
        R.await_window(i)
        return { DBInstance = R.render_instance(i) }
    end

    R.operations.ModifyDBInstance = modify
end
