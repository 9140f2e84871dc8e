-- pooler.lua: a real pgbouncer for each RDS Proxy that has a database behind it.
-- SPDX-License-Identifier: MIT
local jobs = require "data.jobs"
local keeper = require "keeper"
local server = require "data.server"

local M = {}

local pools = {} -- name of a proxy -> { text = its configuration, socket, job }
local count = 0

-- The server behind a proxy now, or nil.
local function target_of(R, p, server_of)
    local s = R.state()
    local t = p.status == "available" and p.targets[1]
    local db = t and not t.broken and (s.clusters[t.id] or s.instances[t.id])
    local it = db and db.status ~= "creating" and server_of(db)
    return it and it.began and not it.closed and it or nil
end

-- Who logs in is looked up in the server; the password is checked here and there.
local function configuration(p, it)
    local init = p.pool.init_query and " connect_query=" .. server.quote(p.pool.init_query) or ""
    local most = math.max(1, 80 * p.pool.max_connections // 100 - 10)
    return ([[
[databases]
* = host=%s port=%d auth_user=rdsadmin%s
[pgbouncer]
unix_socket_dir = %s
unix_socket_mode = 0700
auth_type = scram-sha-256
auth_file = %s/pool.users
auth_query = select rolname, rolpassword from pg_authid where rolname = $1
pool_mode = transaction
max_client_conn = 1000
default_pool_size = %d
min_pool_size = 0
query_wait_timeout = %d
client_idle_timeout = %d
server_check_delay = 0
server_login_retry = 0.2
ignore_startup_parameters = extra_float_digits,options
log_connections = 0
log_disconnections = 0
]]):format(server.sockets, it.number, (init:gsub("[\r\n]", " ")), server.sockets, keeper.folder, most,
        p.pool.borrow_timeout, p.idle_timeout)
end

local function stop(pool)
    if pool.job then
        jobs.signal(pool.job, "TERM")
    end
    pool.job, pool.text = nil, nil
end

-- Each start has a socket of its own: the one before may take its time to end.
local function start(pool, text)
    count = count + 1
    pool.text, pool.socket = text, ("%s/.s.PGSQL.%d"):format(server.sockets, 20000 + count)
    local path = ("%s/pool%d.ini"):format(keeper.folder, count)
    jobs.write(path, ("%slisten_port = %d\n"):format(text, 20000 + count))
    local users = [[umask 077; sed 's/.*:\(.*\)/"rdsadmin" "\1"/' pgpass >pool.users; exec pgbouncer ]]
    local job
    job = jobs.start({ argv = { "sh", "-euc", users .. path }, stop = "TERM" }, function (status, _, err)
        if pool.job == job then
            jobs.say(("pgbouncer ended with status %d: %s"):format(status, err:sub(-500)))
            pool.job = nil
        end
    end)
    pool.job = job
end

-- Add to `wanted` where the names of the proxies lead.
function M.settle(R, wanted, server_of)
    local s = R.state()
    local seen = {}
    for name, p in pairs(s.proxies) do
        local it = target_of(R, p, server_of)
        local pool = pools[name] or {}
        pools[name], seen[name] = pool, true
        local text = it and configuration(p, it)
        if pool.text ~= text then
            stop(pool)
            if text then
                start(pool, text)
            end
        end
        wanted[R.proxy_host(p)] = pool.text and pool.socket or false
        for _, e in pairs(s.endpoints) do
            if e.proxy == name then
                wanted[R.endpoint_host(e)] = e.status == "available" and pool.text and pool.socket or false
            end
        end
    end
    for name, pool in pairs(pools) do
        if not seen[name] then
            stop(pool)
            pools[name] = nil
        end
    end
end

return M
