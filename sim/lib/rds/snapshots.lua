-- snapshots.lua: snapshots of instances and of clusters: manual ones, those RDS took by itself, those others share.
-- SPDX-License-Identifier: MIT
local aws = require "aws"

return function (R)
    local sim = R.sim

    local kinds = {
        instance = {
            table_ = "snapshots", arn = "snapshot", name = "DBSnapshotIdentifier", source = "DBInstanceIdentifier",
            tag = "DBSnapshot", list = "DBSnapshots", own_arn = "DBSnapshotArn", resource = "DbiResourceId",
            resource_filter = "dbi-resource-id", source_filter = "db-instance-id", name_filter = "db-snapshot-id",
            missing = "DBSnapshotNotFound", exists = "DBSnapshotAlreadyExists", state = "InvalidDBSnapshotState",
            event = "db-snapshot", created = "Manual snapshot created",
        },
        cluster = {
            table_ = "cluster_snapshots", arn = "cluster-snapshot", name = "DBClusterSnapshotIdentifier",
            source = "DBClusterIdentifier", tag = "DBClusterSnapshot", list = "DBClusterSnapshots",
            own_arn = "DBClusterSnapshotArn", resource = "DbClusterResourceId",
                resource_filter = "db-cluster-resource-id",
            source_filter = "db-cluster-id", name_filter = "db-cluster-snapshot-id",
            missing = "DBClusterSnapshotNotFoundFault", exists = "DBClusterSnapshotAlreadyExistsFault",
            state = "InvalidDBClusterSnapshotStateFault", event = "db-cluster-snapshot",
            created = "Manual cluster snapshot created",
        },
    }

    -- One that another account shares is that account's.
    local function own_arn(k, s)
        local arn = R.arn(k.arn, s.name)
        return s.owner and arn:gsub(":" .. sim.world.account .. ":", ":" .. s.owner .. ":", 1) or arn
    end

    local function type_of(s)
        return s.owner and "shared" or s.type or "manual"
    end

    local function render(kind, s)
        local k = kinds[kind]
        local cluster = kind == "cluster"
        local ready = s.status == "available"
        local began = sim.now() - s.created
        return {
            [k.name] = s.name, [k.source] = s.source, [k.own_arn] = own_arn(k, s), [k.resource] = s.resource_id,
            Status = s.status,
            PercentProgress = ready and 100 or math.min(99, began * 100 // math.max(1, s.takes)),
            SnapshotType = type_of(s), SnapshotCreateTime = sim.time(s.created),
            OriginalSnapshotCreateTime = not cluster and sim.time(s.created) or nil,
            Engine = s.engine, EngineVersion = s.version, Port = s.port, MasterUsername = s.username,
            AllocatedStorage = s.allocated_storage, StorageType = s.storage_type, VpcId = R.vpc,
            [cluster and "StorageEncrypted" or "Encrypted"] = s.encrypted, KmsKeyId = s.kms_key,
            LicenseModel = "postgresql-license", TagList = R.tag_list(s.tags),
            OptionGroupName = s.option_group, Iops = s.iops, AvailabilityZone = s.zone,
            InstanceCreateTime = s.begun and sim.time(s.begun) or nil,
        }
    end

    function R.check_snapshot_name(kind, text)
        local k = kinds[kind]
        local name = R.check_name(text, k.name, 255)
        if R.state()[k.table_][name] then
            aws.fail(k.exists, ("Cannot create the snapshot because a snapshot with the identifier %s already "
                .. "exists."):format(name))
        end
        return name
    end

    function R.make_snapshot(kind, name, db, tags)
        local k = kinds[kind]
        local takes = kind == "cluster" and R.durations().cluster_snapshot or R.durations().snapshot
        local s = {
            name = name, source = db.id, resource_id = db.resource_id, status = "creating", created = sim.now(),
                takes = takes,
            engine = db.engine, version = db.version, port = db.port, username = db.username, encrypted = db.encrypted,
            kms_key = db.kms_key, allocated_storage = db.allocated_storage or 1, storage_type = db.storage_type,
                tags = tags,
            class = db.class, option_group = db.option_group, backup_retention = db.backup_retention, iops = db.iops,
            backup_window = db.backup_window, database = db.database, zone = db.zone, begun = db.created,
        }
        R.state()[k.table_][name] = s
        R.event(k.event, name, R.arn(k.arn, name), { "creation" }, kind == "cluster"
            and "Creating manual cluster snapshot"
            or "Creating manual snapshot")
        sim.after(takes, function ()
            if R.state()[k.table_][name] == s then
                s.status = "available"
                R.event(k.event, name, R.arn(k.arn, name), { "creation" }, k.created)
                if kind == "instance" then
                    R.set_status(db, db.status == "backing-up" and "available" or db.status)
                end
            end
        end, R.data.copied(kind, name, db))
        return s
    end

    local function create(kind, form)
        local k = kinds[kind]
        local id = aws.required(form, k.source)
        local db = kind == "cluster" and R.cluster(id) or R.instance(id)
        local name = R.check_snapshot_name(kind, aws.required(form, k.name))
        if kind == "cluster" then
            R.need_cluster_available(db)
        elseif db.cluster then
            aws.fail("InvalidDBInstanceState",
                "The specified instance is a member of a cluster and a snapshot cannot be "
                .. "created directly. Please use the CreateDBClusterSnapshot API instead.")
        elseif db.status ~= "storage-optimization" then
            R.need_available(db)
        end
        sim.ledger { target = name }
        local s = R.make_snapshot(kind, name, db, R.tags_of(form))
        if kind == "instance" then
            sim.after(1000, function ()
                if db.status == "available" and s.status == "creating" then
                    R.set_status(db, "backing-up")
                end
            end)
        end
        return { [k.tag] = render(kind, s) }
    end

    -- Those of others are listed only when they are asked for.
    local function of_type(s, form, filters)
        local kind, asked = type_of(s), form.SnapshotType
        if asked then
            return asked == kind
        elseif filters["snapshot-type"] then
            return filters["snapshot-type"][kind]
        end
        return kind ~= "shared" or aws.boolean(form, "IncludeShared", false)
    end

    local function passes(k, s, form, filters)
        local function filter(name, value)
            return not filters[name] or filters[name][value]
        end
        return (not form[k.source] or form[k.source]:lower() == s.source)
            and (not form[k.resource] or form[k.resource] == s.resource_id)
            and (form[k.name] or of_type(s, form, filters))
            and filter(k.resource_filter, s.resource_id) and filter(k.source_filter, s.source)
            and filter(k.name_filter, s.name) and filter("engine", s.engine)
    end

    local function find(kind, name)
        local k = kinds[kind]
        local id = (name:match("^arn:.-:" .. k.arn:gsub("%-", "%%-") .. ":(.+)$") or name):lower()
        local s = R.state()[k.table_][id]
        if s and not (s.owner and own_arn(k, s) ~= name) then -- a foreign one goes by its ARN alone
            return s
        end
        return aws.fail(k.missing, ("%s not found: %s"):format(k.tag, name), 404)
    end

    function R.snapshot_to_restore(name)
        local s = find("instance", name)
        if s.status ~= "available" then
            aws.fail("InvalidDBSnapshotState",
                ("Cannot restore the snapshot %s: it is %s."):format(s.name, s.status))
        end
        return s
    end

    -- Those that RDS took of an instance go with it, unless its backups are kept.
    function R.forget_snapshots(i)
        for name, s in pairs(R.state().snapshots) do
            if s.resource_id == i.resource_id and type_of(s) == "automated" then
                R.state().snapshots[name] = nil
            end
        end
    end

    local function describe(kind, form)
        local k = kinds[kind]
        local filters = R.filters(form, {
            [k.resource_filter] = true, [k.source_filter] = true, [k.name_filter] = true, ["snapshot-type"] = true,
                engine = true,
        })
        local list = {}
        for _, s in ipairs(form[k.name] and { find(kind, form[k.name]) } or R.sorted(R.state()[k.table_], "name")) do
            if passes(k, s, form, filters) then
                list[#list + 1] = s
            end
        end
        return R.page(form, k.list, k.tag, list, function (s) return render(kind, s) end)
    end

    local function delete(kind, form)
        local k = kinds[kind]
        local s = find(kind, aws.required(form, k.name))
        if type_of(s) ~= "manual" then
            aws.fail(k.state, "Only manual snapshots may be deleted.")
        elseif s.status ~= "available" and s.status ~= "failed" then
            aws.fail(k.state, "Cannot delete the snapshot because it is not currently in the available state.")
        end
        sim.ledger { target = s.name }
        R.state()[k.table_][s.name] = nil
        s.status = "deleted"
        return { [k.tag] = render(kind, s) }
    end

    local function for_kind(kind, fn)
        return function (form) return fn(kind, form) end
    end

    R.operations.CreateDBSnapshot = for_kind("instance", create)
    R.operations.CreateDBClusterSnapshot = for_kind("cluster", create)
    R.operations.DescribeDBSnapshots = for_kind("instance", describe)
    R.operations.DescribeDBClusterSnapshots = for_kind("cluster", describe)
    R.operations.DeleteDBSnapshot = for_kind("instance", delete)
    R.operations.DeleteDBClusterSnapshot = for_kind("cluster", delete)
end
