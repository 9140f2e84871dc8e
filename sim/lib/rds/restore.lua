-- restore.lua: RDS instances that come out of a snapshot or of automated backups.
-- SPDX-License-Identifier: MIT
--
-- What the request leaves out is not what the source had: it is the default of the service. That is the trap.
local aws = require "aws"
local catalog = require "rds.catalog"
local host = require "host"
local merged = require "merged"

return function (R)
    local sim = R.sim

    local default_group = "sg-0default0000000"

    -- Only a later modify can set these.
    local later = { "PreferredMaintenanceWindow", "MonitoringInterval", "MonitoringRoleArn",
        "EnablePerformanceInsights", "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod",
        "DatabaseInsightsMode", "MaxAllocatedStorage", "MasterUserPassword", "ManageMasterUserPassword" }

    local function refuse_later(form, allowed)
        for _, name in ipairs(later) do
            if form[name] ~= nil and name ~= allowed then
                aws.fail("InvalidParameterCombination",
                    ("%s can't be set when a DB instance is restored."):format(name))
            end
        end
    end

    local function check_key(source)
        local key = source.kms_key
        if key and sim.fault("disabled_key", key) then
            aws.fail("KMSKeyNotAccessibleFault", ("The specified KMS key [%s] does not exist, is not enabled or you do "
                .. "not have permissions to access it."):format(key))
        end
    end

    local function storage(form, source)
        local iops = aws.integer(form, "Iops")
        local size = aws.integer(form, "AllocatedStorage", source.allocated_storage)
        if size < source.allocated_storage then
            aws.fail("InvalidParameterValue", ("AllocatedStorage can't be smaller than that of the source (%d GiB).")
                :format(source.allocated_storage))
        end
        local kind = form.StorageType or (iops and "io1" or "gp3")
        if (kind == "io1" or kind == "io2") and not iops then
            aws.fail("InvalidParameterCombination", ("You must specify Iops for the storage type %s."):format(kind))
        end
        return { storage_type = kind, iops = iops, allocated_storage = size,
            storage_throughput = aws.integer(form, "StorageThroughput") }
    end

    local function placement(form)
        local multi = aws.boolean(form, "MultiAZ", false)
        if multi and form.AvailabilityZone then
            aws.fail("InvalidParameterCombination",
                "Requesting a specific availability zone is not valid for Multi-AZ instances.")
        end
        return { multi_az = multi, zone = form.AvailabilityZone or sim.world.region .. "b",
            subnet_group = form.DBSubnetGroupName or "default" }
    end

    local function group(form, source)
        local name = form.DBParameterGroupName
        if name then
            R.check_family("instance", name, source.engine, source.version)
        end
        return name or "default." .. catalog.family(source.engine, source.version)
    end

    local function class(form, source)
        local name = form.DBInstanceClass or source.class
        if not catalog.has_class(source.engine, source.version, name) then
            aws.fail("InvalidParameterCombination", ("RDS does not support creating a DB instance with the following "
                .. "combination: DBInstanceClass=%s, Engine=%s, EngineVersion=%s"):format(name, source.engine,
                source.version))
        end
        return name
    end

    -- What the service sets where the request says nothing, and what it takes from the source: class, engine, port,
    -- key, backups, option group, and no more.
    local function new_instance(form, id, source)
        local security = aws.values(form, "VpcSecurityGroupIds.VpcSecurityGroupId")
        return merged(R.default_settings(), storage(form, source), placement(form), {
            id = id, resource_id = R.new_instance_id(), status = "creating", engine = source.engine,
            version = source.version, class = class(form, source), pending = {}, tags = R.tags_of(form),
            created = sim.now(), port = aws.integer(form, "Port", source.port), username = source.username,
            database = source.database, managed_secret = false, encrypted = source.encrypted, kms_key = source.kms_key,
            group = group(form, source), option_group = form.OptionGroupName or source.option_group,
            security_groups = #security > 0 and security or { default_group },
            backup_retention = aws.integer(form, "BackupRetentionPeriod", source.backup_retention),
            backup_window = form.PreferredBackupWindow or source.backup_window,
            deletion_protection = aws.boolean(form, "DeletionProtection", false),
            auto_minor = aws.boolean(form, "AutoMinorVersionUpgrade", true),
            copy_tags = aws.boolean(form, "CopyTagsToSnapshot", false),
            iam_auth = aws.boolean(form, "EnableIAMDatabaseAuthentication", false),
            public = aws.boolean(form, "PubliclyAccessible", false),
            log_exports = R.check_logs(aws.values(form, "EnableCloudwatchLogsExports.member")),
            network_type = form.NetworkType or "IPV4", ca = form.CACertificateIdentifier or "rds-ca-rsa2048-g1",
            dedicated_log_volume = aws.boolean(form, "DedicatedLogVolume", false),
            lifecycle_support = form.EngineLifecycleSupport or "open-source-rds-extended-support",
            max_allocated_storage = aws.integer(form, "MaxAllocatedStorage"),
            restored_from = source.restored_from,
        })
    end

    local function settle(i)
        R.restart_groups(i)
        if sim.fault("restore_pending_reboot", i.id) then
            i.in_force, i.group_status = {}, "pending-reboot"
        end
        R.set_status(i, "available")
        R.instance_event(i, { "restoration" }, "Restored from " .. i.restored_from)
    end

    -- creating, then backing-up and modifying, then available.
    local function begin(i, source)
        local whole = R.durations().restore
        R.state().instances[i.resource_id] = i
        R.restart_groups(i)
        i.group_status = "applying"
        if sim.fault("fail_restore", i.id) then
            sim.after(whole, function ()
                R.set_status(i, "incompatible-restore")
                i.broken = i.status
                R.instance_event(i, { "restoration", "failure" },
                    "The DB instance can't be restored: the backup is not compatible with it")
            end)
            return
        end
        sim.after(whole * 3 // 5, function () R.set_status(i, "backing-up") end)
        sim.after(whole * 4 // 5, function () R.set_status(i, "modifying") end)
        sim.after(whole, function () settle(i) end, R.data.restored(i, source))
    end

    local function restore(form, source)
        local id = R.check_name_free(R.check_name(form.id, form.what))
        check_key(source)
        local i = new_instance(form, id, source)
        sim.ledger { target = id, note = source.restored_from }
        begin(i, source)
        return { DBInstance = R.render_instance(i) }
    end

    local function from_snapshot(form)
        refuse_later(form)
        form.id, form.what = aws.required(form, "DBInstanceIdentifier"), "DBInstanceIdentifier"
        local s = R.snapshot_to_restore(aws.required(form, "DBSnapshotIdentifier"))
        if s.owner and s.encrypted then
            aws.fail("KMSKeyNotAccessibleFault", "A DB instance can't be restored from a shared, encrypted snapshot. "
                .. "Make a copy of the snapshot and restore the copy.")
        end
        return restore(form, merged(s, { restored_from = "snapshot " .. s.name }))
    end

    -- ---- automated backups ----------------------------------------------------------------------------------------

    local function backup_of(i, status)
        return {
            source = i.id, resource_id = i.resource_id, status = status, engine = i.engine, version = i.version,
            class = i.class, port = i.port, username = i.username, database = i.database, encrypted = i.encrypted,
            kms_key = i.kms_key, allocated_storage = i.allocated_storage, storage_type = i.storage_type, iops = i.iops,
            zone = i.zone, option_group = i.option_group, backup_retention = i.backup_retention,
            backup_window = i.backup_window, created = i.created, ended = status == "retained" and sim.now() or nil,
        }
    end

    -- What stays of a deleted instance when its backups aren't deleted with it.
    function R.retain_backup(i)
        if i.backup_retention > 0 then
            R.state().backups[i.resource_id] = backup_of(i, "retained")
            R.data.retained(i)
        end
    end

    local function backups()
        local list = {}
        for _, i in ipairs(R.sorted(R.state().instances, "id")) do
            if not i.cluster and i.backup_retention > 0 then
                list[#list + 1] = backup_of(i, i.status == "creating" and "creating" or "active")
            end
        end
        for _, b in ipairs(R.sorted(R.state().backups, "resource_id")) do
            list[#list + 1] = b
        end
        return list
    end

    local function window(b)
        local last = (b.ended or sim.now()) - 300000
        return math.max(b.created, last - b.backup_retention * 86400000), math.max(b.created, last)
    end

    local function backup_arn(b)
        return R.arn("auto-backup", "ab-" .. b.resource_id:sub(4):lower())
    end

    local function render(b)
        local first, last = window(b)
        return {
            DBInstanceIdentifier = b.source, DbiResourceId = b.resource_id, DBInstanceArn = R.arn("db", b.source),
            DBInstanceAutomatedBackupsArn = backup_arn(b), Region = sim.world.region, Status = b.status,
            RestoreWindow = { EarliestTime = sim.time(first), LatestTime = sim.time(last) },
            AllocatedStorage = b.allocated_storage, StorageType = b.storage_type, Iops = b.iops, Port = b.port,
            AvailabilityZone = b.zone, VpcId = R.vpc, InstanceCreateTime = sim.time(b.created),
            MasterUsername = b.username, Engine = b.engine, EngineVersion = b.version,
            LicenseModel = "postgresql-license", OptionGroupName = b.option_group, Encrypted = b.encrypted,
            KmsKeyId = b.kms_key, BackupRetentionPeriod = b.backup_retention,
        }
    end

    local function describe_backups(form)
        local filters = R.filters(form, { status = true, ["db-instance-id"] = true, ["dbi-resource-id"] = true })
        local function passes(b)
            return (not form.DbiResourceId or form.DbiResourceId == b.resource_id)
                and (not form.DBInstanceIdentifier or form.DBInstanceIdentifier:lower() == b.source)
                and (not form.DBInstanceAutomatedBackupsArn or form.DBInstanceAutomatedBackupsArn == backup_arn(b))
                and (not filters.status or filters.status[b.status])
                and (not filters["db-instance-id"] or filters["db-instance-id"][b.source])
                and (not filters["dbi-resource-id"] or filters["dbi-resource-id"][b.resource_id])
        end
        local list = {}
        for _, b in ipairs(backups()) do
            if passes(b) then
                list[#list + 1] = b
            end
        end
        return R.page(form, "DBInstanceAutomatedBackups", "DBInstanceAutomatedBackup", list, render)
    end

    local function source_backup(form)
        local id, arn = form.SourceDbiResourceId, form.SourceDBInstanceAutomatedBackupsArn
        local name = form.SourceDBInstanceIdentifier
        if not (id or arn or name) then
            aws.required(form, "SourceDBInstanceIdentifier")
        elseif name then
            local i = R.instance(name)
            if i.backup_retention == 0 then
                aws.fail("PointInTimeRestoreNotEnabled", ("Point in time restore is not enabled for %s."):format(name))
            end
            id = i.resource_id
        end
        for _, b in ipairs(backups()) do
            if b.resource_id == id or arn and backup_arn(b) == arn then
                return b
            end
        end
        return aws.fail("DBInstanceAutomatedBackupNotFound",
            ("No automated backup of %s was found."):format(id or arn), 404)
    end

    local function to_point_in_time(form)
        refuse_later(form, "MaxAllocatedStorage")
        form.id, form.what = aws.required(form, "TargetDBInstanceIdentifier"), "TargetDBInstanceIdentifier"
        local b = source_backup(form)
        local first, last = window(b)
        local latest = aws.boolean(form, "UseLatestRestorableTime", false)
        local at = form.RestoreTime and host.parse(form.RestoreTime)
        if latest == (form.RestoreTime ~= nil) then
            aws.fail("InvalidParameterCombination", "Either RestoreTime or UseLatestRestorableTime must be given.")
        elseif form.RestoreTime and (not at or at < first or at > last) then
            aws.fail("InvalidParameterValue", ("RestoreTime must be between %s and %s."):format(sim.time(first),
                sim.time(last)))
        end
        return restore(form, merged(b, { restored_from = ("%s at %s"):format(b.source,
            latest and "the latest time" or form.RestoreTime) }))
    end

    R.operations.RestoreDBInstanceFromDBSnapshot = from_snapshot
    R.operations.RestoreDBInstanceToPointInTime = to_point_in_time
    R.operations.DescribeDBInstanceAutomatedBackups = describe_backups
end
