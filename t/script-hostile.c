/*
 * script-hostile.c: scripts that want to get out, to use everything up, or to bring the interpreter down.
 * SPDX-License-Identifier: MIT
 *
 * Each must end by itself: by an error that ends the run or by the end of its process; none may end well, and none may use
 * more than the processor time of a turn.
 */
#include "script-driver.h"

#include "script/limits.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define TURN_MS "400" /* where the limit is sure to be met; the others use the real one */
#define MOST_S 3.0 /* of processor time for one script, its start and the making of an error included */

enum fate { ANY, RAISES, USES_CPU };

struct hostile {
    const char *what;
    enum fate fate;
    const char *body;
};

static const struct hostile table[] = {
    { "endless loop", USES_CPU, "while true do end" },
    { "endless pcall loop", USES_CPU, "while true do pcall(function() while true do end end) end" },
    { "endless error loop", USES_CPU, "while true do pcall(error) end" },
    { "endless xpcall handler", USES_CPU, "xpcall(error, function() while true do end end)" },
    { "pattern bomb", USES_CPU, "return (('a'):rep(200)):find(('.-'):rep(30) .. 'b')" },
    { "pattern bomb in gsub", USES_CPU, "return (('a'):rep(100)):gsub(('a?'):rep(90) .. ('a'):rep(100) .. 'b', '')" },
    { "balanced pattern bomb", USES_CPU, "local s = ('('):rep(300000) return s:find('%b()') or s:find('.-%b()x')" },
    { "comparator that never ends", USES_CPU, "table.sort({ 1, 2 }, function() while true do end end)" },
    { "metamethod that never ends", USES_CPU, "return setmetatable({}, { __index = function() while true do end end }).x" },
    { "tostring that never ends", USES_CPU, "error(setmetatable({}, { __tostring = function() while true do end end }))" },
    { "index chain in itself", RAISES, "local a = {} local b = setmetatable({}, { __index = a }) setmetatable(a, { __index = b }) return a.x" },
    { "close that never ends", USES_CPU, "local x <close> = setmetatable({}, { __close = function() while true do end end })" },
    { "goto loop", USES_CPU, "::a:: goto a" },
    { "load of endless text", ANY, "return load(function() return 'x = 1 ' end)" },
    { "notes without end", USES_CPU, "while true do pcall(cairn.report, 'k', 'v') end" },
    { "log without end", USES_CPU, "while true do pcall(print, 'x') end" },
    { "memory bomb by doubling", RAISES, "local s = 'x' while true do s = s .. s end" },
    { "memory bomb behind pcall", USES_CPU, "while true do pcall(function() local s = ('x'):rep(1 << 20) while true do s = s .. s end end) end" },
    { "huge repetition", RAISES, "return ('x'):rep(1 << 40)" },
    { "huge table", ANY, "local t = {} for i = 1, 1e9 do t[i] = i end" },
    { "many tables", ANY, "local t for i = 1, 1e9 do t = { t, {} } end" },
    { "table with a huge index", RAISES, "local t = table.pack(table.unpack({}, 1, 1e8)) return t" },
    { "table.concat of much", RAISES, "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1 << 20) end return table.concat(t)" },
    { "string.pack of much", RAISES, "return string.pack('!16' .. ('z'):rep(100), ('x'):rep(1 << 28))" },
    { "huge format", RAISES, "return ('%99999999d'):format(1)" },
    { "deep recursion", RAISES, "local function f() return 1 + f() end return f()" },
    { "deep recursion through pcall", RAISES, "local function f() return assert(pcall(f)) and 1 end error(tostring(f()))" },
    { "deep recursion through C", RAISES, "local function f(s) return (s:gsub('.', f)) end return f('x')" },
    { "deep recursion of tostring", RAISES, "local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end error(tostring(t))" },
    { "deep recursion in a message handler", RAISES, "local function h() error('x') end error(tostring(select(2, xpcall(error, h, 'y'))))" },
    { "deeply nested source", RAISES, "return assert(load('return ' .. ('('):rep(100000) .. '1' .. (')'):rep(100000)))" },
    { "deeply nested tables", RAISES, "local t = {} for i = 1, 100000 do t = { t } end rds.get(t)" },
    { "shared tables that unfold without end", ANY, "local t = {} for i = 1, 60 do t = { t, t } end cairn.report('k', t)" },
    { "deep nesting of stages", RAISES, "local function f() return cairn.stage('s', f) end return f()" },
    { "deep nesting of branches", ANY, "local function f() return cairn.parallel { f } end return f()" },
    { "a million branches", ANY, "local t = {} for i = 1, 1e6 do t[i] = function() cairn.sleep(1) end end cairn.parallel(t)" },
    { "bytecode by load", RAISES, "return assert(load('\\27LuaS\\0\\25\\x93\\r\\n', 'x', 'b'))" },
    { "bytecode by load with a mode of both", RAISES, "return assert(load('\\27LuaS', 'x', 'bt'))" },
    { "bytecode by pieces", RAISES, "local n = 0 return assert(load(function() n = n + 1 return ({ '\\27', 'Lua' })[n] end))" },
    { "bytecode by string.dump", RAISES, "return string.dump(function() end)" },
    { "string metatable", RAISES, "getmetatable('').__index = function() return 1 end" },
    { "string metatable by setmetatable", RAISES, "setmetatable('', {})" },
    { "metatable of the environment", RAISES, "getmetatable(_G).__index.pairs = nil" },
    { "metatable of a list", RAISES, "setmetatable(cairn.array {}, {})" },
    { "metatable of null", RAISES, "getmetatable(cairn.null).__tostring = print" },
    { "finalizer", RAISES, "setmetatable({}, { __gc = function() while true do end end })" },
    { "weak table", RAISES, "setmetatable({}, { __mode = 'kv' })" },
    { "debug library", RAISES, "return debug.getregistry()" },
    { "debug library by require", RAISES, "return require 'debug'" },
    { "files", RAISES, "return io.open('/etc/passwd')" },
    { "program", RAISES, "return os.execute('id')" },
    { "library from disk", RAISES, "return package.loadlib('/lib/libc.so', '*')" },
    { "file as a chunk", RAISES, "return dofile('/etc/passwd')" },
    { "coroutine of its own", RAISES, "return coroutine.wrap(print)" },
    { "step in a comparator", RAISES, "table.sort({ 1, 2 }, function() return rds.get {} end)" },
    { "step in gsub", RAISES, "return ('x'):gsub('x', function() return rds.get {} end)" },
    { "step while loading a chunk", RAISES, "return assert(load(function() rds.get {} end))" },
    { "unpack of a proxy of endless length", RAISES, "return table.unpack(setmetatable({}, { __len = function() return 1 << 40 end }))" },
    { "concat of a proxy of endless length", ANY, "return table.concat(setmetatable({}, { __len = function() return 1 << 40 end, __index = function() return '' end }))" },
    { "sort of a proxy of endless length", ANY, "table.sort(setmetatable({}, { __len = function() return 1 << 40 end }))" },
    { "pairs that never ends", USES_CPU, "for _ in pairs(setmetatable({}, { __pairs = function() return function() return 1 end end })) do end" },
    { "error that isn't text", RAISES, "error(setmetatable({}, { __index = error, __tostring = error, __name = print }))" },
    { "error with odd members", RAISES, "error { kind = {}, text = '\\xff\\0', code = 1, step = print }" },
    { "error of a long text", RAISES, "error(('x'):rep(1 << 24))" },
    { "undo list without end", ANY, "while true do cairn.undo('x', print) end" },
    { "during in itself without end", RAISES, "local function f() return cairn.during(f, f, f) end return f()" },
};

