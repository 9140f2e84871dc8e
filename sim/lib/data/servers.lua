-- servers.lua: the real PostgreSQL servers behind the databases of the simulated RDS, and what RDS does with them.
-- SPDX-License-Identifier: MIT
--
-- `attach` gives the RDS model what it calls where it acts on data, see lib/rds/data.lua. What can be seen from the
-- model's state is not called at all but looked at, by settle(): who has which name, what is deleted, what is
-- configured.
local endpoints = require "data.endpoints"
local host = require "host"
local jobs = require "data.jobs"
local keeper = require "keeper"
local pace = require "data.pace"
local pooler = require "data.pooler"
local programs = require "data.programs"
local replication = require "data.replication"
local server = require "data.server"
local settings = require "data.settings"

return function (sim, options)
    local S = {}
    local R -- the RDS model
    local catalog = require "rds.catalog"
    local servers = {} -- resource id of an instance or cluster -> its server
    local passwords = {} -- the same -> its master's password
    local copies = {} -- "KIND NAME" of a snapshot -> { folder, claimed, password, task }
    local last_state = {} -- resource id of an instance that is gone -> the same
    local beginning = {} -- tasks
    local when_ready
    local counted = 0
    local reconnecting = 4000 -- ms of the wall clock that clients get for it before the world is fast again

    programs.find(options.postgres)

    -- ---- who is who -------------------------------------------------------------------------------------------------

    local function key_of(db)
        return db.cluster or db.resource_id
    end

    local function server_of(db)
        return servers[key_of(db)]
    end

    -- The cluster or instance that a server is of, and the instance whose groups count.
    local function owner_of(key)
        local s = R.state()
        local c = s.clusters[key]
        return c or s.instances[key], c and R.writer(c) or s.instances[key]
    end

    -- What is in force; `fresh`: what will be after a restart.
    local function settings_of(key, major, fresh)
        local db, i = owner_of(key)
        if not i then
            return settings.of({}, db and db.read_only, major)
        end
        local c = R.cluster_of(i)
        local groups = { i.cluster_in_force, i.in_force }
        if fresh then
            groups = { c and R.copy_parameters(R.find_group("cluster", c.group)) or {},
                R.copy_parameters(R.find_group("instance", i.group)) }
        end
        return settings.of({ groups[1] or {}, groups[2] or {} }, db.read_only, major)
    end

    local function new_server(key, title, version)
        local made = server.new(title, catalog.major(version))
        servers[key] = made
        return made
    end

    -- Why a task can't be waited for any more, or nothing to wait for: then the model goes on.
    local function ready(task)
        return task and function () return task.done end
    end

    -- ---- the beginning ----------------------------------------------------------------------------------------------

    local function roles_sql(username, password, major)
        local all = { "create role rds_superuser nologin", "grant pg_monitor, pg_signal_backend to rds_superuser",
            "create role rds_replication nologin replication", "grant rds_replication to rds_superuser" }
        if major >= 14 then
            all[#all + 1] = "grant pg_read_all_data, pg_write_all_data to rds_superuser"
        end
        local name = server.name(username)
        all[#all + 1] = ("create role %s login createdb createrole in role rds_superuser password %s"):format(name,
            server.quote(password))
        all[#all + 1] = "alter database postgres owner to " .. name
        return table.concat(all, ";\n") .. ";"
    end

    local function fill(made, db, given)
        made:sql(roles_sql(db.username, given.password, made.major))
        if db.database and db.database ~= "postgres" then
            made:sql(("create database %s owner %s"):format(server.name(db.database), server.name(db.username)))
        end
        if given.sql then
            made:sql(given.sql, db.database, { user = db.username, password = given.password })
        end
    end

    local function snapshots_of(key)
        local list = {}
        for name, s in pairs(R.state().snapshots) do
            if s.resource_id == key then
                list[#list + 1] = name
            end
        end
        return list
    end

    local function keep_copy(made, key)
        counted = counted + 1
        local folder = ("%s/d/copy%d"):format(keeper.folder, counted)
        local copy = { folder = folder, claimed = made.claimed, major = made.major, password = passwords[key] }
        copy.task = made:task("copy of", function () made:copy_to(folder) end)
        return copy
    end

    local function begin_server(key, db, given)
        local made = new_server(key, db.id, db.version)
        passwords[key] = given.password
        beginning[#beginning + 1] = made:task("begin", function ()
            made:make(settings_of(key, made.major))
            fill(made, db, given)
        end)
        for _, name in ipairs(snapshots_of(key)) do
            last_state[key] = last_state[key] or keep_copy(made, key)
            copies["instance " .. name] = last_state[key]
        end
        if last_state[key] then
            beginning[#beginning + 1] = last_state[key].task
        end
        last_state[key] = nil
    end

    local function begin(section)
        for key, c in pairs(R.state().clusters) do
            begin_server(key, c, section.clusters[c.id])
        end
        for key, i in pairs(R.state().instances) do
            if not i.cluster then
                begin_server(key, i, section.instances[i.id])
            end
        end
    end

    -- ---- what the model's state says --------------------------------------------------------------------------------

    local function open(db)
        local it = server_of(db)
        return it and not it.closed and db.status ~= "creating" and it.socket or false
    end

    local function database_names(wanted)
        local s = R.state()
        for _, i in pairs(s.instances) do
            wanted[R.instance_host(i)] = open(i)
        end
        for _, c in pairs(s.clusters) do
            wanted[R.cluster_host(c)] = open(c)
            wanted[R.reader_host(c)] = open(c)
        end
    end

    local function remove_the_gone()
        for key, it in pairs(servers) do
            if not owner_of(key) then
                servers[key] = nil
                it:task("remove", function () it:remove() end)
            end
        end
        for name, copy in pairs(copies) do
            local kind, id = name:match("^(%S+) (.+)$")
            if not R.state()[kind == "cluster" and "cluster_snapshots" or "snapshots"][id] then
                copies[name] = nil
                jobs.task("forget " .. name, function ()
                    jobs.await(copy.task)
                    for _, other in pairs(copies) do
                        if other == copy then
                            return
                        end
                    end
                    jobs.run { argv = { "rm", "-rf", copy.folder } }
                end)
            end
        end
    end

    local function reconfigure()
        for key, it in pairs(servers) do
            if it.up and (it.busy or 0) == 0 and it:configure(settings_of(key, it.major)) then
                it:task("reload", function () it:reload() end)
            end
        end
    end

    local function settle()
        local wanted = {}
        remove_the_gone()
        reconfigure()
        database_names(wanted)
        pooler.settle(R, wanted, server_of)
        endpoints.lead(wanted)
    end

    -- ---- what the model calls ---------------------------------------------------------------------------------------

    local D = {}

    -- A snapshot of a database is taken.
    function D.copied(kind, name, db)
        local it = server_of(db)
        if not it then
            return nil
        end
        local copy = keep_copy(it, key_of(db))
        copies[kind .. " " .. name] = copy
        return ready(copy.task)
    end

    -- An instance goes, and its automated backups stay.
    function D.retained(i)
        local it = server_of(i)
        last_state[i.resource_id] = it and keep_copy(it, i.resource_id)
    end

    local function restart(it, key)
        it:stop()
        it:configure(settings_of(key, it.major, true))
        it:start()
    end

    -- An instance comes out of a snapshot {name=}, or of the automated backups of {resource_id=}.
    function D.restored(i, source)
        local it = new_server(i.resource_id, i.id, i.version)
        local copy = source.name and copies["instance " .. source.name] or last_state[source.resource_id]
        local live = not source.name and servers[source.resource_id]
        copy = copy or live and keep_copy(live, source.resource_id)
        passwords[i.resource_id] = copy and copy.password or passwords[source.resource_id]
        return ready(it:task("restore", function ()
            local values = settings_of(i.resource_id, it.major, true)
            if not copy then
                it:make(values)
                return fill(it, i, { password = passwords[i.resource_id] or "without a source" })
            end
            jobs.await(copy.task)
            it.major = copy.major
            it:make_from(copy.folder, values)
        end))
    end

    function D.rebooted(i)
        local it = server_of(i)
        if not it or i.cluster and not i.writer then
            return nil
        end
        return ready(it:task("reboot", function () pace.outage(restart, it, key_of(i)) end))
    end

    -- An upgrade in place: result.reason is what stood in its way, if something did; `planned` is that already.
    function D.upgraded(db, version, planned, result)
        local it = server_of(db)
        return it and ready(it:task("upgrade", function ()
            pace.outage(function ()
                it:stop()
                local ok, why = true, nil
                if not planned then
                    ok, why = pcall(it.upgrade, it, catalog.major(version))
                end
                it:configure(settings_of(key_of(db), it.major))
                it:start()
                result.reason = not ok and (type(why) == "table" and why.text or why) or nil
            end)
        end))
    end

    -- ---- blue and green ---------------------------------------------------------------------------------------------

    local greens = {} -- resource id of green -> { task, blue }

    local function waits_for_switchover(d)
        return d.status == "AVAILABLE" or d.status == "SWITCHOVER_FAILED"
    end

    local function watch_replication(d, it)
        jobs.task("watch the replication to " .. it.title, function ()
            while not it.replicated_to_end and servers[d.target] == it and R.state().deployments[d.id] == d
                and not d.degraded do
                local why = waits_for_switchover(d) and replication.broken(it)
                if why and waits_for_switchover(d) then
                    R.degrade(d, why)
                end
                jobs.nap(400)
            end
        end)
    end

    -- The first green object of a deployment is there: have it made of blue.
    function D.green(d)
        local blue, db = servers[d.source], R.green(d)
        if not blue then
            return
        end
        local it = new_server(d.target, db.id, d.version)
        passwords[d.target] = passwords[d.source]
        local task = it:task("make", function ()
            if blue.last then
                pcall(jobs.await, blue.last)
            end
            replication.begin(blue, it, catalog.major(d.version), settings_of(d.target, it.major))
        end)
        greens[d.target] = { task = task, blue = blue }
        jobs.when_done(task, function ()
            if not task.error then
                watch_replication(d, it)
            end
        end)
    end

    -- Called when the model's work on green is over; and why it failed then.
    function D.green_ready(d)
        return function () return not greens[d.target] or greens[d.target].task.done end
    end

    function D.green_failed(d)
        return greens[d.target] and greens[d.target].task.error
    end

    -- The deployment is given up before a switchover, or ends.
    function D.parted(d)
        local blue, it = servers[d.source], servers[d.target]
        if blue and it and it.replicated and not it.replicated_to_end then
            it.replicated_to_end = true
            blue:task("end the replication from", function () replication.clean(blue, it.replicated) end)
        end
    end

    local function set_closed(d, closed)
        for _, key in ipairs { d.source, d.target } do
            if servers[key] then
                servers[key].closed = closed
            end
        end
        settle()
    end

    -- Until as many clients are back as there were.
    local function await_clients(it, count)
        local late = host.wall() + reconnecting
        while host.wall() < late and replication.clients(it) < count do
            jobs.nap(50)
        end
    end

    local function hand_over(d, timeout, began, done)
        local blue, green = servers[d.source], servers[d.target]
        local clients = replication.clients(blue)
        set_closed(d, true)
        local values = settings_of(d.target, green.major)
        values.default_transaction_read_only = "off"
        local finished = replication.finish(blue, green, values, pace.wall(timeout))
        sim.turn()
        green.replicated_to_end = finished
        done(finished, host.now() - began) -- exchanges the names
        set_closed(d, false)
        await_clients(finished and green or blue, clients)
        return finished
    end

    local function take_over(d, timeout, began, done)
        local blue, green = servers[d.source], servers[d.target]
        local told
        local function tell(...)
            told = true
            done(...)
        end
        green:task("switch over to", function ()
            local ok, finished = pcall(pace.outage, hand_over, d, timeout, began, tell)
            if not ok then
                set_closed(d, false)
                if not told then
                    done(false, host.now() - began)
                end
                error(finished, 0)
            elseif finished then
                replication.clean(blue, green.replicated)
            end
        end)
    end

    -- Writes stop now, and green takes over when it has everything: done(true, ms); or done(false, ms) after
    -- plan.timeout. With plan.lag it takes so long at least, with plan.fails it is known that it won't come to that.
    function D.handover(d, plan, done)
        local began = sim.now()
        if not plan.fails and not plan.lag then
            return take_over(d, plan.timeout, began, done)
        end
        set_closed(d, true)
        sim.after(plan.fails or plan.lag, function ()
            if plan.fails then
                set_closed(d, false)
                return done(false, plan.fails)
            end
            take_over(d, plan.timeout, began, done)
        end)
    end

    -- ---- the simulator's side ---------------------------------------------------------------------------------------

    function S.attach(model, section)
        R = model
        begin(section)
        settle()
        return D
    end

    function S.password(resource_id)
        return passwords[resource_id]
    end

    local function all_begun()
        for _, task in ipairs(beginning) do
            if task.error then
                error("world: --postgres: " .. task.error, 0)
            elseif not task.done then
                return false
            end
        end
        return endpoints.complete()
    end

    function S.when_ready(fn)
        when_ready = fn
        pace.waits = true
        pace.start((options.env or keeper.folder .. "/world") .. ".clock")
        if options.env then
            endpoints.file = options.env .. ".through"
        end
    end

    function S.told(message)
        if message.op == "ended" then
            jobs.ended(message)
        else
            endpoints.listening(message)
        end
    end

    function S.turn()
        jobs.turn()
        settle()
        if when_ready and all_begun() then
            local fn = when_ready
            when_ready, pace.waits = nil, false
            fn()
        end
        pace.turn()
    end

    -- Lines of the environment file.
    function S.environment(place)
        return { { "CAIRN_POSTGRES_THROUGH", place.path .. ".through" } }
    end

    return S
end
