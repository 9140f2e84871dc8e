/*
 * script-value.c: which Lua values can be said in JSON, which are refused, and how values come back.
 * SPDX-License-Identifier: MIT
 */
#include "script-driver.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define BEGIN "< locks {'keys':[]}\n"
#define UP "< caught_up\n"

static void
says(const char *lua, const char *json)
{
    char *source = alloc_printf(RUN("rds.get { v = %s }"), lua);
    char *talk = alloc_printf(BEGIN "< step 1 rds.get {'args':{'v':%s}}\n" UP, json);

    driver_talk(source, talk);
    free(source);
    free(talk);
}

static void
refuses(const char *lua, const char *path, const char *why)
{
    char *source = alloc_printf(RUN("local f = function() end\nlocal self = {} self.me = { self }\nlocal deep = {}\n"
                                    "for i = 1, 70 do deep = { deep } end\nrds.get { v = %s }"), lua);
    char *talk = alloc_printf(BEGIN UP "< ended {'error':{'code':'script','kind':'invalid','text':"
                                       "'w.lua:7: rds.get: args.v%s: %s'},'ok':false}\n", path, why);

    driver_talk(source, talk);
    free(source);
    free(talk);
}

static void
accepted(void **state)
{
    static const char *const table[][2] = {
        { "1", "1" },
        { "1.0", "1.0" },
        { "math.maxinteger", "9223372036854775807" },
        { "0.5", "0.5" },
        { "true", "true" },
        { "cairn.null", "null" },
        { "''", "''" },
        { "'\\u{e4}'", "'\xc3\xa4'" },
        { "{}", "{}" },
        { "cairn.array {}", "[]" },
        { "cairn.array()", "[]" },
        { "{ 1, { 2 }, 'x' }", "[1,[2],'x']" },
        { "{ b = 1, a = { c = {} } }", "{'a':{'c':{}},'b':1}" },
        { "setmetatable({ x = 1 }, { __index = { y = 2 } })", "{'x':1}" },
        { "p", "{'id':'prod'}" },
        { "cairn.secret 'db'", "{'$ref':'db'}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        says(table[i][0], table[i][1]);
}

static void
refused(void **state)
{
    static const char *const table[][3] = {
        { "0/0", "", "not a number (NaN)" },
        { "{ a = { 1/0 } }", ".a[1]", "an infinite number" },
        { "{ a = { -1/0 } }", ".a[1]", "an infinite number" },
        { "{ 1, nil, 3 }", "[2]", "a hole in a list" },
        { "{ [0] = 1 }", "[0]", "a list begins at 1" },
        { "{ x = { 1, y = 2 } }", ".x", "both list items and named members" },
        { "{ [1.5] = 1 }", "", "a number as a key that isn't an index" },
        { "{ [true] = 1 }", "", "a boolean as a key" },
        { "{ [{}] = 1 }", "", "a key that isn't a string" },
        { "{ [f] = 1 }", "", "a key that isn't a string" },
        { "{ x = { f } }", ".x[1]", "a function" },
        { "print", "", "a function" },
        { "self", ".me[1]", "a table that holds itself" },
        { "'a\\0b'", "", "a string with a NUL byte" },
        { "{ ['a\\0b'] = 1 }", ".a", "a name with a NUL byte" },
        { "{ '\\xff' }", "[1]", "a string that isn't UTF-8" },
        { "{ ['\\xff'] = 1 }", ".\xef\xbf\xbd", "a name that isn't UTF-8" },
        { "cairn.array { a = 1 }", "", "a named member in a list made by cairn.array" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        refuses(table[i][0], table[i][1], table[i][2]);
}

static void
too_deep(void **state)
{
    char path[256] = "";

    (void)state;
    for (int i = 0; i < 62; i++)
        memcpy(path + 3 * i, "[1]", 4);
    refuses("deep", path, "more than 64 levels");
}

static void
refused_elsewhere(void **state)
{
    (void)state;
    driver_talk(RUN("return { a = { print } }"),
                BEGIN UP "< ended {'error':{'code':'script','kind':'invalid','text':'what run returned can't be recorded: "
                         "value.a[1]: a function'},'ok':false}\n");
    driver_talk(RUN("cairn.report('k', { 0/0 })"),
                BEGIN UP "< ended {'error':{'code':'script','kind':'invalid','text':'w.lua:3: cairn.report: value[1]: not a number "
                         "(NaN)'},'ok':false}\n");
    driver_talk(RUN("rds.get(1)"), BEGIN UP "< ended {'error':{'code':'script','kind':'invalid','text':'w.lua:3: rds.get: it takes "
                                            "one table of named arguments: rds.get{ name = value }'},'ok':false}\n");
}

static void
comes_back(void **state)
{
    (void)state;
    driver_talk(RUN("local r = rds.get {}\nr.kinds = { math.type(r.i), math.type(r.f), type(r.m), tostring(r.n), #r.l }\n"
                    "table.remove(r.l)\nreturn r"),
                BEGIN "< step 1 rds.get {'args':{}}\n" UP "> ok 1 {'i':1,'f':1.0,'m':{},'n':null,'l':[{}],'e':[]}\n"
                      "< ended {'ok':true,'value':{'e':[],'f':1.0,'i':1,'kinds':['integer','float','table','null',1],"
                      "'l':[],'m':{},'n':null}}\n");
}

static void
secrets(void **state)
{
    (void)state;
    driver_talk(RUN("local s = rds.get {}.password\nlocal log = {}\n"
                    "for i, f in ipairs { function() return 'x' .. s end, function() return #s end, function() return s.x end,\n"
                    "function() return s < s end, function() return s:upper() end, function() return ('x'):rep(s) end } do\n"
                    "log[i] = select(2, pcall(f)):gsub('^w.lua:%d+: ', ''):gsub('%(.*%)', '')\nend\n"
                    "rds.create { password = s }\n"
                    "return { tostring(s), ('%s'):format(s), type(s), getmetatable(s), log }"),
                "= ok 1 {'password':{'$sealed':'abc'}}\n" BEGIN "< step 1 rds.get {'args':{}}\n"
                "< step 2 rds.create {'args':{'password':{'$sealed':'abc'}}}\n" UP "> ok 2 {}\n"
                "< ended {'ok':true,'value':['<secret>','<secret>','userdata',false,['attempt to concatenate a secret value ',"
                "'attempt to get length of a secret value ','attempt to index a secret value ',"
                "'attempt to compare two secret values','attempt to index a secret value ','bad argument #1 to 'rep' ']]}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IT("what JSON can say is said, integers and floats apart", accepted),
        IT("what JSON can't say is refused with its path", refused),
        IT("more than 64 levels are refused", too_deep),
        IT("results, reports and odd arguments are refused alike", refused_elsewhere),
        IT("values come back as they went, lists as lists", comes_back),
        IT("a secret can be passed on and not looked into", secrets),
    };

    return cmocka_run_group_tests_name("script-value", tests, NULL, NULL);
}
