-- durations.lua: how long things take in the world, as long as the real ones unless the world file says otherwise.
-- SPDX-License-Identifier: MIT
local function default(text)
    return { type = "duration", default = text }
end

return {
    type = "map",
    fields = {
        apply_group = default "20s", -- a parameter change until it shows in the apply status
        reboot = default "10s", -- also how long writes are refused
        modify = default "45s",
        configure = default "30s", -- monitoring, log exports and the like of an instance
        rename = default "3m", -- the name changes after two thirds of it
        name_in_use = default "4m", -- how long a name that was given up can't be taken
        restore = default "5m",
        optimize = default "20m", -- storage, after a change of it
        upgrade = default "10m", -- in place
        upgrade_downtime = default "3m",
        maintenance = default "10m", -- what pending maintenance takes once it begins
        maintenance_downtime = default "1m",
        snapshot = default "4m",
        cluster_snapshot = default "3m",
        delete_instance = default "6m",
        delete_cluster = default "4m",
        create_blue_green = default "38m",
        switchover = default "2m",
        writes_down = default "14s", -- within the switchover
        delete_blue_green = default "12m",
        create_proxy = default "25m",
        delete_proxy = default "21m",
        create_endpoint = default "4m",
        delete_endpoint = default "3m",
        register_target = default "2m",
        update_function = default "4s",
        publish_version = default "3s",
        enable_mapping = default "40s", -- an event source mapping, until it polls
        disable_mapping = default "30s", -- until it doesn't any more
        process_batch = default "20s", -- how long a function has a batch of messages
        rollout = default "90s",
    },
}
