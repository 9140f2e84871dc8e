-- bluegreen.lua: blue/green deployments: create, describe, delete.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local catalog = require "rds.catalog"
local ids = require "ids"
local xml = require "xml"

return function (R)
    local sim = R.sim

    local tasks = {
        cluster = { "CREATING_READ_REPLICA_OF_SOURCE", "DB_ENGINE_VERSION_UPGRADE", "CREATE_DB_INSTANCES_FOR_CLUSTER",
            "CONFIGURE_BACKUPS" },
        instance = { "CREATING_READ_REPLICA_OF_SOURCE", "DB_ENGINE_VERSION_UPGRADE", "CONFIGURE_BACKUPS",
            "CREATING_TOPOLOGY_OF_SOURCE" },
    }

    local function arn_of(d, id)
        local s = R.state()
        if not id then
            return nil
        elseif d.kind == "cluster" and s.clusters[id] then
            return R.cluster_arn(s.clusters[id])
        end
        return s.instances[id] and R.instance_arn(s.instances[id])
    end

    local function member_status(d, m)
        if not arn_of(d, m.source) then
            return "MISSING_SOURCE"
        elseif m.target and not arn_of(d, m.target) then
            return "MISSING_TARGET"
        end
        return m.status
    end

    function R.render_deployment(d)
        local details, steps = {}, {}
        for _, m in ipairs(d.members) do
            details[#details + 1] = {
                SourceMember = arn_of(d, m.source), TargetMember = arn_of(d, m.target), Status = member_status(d, m),
            }
        end
        for _, task in ipairs(d.tasks) do
            steps[#steps + 1] = { Name = task.name, Status = task.status }
        end
        return {
            BlueGreenDeploymentIdentifier = d.id, BlueGreenDeploymentName = d.name, Source = arn_of(d, d.source),
            Target = arn_of(d, d.target), SwitchoverDetails = xml.list("member", details),
                Tasks = xml.list("member", steps),
            Status = d.status, StatusDetails = d.details, CreateTime = sim.time(d.created),
            DeleteTime = d.deleted and sim.time(d.deleted), TagList = R.tag_list(d.tags),
        }
    end

    local function source_of(arn)
        local cluster, instance = arn:match("^arn:aws:rds:[^:]+:%d+:cluster:(.+)$"),
            arn:match("^arn:aws:rds:[^:]+:%d+:db:(.+)$")
        if cluster then
            return "cluster", R.cluster(cluster)
        elseif instance then
            return "instance", R.instance(instance)
        end
        return aws.fail("InvalidParameterValue", ("Invalid source ARN: %s"):format(arn))
    end

    local function refuse(kind, why)
        aws.fail(kind == "cluster" and "SourceClusterNotSupportedFault" or "SourceDatabaseNotSupportedFault", why)
    end

    local function wrong_state(kind, why)
        aws.fail(kind == "cluster" and "InvalidDBClusterStateFault" or "InvalidDBInstanceState", why)
    end

    -- The instances of the blue side with the status of the parameter link that logical replication hangs on.
    local function check_replication(kind, db)
        local writer = kind == "cluster" and R.writer(db) or db
        if not writer then
            refuse(kind, ("The cluster %s has no instance."):format(db.id))
        end
        local status = kind == "cluster" and writer.cluster_group_status or writer.group_status
        if status ~= "in-sync" or writer.group_status ~= "in-sync" then
            wrong_state(kind, ("%s is not in sync with its parameter group (%s). Reboot it before creating a "
                .. "blue/green deployment."):format(writer.id, status ~= "in-sync" and status or writer.group_status))
        end
        local values = kind == "cluster" and writer.cluster_in_force or writer.in_force
        if values["rds.logical_replication"] ~= "1" then
            refuse(kind, ("Blue/green deployments require logical replication, and rds.logical_replication is "
                .. "not enabled on %s."):format(db.id))
        end
    end

    local function check_source(kind, db)
        if kind == "instance" and db.cluster then
            refuse(kind, ("The instance %s belongs to a cluster; use the cluster as the source."):format(db.id))
        end
        for _, d in pairs(R.state().deployments) do
            if d.source == db.resource_id or d.target == db.resource_id then
                wrong_state(kind, ("%s is already part of the blue/green deployment %s."):format(db.id, d.id))
            end
        end
        if kind == "cluster" then
            R.need_cluster_available(db)
            for _, i in ipairs(R.members(db)) do
                R.need_available(i)
            end
        else
            R.need_available(db)
        end
        if db.managed_secret then
            refuse(kind, "Blue/green deployments are not supported for a master password managed in Secrets Manager.")
        elseif db.replica_of then
            refuse(kind, ("The source %s is a read replica."):format(db.id))
        elseif db.backup_retention == 0 then
            refuse(kind, ("Automated backups must be enabled on %s."):format(db.id))
        elseif not catalog.allows_blue_green(db.version) then
            refuse(kind, ("Blue/green deployments are not supported for %s %s."):format(db.engine, db.version))
        end
        check_replication(kind, db)
    end

    local function check_proxy(kind, db)
        local proxies = R.proxies_of(kind, db)
        if #proxies == 0 then
            return
        elseif R.settings.blue_green_with_proxy == "refused" then
            refuse(kind, ("Blue/green deployments do not support RDS Proxy. Deregister %s from %s first."):format(db.id,
                proxies[1].name))
        end
        for _, p in ipairs(proxies) do
            if p.status ~= "available" then
                wrong_state(kind, ("The proxy %s is not available."):format(p.name))
            end
        end
    end

    local function check_target(kind, db, form)
        local version = form.TargetEngineVersion or db.version
        if version ~= db.version and not catalog.is_target(db.engine, db.version, version) then
            aws.fail("InvalidParameterCombination", ("Cannot upgrade %s from %s to %s"):format(db.engine, db.version,
                version))
        end
        if form.TargetDBParameterGroupName then
            R.check_family("instance", form.TargetDBParameterGroupName, db.engine, version)
        end
        if form.TargetDBClusterParameterGroupName and kind == "instance" then
            aws.fail("InvalidParameterCombination", "TargetDBClusterParameterGroupName is only valid for a DB cluster.")
        elseif form.TargetDBClusterParameterGroupName then
            if not R.find_group("cluster", form.TargetDBClusterParameterGroupName) then
                aws.fail("DBClusterParameterGroupNotFound", ("DBClusterParameterGroup not found: %s"):format(
                    form.TargetDBClusterParameterGroupName), 404)
            end
            R.check_family("cluster", form.TargetDBClusterParameterGroupName, db.engine, version)
        end
        if form.TargetDBInstanceClass and kind == "cluster" then
            aws.fail("InvalidParameterCombination", "TargetDBInstanceClass is not valid for a DB cluster.")
        end
        for _, i in ipairs(kind == "cluster" and R.members(db) or { db }) do
            local class = form.TargetDBInstanceClass or i.class
            if not catalog.has_class(db.engine, version, class) then
                aws.fail("InvalidParameterCombination",
                    ("RDS does not support the combination DBInstanceClass=%s, Engine=%s, "
                    .. "EngineVersion=%s"):format(class, db.engine, version))
            end
        end
        return version
    end

    local function members_of(kind, db)
        local list = { { source = db.resource_id, status = "PROVISIONING" } }
        for _, i in ipairs(kind == "cluster" and R.members(db) or R.sorted(R.state().instances, "id")) do
            if kind == "cluster" or i.replica_of == db.resource_id then
                list[#list + 1] = { source = i.resource_id, status = "PROVISIONING" }
            end
        end
        return list
    end

    function R.set_members(d, status)
        for _, m in ipairs(d.members) do
            m.status = status
        end
    end

    local function set_green(d, status)
        R.each_member(d, function (_, _, green)
            if green and green.status ~= "deleting" then
                green.status = status
            end
        end)
    end

    -- Why the green side can't be made with what was asked for, or nil.
    local function misconfigured(d)
        local kind = d.kind
        local name = kind == "cluster" and d.cluster_group or d.group or d.default_group
        local group = R.find_group(kind, name)
        local p = group and group.parameters["rds.logical_replication"]
        local fault = R.strikes("invalid_configuration", d)
        if not p or p.value ~= "1" then
            return ("the parameter group %s of the green environment does not have "
                .. "rds.logical_replication set to 1"):format(name)
        end
        return fault and fault.reason
    end

    local function not_made(d, status, task_number, why)
        d.status, d.details = status, "Creation of blue/green deployment failed because " .. why .. "."
        d.tasks[task_number].status = "FAILED"
        R.set_members(d, status)
        set_green(d, "available")
        R.deployment_event(d, { "failure" }, d.details)
    end

    local function task(d, n)
        for i, t in ipairs(d.tasks) do
            t.status = i < n and "COMPLETED" or i == n and "IN_PROGRESS" or "PENDING"
        end
    end

    local function end_storage_work(d, status)
        R.each_member(d, function (_, _, green)
            if green and green.status == status then
                green.status = "available"
            end
        end)
    end

    local function provisioned(d)
        task(d, #d.tasks + 1)
        local storage = R.strikes("storage_optimization", d)
        set_green(d, storage and storage.status or "available")
        if storage then
            sim.after(storage.lasts, function () end_storage_work(d, storage.status) end)
        end
        R.set_members(d, "AVAILABLE")
        d.status = "AVAILABLE"
        R.deployment_event(d, { "creation" },
            "Blue/green deployment tasks completed. You can make more modifications to the "
            .. "green environment databases or switch over the deployment.")
        local broken = R.strikes("degraded_replication", d)
        if broken then
            R.degrade(d, broken.reason)
        end
    end

    -- What happens at which part of the whole time.
    local steps = {
        { 0.02, function (d)
            R.begin_green(d)
            R.data.green(d)
        end },
        { 0.35, function (d)
            local why = misconfigured(d)
            if why then
                return not_made(d, "INVALID_CONFIGURATION", 1, why)
            end
            task(d, 2)
            set_green(d, "upgrading")
        end },
        { 0.75, function (d)
            local fault = R.strikes("provisioning_failed", d)
            if fault then
                return not_made(d, "PROVISIONING_FAILED", 2, fault.reason)
            end
            R.upgrade_green(d)
            task(d, 3)
            if d.kind == "cluster" then
                R.complete_green(d)
            else
                set_green(d, "backing-up")
            end
        end },
        { 0.95, function (d)
            task(d, 4)
            if d.kind == "instance" then
                R.complete_green(d)
            end
        end },
        { 1, function (d)
            local why = R.data.green_failed(d)
            if why then
                return not_made(d, "PROVISIONING_FAILED", 2, why)
            end
            provisioned(d)
        end, wait = true },
    }

    local function provision(d)
        task(d, 1)
        for _, step in ipairs(steps) do
            sim.after(math.floor(R.durations().create_blue_green * step[1]), function ()
                if d.status == "PROVISIONING" and R.state().deployments[d.id] == d then
                    step[2](d)
                end
            end, step.wait and R.data.green_ready(d))
        end
    end

    local function check_deployment_name(name)
        if #name > 60 or not name:find("^%a[%w%-]*$") or name:find("%-%-") or name:find("%-$") then
            aws.fail("InvalidParameterValue", ("Invalid BlueGreenDeploymentName: %s"):format(name))
        end
        for _, d in pairs(R.state().deployments) do
            if d.name == name then
                aws.fail("BlueGreenDeploymentAlreadyExistsFault",
                    ("A blue/green deployment with the name %s already exists."):format(name))
            end
        end
        return name
    end

    local function create(form)
        local name = check_deployment_name(aws.required(form, "BlueGreenDeploymentName"))
        local kind, db = source_of(aws.required(form, "Source"))
        check_source(kind, db)
        check_proxy(kind, db)
        local version = check_target(kind, db, form)
        local family = catalog.family(db.engine, version)
        local major = catalog.major(version) ~= catalog.major(db.version)
        sim.ledger { target = name }
        local d = {
            id = "bgd-" .. ids.letters("deployment", 16):lower(), name = name, kind = kind, source = db.resource_id,
            status = "PROVISIONING", created = sim.now(), tags = R.tags_of(form), version = version,
            group = form.TargetDBParameterGroupName, class = form.TargetDBInstanceClass,
            default_group = major and "default." .. family or nil,
            cluster_group = kind == "cluster" and (form.TargetDBClusterParameterGroupName or major and "default."
                .. family
                or db.group) or nil,
            members = members_of(kind, db), tasks = {},
        }
        if kind == "instance" and not major then
            d.group = d.group or db.group
        end
        for i, task_name in ipairs(tasks[kind]) do
            d.tasks[i] = { name = task_name, status = "PENDING" }
        end
        R.state().deployments[d.id] = d
        provision(d)
        return { BlueGreenDeployment = R.render_deployment(d) }
    end

    function R.find_deployment(form)
        local id = aws.required(form, "BlueGreenDeploymentIdentifier")
        return R.state().deployments[id] or aws.fail("BlueGreenDeploymentNotFoundFault",
            ("BlueGreenDeployment not found: %s"):format(id), 404)
    end

    local function describe(form)
        local filters = R.filters(form, {
            ["blue-green-deployment-identifier"] = true, ["blue-green-deployment-name"] = true, source = true,
                target = true,
        })
        local list = {}
        for _, d in ipairs(form.BlueGreenDeploymentIdentifier and { R.find_deployment(form) }
            or R.sorted(R.state().deployments, "id")) do
            local by_id, by_name = filters["blue-green-deployment-identifier"], filters["blue-green-deployment-name"]
            if (not by_id or by_id[d.id]) and (not by_name or by_name[d.name])
                and (not filters.source or filters.source[arn_of(d, d.source) or ""])
                and (not filters.target or filters.target[arn_of(d, d.target) or ""]) then
                list[#list + 1] = d
            end
        end
        return R.page(form, "BlueGreenDeployments", "member", list, R.render_deployment)
    end

    local function check_green_removal(d)
        if d.status == "SWITCHOVER_COMPLETED" then
            aws.fail("InvalidParameterCombination",
                "You can't specify DeleteTarget if the blue/green deployment status is "
                .. "SWITCHOVER_COMPLETED.")
        end
        R.each_member(d, function (_, _, green)
            if green and green.deletion_protection then
                aws.fail("InvalidParameterCombination",
                    ("Cannot delete protected %s, please disable deletion protection and "
                    .. "try again."):format(green.id))
            end
        end)
    end

    local function delete(form)
        local d = R.find_deployment(form)
        local target = aws.boolean(form, "DeleteTarget", false)
        if d.status == "SWITCHOVER_IN_PROGRESS" or d.status == "DELETING" then
            R.deployment_state_fault(d)
        end
        if target then
            check_green_removal(d)
        end
        sim.ledger { target = d.name }
        local switched = d.status == "SWITCHOVER_COMPLETED"
        d.status, d.deleted = "DELETING", sim.now()
        R.set_members(d, "DELETING")
        R.data.parted(d)
        if target then
            R.remove_green(d)
        end
        sim.after(R.durations().delete_blue_green, function ()
            R.each_member(d, function (_, blue, green)
                for _, db in pairs { switched and blue or green } do
                    db.read_only = false
                    db.status = db.status == "deleting" and db.status or "available"
                end
            end)
            R.state().deployments[d.id] = nil
            R.deployment_event(d, { "deletion" }, "Blue/green deployment deleted.")
        end)
        return { BlueGreenDeployment = R.render_deployment(d) }
    end

    -- A database of a deployment that hasn't been switched over can't be deleted.
    function R.refuse_deployed(kind, db)
        for _, d in pairs(R.state().deployments) do
            if d.status ~= "SWITCHOVER_COMPLETED" and d.status ~= "DELETING" then
                R.each_member(d, function (_, blue, green)
                    if blue == db or green == db then
                        wrong_state(kind, ("%s is part of the blue/green deployment %s and can't be deleted.")
                            :format(db.id, d.id))
                    end
                end)
            end
        end
    end

    R.operations.CreateBlueGreenDeployment = create
    R.operations.DescribeBlueGreenDeployments = describe
    R.operations.DeleteBlueGreenDeployment = delete
end
