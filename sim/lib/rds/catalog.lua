-- catalog.lua: RDS engine versions, where each may be upgraded to, instance classes and parameters.
-- SPDX-License-Identifier: MIT
local M = {}

-- engine -> version -> targets
M.versions = {
    ["aurora-postgresql"] = {
        ["11.21"] = { "12.16", "12.17", "12.18", "13.12", "13.13", "14.9", "14.10", "15.4", "15.5" },
        ["12.16"] = { "12.17", "12.18", "13.12", "13.13", "14.9", "14.10", "15.4", "15.5" },
        ["12.17"] = { "12.18", "13.13", "14.10", "15.5", "16.1" },
        ["12.18"] = { "13.14", "14.11", "15.6", "16.2" },
        ["13.12"] = { "13.13", "13.14", "14.9", "14.10", "15.4", "15.5" },
        ["13.13"] = { "13.14", "14.10", "15.5", "16.1" },
        ["13.14"] = { "14.11", "15.6", "16.2" },
        ["14.9"] = { "14.10", "14.11", "15.4", "15.5" },
        ["14.10"] = { "14.11", "15.5", "16.1" },
        ["14.11"] = { "15.6", "16.2" },
        ["15.4"] = { "15.5", "15.6", "16.1", "16.2" },
        ["15.5"] = { "15.6", "16.1", "16.2" },
        ["15.6"] = { "16.2" },
        ["16.1"] = { "16.2" },
        ["16.2"] = {},
    },
    postgres = {
        ["12.16"] = { "12.17", "12.18", "12.19", "13.12", "14.9", "15.4" },
        ["12.17"] = { "12.18", "12.19", "13.13", "13.15", "14.10", "14.12", "15.5", "15.7", "16.1", "16.3" },
        ["12.18"] = { "12.19", "13.14", "14.11", "15.6", "16.2" },
        ["12.19"] = { "13.15", "14.12", "15.7", "16.3" },
        ["13.12"] = { "13.13", "13.14", "13.15", "14.9", "15.4" },
        ["13.13"] = { "13.14", "13.15", "14.10", "15.5", "16.1" },
        ["13.14"] = { "13.15", "14.11", "15.6", "16.2" },
        ["13.15"] = { "14.12", "15.7", "16.3" },
        ["14.9"] = { "14.10", "14.11", "14.12", "15.4" },
        ["14.10"] = { "14.11", "14.12", "15.5", "16.1" },
        ["14.11"] = { "14.12", "15.6", "16.2" },
        ["14.12"] = { "15.7", "16.3" },
        ["15.4"] = { "15.5", "15.6", "15.7", "16.1" },
        ["15.5"] = { "15.6", "15.7", "16.1", "16.3" },
        ["15.6"] = { "15.7", "16.2", "16.3" },
        ["15.7"] = { "16.3" },
        ["16.1"] = { "16.2", "16.3", "16.4" },
        ["16.2"] = { "16.3", "16.4" },
        ["16.3"] = { "16.4" },
        ["16.4"] = { "16.5" },
        ["16.5"] = {},
    },
}

M.classes = {
    ["aurora-postgresql"] = { "db.t3.medium", "db.t4g.medium", "db.t4g.large", "db.r5.large", "db.r5.xlarge",
        "db.r5.2xlarge", "db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6i.large", "db.r6i.xlarge" },
    postgres = { "db.t3.micro", "db.t3.small", "db.t3.medium", "db.t4g.micro", "db.t4g.small", "db.t4g.medium",
        "db.m5.large", "db.m5.xlarge", "db.m6g.large", "db.m6i.large", "db.m7g.large", "db.r5.large", "db.r6g.large",
        "db.r7g.large" },
}

-- Classes that an engine's older majors know and newer ones don't.
M.last_major_of_class = { ["db.r4.large"] = 12 }

-- Classes that older majors don't know.
M.first_major_of_class = { ["db.m7g.large"] = 13, ["db.r7g.large"] = 13 }

