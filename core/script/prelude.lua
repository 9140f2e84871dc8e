-- prelude.lua: the functions of workflow authors, `cairn.*`; the last of the embedded Lua files.
-- SPDX-License-Identifier: MIT
--
-- The text at the head of each function is its reference. Spans of time are seconds, whole or not; instants are
-- integers, milliseconds since 1970 on the run's clock. An error is a table: `kind` (invalid, not_found, denied,
-- conflict, throttled, unavailable, timeout, not_yet, failed, in_doubt, internal, cancelled), `text`, and where known
-- `code` (the outside's own) and `step` (the id of the command that failed); tostring(err) is its text. A mistake in
-- the use of these functions is of kind invalid, code "script". An error of Lua itself that ends the run is of kind
-- failed, code "script".
local host = ...

local env, misuse, clean = host.env, host.misuse, host.clean
local ipairs, type = ipairs, type
local tostring, pairs = host.tostring, host.env.pairs

local loading -- {open, modules, plugins}: what the engine gave to load
local loaded = {} -- module name -> {value}; {} while it loads
local sources = {} -- names of the modules that were loaded
local asked = {} -- names of the plugins that were asked for
local spec -- what cairn.workflow was given
local cairn = {}

-- ---- checks of arguments --------------------------------------------------------------------------------------------

local function need(what, name, value, kind)
    if type(value) ~= kind then
        misuse("%s: %s is missing or isn't a %s", what, name, kind)
    end
    return value
end

local function text_of(what, name, value)
    need(what, name, value, "string")
    if value == "" then
        misuse("%s: %s is empty", what, name)
    end
    return clean(value)
end

local function span(what, name, value)
    if type(value) ~= "number" or not (value >= 0 and value < 1e10) then
        misuse("%s: %s is a number of seconds", what, name)
    end
    return math.floor(value * 1000 + 0.5)
end

local function only(what, options, names)
    need(what, "its table", options, "table")
    for name in pairs(options) do
        if not (" " .. names .. " "):find(" " .. tostring(name) .. " ", 1, true) then
            misuse("%s: '%s' isn't known; it takes %s", what, tostring(name), names:gsub(" ", ", "))
        end
    end
    return options
end

-- ---- what a file says of itself -------------------------------------------------------------------------------------

-- cairn.workflow{ summary = TEXT, params = {...}, locks = FUNCTION, run = FUNCTION }
--
-- Declare the workflow; the file returns what this returns.
--   summary  one line that says what it does
--   params   name -> { type = "string"|"integer"|"number"|"boolean"|"list"|"map"|"any", required = BOOLEAN,
--            default = VALUE, secret = BOOLEAN, help = TEXT }
--   locks    optional; locks(p) returns a list of texts: no two runs that aren't ended hold the same one
--   run      run(p) is the workflow; what it returns is the run's result
-- `p` holds the parameters with their defaults, and can't be written to.
function cairn.workflow(options)
    local what = "cairn.workflow"
    only(what, options, "summary params locks run")
    text_of(what, "summary", options.summary)
    need(what, "run", options.run, "function")
    if options.params ~= nil then
        need(what, "params", options.params, "table")
    end
    if options.locks ~= nil then
        need(what, "locks", options.locks, "function")
    end
    return host.view(options, function()
        return "what cairn.workflow returned can't be changed"
    end)
end

local function call_action(plugin, action, effect, args, ...)
    local what = plugin .. "." .. action
    if args == nil then
        args = {}
    end
    if type(args) ~= "table" or select("#", ...) > 0 then
        misuse("%s: it takes one table of named arguments: %s{ name = value }", what, what)
    end
    local context = host.current()
    if context and context.poll then
        if effect ~= "read" then
            misuse("%s: the poll function of cairn.wait may only call reading actions, and this one changes something",
                what)
        end
        return host.read(plugin, action, args)
    end
    return host.command(what, "step", { plugin = plugin, action = action, args = args })
end

-- cairn.plugin(NAME) -> the plugin's actions
--
-- Call it at the top of a file. Each action is a function of one table of named arguments; it returns the action's
-- result, a table, or raises an error. A call is a step of the run: `rds.describe_instance{ id = "prod" }`. Numbers
-- keep their kind (1 is an integer, 1.0 is not), a table with the keys 1 to n is a list, cairn.null is JSON's null.
function cairn.plugin(name)
    text_of("cairn.plugin", "the name", name)
    if host.run() then
        misuse("cairn.plugin: call it at the top of the file, so that the run knows its plugins from the start")
    end
    local actions = loading.plugins[name]
    if not actions then
        local names = {}
        for known in pairs(loading.plugins) do
            names[#names + 1] = known
        end
        misuse("cairn.plugin: there is no plugin '%s'; there are: %s", name, table.concat(names, ", "))
    end
    if not asked[name] then
        asked[name] = true
        asked[#asked + 1] = name
    end
    local functions = {}
    for action, effect in pairs(actions) do
        functions[action] = function(...)
            return call_action(name, action, effect, ...)
        end
    end
    setmetatable(functions, { __metatable = false, __index = function(_, action)
        misuse("%s: the plugin has no action '%s': see `cairn plugin describe %s`", name, tostring(action), name)
    end })
    return host.view(functions, function(action)
        return ("%s.%s can't be set: a plugin's actions are what they are"):format(name, tostring(action))
    end)
end

-- require(NAME) -> what the module's file returned
--
-- Modules are found beside the workflow's file, in its lua/, and among cairn's own ("cairn.names"). All that are
-- loaded are stored with the run, so call it at the top of a file. A module's load can't do steps.
local function require(name)
    text_of("require", "the name", name)
    local entry = loaded[name]
    if entry then
        if not entry.done then
            misuse("require: module '%s' is being loaded already: two modules need each other", name)
        end
        return entry.value
    end
    local source = loading.modules[name]
    if not source and loading.open and not host.run() then
        source = host.ask { op = "need", module = name }
    end
    if not source or type(source.text) ~= "string" then
        misuse(host.run() and "require: module '%s' isn't stored with the run: require it at the top of a file"
            or "require: there is no module '%s'", name)
    end
    local chunk, why = host.compile(source.text, source.name)
    if not chunk then
        misuse("require: module '%s': %s", name, clean(why))
    end
    loaded[name] = { done = false }
    sources[#sources + 1] = name
    local value = host.barrier(chunk, name)
    loaded[name] = { done = true, value = value == nil or value }
    return loaded[name].value
end

-- ---- the run's shape ------------------------------------------------------------------------------------------------

-- cairn.stage(TITLE, FUNCTION, ...) -> what the function returned
--
-- Group steps under a title; stages may lie within each other. An error passes through.
function cairn.stage(title, fn, ...)
    title = text_of("cairn.stage", "the title", title)
    return host.stage(title, need("cairn.stage", "the function", fn, "function"), ...)
end

-- cairn.parallel{ NAME = FUNCTION, ... } -> { NAME = RESULT, ... }
--
-- Call the functions side by side, and wait until all have ended. The results come under the same keys, the first
-- result of each function; a list gives a list. When functions failed, the error of the one that failed first is
-- raised, after the others have ended as well. They begin in the order of their keys.
function cairn.parallel(branches)
    need("cairn.parallel", "its table", branches, "table")
    local keys, functions = {}, {}
    for key, fn in pairs(branches) do
        keys[#keys + 1] = key
        functions[#functions + 1] = need("cairn.parallel", tostring(key), fn, "function")
    end
    return host.parallel(keys, functions)
end

-- cairn.during(ENTER, LEAVE, BODY) -> what BODY returned
--
-- Call ENTER(), then BODY(...) with what ENTER returned, then LEAVE(...) with the same, whatever way BODY ends: by
-- return, by an error, or because the run is cancelled. The steps of LEAVE are done even then. If the run stops in an
-- error within BODY and is resumed later, ENTER is called again before the failed step is repeated, and LEAVE gets its
-- new results; so ENTER and LEAVE must be such that doing them again does no harm. LEAVE doesn't run when ENTER
-- failed, nor at a rollback: give the undo list what the rollback needs.
function cairn.during(enter, leave, body)
    need("cairn.during", "enter", enter, "function")
    need("cairn.during", "leave", leave, "function")
    return host.during(enter, leave, need("cairn.during", "body", body, "function"))
end

-- cairn.undo(TITLE, FUNCTION)
--
-- Put a function on the undo list. `cairn rollback` calls the functions on it, the newest first, each as a stage of
-- that title. Not from within a leave function that runs because of an error: there it does nothing.
function cairn.undo(title, fn)
    host.undo(text_of("cairn.undo", "the title", title), need("cairn.undo", "the function", fn, "function"))
end

-- cairn.point_of_no_return(TITLE)
--
-- From here on there is only forward: the undo list is emptied.
function cairn.point_of_no_return(title)
    host.point_of_no_return(text_of("cairn.point_of_no_return", "the title", title))
end

-- ---- waiting --------------------------------------------------------------------------------------------------------

-- cairn.wait{ title = TEXT, every = SECONDS, stall = SECONDS, poll = FUNCTION } -> what the poll returned
--
-- Call poll() every so many seconds (30 if left out) until its first result is neither nil nor false; that is
-- returned. Until then its second result, a text, is shown as progress ("creating, 40 %"). When that text has not
-- changed for `stall` seconds, an alert is raised; the wait goes on. The poll function may only call reading actions.
-- It is called anew for each poll, nothing it does is recorded but the value that ends the wait, so it can't write to
-- variables outside of it.
function cairn.wait(options)
    local what = "cairn.wait"
    only(what, options, "title every stall poll")
    local title = text_of(what, "title", options.title)
    local every = span(what, "every", options.every == nil and 30 or options.every)
    local stall = span(what, "stall", options.stall == nil and 0 or options.stall)
    if every == 0 then
        misuse("%s: every is 0", what)
    end
    local poll = need(what, "poll", options.poll, "function")
    return (host.command(what, "wait", { title = title, every = every, stall = stall }, poll))
end

-- cairn.sleep(SECONDS)
-- cairn.sleep{ seconds = SECONDS | time = INSTANT, title = TEXT }
--
-- Wait for a span, or until an instant (milliseconds since 1970, as cairn.now gives them).
function cairn.sleep(options)
    local what = "cairn.sleep"
    if type(options) ~= "table" then
        options = { seconds = options }
    end
    only(what, options, "seconds time title")
    local members = { title = options.title == nil and "sleep" or text_of(what, "title", options.title) }
    if options.time == nil then
        members.ms = span(what, "seconds", options.seconds)
    elseif options.seconds == nil and math.type(options.time) == "integer" then
        members["until"] = options.time
    else
        misuse("%s: time is an integer, milliseconds since 1970, and stands instead of seconds", what)
    end
    host.command(what, "sleep", members)
end

-- cairn.window(SPEC) -> { opens = INSTANT, closes = INSTANT }
-- cairn.window{ spec = SPEC, title = TEXT }
--
-- Wait until a weekly window is open; at once when it is. SPEC is in UTC, "Sun:03:00-Sun:04:00", and may reach over
-- the end of the week.
function cairn.window(options)
    local what = "cairn.window"
    if type(options) ~= "table" then
        options = { spec = options }
    end
    only(what, options, "spec title")
    local text = text_of(what, "the window", options.spec)
    if not text:find("^%a%a%a:%d%d:%d%d%-%a%a%a:%d%d:%d%d$") then
        misuse("%s: '%s' isn't a window: write it as Sun:03:00-Sun:04:00, in UTC", what, text)
    end
    local title = options.title == nil and "maintenance window " .. text or text_of(what, "title", options.title)
    return (host.command(what, "window", { title = title, spec = text }))
end

-- cairn.approve{ title = TEXT, details = {...}, confirm = NAME, destroys = { NAME, ... } }
--     -> { by = WHO, at = INSTANT, comment = TEXT }
--
-- Ask a person, and wait for the answer. `details` is shown with the question; with `confirm`, that name has to be
-- typed. A no is an error of kind denied. A step that destroys something asks for the name of that by itself; one typed
-- name can stand for several such steps: for those on the names in `destroys`, which belong into `details` as well.
function cairn.approve(options)
    local what = "cairn.approve"
    if type(options) == "string" then
        options = { title = options }
    end
    only(what, options, "title details confirm destroys")
    local members = { title = text_of(what, "title", options.title), details = options.details }
    if options.details == nil then
        members.details = {}
    else
        need(what, "details", options.details, "table")
    end
    if options.confirm ~= nil then
        members.confirm = text_of(what, "confirm", options.confirm)
    end
    if options.destroys ~= nil then
        text_of(what, "confirm, which destroys needs,", options.confirm)
        members.destroys = host.array { table.unpack(need(what, "destroys", options.destroys, "table")) }
    end
    return (host.command(what, "gate", members))
end

-- cairn.signal(NAME) -> what the sender gave
--
-- Wait until somebody sends the run a signal of that name.
function cairn.signal(name)
    return (host.command("cairn.signal", "signal", { name = text_of("cairn.signal", "the name", name) }))
end

-- ---- what is recorded -----------------------------------------------------------------------------------------------

-- cairn.check(CONDITION, TEXT) -> CONDITION
--
-- Record that something holds that must hold. When it doesn't: an error of kind failed, "not so: TEXT".
function cairn.check(condition, text)
    text = text_of("cairn.check", "the text", text)
    if not condition then
        host.throw("failed", "not so: " .. text, "check")
    end
    host.note("cairn.check", "check", { text = text })
    return condition
end

-- cairn.report(KEY, VALUE)
--
-- Put evidence into the run's report: any value that JSON can say.
function cairn.report(key, value)
    if value == nil then
        value = host.null
    end
    host.note("cairn.report", "report", { key = text_of("cairn.report", "the key", key), value = value })
end

-- cairn.log(TEXT)
--
-- Write a line to the run's log. print(...) does the same with all its arguments. In a poll function, and while a file
-- is loaded, the line is shown but not recorded.
function cairn.log(text)
    text = clean(tostring(text))
    local context = host.current()
    if not context or context.poll then
        host.say(text)
    else
        host.note("cairn.log", "log", { text = text })
    end
end

local function print(...)
    local parts = table.pack(...)
    for i = 1, parts.n do
        parts[i] = tostring(parts[i])
    end
    cairn.log(table.concat(parts, "\t"))
end

-- ---- values ---------------------------------------------------------------------------------------------------------

-- cairn.now() -> INSTANT
--
-- The time on the run's clock of what last happened to the run, milliseconds since 1970: the same in each replay. In a
-- poll function it is the time of the poll.
function cairn.now()
    local run = host.run()
    if not run then
        misuse("cairn.now: there is no run yet: call it within `run`")
    end
    local context = host.current()
    return context and context.poll and context.now or run.now
end

-- cairn.run_id() -> TEXT
--
-- The run's id: what makes a name of something that the run makes its own, and the same in each replay.
function cairn.run_id()
    local run = host.run()
    if not run then
        misuse("cairn.run_id: there is no run yet: call it within `run`")
    end
    return run.id
end

-- cairn.secret(NAME) -> a secret
--
-- A secret of the configuration, by name. A script can't see what is in it: it can pass it to actions, as it can the
-- secrets that actions return; tostring gives "<secret>".
function cairn.secret(name)
    return (host.value { ["$ref"] = text_of("cairn.secret", "the name", name) })
end

-- cairn.array(TABLE) -> TABLE
--
-- Mark a table as a list, so that it is one even when it is empty. Lists that actions return are marked already.
function cairn.array(list)
    return host.array(need("cairn.array", "its table", list == nil and {} or list, "table"))
end

-- cairn.null: JSON's null, where a member must be there and have no value. It is not nil, and it counts as true.
cairn.null = host.null

-- ---- load and start -------------------------------------------------------------------------------------------------

env.require, env.print = require, print
env.cairn = host.view(cairn, function(name)
    return ("cairn.%s can't be set"):format(tostring(name))
end)

-- Call fn with the errors of foreign code made into the end of the run. Nothing in it can wait.
local function attempt(fn, ...)
    local trace
    local results = table.pack(xpcall(host.barrier, function(e)
        trace = host.trace()
        return e
    end, fn, ...))
    if not results[1] then
        host.end_with_error(results[2], trace)
        return false
    end
    return table.unpack(results, 1, results.n)
end

local function load_file(message)
    host.file = message.name
    loading = { open = message.open, modules = message.modules or {}, plugins = message.plugins or {} }
    local chunk, why = host.compile(message.text, message.name)
    if not chunk then
        host.throw("invalid", clean(why), "script")
    end
    local view = chunk()
    local mt = type(view) == "table" and debug.getmetatable(view)
    local options = mt and mt.__source
    if type(options) ~= "table" or type(options.run) ~= "function" then
        host.throw("invalid", message.name .. ": the file must return cairn.workflow{...}", "script")
    end
    spec = options
    table.sort(asked)
    table.sort(sources)
    local ok, reason = host.send {
        op = "loaded", summary = spec.summary, params = spec.params or {}, plugins = host.array { table.unpack(asked) },
        modules = host.array { table.unpack(sources) },
    }
    if not ok then
        host.throw("invalid", message.name .. ": cairn.workflow: " .. reason, "script")
    end
    host.crash("script.loaded")
end

function host.on_load(message)
    attempt(load_file, message)
end

local function say_locks(params)
    local keys = spec.locks and spec.locks(params) or {}
    need("locks", "what it returns", keys, "table")
    for i, key in ipairs(keys) do
        text_of("locks", "key " .. i, key)
    end
    local ok, why = host.send { op = "locks", keys = host.array { table.unpack(keys) } }
    if not ok then
        misuse("locks: %s", why)
    end
end

function host.on_start(message)
    host.set_run(message)
    if not spec then
        error("start came before a workflow was loaded", 0)
    end
    local params = host.view(message.params or {}, function(name)
        return ("the parameter '%s' can't be set"):format(tostring(name))
    end)
    if attempt(say_locks, params) then
        host.begin(spec.run, params)
    end
end
