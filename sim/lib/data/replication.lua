-- replication.lua: a copy of a server that logical replication keeps current, until it takes the original's place.
-- SPDX-License-Identifier: MIT
--
-- As RDS makes its green databases: a physical copy up to the place in the log at which the slots begin, moved to the
-- other version, and from that place on a subscription for each database. So all is there from the start, also what
-- logical replication doesn't carry: sequences, large objects, definitions. Only their later changes are missing.
local jobs = require "data.jobs"
local merged = require "merged"
local server = require "data.server"

local M = {}

local name = "rds_blue_green" -- of publication and subscription
local quote = server.quote

-- The slot of a database. Its name is the only thing that blue and green must agree on.
local function slot(database)
    return ("%s_%s"):format(name, (database:lower():gsub("[^%l%d]", "_")):sub(1, 40))
end

-- Slots behind the copy; what is said is where the last of them begins.
local function slots_sql(databases)
    local lines = {}
    for _, database in ipairs(databases) do
        lines[#lines + 1] = ("\\c %s\nselect pg_create_logical_replication_slot(%s, 'pgoutput') \\g /dev/null"):format(
            server.name(database), quote(slot(database)))
    end
    lines[#lines + 1] = ("select confirmed_flush_lsn from pg_replication_slots where slot_name like '%s_%%' "
        .. "order by 1 desc limit 1;"):format(name)
    lines[#lines + 1] = "select pg_logical_emit_message(false, 'rds', 'green') \\g /dev/null"
    lines[#lines + 1] = "select pg_switch_wal() \\g /dev/null"
    return table.concat(lines, "\n")
end

-- The copy as it was at that place, running on its own.
local function recover(green, folder, place)
    jobs.run { argv = { "sh", "-euc", 'mv "$1" "$2"; touch "$2/recovery.signal"', "sh", folder, green.folder } }
    green:configure { recovery_target_lsn = place, recovery_target_inclusive = "off", wal_level = "logical",
        recovery_target_action = "promote", restore_command = "/bin/false" }
    green:start()
end

local function subscribe(blue, green, database, place)
    local conninfo = ("host=%s port=%d user=rdsadmin dbname='%s' passfile=%s application_name=%s"):format(
        server.sockets, blue.number, database, server.passfile, slot(database))
    green:sql(([[
        drop publication if exists %s;
        create subscription %s connection %s publication %s with (create_slot = false, enabled = false,
            copy_data = false, slot_name = %s, synchronous_commit = 'on');
        select pg_replication_origin_advance('pg_' || oid, %s) from pg_subscription
            where subname = %s and subdbid = (select oid from pg_database where datname = current_database());
        alter subscription %s enable;
    ]]):format(name, name, quote(conninfo), name, quote(slot(database)), quote(place), quote(name), name), database)
end

local function begin(blue, green, version, settings)
    local databases = blue:databases()
    for _, database in ipairs(databases) do
        blue:sql(("create publication %s for all tables"):format(name), database)
    end
    local folder = green.folder .. ".copy"
    local place = blue:copy_to(folder, slots_sql(databases)):match("%x+/%x+")
        or jobs.fail "the replication slots have no place in the log"
    green.claimed, green.major = blue.claimed, blue.major
    recover(green, folder, place)
    green:stop()
    if version ~= blue.claimed then
        green:upgrade(version)
    end
    green:configure(merged(settings, { default_transaction_read_only = "off" }))
    green:start()
    for _, database in ipairs(databases) do
        subscribe(blue, green, database, place)
    end
    green:configure(settings)
    green:reload()
    green.replicated = databases
end

-- In a task: make `green` of `blue`, in a version, and keep it current.
function M.begin(blue, green, ...)
    local ok, why = pcall(begin, blue, green, ...)
    if not ok then
        green:stop "QUIT"
        M.clean(blue, blue:databases())
        error(why, 0)
    end
end

-- Why the replication stands still, or nil. Before version 15 nothing counts the errors of a subscription; but its
-- worker, which PostgreSQL starts anew after each, is seldom there.
function M.broken(green)
    local counted = green.major >= 15
    for _ = 1, counted and 1 or 8 do
        local wrong = green:try_sql(counted and "select sum(apply_error_count) from pg_stat_subscription_stats"
            or "select count(*) from pg_stat_subscription where pid is null")
        if wrong == "0" or wrong == nil then
            return nil
        end
        jobs.nap(150)
    end
    local _, _, line = green:last_words():find "\n[^\n]*ERROR:%s*([^\n]*)[^\n]*\n.-$"
    return "replication error" .. (line and ": " .. line or "")
end

-- In a task: take away what the replication has left at blue.
function M.clean(blue, databases)
    blue:sql(([[
        do $$
        declare
            s record;
        begin
            for s in select slot_name, active_pid from pg_replication_slots where slot_name like '%s_%%' loop
                if s.active_pid is not null then
                    perform pg_terminate_backend(s.active_pid);
                end if;
                while exists (select from pg_replication_slots where slot_name = s.slot_name and active) loop
                    perform pg_sleep(0.005);
                end loop;
                perform pg_drop_replication_slot(s.slot_name);
            end loop;
        end $$;
    ]]):format(name))
    for _, database in ipairs(databases) do
        blue:sql(("set default_transaction_read_only = off; drop publication if exists %s"):format(name), database)
    end
end

-- In one session, because the time counts: those who wrote are sent away, green catches up, and then the commands are
-- made by which it gets the sequences, for each database behind a line `-- NAME`.
local function last_sql(databases, ms)
    local lines = { ([[
        do $$
        declare
            late timestamptz := clock_timestamp() + %d * interval '1 ms';
            place pg_lsn;
        begin
            loop
                perform pg_stat_clear_snapshot();
                perform pg_terminate_backend(pid) from pg_stat_activity
                    where backend_type = 'client backend' and usename <> 'rdsadmin';
                exit when not exists (select from pg_stat_activity
                    where backend_type = 'client backend' and usename <> 'rdsadmin');
                perform set_config('rds.late', (clock_timestamp() > late)::text, false);
                exit when clock_timestamp() > late;
                perform pg_sleep(0.005);
            end loop;
            place := pg_current_wal_flush_lsn();
            while exists (select from pg_replication_slots
                    where slot_name like '%s_%%' and confirmed_flush_lsn < place) loop
                perform set_config('rds.late', (clock_timestamp() > late)::text, false);
                exit when clock_timestamp() > late;
                perform pg_sleep(0.005);
            end loop;
        end $$;
        select coalesce(nullif(current_setting('rds.late', true), ''), 'false') as late \gset
        \if :late
            \echo late
            \q
        \endif]]):format(ms, name) }
    for _, database in ipairs(databases) do
        lines[#lines + 1] = "\\c " .. server.name(database)
        lines[#lines + 1] = "\\echo -- " .. database
        lines[#lines + 1] = "select format('select setval(%L, %s);', quote_ident(schemaname) || '.' || "
            .. "quote_ident(sequencename), last_value) from pg_sequences where last_value is not null;"
    end
    return table.concat(lines, "\n")
end

-- The subscriptions end, and the sequences go on where blue's were.
local function first_sql(databases, sequences)
    local lines = { "\\o /dev/null" }
    for _, database in ipairs(databases) do
        lines[#lines + 1] = ([[
            \c %s
            set default_transaction_read_only = off;
            %s
            alter subscription %s disable;
            alter subscription %s set (slot_name = none);
            drop subscription %s;]]):format(server.name(database), sequences[database], name, name, name)
    end
    return table.concat(lines, "\n") .. "\nselect pg_reload_conf();"
end

local function by_database(text)
    local found, database = {}, nil
    for line in text:gmatch "[^\n]+" do
        local title = line:match "^%-%- (.*)$"
        database = title or database
        found[database] = title and "" or found[database] .. line .. "\n"
    end
    return found
end

-- In a task: how many clients a server has.
function M.clients(it)
    local count = it:try_sql(
        "select count(*) from pg_stat_activity where backend_type = 'client backend' and usename <> 'rdsadmin'")
    return tonumber(count) or 0
end

-- In a task: green gets all that blue has, and stands on its own, with those settings. False when that took longer than
-- so many ms of the wall clock; then nothing has changed. Nobody may be led to blue meanwhile.
function M.finish(blue, green, settings, ms)
    local said = blue:sql(last_sql(green.replicated, ms))
    if said == "late" then
        return false
    end
    green:configure(settings)
    green:sql(first_sql(green.replicated, by_database(said)))
    return true
end

return M
