-- server.lua: one real PostgreSQL server: made, configured, started, stopped, copied, moved to another major version.
-- SPDX-License-Identifier: MIT
--
-- It listens on a Unix socket in the keeper's folder only; clients come by the relay. Its superuser is rdsadmin, as in
-- RDS, whose password only the simulator knows. Everything here that takes time is called in a task.
local host = require "host"
local jobs = require "data.jobs"
local keeper = require "keeper"
local merged = require "merged"
local programs = require "data.programs"

local M = {}
M.__index = M

local count = 0
local templates = {} -- major -> the task that makes it
local sockets = keeper.folder .. "/s"
local passfile = keeper.folder .. "/pgpass"
local patience = 60000 -- ms of the wall clock for a server to start

M.sockets, M.passfile = sockets, passfile

function M.quote(text)
    return "'" .. text:gsub("'", "''") .. "'"
end

function M.name(text)
    return '"' .. text:gsub('"', '""') .. '"'
end

local function random()
    local file = assert(io.open("/dev/urandom", "rb"))
    local bytes = file:read(16)
    file:close()
    return (bytes:gsub(".", function (c) return ("%02x"):format(c:byte()) end))
end

local function sh(script, ...)
    return jobs.run { argv = { "sh", "-euc", script, "sh", ... } }
end

local prepared

-- The folder of the sockets and the file with rdsadmin's password.
local function prepare()
    prepared = prepared or jobs.task("prepare the servers' folder", function ()
        jobs.run { argv = { "sh", "-euc", "umask 077; mkdir s d t l; cat >pgpass" },
            stdin = "*:*:*:rdsadmin:" .. random() .. "\n" }
    end)
    jobs.await(prepared)
end

-- An empty cluster of a major version, of which all others are copies.
local function template(major)
    templates[major] = templates[major] or jobs.task("initdb " .. major, function ()
        prepare()
        local folder = ("%s/t/%d"):format(keeper.folder, major)
        sh('umask 077; sed "s/.*://" pgpass >pw.$3; "$1" -D "$2" -U rdsadmin --pwfile=pw.$3 --auth=scram-sha-256 '
            .. '--encoding=UTF8 --locale=C --no-sync >/dev/null; rm pw.$3', programs.path(major, "initdb"), folder,
            tostring(major))
        return folder
    end)
    return jobs.await(templates[major])
end

-- A server that isn't there yet; `major` is the version that it claims.
function M.new(title, major)
    count = count + 1
    local number = 10000 + count
    return setmetatable({
        title = title, number = number, claimed = major, major = programs.nearest(major),
        folder = ("%s/d/%d"):format(keeper.folder, number), socket = ("%s/.s.PGSQL.%d"):format(sockets, number),
        log = ("%s/l/%d"):format(keeper.folder, number), up = false, settings = {},
    }, M)
end

-- fn() in a task, after what this server was busy with before.
function M:task(title, fn)
    local before = self.last
    local task
    task = jobs.task(title .. " " .. self.title, function ()
        self.busy = (self.busy or 0) + 1
        if before and not before.done then
            pcall(jobs.await, before)
        end
        local ok, result = xpcall(fn, function (e)
            return type(e) == "table" and e or { text = debug.traceback(tostring(e)) }
        end)
        self.busy = self.busy - 1
        if not ok then
            error(result, 0)
        end
        return result
    end)
    self.last = task
    return task
end

-- ---- what it is asked -----------------------------------------------------------------------------------------------

-- SQL by psql: rows with | between their values. As rdsadmin, unless `as` = {user, password} says otherwise.
function M:sql(text, database, as)
    return (jobs.run {
        argv = { programs.client "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", sockets, "-p", tostring(self.number),
            "-U", as and as.user or "rdsadmin", "-d", database or "postgres", "-f", "-" },
        env = { PGPASSFILE = passfile, PGPASSWORD = as and as.password, PGCONNECT_TIMEOUT = "20" },
        stdin = text .. "\n",
    }:gsub("%s+$", ""))
end

function M:try_sql(text, database)
    local ok, out = pcall(self.sql, self, text, database)
    return ok and out or nil, not ok and (type(out) == "table" and out.text or out) or nil
end