static double
children_cpu(void)
{
    struct rusage used;

    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* 1 when the process says how the run ended, 0 when it just ends; *well is whether the run ended well. */
static int
hear_end(struct driver *d, int *well)
{
    *well = 0;
    while (*driver_hear(d))
        if (strncmp(d->heard, "ended", 5) == 0) {
            *well = strstr(d->heard, "'ok':true") != NULL;
            return 1;
        }
    return 0;
}

static int
judge(const struct hostile *h, int said, int well, int status, const char *log)
{
    if (well)
        return 0;
    if (h->fate == RAISES)
        return (said && status == 0) || (SANITIZED && status == LIMITS_EXIT_CPU); /* they make it several times slower */
    if (h->fate == USES_CPU)
        return status == LIMITS_EXIT_CPU && strstr(log, "processor time") != NULL;
    return said || status == LIMITS_EXIT_CPU || status == LIMITS_EXIT_MEMORY || status == 1;
}

static void
each_ends(void **state)
{
    char source[2048];
    size_t bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        double before = children_cpu();
        struct driver d;
        int said, well, status;
        char *log;

        if (table[i].fate == USES_CPU)
            setenv(LIMITS_TURN_VARIABLE, TURN_MS, 1);
        else
            unsetenv(LIMITS_TURN_VARIABLE);
        snprintf(source, sizeof(source), RUN("%s"), table[i].body);
        driver_open(&d);
        driver_load(&d, source, 0);
        driver_hear(&d);
        driver_start(&d, json_array());
        said = hear_end(&d, &well);
        status = driver_close(&d, &log);
        if (!judge(&table[i], said, well, status, log) || children_cpu() - before > MOST_S) {
            print_error("%s: said %d, well %d, status %d, %.1f s, log: %s\n", table[i].what, said, well, status,
                        children_cpu() - before, log);
            bad++;
        }
        free(log);
    }
    unsetenv(LIMITS_TURN_VARIABLE);
    assert_int_equal(bad, 0);
}

