/*
 * script-sandbox.c: what a script sees is the same in every process, and less than Lua has.
 * SPDX-License-Identifier: MIT
 */
#include "script-driver.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define BEGIN "< locks {'keys':[]}\n"
#define UP "< caught_up\n"

static void
gives(const char *body, const char *json)
{
    char *source = alloc_printf(RUN("%s"), body);
    char *talk = alloc_printf(BEGIN UP "< ended {'ok':true,'value':%s}\n", json);

    driver_talk(source, talk);
    free(source);
    free(talk);
}

/* The body must raise an error whose text begins so, after the place. */
static void
fails(const char *body, const char *text)
{
    char *source = alloc_printf(RUN("local ok, e = pcall(function() %s end)\n"
                                    "return { ok, (tostring(e):gsub('^w.lua:%%d+: ', '')) }"), body);
    char *talk = alloc_printf(BEGIN UP "< ended {'ok':true,'value':[false,'%s']}\n", text);

    driver_talk(source, talk);
    free(source);
    free(talk);
}

static void
order(void **state)
{
    (void)state;
    gives("local t, log = { z = 1, a = 2, [10] = 3, [2] = 4, [1.5] = 5, [-1] = 6, [true] = 7, [false] = 8, aa = 9 }, {}\n"
          "for k in pairs(t) do log[#log + 1] = tostring(k) end return log",
          "['-1','1.5','2','10','a','aa','z','false','true']");
    gives("local t, log, k, v = { z = 1, a = 2, [10] = 3, [true] = 4, [false] = 5 }, {}\nk, v = next(t)\n"
          "while k ~= nil do log[#log + 1] = tostring(k) .. v k, v = next(t, k) end return log",
          "['103','a2','z1','false5','true4']");
    gives("local t, log = { a = 1, b = 2, c = 3 }, {}\nfor k in pairs(t) do t[k] = nil t.b = nil log[#log + 1] = k end\n"
          "return { log, next(t) == nil }",
          "[['a','c'],true]");
    gives("local log = {}\nfor k in pairs(setmetatable({}, { __pairs = function() return next, { x = 1 } end })) do\n"
          "log[#log + 1] = k end\nreturn log",
          "['x']");
    gives("local log = {}\nfor k in pairs(math) do log[#log + 1] = k end\nreturn log",
          "['abs','acos','asin','atan','ceil','cos','deg','exp','floor','fmod','huge','log','max','maxinteger','min',"
          "'mininteger','modf','pi','rad','random','sin','sqrt','tan','tointeger','type','ult']");
    fails("for k in pairs { [{}] = 1 } do end",
          "pairs: a table as a key has no order that is the same in each replay: use strings or numbers");
    fails("for _ in ipairs(nil) do end", "bad argument #1 to 'ipairs' (table expected, got nil)");
    fails("next { [print] = 1, x = 2 }",
          "next: a table as a key has no order that is the same in each replay: use strings or numbers");
}

static void
texts(void **state)
{
    (void)state;
    gives("return { tostring({}), tostring(print), tostring(pairs), ('%s|%5s|%s'):format({}, 1, print), tostring(nil),\n"
          "tostring(setmetatable({}, { __name = 'thing' })), tostring(setmetatable({}, { __tostring = function() return 'me' end })),\n"
          "('%-3s|%%s|%d'):format(true, 3) }",
          "['table','function','function','table|    1|function','nil','thing','me','true|%s|3']");
    fails("string.format('%p', {})", "string.format: %p isn't available: an address is never the same");
    fails("error(nil)", "nil");
}

static void
sorting(void **state)
{
    (void)state;
    gives("local t = { 'b1', 'a1', 'c1', 'a2', 'b2', 'a3' }\ntable.sort(t, function(x, y) return x:sub(1, 1) < y:sub(1, 1) end)\n"
          "local u = { 3, 1, 2 } table.sort(u)\nlocal v = { 2, 1, 3 } table.sort(v, function() return true end)\nreturn { t, u, v }",
          "[['a1','a2','a3','b1','b2','c1'],[1,2,3],[3,1,2]]");
    fails("table.sort({ 1, 'x' })", "attempt to compare string with number");
}

static void
randomness(void **state)
{
    static const char source[] =
        RUN("local r = cairn.parallel { function() return math.random(1000000) end, function() return math.random(1000000) end }\n"
            "local ok = math.random() < 1 and math.random(5) <= 5 and math.random(-3, -2) < 0\n"
            "and math.type(math.random(0)) == 'integer' and math.random(math.mininteger, math.maxinteger) and true\n"
            "return { r[1] ~= r[2], ok, math.random(1000000), math.random(1000000) }");

    (void)state;
    /* these numbers may never change: runs that began under an older version are replayed by a newer one */
    driver_talk(source, BEGIN "< parallel 1 {'branches':2}\n" UP "< ended {'ok':true,'value':[true,true,232444,437814]}\n");
    fails("math.random(2, 1)", "math.random: the interval is empty");
    fails("math.random(1.5)", "math.random: at most two integers are expected");
}