-- name -> "s"tatic or "d"ynamic; the ones of a whole Aurora cluster are in `cluster_only`.
M.parameters = {
    ["rds.logical_replication"] = "s", max_replication_slots = "s", max_wal_senders = "s", max_worker_processes = "s",
    max_logical_replication_workers = "s", max_sync_workers_per_subscription = "d", shared_preload_libraries = "s",
    max_connections = "s", shared_buffers = "s", wal_buffers = "s", max_locks_per_transaction = "s",
    max_prepared_transactions = "s", track_activity_query_size = "s", autovacuum_max_workers = "s",
    huge_pages = "s", ["rds.force_ssl"] = "d", ["rds.log_retention_period"] = "d",
        ["rds.force_autovacuum_logging_level"] = "d",
    ["rds.custom_dns_resolution"] = "s", ["rds.babelfish_status"] = "s", autovacuum = "d", autovacuum_naptime = "d",
    autovacuum_vacuum_scale_factor = "d", autovacuum_analyze_scale_factor = "d", checkpoint_timeout = "d",
    deadlock_timeout = "d", default_statistics_target = "d", effective_cache_size = "d",
    idle_in_transaction_session_timeout = "d", lock_timeout = "d", log_autovacuum_min_duration = "d",
    log_connections = "d", log_disconnections = "d", log_lock_waits = "d", log_min_duration_statement = "d",
    log_statement = "d", log_temp_files = "d", maintenance_work_mem = "d", max_parallel_workers = "d",
    max_parallel_workers_per_gather = "d", max_slot_wal_keep_size = "d", max_standby_streaming_delay = "d",
    ["pgaudit.log"] = "d", ["pg_stat_statements.track"] = "d", random_page_cost = "d", search_path = "d",
    session_replication_role = "d", statement_timeout = "d", synchronous_commit = "d", temp_buffers = "d",
    timezone = "d", track_io_timing = "d", wal_sender_timeout = "d", work_mem = "d",
        ["auto_explain.log_min_duration"] = "d",
    ["apg_plan_mgmt.capture_plan_baselines"] = "d", password_encryption = "d", ssl_min_protocol_version = "d",
}

M.cluster_only = {
    ["rds.logical_replication"] = true, max_replication_slots = true, max_wal_senders = true, wal_buffers = true,
    max_logical_replication_workers = true, ["rds.force_ssl"] = true, timezone = true, ["rds.babelfish_status"] = true,
    wal_sender_timeout = true, synchronous_commit = true, password_encryption = true, ssl_min_protocol_version = true,
}

-- "15.5" -> 15
function M.major(version)
    return math.tointeger(tonumber(version:match("^%d+")))
end

function M.minor(version)
    return math.tointeger(tonumber(version:match("^%d+%.(%d+)") or 0))
end

function M.family(engine, version)
    return engine .. M.major(version)
end

function M.is_newer(a, b)
    if M.major(a) ~= M.major(b) then
        return M.major(a) > M.major(b)
    end
    return M.minor(a) > M.minor(b)
end

function M.targets(engine, version)
    return (M.versions[engine] or {})[version]
end

function M.is_target(engine, from, to)
    for _, version in ipairs(M.targets(engine, from) or {}) do
        if version == to then
            return true
        end
    end
    return false
end

function M.has_class(engine, version, class)
    local first, last = M.first_major_of_class[class], M.last_major_of_class[class]
    if last then
        return M.major(version) <= last
    elseif first and M.major(version) < first then
        return false
    end
    for _, known in ipairs(M.classes[engine] or {}) do
        if known == class then
            return true
        end
    end
    return false
end

-- Logical blue/green deployments need at least these minors.
local first_minor = { [11] = 21, [12] = 16, [13] = 12, [14] = 9, [15] = 4, [16] = 1 }

function M.allows_blue_green(version)
    local first = first_minor[M.major(version)]
    return first == nil and M.major(version) > 16 or first ~= nil and M.minor(version) >= first
end

return M
