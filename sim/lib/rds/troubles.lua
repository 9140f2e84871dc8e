-- troubles.lua: the kinds of faults around blue/green deployments and proxies, and what some of them do at once.
-- SPDX-License-Identifier: MIT
return function (R)
    local sim = R.sim

    local function lasts(default, help)
        return { type = "duration", default = default, help = help or "so long, on the world's clock" }
    end

    local function text(default, help)
        return { type = "string", default = default, help = help }
    end

    local function find(name)
        for _, kind in ipairs { "instances", "clusters", "proxies", "deployments" } do
            for _, thing in pairs(R.state()[kind]) do
                if name and (thing.name == name or thing.id == name or thing.resource_id == name) then
                    return thing
                end
            end
        end
        return nil
    end

    local function no_such(target)
        return target and ("there is no database, proxy or deployment %s"):format(target)
            or "it needs a target: which database, proxy or deployment?"
    end

    local function set_status(fault)
        local thing = find(fault.match.target)
        if not thing then
            return no_such(fault.match.target)
        end
        local before = thing.status
        thing.status = fault.status
        sim.after(fault.lasts, function ()
            thing.status = thing.status == fault.status and before or thing.status
        end)
        return nil
    end

    -- As after somebody's change of a static parameter.
    local function await_reboot(fault)
        local db = find(fault.match.target)
        if not db or not db.resource_id then
            return no_such(fault.match.target)
        end
        local instance = R.state().clusters[db.resource_id] and R.writer(db) or db
        instance.group_status = "pending-reboot"
        return nil
    end

    function R.degrade(d, reason)
        d.degraded = true
        R.deployment_event(d, { "failure" }, ("Replication degraded on blue/green deployment: %s."):format(reason))
    end

    -- What is there already is struck at once; otherwise the next deployment that becomes available.
    local function degrade_present(fault)
        for _, d in ipairs(R.sorted(R.state().deployments, "id")) do
            if d.status == "AVAILABLE" and not d.degraded and R.strikes("degraded_replication", d) then
                R.degrade(d, fault.reason)
            end
        end
    end

    return {
        status = {
            help = "A database, proxy or deployment has another status for a while, also one that nobody knows.",
            at_once = true, start = set_status,
            params = { lasts = lasts "10m",
                status = { type = "string", required = true, help = "the word that describes show" } },
        },
        storage_optimization = {
            help = "The deployment becomes AVAILABLE while storage work still goes on in green: a switchover is "
                .. "refused. The target is the deployment or its source.",
            params = { lasts = lasts "20m", status = text("storage-optimization", "of the green instances") },
        },
        replication_lag = {
            help = "Green is far behind: a switchover stops writes until it has caught up, or its timeout takes "
                .. "it back.",
            params = { lag = { type = "duration", default = "20m", help = "for so long writes would have to stop" } },
        },
        slot_lag = {
            help = "Green is behind, as OldestReplicationSlotLag of the source says. The target is the deployment or "
                .. "its source.",
            times = 0,
            params = { bytes = { type = "integer", default = 50000000000, min = 0, help = "by so many" } },
        },
        degraded_replication = {
            help = "Something (DDL on blue) breaks replication for good: only an event says so, the status stays "
                .. "AVAILABLE, a switchover is taken back. Only another deployment cures it.",
            params = {
                reason = text("a DDL statement on the blue environment can't be replicated", "what the event says"),
            },
            start = degrade_present,
        },
        invalid_configuration = {
            help = "The creation of a deployment ends in INVALID_CONFIGURATION, with an event.",
            params = {
                reason = text("the parameter group is missing the required settings", "what the event says"),
            },
        },
        provisioning_failed = {
            help = "The creation of a deployment ends in PROVISIONING_FAILED, with an event.",
            params = {
                reason = text("there is insufficient capacity for the instance class", "what the event says"),
            },
        },
        pending_reboot = {
            help = "A static parameter was changed: the instance (of a cluster: its writer) isn't in step with its "
                .. "group before it is restarted, and no deployment can be made of it.",
            at_once = true, start = await_reboot,
        },
        target_unavailable = {
            help = "A proxy's target stays UNAVAILABLE for a while after it was registered. The target is the proxy or "
                .. "the database.",
            params = {
                lasts = lasts "10m",
                reason = { type = "string", default = "PENDING_PROXY_CAPACITY", help = "why",
                    one_of = { "PENDING_PROXY_CAPACITY", "UNREACHABLE", "CONNECTION_FAILED", "AUTH_FAILURE",
                        "INVALID_REPLICATION_STATE", "PROMOTED" } },
            },
        },
        proxy_not_made = {
            help = "A proxy that is being made ends in another status than available, for a while.",
            params = {
                lasts = lasts "30m",
                status = { type = "string", default = "insufficient-resource-limits", help = "which",
                    one_of = { "insufficient-resource-limits", "incompatible-network", "suspended" } },
            },
        },
    }
end
