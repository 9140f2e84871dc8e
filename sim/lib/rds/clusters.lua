-- clusters.lua: Aurora clusters: describe, modify, delete.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local catalog = require "rds.catalog"

return function (R)
    local sim = R.sim

    local filter_names = { ["db-cluster-id"] = true, ["db-cluster-resource-id"] = true, engine = true }

    local function passes(filters, c)
        local by_id = filters["db-cluster-id"]
        return (not by_id or by_id[c.id] or by_id[R.cluster_arn(c)])
            and (not filters["db-cluster-resource-id"] or filters["db-cluster-resource-id"][c.resource_id])
            and (not filters.engine or filters.engine[c.engine])
    end

    local function describe(form)
        local filters = R.filters(form, filter_names)
        local list = {}
        if form.DBClusterIdentifier then
            local id = form.DBClusterIdentifier:match("^arn:.*:cluster:(.+)$") or form.DBClusterIdentifier
            list = { R.cluster(id) }
        else
            for _, c in ipairs(R.sorted(R.state().clusters, "id")) do
                if passes(filters, c) then
                    list[#list + 1] = c
                end
            end
        end
        return R.page(form, "DBClusters", "DBCluster", list, R.render_cluster)
    end

    local function alive(c)
        return R.state().clusters[c.resource_id] == c
    end

    function R.need_cluster_available(c)
        if c.status ~= "available" then
            aws.fail("InvalidDBClusterStateFault",
                ("DBCluster %s is not in available state. Its status is %s."):format(c.id,
                c.status))
        end
    end

    local function check_modify(c, form)
        R.need_cluster_available(c)
        local version = form.EngineVersion or c.version
        if form.DBClusterParameterGroupName then
            R.check_family("cluster", form.DBClusterParameterGroupName, c.engine, version)
        end
        if form.DBInstanceParameterGroupName then
            if not form.EngineVersion then
                aws.fail("InvalidParameterCombination",
                    "DBInstanceParameterGroupName is only valid when upgrading the engine "
                    .. "version")
            end
            R.check_family("instance", form.DBInstanceParameterGroupName, c.engine, version)
        end
        local days = aws.integer(form, "BackupRetentionPeriod")
        if days and (days < 1 or days > 35) then
            aws.fail("InvalidParameterValue", ("Invalid backup retention period: %d"):format(days))
        end
        local id = form.NewDBClusterIdentifier and R.check_name(form.NewDBClusterIdentifier, "NewDBClusterIdentifier")
        if id and R.find_cluster(id) then
            aws.fail("DBClusterAlreadyExistsFault", ("DB Cluster already exists: %s"):format(id))
        end
    end

    local function set_at_once(c, form)
        c.deletion_protection = aws.boolean(form, "DeletionProtection", c.deletion_protection)
        c.backup_retention = aws.integer(form, "BackupRetentionPeriod", c.backup_retention)
        c.copy_tags = aws.boolean(form, "CopyTagsToSnapshot", c.copy_tags)
        c.iam_auth = aws.boolean(form, "EnableIAMDatabaseAuthentication", c.iam_auth)
        c.backup_window = form.PreferredBackupWindow or c.backup_window
        c.maintenance_window = form.PreferredMaintenanceWindow or c.maintenance_window
        local security = aws.values(form, "VpcSecurityGroupIds.VpcSecurityGroupId")
        c.security_groups = #security > 0 and security or c.security_groups
        if form.DBClusterParameterGroupName and form.DBClusterParameterGroupName ~= c.group
            and not form.EngineVersion then
            c.group = form.DBClusterParameterGroupName
            for _, i in ipairs(R.members(c)) do
                R.apply_group(i, "cluster")
            end
        end
    end

    -- All of the cluster moves to another version, with its groups.
    function R.upgrade_cluster(c, version, cluster_group, instance_group)
        local major = catalog.major(version) ~= catalog.major(c.version)
        c.version = version
        c.group = cluster_group or major and "default." .. catalog.family(c.engine, version) or c.group
        for _, i in ipairs(R.members(c)) do
            i.version = version
            i.group = instance_group or major and "default." .. catalog.family(c.engine, version) or i.group
            R.restart_groups(i)
        end
    end

    local function set_all(c, status)
        if alive(c) and c.status ~= "deleting" then
            c.status = status
            for _, i in ipairs(R.members(c)) do
                R.set_status(i, status)
            end
        end
    end

    local function upgrade(c, form)
        c.pending.version = form.EngineVersion
        if not aws.boolean(form, "ApplyImmediately", false) then
            return
        end
        local outcome, ready = {}, nil
        R.note_downtime(c.id, R.durations().upgrade_downtime)
        sim.after(2000, function ()
            set_all(c, "upgrading")
            ready = R.data.upgraded(c, form.EngineVersion, nil, outcome)
        end)
        sim.after(2000 + R.durations().upgrade, function ()
            if alive(c) and c.status == "upgrading" then
                c.pending.version = nil
                set_all(c, "available")
                if outcome.reason then
                    return R.cluster_event(c, { "notification" },
                        "Database cluster is in a state that cannot be upgraded: " .. outcome.reason)
                end
                R.upgrade_cluster(c, form.EngineVersion, form.DBClusterParameterGroupName,
                    form.DBInstanceParameterGroupName)
                R.cluster_event(c, { "maintenance" }, "Database cluster engine major version has been upgraded")
            end
        end, function () return not ready or ready() end)
    end

    local function rename(c, id)
        local old = c.id
        sim.after(2000, function () set_all(c, "renaming") end)
        sim.after(2000 + R.durations().rename, function ()
            if alive(c) and c.status == "renaming" then
                c.id = id
                set_all(c, "available")
                R.cluster_event(c, { "notification" }, ("Renamed cluster from %s to %s"):format(old, id))
            end
        end)
    end

    local function modify(form)
        local c = R.cluster(aws.required(form, "DBClusterIdentifier"))
        check_modify(c, form)
        local new_version = form.EngineVersion and form.EngineVersion ~= c.version
        if new_version then
            R.check_upgrade(c, form, form.EngineVersion)
        end
        sim.ledger { target = c.id }
        set_at_once(c, form)
        if new_version then
            upgrade(c, form)
        elseif form.NewDBClusterIdentifier then
            rename(c, form.NewDBClusterIdentifier:lower())
        end
        return { DBCluster = R.render_cluster(c) }
    end

    local function check_delete(c, form)
        local skip, final = aws.boolean(form, "SkipFinalSnapshot", false), form.FinalDBSnapshotIdentifier
        if c.status == "deleting" then
            aws.fail("InvalidDBClusterStateFault", ("Cluster %s is already being deleted."):format(c.id))
        elseif c.deletion_protection then
            aws.fail("InvalidParameterCombination",
                "Cannot delete protected Cluster, please disable deletion protection and try again.")
        end
        R.need_cluster_available(c)
        if skip == (final ~= nil) then
            aws.fail("InvalidParameterCombination", skip
                and "FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is specified."
                or "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
        end
        R.refuse_deployed("cluster", c)
        for _, i in ipairs(R.members(c)) do
            if i.status ~= "deleting" then
                aws.fail("InvalidDBClusterStateFault",
                    "Cluster cannot be deleted, it still contains DB instances in non-deleting state.")
            end
        end
    end

    function R.remove_cluster(c)
        c.status = "deleting"
        sim.after(R.durations().delete_cluster, function ()
            if not alive(c) then
                return
            end
            if #R.members(c) > 0 then
                return R.remove_cluster(c)
            end
            R.state().clusters[c.resource_id] = nil
            R.forget_target(c.resource_id)
            R.cluster_event(c, { "deletion" }, "DB cluster deleted")
        end)
    end

    local function delete(form)
        local c = R.cluster(aws.required(form, "DBClusterIdentifier"))
        check_delete(c, form)
        local final = form.FinalDBSnapshotIdentifier and R.check_snapshot_name("cluster",
            form.FinalDBSnapshotIdentifier)
        sim.ledger { target = c.id, note = c.resource_id }
        if final then
            R.make_snapshot("cluster", final, c, {})
        end
        R.remove_cluster(c)
        return { DBCluster = R.render_cluster(c) }
    end

    R.operations.DescribeDBClusters = describe
    R.operations.ModifyDBCluster = modify
    R.operations.DeleteDBCluster = delete
end
