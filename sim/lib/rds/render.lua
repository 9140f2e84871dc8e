-- render.lua: instances and clusters as the replies show them.
-- SPDX-License-Identifier: MIT
local xml = require "xml"

return function (R)
    local sim = R.sim

    local function security_groups(list)
        local out = {}
        for _, id in ipairs(list) do
            out[#out + 1] = { VpcSecurityGroupId = id, Status = "active" }
        end
        return xml.list("VpcSecurityGroupMembership", out)
    end

    local function subnet_group(name)
        return {
            DBSubnetGroupName = name, DBSubnetGroupDescription = name, VpcId = R.vpc, SubnetGroupStatus = "Complete",
            Subnets = xml.list("Subnet", {}),
        }
    end

    local pending_names = {
        version = "EngineVersion", class = "DBInstanceClass", id = "DBInstanceIdentifier", multi_az = "MultiAZ",
        allocated_storage = "AllocatedStorage", storage_type = "StorageType", iops = "Iops",
        storage_throughput = "StorageThroughput",
    }

    local function pending(values)
        local out = {}
        for name, value in pairs(values) do
            out[pending_names[name]] = value
        end
        return out
    end

    local function replicas_of(i)
        local names = {}
        for _, r in ipairs(R.sorted(R.state().instances, "id")) do
            if r.replica_of == i.resource_id then
                names[#names + 1] = r.id
            end
        end
        return xml.list("ReadReplicaDBInstanceIdentifier", names)
    end

    local function has_endpoint(db)
        return db.status ~= "creating"
    end

    function R.render_instance(i)
        local c = R.cluster_of(i)
        local shared = c or i -- what Aurora keeps at the cluster
        local source = i.replica_of and R.state().instances[i.replica_of]
        local shown = R.render_settings(i)
        for name, value in pairs {
            DBInstanceIdentifier = i.id,
            DBInstanceArn = R.instance_arn(i),
            DbiResourceId = i.resource_id,
            DBInstanceStatus = i.status,
            DBInstanceClass = i.class,
            Engine = i.engine,
            EngineVersion = i.version,
            Endpoint = has_endpoint(i) and { Address = R.instance_host(i), Port = shared.port,
                HostedZoneId = R.hosted_zone }
                or nil,
            DbInstancePort = 0,
            DBClusterIdentifier = c and c.id,
            DBParameterGroups = R.group_links(i),
            PendingModifiedValues = pending(i.pending),
            DeletionProtection = i.deletion_protection,
            BackupRetentionPeriod = shared.backup_retention,
            PreferredBackupWindow = shared.backup_window,
            PreferredMaintenanceWindow = i.maintenance_window,
            StorageType = i.storage_type,
            StorageEncrypted = shared.encrypted,
            KmsKeyId = shared.kms_key,
            AllocatedStorage = i.allocated_storage,
            Iops = i.iops,
            MultiAZ = i.multi_az,
            AvailabilityZone = i.zone,
            MasterUsername = shared.username,
            DBName = shared.database,
            MasterUserSecret = shared.managed_secret
                and { SecretArn = R.secret_arn(shared.resource_id), SecretStatus = "active" } or nil,
            ReadReplicaDBInstanceIdentifiers = replicas_of(i),
            ReadReplicaSourceDBInstanceIdentifier = source and source.id,
            DBSubnetGroup = subnet_group(shared.subnet_group),
            VpcSecurityGroups = security_groups(shared.security_groups),
            DBSecurityGroups = xml.list("DBSecurityGroup", {}),
            OptionGroupMemberships = xml.list("OptionGroupMembership",
                { { OptionGroupName = i.option_group, Status = "in-sync" } }),
            IAMDatabaseAuthenticationEnabled = shared.iam_auth,
            AutoMinorVersionUpgrade = i.auto_minor,
            CopyTagsToSnapshot = shared.copy_tags,
            PromotionTier = c and i.promotion_tier,
            LicenseModel = "postgresql-license",
            InstanceCreateTime = sim.time(i.created),
            LatestRestorableTime = has_endpoint(i) and sim.time(math.max(i.created, sim.now() - 300000)) or nil,
            TagList = R.tag_list(i.tags),
        } do
            shown[name] = value
        end
        return shown
    end

    local function members(c)
        local out = {}
        for _, i in ipairs(R.members(c)) do
            out[#out + 1] = {
                DBInstanceIdentifier = i.id, IsClusterWriter = i.writer,
                DBClusterParameterGroupStatus = i.cluster_group_status, PromotionTier = i.promotion_tier,
            }
        end
        return xml.list("DBClusterMember", out)
    end

    function R.render_cluster(c)
        return {
            DBClusterIdentifier = c.id,
            DBClusterArn = R.cluster_arn(c),
            DbClusterResourceId = c.resource_id,
            Status = c.status,
            Engine = c.engine,
            EngineVersion = c.version,
            EngineMode = "provisioned",
            Endpoint = R.cluster_host(c),
            ReaderEndpoint = R.reader_host(c),
            Port = c.port,
            HostedZoneId = R.hosted_zone,
            DBClusterMembers = members(c),
            DBClusterParameterGroup = c.group,
            DBSubnetGroup = c.subnet_group,
            DeletionProtection = c.deletion_protection,
            BackupRetentionPeriod = c.backup_retention,
            PreferredBackupWindow = c.backup_window,
            PreferredMaintenanceWindow = c.maintenance_window,
            PendingModifiedValues = next(c.pending) and { EngineVersion = c.pending.version } or nil,
            MasterUsername = c.username,
            DatabaseName = c.database,
            MasterUserSecret = c.managed_secret
                and { SecretArn = R.secret_arn(c.resource_id), SecretStatus = "active" } or nil,
            VpcSecurityGroups = security_groups(c.security_groups),
            IAMDatabaseAuthenticationEnabled = c.iam_auth,
            StorageEncrypted = c.encrypted,
            KmsKeyId = c.kms_key,
            AllocatedStorage = 1,
            MultiAZ = #R.members(c) > 1,
            AvailabilityZones = xml.list("AvailabilityZone", c.zones),
            CopyTagsToSnapshot = c.copy_tags,
            AutoMinorVersionUpgrade = true,
            ClusterCreateTime = sim.time(c.created),
            LatestRestorableTime = sim.time(math.max(c.created, sim.now() - 300000)),
            EarliestRestorableTime = sim.time(c.created),
            TagList = R.tag_list(c.tags),
        }
    end
end
