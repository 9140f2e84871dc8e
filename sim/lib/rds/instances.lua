-- instances.lua: RDS instances: describe, reboot, delete.
-- SPDX-License-Identifier: MIT
local aws = require "aws"

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
    function R.alive(i)
        return R.state().instances[i.resource_id] == i
    end

    -- What is broken doesn't come out of any work available.
    function R.set_status(i, status)
        if R.alive(i) and i.status ~= "deleting" then
            i.status = status == "available" and i.broken or status
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

    function R.restart(i)
        i.status = "rebooting"
        R.writes_refused(i, R.durations().reboot)
        sim.after(R.durations().reboot, function ()
            if R.alive(i) and i.status == "rebooting" then
                R.set_status(i, "available")
                R.restart_groups(i)
                R.instance_event(i, { "availability" }, "DB instance restarted")
            end
        end, R.data.rebooted(i))
    end

    local function reboot(form)
        local i = R.instance(aws.required(form, "DBInstanceIdentifier"))
        R.need_available(i)
        if aws.boolean(form, "ForceFailover", false) and not i.multi_az then
            aws.fail("InvalidParameterCombination",
                ("Cannot force a failover of a non-Multi-AZ DB instance: %s"):format(i.id))
        end
        sim.ledger { target = i.id }
        R.restart(i)
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
        elseif final and (i.status == "failed" or i.status:find("^incompatible%-")) then
            aws.fail("InvalidDBInstanceState",
                ("Instance %s is %s: it can only be deleted without a final snapshot."):format(i.id, i.status))
        end
        R.refuse_deployed("instance", i)
    end

    -- The instance goes away, with everything that refers to it.
    function R.remove_instance(i)
        i.status = "deleting"
        sim.after(R.durations().delete_instance, function ()
            if not R.alive(i) then
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
        if not i.cluster and not aws.boolean(form, "DeleteAutomatedBackups", true) then
            R.retain_backup(i)
        else
            R.forget_snapshots(i)
        end
        R.remove_instance(i)
        return { DBInstance = R.render_instance(i) }
    end

    R.operations.DescribeDBInstances = describe
    R.operations.RebootDBInstance = reboot
    R.operations.DeleteDBInstance = delete
end