static void
while_loading(void **state)
{
    static const char *const files[] = {
        "while true do end",
        "local s = 'x' while true do s = s .. s end",
        "local function f() return 1 + f() end f()",
        "return setmetatable({}, { __index = function() while true do end end })",
        "return cairn.workflow { summary = ('x'):rep(1 << 26), run = print }",
        "return cairn.workflow { summary = 's', run = print, params = { x = { default = print } } }",
        "require 'm'",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct driver d;
        int said, well, status;

        driver_open(&d);
        driver_load(&d, files[i], 0);
        said = hear_end(&d, &well);
        status = driver_close(&d, NULL);
        if (well || (!said && status != LIMITS_EXIT_CPU))
            if (strstr(files[i], "1 << 26") == NULL)
                fail_msg("%s: said %d, status %d", files[i], said, status);
    }
}

static void
endless_modules(void **state)
{
    struct driver d;
    int asked = 0;
    char text[64];

    (void)state;
    driver_open(&d);
    driver_load(&d, "require 'm0'", 1);
    while (strncmp(driver_hear(&d), "need", 4) == 0 && asked < 10000) {
        snprintf(text, sizeof(text), "require 'm%d'", ++asked);
        driver_say(&d, json_pack("{s:s, s:s, s:s}", "op", "module", "name", "m.lua", "text", text));
    }
    assert_int_equal(strncmp(d.heard, "ended {'error'", 14), 0);
    assert_true(asked < 1000);
    assert_int_equal(driver_close(&d, NULL), 0);
}

static void
modules_in_a_circle(void **state)
{
    struct driver d;

    (void)state;
    driver_open(&d);
    driver_load(&d, "require 'a'", 1);
    driver_hear(&d);
    driver_say(&d, json_pack("{s:s, s:s, s:s}", "op", "module", "name", "a.lua", "text", "require 'a'"));
    assert_non_null(strstr(driver_hear(&d), "a.lua:1: require: module 'a' is being loaded already"));
    assert_int_equal(driver_close(&d, NULL), 0);
}

static void
polls_that_never_end(void **state)
{
    struct driver d;

    (void)state;
    driver_open(&d);
    driver_load(&d, RUN("cairn.wait { title = 't', poll = function() while true do end end }"), 0);
    driver_hear(&d);
    driver_start(&d, json_array());
    while (strncmp(driver_hear(&d), "caught_up", 9) != 0)
        assert_true(*d.heard);
    driver_say(&d, json_pack("{s:s, s:s}", "op", "poll", "id", "1"));
    assert_string_equal(driver_hear(&d), "");
    assert_int_equal(driver_close(&d, NULL), LIMITS_EXIT_CPU);
}

static void
nonsense(void **state)
{
    static const char *const messages[] = { "{}", "{\"op\":\"what\"}", "{\"op\":5}", "{\"op\":\"start\"}", "{\"op\":\"outcome\"}",
                                            "{\"op\":\"load\"}" };

    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct driver d;
        int said, well;

        driver_open(&d);
        driver_say(&d, json_loads(messages[i], 0, NULL));
        said = hear_end(&d, &well);
        assert_true(said && !well);
        driver_close(&d, NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IT("each hostile run ends by an error or with its process", each_ends),
        IT("a hostile file ends while it is loaded", while_loading),
        IT("modules that need modules without end are an error", endless_modules),
        IT("modules that need each other are an error", modules_in_a_circle),
        IT("a poll that never ends ends its process", polls_that_never_end),
        IT("messages that make no sense end the process and not well", nonsense),
    };

    return cmocka_run_group_tests_name("script-hostile", tests, NULL, NULL);
}
