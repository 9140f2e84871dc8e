-- schema.lua: the section `rds` of the world file.
-- SPDX-License-Identifier: MIT
local merged = require "merged"

local function str(default)
    return { type = "string", default = default }
end

local function bool(default)
    return { type = "boolean", default = default }
end

local function int(default, min, max)
    return { type = "integer", default = default, min = min, max = max }
end

local function map(fields)
    return { type = "map", fields = fields }
end

local function by_name(of)
    return { type = "table", of = of }
end

local function list(of)
    return { type = "list", of = of }
end

local tags = by_name { type = "string" }
local strings = list { type = "string" }

local group = map {
    family = { type = "string", required = true },
    description = str "Parameter group",
    parameters = by_name { type = "any" },
    tags = tags,
}

-- What a cluster and an instance of its own have alike.
local database = {
    engine = { type = "string", required = true, one_of = { "aurora-postgresql", "postgres" } },
    version = { type = "string", required = true, pattern = "^%d+%.%d+$",
        why = "must be a version like \"15.5\", in quotes" },
    parameter_group = { type = "string" },
    deletion_protection = bool(false),
    backup_retention = int(7, 0, 35),
    backup_window = str "03:00-03:30",
    maintenance_window = str "sun:04:00-sun:04:30",
    port = int(5432, 1150, 65535),
    username = str "postgres",
    password = str "simulated-master", -- of its real server, if it has one
    sql = { type = "string" }, -- what is in it at the beginning: run by its master in its database
    database = { type = "string" },
    managed_secret = bool(false),
    subnet_group = str "default",
    security_groups = strings,
    encrypted = bool(true),
    kms_key = { type = "string" },
    iam_auth = bool(false),
    copy_tags = bool(true),
    tags = tags,
}

local instance = {
    class = { type = "string", required = true },
    zone = { type = "string" },
    option_group = str "default",
    auto_minor = bool(false),
    promotion_tier = int(1, 0, 15),
    monitoring_interval = int(0),
    performance_insights = bool(false),
    insights_mode = { type = "string", default = "standard", one_of = { "standard", "advanced" } },
    public = bool(false),
    ca = str "rds-ca-rsa2048-g1",
    roles = list(map { arn = { type = "string", required = true }, feature = str "s3Import" }),
    tags = tags,
}

local member = map(merged(instance, {
    parameter_group = { type = "string" },
    maintenance_window = str "sun:04:00-sun:04:30",
}))

local alone = map(merged(instance, database, {
    storage_type = { type = "string", default = "gp3", one_of = { "gp2", "gp3", "io1", "io2" } },
    allocated_storage = int(100, 5),
    iops = { type = "integer" },
    multi_az = bool(false),
    replica_of = { type = "string" },
    storage_throughput = { type = "integer" },
    max_allocated_storage = { type = "integer" },
    monitoring_role = { type = "string" },
    performance_insights_key = { type = "string" },
    performance_insights_retention = int(7),
    log_exports = list { type = "string", one_of = { "postgresql", "upgrade", "iam-db-auth-error" } },
    status = { type = "string", default = "available", one_of = { "available", "failed", "incompatible-network",
        "incompatible-option-group", "incompatible-parameters", "incompatible-restore", "storage-full",
        "inaccessible-encryption-credentials", "stopped" } },
    queued = map { class = { type = "string" }, version = { type = "string" }, multi_az = { type = "boolean" },
        allocated_storage = { type = "integer" }, storage_type = { type = "string" } }, -- what waits for the window
    log_lines = int(200, 0), -- of the server's log at the beginning
}))

local snapshot = map {
    instance = { type = "string" }, -- of the world, else:
    source = { type = "string" },
    resource_id = { type = "string" },
    version = { type = "string" },
    class = { type = "string" },
    type = { type = "string", default = "manual", one_of = { "manual", "automated", "awsbackup" } },
    status = { type = "string", default = "available", one_of = { "available", "creating", "failed" } },
    owner = { type = "string", pattern = "^%d%d%d%d%d%d%d%d%d%d%d%d$", why = "must be an account of 12 digits" },
    created = { type = "time" },
    age = { type = "duration", default = "1d" },
    encrypted = { type = "boolean" },
    kms_key = { type = "string" },
    allocated_storage = { type = "integer", min = 5 },
    tags = tags,
}

local auth = map {
    scheme = str "SECRETS",
    secret_arn = { type = "string", required = true },
    iam_auth = { type = "string", default = "DISABLED", one_of = { "DISABLED", "REQUIRED", "ENABLED" } },
    username = { type = "string" },
    description = { type = "string" },
    client_password_auth = { type = "string" },
}

local endpoint = map {
    role = { type = "string", default = "READ_WRITE", one_of = { "READ_WRITE", "READ_ONLY" } },
    subnets = strings,
    security_groups = strings,
    tags = tags,
}

local proxy = map {
    role_arn = { type = "string", required = true },
    subnets = { type = "list", of = { type = "string" }, required = true },
    security_groups = strings,
    auth = { type = "list", of = auth, required = true },
    require_tls = bool(true),
    idle_timeout = int(1800, 1, 28800),
    debug_logging = bool(false),
    pool = map {
        max_connections = int(100, 1, 100),
        max_idle = int(50, 0, 100),
        borrow_timeout = int(120, 0, 300),
        pinning = strings,
        init_query = { type = "string" },
    },
    cluster = { type = "string" },
    instance = { type = "string" },
    endpoints = by_name(endpoint),
    tags = tags,
}

local maintenance = map {
    action = { type = "string", required = true, one_of = { "db-upgrade", "system-update", "os-upgrade",
        "hardware-maintenance", "ca-certificate-rotation" } },
    version = { type = "string" }, -- what a db-upgrade leads to
    description = { type = "string" },
    opt_in = { type = "string" },
    current_apply = { type = "time" },
    auto_applied_after = { type = "time" },
    forced_apply = { type = "time" },
}

return map {
    zone = str "c8gexample42x", -- the part of all host names that belongs to the account
    vpc = str "vpc-0a1b2c3d4e5f60718",
    blue_green_with_proxy = { type = "string", default = "refused", one_of = { "refused", "kept" } },
    green_deletion_protection = { type = "string", default = "off", one_of = { "off", "copied" } },
    minor_upgrades = { type = "table", of = { type = "string" } }, -- version -> what AWS makes of it by itself
    upgrade_with_maintenance = { type = "string", default = "fails", one_of = { "fails", "succeeds" } },
    parameter_groups = by_name(group),
    cluster_parameter_groups = by_name(group),
    clusters = by_name(map(merged(database, { zones = strings, instances = by_name(member),
        writer = { type = "string" } }))),
    instances = by_name(alone),
    snapshots = by_name(snapshot),
    proxies = by_name(proxy),
    maintenance = by_name(list(maintenance)),
}
