-- groups.lua: parameter groups of instances and of clusters, and what a change of them does to their users.
-- SPDX-License-Identifier: MIT
local aws = require "aws"
local catalog = require "rds.catalog"
local xml = require "xml"

return function (R)
    local sim = R.sim

    -- What differs between the two kinds.
    local kinds = {
        instance = {
            table_ = "groups", arn = "pg", name = "DBParameterGroupName", tag = "DBParameterGroup",
            list = "DBParameterGroups", own_arn = "DBParameterGroupArn",
        },
        cluster = {
            table_ = "cluster_groups", arn = "cluster-pg", name = "DBClusterParameterGroupName",
            tag = "DBClusterParameterGroup", list = "DBClusterParameterGroups", own_arn = "DBClusterParameterGroupArn",
        },
    }

    local function families()
        local known = {}
        for engine, versions in pairs(catalog.versions) do
            for version in pairs(versions) do
                known[catalog.family(engine, version)] = true
            end
        end
        return known
    end

    -- The group of that name, also a default one, or nil.
    function R.find_group(kind, name)
        local found = R.state()[kinds[kind].table_][name]
        local family = name:match("^default%.(.+)$")
        if not found and family and families()[family] then
            return { name = name, family = family, description = "Default parameter group for " .. family,
                parameters = {}, tags = {}, default = true }
        end
        return found
    end

    function R.group(kind, name)
        return R.find_group(kind, name)
            or aws.fail("DBParameterGroupNotFound", ("DBParameterGroup not found: %s"):format(name), 404)
    end

    -- Refuse a group that doesn't fit to the version.
    function R.check_family(kind, name, engine, version)
        local group = R.group(kind, name)
        local family = catalog.family(engine, version)
        if group.family ~= family then
            aws.fail("InvalidParameterCombination",
                ("The parameter group %s with DBParameterGroupFamily %s can't be used "
                .. "for this instance. Please use a parameter group with DBParameterGroupFamily %s"):format(name,
                group.family, family))
        end
        return group
    end

    local function is_static(name)
        return catalog.parameters[name] == "s"
    end

    function R.copy_parameters(group)
        local values = {}
        for name, p in pairs(group.parameters) do
            values[name] = p.value
        end
        return values
    end

    local function differs(group, in_force, static)
        for name in pairs(catalog.parameters) do
            local want = group.parameters[name] and group.parameters[name].value
            if is_static(name) == static and want ~= in_force[name] then
                return true
            end
        end
        return false
    end

    -- Bring an instance's link to its group (or its cluster's group) up to date: dynamic values come into force, static
    -- ones wait for a reboot. `status` and `in_force` are the names of the members of the instance.
    local function settle(i, group, status, in_force)
        local forced = i[in_force]
        for name in pairs(catalog.parameters) do
            if not is_static(name) then
                local p = group.parameters[name]
                forced[name] = p and p.value
            end
        end
        i[status] = differs(group, forced, true) and "pending-reboot" or "in-sync"
    end

    local function relink(i, kind)
        local c = R.cluster_of(i)
        local name = kind == "cluster" and c and c.group or i.group
        local group = R.find_group(kind, name)
        if group and R.state().instances[i.resource_id] == i then
            if kind == "cluster" then
                settle(i, group, "cluster_group_status", "cluster_in_force")
            else
                settle(i, group, "group_status", "in_force")
            end
        end
    end

    function R.relink_group(i)
        relink(i, "instance")
    end

    -- The instance is to follow its group from now on.
    function R.apply_group(i, kind)
        i[kind == "cluster" and "cluster_group_status" or "group_status"] = "applying"
        sim.after(R.durations().apply_group, function () relink(i, kind) end)
    end

    -- A restart brings everything into force.
    function R.restart_groups(i)
        local group = R.find_group("instance", i.group)
        i.in_force, i.group_status = R.copy_parameters(group), "in-sync"
        local c = R.cluster_of(i)
        if c then
            i.cluster_in_force, i.cluster_group_status = R.copy_parameters(R.find_group("cluster", c.group)), "in-sync"
        end
    end

    local function users(kind, name)
        local list = {}
        for _, i in ipairs(R.sorted(R.state().instances, "resource_id")) do
            local c = R.cluster_of(i)
            if kind == "instance" and i.group == name or kind == "cluster" and c and c.group == name then
                list[#list + 1] = i
            end
        end
        return list
    end

    local function in_use(kind, name)
        if #users(kind, name) > 0 then
            return true
        end
        for _, c in pairs(R.state().clusters) do
            if kind == "cluster" and c.group == name then
                return true
            end
        end
        return false
    end

    local function render(kind, group)
        local k = kinds[kind]
        return {
            [k.name] = group.name, DBParameterGroupFamily = group.family, Description = group.description,
            [k.own_arn] = R.arn(k.arn, group.name),
        }
    end

    local function create(kind, form)
        local k = kinds[kind]
        local name = R.check_name(aws.required(form, k.name), k.name, 255)
        local family = aws.required(form, "DBParameterGroupFamily")
        local description = aws.required(form, "Description")
        if R.find_group(kind, name) then
            aws.fail("DBParameterGroupAlreadyExists", ("Parameter group %s already exists"):format(name))
        elseif not families()[family] then
            aws.fail("InvalidParameterValue",
                ("ParameterGroupFamily %s is not a valid parameter group family"):format(family))
        end
        sim.ledger { target = name }
        local group = { name = name, family = family, description = description, parameters = {},
            tags = R.tags_of(form) }
        R.state()[k.table_][name] = group
        return { [k.tag] = render(kind, group) }
    end

    local function check_parameter(kind, group, p)
        local name, method = p.ParameterName, p.ApplyMethod or "immediate"
        local apply = catalog.parameters[name]
        local cluster_only = group.family:find("^aurora") and kind == "instance" and catalog.cluster_only[name]
        if not apply or cluster_only then
            aws.fail("InvalidParameterValue", ("Could not find parameter with name: %s"):format(name))
        elseif method ~= "immediate" and method ~= "pending-reboot" then
            aws.fail("InvalidParameterValue", ("Invalid apply method: %s"):format(method))
        elseif apply == "s" and method == "immediate" then
            aws.fail("InvalidParameterCombination",
                "cannot use immediate apply method for static parameter")
        elseif p.ParameterValue == nil then
            aws.fail("MissingParameter", ("The parameter %s has no value."):format(name))
        end
    end

    local function modify(kind, form)
        local k = kinds[kind]
        local name = aws.required(form, k.name)
        local group = R.group(kind, name)
        local list = aws.structures(form, "Parameters.Parameter", { "ParameterName", "ParameterValue", "ApplyMethod" })
        if group.default then
            aws.fail("InvalidDBParameterGroupState", ("Default parameter groups can not be modified: %s"):format(name))
        elseif #list == 0 or #list > 20 then
            aws.fail("InvalidParameterValue", ("A request must hold 1 to 20 parameters, not %d"):format(#list))
        end
        for _, p in ipairs(list) do
            check_parameter(kind, group, p)
        end
        sim.ledger { target = name }
        for _, p in ipairs(list) do
            group.parameters[p.ParameterName] = { value = p.ParameterValue, method = p.ApplyMethod or "immediate" }
        end
        for _, i in ipairs(users(kind, name)) do
            R.apply_group(i, kind)
        end
        return { [k.name] = name }
    end

    local function delete(kind, form)
        local name = aws.required(form, kinds[kind].name)
        local group = R.group(kind, name)
        if group.default then
            aws.fail("InvalidDBParameterGroupState", ("Default parameter groups can not be deleted: %s"):format(name))
        elseif in_use(kind, name) then
            aws.fail("InvalidDBParameterGroupState",
                "One or more database instances are still members of this parameter group, so the group cannot be "
                .. "deleted")
        end
        sim.ledger { target = name }
        R.state()[kinds[kind].table_][name] = nil
        return nil
    end

    local function describe(kind, form)
        local k = kinds[kind]
        local list = R.sorted(R.state()[k.table_], "name")
        if form[k.name] then
            list = { R.group(kind, form[k.name]) }
        end
        return R.page(form, k.list, k.tag, list, function (group) return render(kind, group) end)
    end

    local function parameter(name, p)
        return {
            ParameterName = name, ParameterValue = p and p.value, Source = p and "user" or "engine-default",
            ApplyType = is_static(name) and "static" or "dynamic", DataType = "string", IsModifiable = true,
            ApplyMethod = p and p.method or "pending-reboot", Description = name,
        }
    end

    local function parameters(kind, form)
        local group = R.group(kind, aws.required(form, kinds[kind].name))
        local list = {}
        for name in pairs(catalog.parameters) do
            local p = group.parameters[name]
            if not form.Source or form.Source == (p and "user" or "engine-default") then
                list[#list + 1] = name
            end
        end
        table.sort(list)
        return R.page(form, "Parameters", "Parameter", list,
            function (name) return parameter(name, group.parameters[name]) end)
    end

    local function for_kind(kind, fn)
        return function (form) return fn(kind, form) end
    end

    R.operations.CreateDBParameterGroup = for_kind("instance", create)
    R.operations.CreateDBClusterParameterGroup = for_kind("cluster", create)
    R.operations.ModifyDBParameterGroup = for_kind("instance", modify)
    R.operations.ModifyDBClusterParameterGroup = for_kind("cluster", modify)
    R.operations.DeleteDBParameterGroup = for_kind("instance", delete)
    R.operations.DeleteDBClusterParameterGroup = for_kind("cluster", delete)
    R.operations.DescribeDBParameterGroups = for_kind("instance", describe)
    R.operations.DescribeDBClusterParameterGroups = for_kind("cluster", describe)
    R.operations.DescribeDBParameters = for_kind("instance", parameters)
    R.operations.DescribeDBClusterParameters = for_kind("cluster", parameters)

    -- The links that an instance shows.
    function R.group_links(i)
        return xml.list("DBParameterGroup", { { DBParameterGroupName = i.group,
            ParameterApplyStatus = i.group_status } })
    end
end