-- All databases but the templates.
function M:databases()
    local list = {}
    for name in self:sql("select datname from pg_database where datallowconn and not datistemplate order by 1")
        :gmatch("[^\n]+") do
        list[#list + 1] = name
    end
    return list
end

-- ---- life -----------------------------------------------------------------------------------------------------------

local fixed = {
    listen_addresses = "", shared_buffers = "16MB", dynamic_shared_memory_type = "mmap", fsync = "off",
    full_page_writes = "off", max_connections = "80", max_wal_senders = "10", max_replication_slots = "10",
    log_min_error_statement = "panic",
    wal_receiver_status_interval = "1s", -- a switchover waits for what green says, which isn't always sent at once
    wal_retrieve_retry_interval = "200ms", log_checkpoints = "off", wal_keep_size = "256MB", timezone = "UTC",
    unix_socket_permissions = "0700", password_encryption = "scram-sha-256", logging_collector = "off",
    huge_pages = "off",
}

local function text_of(settings, number)
    local all = merged({ unix_socket_directories = sockets, port = tostring(number) }, fixed, settings)
    local lines = {}
    for name, value in pairs(all) do
        lines[#lines + 1] = ("%s = %s\n"):format(name, M.quote(value))
    end
    table.sort(lines)
    return table.concat(lines)
end

-- Its configuration; true when that is another one now.
function M:configure(settings)
    self.settings = settings
    local text = text_of(settings, self.number)
    if self.major < 13 then
        text = text:gsub("wal_keep_size[^\n]*\n", "")
    end
    if text == self.written then
        return false
    end
    self.written = text
    jobs.write(self.folder .. "/postgresql.conf", text)
    return true
end

-- Parameters that can be changed in a running server are in force in new connections when this returns.
function M:reload()
    self:sql "select pg_reload_conf()"
    jobs.nap(30)
end

-- The end of its log.
function M:last_words()
    local file = io.open(self.log, "rb")
    if not file then
        return ""
    end
    file:seek("set", math.max(0, file:seek "end" - 1500))
    local text = file:read "a"
    file:close()
    return text
end

local function has_ended(self)
    self.up, self.job = false, nil
    jobs.resolve(self.ended)
end

function M:start()
    self.ended = jobs.future("end of " .. self.title)
    self.job = jobs.start({
        argv = { "sh", "-euc", 'exec "$1" -D "$2" >>"$3" 2>&1', "sh", programs.path(self.major, "postgres"),
            self.folder, self.log },
        env = { PGPASSFILE = passfile }, stop = "QUIT",
    }, function (status)
        self.status = status
        has_ended(self)
    end)
    local late = host.wall() + patience
    while self:try_sql "select 1 where not pg_is_in_recovery()" ~= "1" do
        if not self.job then
            jobs.fail(("the server doesn't start, status %d: %s"):format(self.status,
                self:last_words()))
        elseif host.wall() > late then
            jobs.fail("the server isn't ready after a minute: " .. tostring(select(2, self:try_sql "select 1")))
        end
        jobs.nap(20)
    end
    self.up, self.began = true, true
end

-- `how` is INT, which ends transactions and says good-bye to standbys, or QUIT, as in a crash.
function M:stop(how)
    if self.job then
        self.up = false
        jobs.signal(self.job, how or "INT")
        jobs.await(self.ended)
    end
end

function M:make(settings)
    sh('cp -a "$1" "$2"', template(self.major), self.folder)
    self:configure(settings)
    self:start()
end

-- Its data come from a folder that copy_to() has filled.
function M:make_from(folder, settings)
    sh('cp -a "$1" "$2"', folder, self.folder)
    self:configure(settings)
    self:start()
end

function M:remove()
    self:stop "QUIT"
    sh('rm -rf "$1"', self.folder)
end

-- ---- copies and versions --------------------------------------------------------------------------------------------

-- Copy the running server into a folder, consistently: what is committed now is in it. `behind` is SQL that is run when
-- the copy has been made, before the log that is copied with it ends; the result is what it says.
function M:copy_to(folder, behind)
    local old = self.major < 15
    local text = ([[
        %s
        \! mkdir -m 700 TO && cp -a FROM/. TO/ 2>/dev/null
        \! cd TO && rm -rf postmaster.pid postmaster.opts pg_replslot/* pg_wal/* recovery.signal standby.signal
        \o TO/backup_label
        %s
        \o
        %s
        \! cp -a FROM/pg_wal/. TO/pg_wal/
    ]]):format(old and [[do $$begin perform pg_start_backup('copy', true, false); end$$;]]
            or [[do $$begin perform pg_backup_start('copy', true); end$$;]],
        old and "select labelfile from pg_stop_backup(false);" or "select labelfile from pg_backup_stop(false);",
        behind or ""):gsub("TO/", folder .. "/"):gsub("TO ", folder .. " "):gsub("FROM/", self.folder .. "/")
    return self:sql(text)
end

local function pg_upgrade(self, new)
    local status, out, err = jobs.try {
        argv = { programs.path(new.major, "pg_upgrade"), "-U", "rdsadmin", "-b", programs.folder(self.major), "-B",
            programs.folder(new.major), "-d", self.folder, "-D", new.folder, "-s", sockets },
        env = { PGPASSFILE = passfile },
    }
    if status ~= 0 then
        jobs.fail((out .. err):match("^%s*(.-)%s*$"):sub(-4000))
    end
end

-- By SQL, for programs that have no pg_upgrade.
local function dump_and_restore(self, new)
    self:start()
    new:start()
    local function client(name, port, rest)
        return ("%s -U rdsadmin -h %s -p %d %s"):format(programs.client(name), sockets, port, rest)
    end
    local ok, err = pcall(function ()
        jobs.run { argv = { "sh", "-euc", client("pg_dumpall", self.number, "-f dump." .. self.number) },
            env = { PGPASSFILE = passfile } }
        local _, _, said = jobs.try { argv = { "sh", "-euc", client("psql", new.number, "-Xq -d postgres -f dump."
            .. self.number .. " >/dev/null; rm dump." .. self.number) }, env = { PGPASSFILE = passfile } }
        for line in said:gmatch("[^\n]*ERROR:[^\n]*") do
            if not line:find('role "rdsadmin" already exists', 1, true) then
                jobs.fail("restore the dump: " .. line)
            end
        end
    end)
    self:stop()
    new:stop()
    if not ok then
        error(err, 0)
    end
end

-- Move a server that is stopped to another major version; it stays stopped. When it can't be, nothing has changed, and
-- the error is what pg_upgrade has said.
function M:upgrade(claimed)
    local new = M.new(self.title .. ", " .. claimed, claimed)
    sh('cp -a "$1" "$2"', template(new.major), new.folder)
    self:configure {}
    new:configure {}
    local way = programs.has(new.major, "pg_upgrade") and programs.has(self.major, "pg_controldata") and pg_upgrade
        or dump_and_restore
    local ok, why = pcall(way, self, new)
    if not ok then
        sh('rm -rf "$1"', new.folder)
        error(why, 0)
    end
    sh('rm -rf "$1"; mv "$2" "$1"', self.folder, new.folder)
    self.claimed, self.major, self.written = claimed, new.major, nil
end

return M
