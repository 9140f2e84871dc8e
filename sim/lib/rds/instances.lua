-- instances.lua: RDS instances: describe, modify, reboot, delete.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local catalog = require "rds.catalog"

return function (R)
    local sim = R.sim

    local filter_names = { ["db-instance-id"] = true, ["db-cluster-id"] = true, ["dbi-resource-id"] = true,
        engine = true }

    local function passes(filters, i)
        local c = R.cluster_of(i)
        local by_id, by_cluster = filters["db-instance-id"], filters["db-cluster-id"]
        return (not by_id or by_id[i.id] or by_id[R.instance_arn(i)])
            and (not by_cluster or c and (by_cluster[c.id] or by_cluster[R.cluster_arn(c)]))
            and (not filters["dbi-resource-id"] or filters["dbi-resource-id"][i.resource_id])
            and (not filters.engine or filters.engine[i.engine])
    end

    local function describe(form)
        local filters = R.filters(form, filter_names)
        local list = {}
        if form.DBInstanceIdentifier then
            local id = form.DBInstanceIdentifier:match("^arn:.*:db:(.+)$") or form.DBInstanceIdentifier
            list = { R.instance(id) }
        else
            for _, i in ipairs(R.sorted(R.state().instances, "id")) do
                if passes(filters, i) then
                    list[#list + 1] = i
                end
            end
        end
        return R.page(form, "DBInstances", "DBInstance", list, R.render_instance)
    end

    function R.need_available(i)
        if i.status ~= "available" then
            aws.fail("InvalidDBInstanceState",
                ("Database instance %s is not in available state. Its status is %s."):format(i.id, i.status))
        end
    end

    -- Still in the world, and the same object as before.
    local function alive(i)
        return R.state().instances[i.resource_id] == i
    end

    function R.set_status(i, status)
        if alive(i) and i.status ~= "deleting" then
            i.status = status
        end
    end

    -- Whose name counts for writes: the cluster's, or the instance's own unless it is a replica.
    local function database_name(i)
        local c = R.cluster_of(i)
        if c then
            return i.writer and c.id
        end
        return not i.replica_of and i.id
    end

    function R.writes_refused(i, ms)
        local name = database_name(i)
        if name then
            R.note_downtime(name, ms)
        end
    end

    local function reboot(form)
        local i = R.instance(aws.required(form, "DBInstanceIdentifier"))
        R.need_available(i)
        if aws.boolean(form, "ForceFailover", false) and not i.multi_az then
            aws.fail("InvalidParameterCombination",
                ("Cannot force a failover of a non-Multi-AZ DB instance: %s"):format(i.id))
        end
        sim.ledger { target = i.id }
        i.status = "rebooting"
        R.writes_refused(i, R.durations().reboot)
        sim.after(R.durations().reboot, function ()
            if alive(i) and i.status == "rebooting" then
                i.status = "available"
                R.restart_groups(i)
                R.instance_event(i, { "availability" }, "DB instance restarted")
            end
        end)
        return { DBInstance = R.render_instance(i) }
    end

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
            if not alive(i) or i.status == "deleting" then
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

    local function check_delete(i, form)
        local skip, final = aws.boolean(form, "SkipFinalSnapshot", false), form.FinalDBSnapshotIdentifier
        if i.status == "deleting" then
            aws.fail("InvalidDBInstanceState", ("Instance %s is already being deleted."):format(i.id))
        elseif i.deletion_protection then
            aws.fail("InvalidParameterCombination",
                "Cannot delete protected DB Instance, please disable deletion protection and try again.")
        elseif i.status == "creating" or i.status == "rebooting" or i.status == "upgrading" then
            R.need_available(i)
        elseif i.cluster and final then
            aws.fail("InvalidParameterCombination",
                "FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance")
        elseif not i.cluster and not skip and not final then
            aws.fail("InvalidParameterCombination",
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
        elseif skip and final then
            aws.fail("InvalidParameterCombination",
                "FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is specified.")
        end
        R.refuse_deployed("instance", i)
    end

    -- The instance goes away, with everything that refers to it.
    function R.remove_instance(i)
        i.status = "deleting"
        sim.after(R.durations().delete_instance, function ()
            if not alive(i) then
                return
            end
            R.state().instances[i.resource_id] = nil
            R.forget_target(i.resource_id)
            for _, other in pairs(R.state().instances) do
                if other.replica_of == i.resource_id then
                    other.replica_of = nil
                end
            end
            R.instance_event(i, { "deletion" }, "DB instance deleted")
        end)
    end

    local function delete(form)
        local i = R.instance(aws.required(form, "DBInstanceIdentifier"))
        check_delete(i, form)
        local final = form.FinalDBSnapshotIdentifier and R.check_snapshot_name("instance",
            form.FinalDBSnapshotIdentifier)
        sim.ledger { target = i.id, note = i.resource_id }
        if final then
            R.make_snapshot("instance", final, i, {})
        end
        R.remove_instance(i)
        return { DBInstance = R.render_instance(i) }
    end

    R.operations.DescribeDBInstances = describe
    R.operations.ModifyDBInstance = modify
    R.operations.RebootDBInstance = reboot
    R.operations.DeleteDBInstance = delete
end