static void
missing(void **state)
{
    (void)state;
    gives("return { io, os, debug, package, coroutine, collectgarbage, dofile, loadfile, string.dump, math.randomseed, warn,\n"
          "host, bit32, jit, ('x').dump }",
          "{}");
    fails("setmetatable({}, { __gc = print })",
          "setmetatable: __gc isn't available: when memory is collected is never the same");
    fails("setmetatable({}, { __mode = 'k' })",
          "setmetatable: weak tables aren't available: when memory is collected is never the same");
    fails("load('return 1', 'x', 'b')", "load: only text chunks can be loaded");
    gives("return { (select(2, load('\\27Lua'))), load('return 5 + ...')(2), load('return x', 'n', 't', { x = 3 })() }",
          "['attempt to load a binary chunk (mode is 't')',7,3]");
}

static void
globals(void **state)
{
    (void)state;
    fails("counter = 1", "global 'counter' can't be set: there are no global variables in a workflow: write `local counter`");
    fails("_G.x = 1", "global 'x' can't be set: there are no global variables in a workflow: write `local x`");
    fails("load('y = 1', '@n')()", "n:1: global 'y' can't be set: there are no global variables in a workflow: write `local y`");
    fails("rawset(_G, 'x', 1)", "rawset: x can't be set: the table is read-only");
    fails("string.format = nil", "string.format can't be set: the libraries are read-only");
    fails("cairn.now = nil", "cairn.now can't be set");
    fails("rds.get = nil", "rds.get can't be set: a plugin's actions are what they are");
    gives("return { getmetatable(''), getmetatable(_G), getmetatable(string), getmetatable(cairn), getmetatable(p), tostring(undefined) }",
          "[false,false,false,false,false,'nil']");
}

static void
no_waiting(void **state)
{
    static const char text[] = "a run can't wait here: not in a sort comparator, a gsub callback, a metamethod or a module's load";
    static const char *const places[] = {
        "table.sort({ 2, 1 }, function() rds.get {} end)",
        "('x'):gsub('x', function() rds.get {} end)",
        "tostring(setmetatable({}, { __tostring = function() rds.get {} end }))",
        "load(function() rds.get {} end)",
        "table.concat(setmetatable({}, { __index = function() rds.get {} end, __len = function() return 1 end }))",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *body = alloc_printf("local ok, e = pcall(function() %s end) e = ok and select(2, load(function() rds.get {} end)) or e\n"
                                  "return (tostring(e):gsub('^w.lua:%%d+: ', ''))", places[i]);
        char *json = alloc_printf("'rds.get: %s'", text);

        gives(body, json);
        free(body);
        free(json);
    }
    fails("cairn.sleep('x')", "cairn.sleep: seconds is a number of seconds");
    fails("cairn.wait { title = 'x', every = 0, poll = print }", "cairn.wait: every is 0");
    fails("cairn.wait { titel = 'x' }", "cairn.wait: 'titel' isn't known; it takes title, every, stall, poll");
    fails("cairn.window 'Sunday'", "cairn.window: 'Sunday' isn't a window: write it as Sun:03:00-Sun:04:00, in UTC");
    fails("cairn.plugin 'rds'", "cairn.plugin: call it at the top of the file, so that the run knows its plugins from the start");
    fails("require 'x'", "require: module 'x' isn't stored with the run: require it at the top of a file");
}

static void
metamethods_may_wait(void **state)
{
    (void)state;
    driver_talk(RUN("local t = setmetatable({}, { __index = function(_, k) return rds.get { k = k }.v end })\nreturn t.x + t.y"),
                "= ok 1 {'v':1}\n= ok 2 {'v':2}\n" BEGIN "< step 1 rds.get {'args':{'k':'x'}}\n< step 2 rds.get {'args':{'k':'y'}}\n" UP
                "< ended {'ok':true,'value':3}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IT("pairs and next walk in one order", order),
        IT("no text shows an address", texts),
        IT("table.sort is stable and forgives a bad comparator", sorting),
        IT("random numbers depend on the run and the fiber alone", randomness),
        IT("what would break a replay isn't there", missing),
        IT("globals and libraries can't be written to", globals),
        IT("a command where the run can't wait is a plain error", no_waiting),
        IT("a metamethod that Lua itself calls may wait", metamethods_may_wait),
    };

    return cmocka_run_group_tests_name("script-sandbox", tests, NULL, NULL);
}
