/*
 * script-run.c: how a script host runs a workflow: commands, outcomes, replay, fibers, waits, notes.
 * SPDX-License-Identifier: MIT
 */
#include "script-driver.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEGIN "< locks {'keys':[]}\n"
#define UP "< caught_up\n"

static const char two_steps[] = RUN("local a = rds.create { id = p.id }\nreturn rds.get { id = a.id, n = 1, x = 1.0 }");

static void
steps(void **state)
{
    (void)state;
    driver_talk(two_steps, BEGIN "< step 1 rds.create {'args':{'id':'prod'}}\n" UP "> ok 1 {'id':'new'}\n"
                                 "< step 2 rds.get {'args':{'id':'new','n':1,'x':1.0}}\n"
                                 "> ok 2 {'list':[],'map':{}}\n< ended {'ok':true,'value':{'list':[],'map':{}}}\n");
}

static void
replay(void **state)
{
    (void)state;
    driver_talk(two_steps, "= ok 1 {'id':'new'}\n" BEGIN "< step 1 rds.create {'args':{'id':'prod'}}\n"
                           "< step 2 rds.get {'args':{'id':'new','n':1,'x':1.0}}\n" UP
                           "> ok 2 null\n< ended {'ok':true,'value':null}\n");
    driver_talk(two_steps, "= ok 1 {'id':'new'}\n= ok 2 {}\n" BEGIN "< step 1 rds.create {'args':{'id':'prod'}}\n"
                           "< step 2 rds.get {'args':{'id':'new','n':1,'x':1.0}}\n" UP
                           "< ended {'ok':true,'value':{}}\n");
}

static void
errors(void **state)
{
    (void)state;
    driver_talk(RUN("local ok, e = pcall(rds.create, { id = 1 })\n"
                    "return { ok = ok, kind = e.kind, text = tostring(e), step = e.step, cat = 'no: ' .. e }"),
                BEGIN "< step 1 rds.create {'args':{'id':1}}\n" UP "> fail 1 conflict it exists\n"
                      "< ended {'ok':true,'value':{'cat':'no: it exists','kind':'conflict','ok':false,'step':'1',"
                      "'text':'it exists'}}\n");
    driver_talk(RUN("rds.create {}"), BEGIN "< step 1 rds.create {'args':{}}\n" UP "> fail 1 denied no\n"
                                            "< ended {'error':{'kind':'denied','step':'1','text':'no'},'ok':false}\n");
    driver_talk(RUN("local x = nil\nreturn x.y"),
                BEGIN UP "< ended {'error':{'code':'script','kind':'failed','text':'w.lua:4: attempt to index a nil value "
                         "(local 'x')'},'ok':false}\n");
    driver_talk(RUN("error { kind = 'denied', text = 'mine', more = 1 }"),
                BEGIN UP "< ended {'error':{'kind':'denied','text':'mine'},'ok':false}\n");
}

static void
traces(void **state)
{
    struct driver d;

    (void)state;
    driver_open(&d);
    driver_load(&d, RUN("local function deep()\nrds.get { id = 1 }\nend\ncairn.stage('s', function()\ndeep()\nend)"), 0);
    driver_hear(&d);
    driver_start(&d, json_pack("[{s:s, s:s, s:b, s:{s:s, s:s}, s:i}]", "op", "outcome", "id", "2", "ok", 0, "error", "kind",
                               "denied", "text", "no", "t", 5));
    driver_hear(&d); /* locks */
    driver_hear(&d); /* stage */
    assert_string_equal(driver_hear(&d), "step 2 rds.get {'args':{'id':1},'stage':['s']}");
    assert_string_equal(d.at, "w.lua:4");
    driver_hear(&d); /* stage's end */
    driver_hear(&d); /* caught_up */
    driver_hear(&d);
    assert_non_null(strstr(d.trace, "w.lua:4: in"));
    assert_non_null(strstr(d.trace, "w.lua:7: in"));
    assert_null(strstr(d.trace, "cairn:"));
    assert_int_equal(driver_close(&d, NULL), 0);
}

static void
stages(void **state)
{
    (void)state;
    driver_talk(RUN("return cairn.stage('a', function(x) return cairn.stage('b', function()\n"
                    "rds.get {} return x, 2 end) end, 7)"),
                BEGIN "< stage 1 {'phase':'begin','title':'a'}\n< stage 2 {'phase':'begin','stage':['a'],'title':'b'}\n"
                      "< step 3 rds.get {'args':{},'stage':['a','b']}\n" UP "> ok 3 {}\n"
                      "< stage 4 {'ok':true,'phase':'end','stage':['a'],'title':'b'}\n"
                      "< stage 5 {'ok':true,'phase':'end','title':'a'}\n< ended {'ok':true,'value':7}\n");
    /* after a failure the end of a stage is part of the detour: the ids after it are free for the resumed run */
    driver_talk(RUN("pcall(cairn.stage, 'a', function() rds.get {} end)\nrds.create {}"),
                "= fail 2 denied no\n" BEGIN "< stage 1 {'phase':'begin','title':'a'}\n"
                "< step 2 rds.get {'args':{},'stage':['a']}\n< stage 2!1/1 {'ok':false,'phase':'end','title':'a'}\n"
                "< step 3 rds.create {'args':{}}\n" UP);
}

static void
commands(void **state)
{
    (void)state;
    driver_talk(RUN("cairn.sleep(1.5)\ncairn.sleep { time = 99, title = 'till then' }\n"
                    "local w = cairn.window 'Sun:03:00-Sun:04:00'\n"
                    "local g = cairn.approve { title = 'go?', details = { a = 1 }, confirm = 'prod' }\n"
                    "return { w.opens, g.by, cairn.signal 'done', cairn.now() }"),
                BEGIN "< sleep 1 {'ms':1500,'title':'sleep'}\n" UP "> ok 1 null\n< sleep 2 {'title':'till then','until':99}\n"
                      "> ok 2 null\n< window 3 {'spec':'Sun:03:00-Sun:04:00','title':'maintenance window Sun:03:00-Sun:04:00'}\n"
                      "> ok 3 {'opens':5,'closes':6}\n< gate 4 {'confirm':'prod','details':{'a':1},'title':'go?'}\n"
                      "> ok 4 {'by':'me','at':7}\n< signal 5 {'name':'done'}\n> ok 5 'yes'\n"
                      "< ended {'ok':true,'value':[5,'me','yes',1005]}\n");
}

static void
notes(void **state)
{
    (void)state;
    driver_talk(RUN("cairn.check(true, 'it holds')\ncairn.report('k', { 1, 2 })\nprint('a', 1, {}, print)\ncairn.log 'b'\n"
                    "cairn.check(1 > 2, 'one is more than two')"),
                BEGIN "< check 1 {'text':'it holds'}\n< report 2 {'key':'k','value':[1,2]}\n"
                      "< log 3 {'text':'a\\t1\\ttable\\tfunction'}\n< log 4 {'text':'b'}\n" UP
                      "< ended {'error':{'code':'check','kind':'failed','text':'not so: one is more than two'},'ok':false}\n");
}

static const char branches[] =
    RUN("local r = cairn.parallel { b = function() rds.get { n = 'b' } return rds.create { n = 'b2' } end,\n"
        "a = function() return cairn.parallel { function() return rds.get { n = 'a' }.v end } end }\nrds.remove {}\nreturn r");

static void
fibers(void **state)
{
    (void)state;
    driver_talk(branches, BEGIN "< parallel 1 {'branches':2}\n< parallel 1.1/1 {'branches':1}\n"
                                "< step 1.2/1 rds.get {'args':{'n':'b'}}\n< step 1.1/1.1/1 rds.get {'args':{'n':'a'}}\n" UP
                                "> ok 1.2/1 {}\n< step 1.2/2 rds.create {'args':{'n':'b2'}}\n> ok 1.1/1.1/1 {'v':5}\n"
                                "> ok 1.2/2 {'x':1}\n< step 2 rds.remove {'args':{}}\n> ok 2 {}\n"
                                "< ended {'ok':true,'value':{'a':[5],'b':{'x':1}}}\n");
    driver_talk(branches, "= ok 1.2/1 {}\n= ok 1.1/1.1/1 {'v':5}\n" BEGIN
                          "< parallel 1 {'branches':2}\n< parallel 1.1/1 {'branches':1}\n"
                          "< step 1.2/1 rds.get {'args':{'n':'b'}}\n< step 1.1/1.1/1 rds.get {'args':{'n':'a'}}\n"
                          "< step 1.2/2 rds.create {'args':{'n':'b2'}}\n" UP);
}

static void
failing_branch(void **state)
{
    (void)state;
    driver_talk(RUN("cairn.parallel { function() rds.get {} end, function() rds.create {} end }"),
                BEGIN "< parallel 1 {'branches':2}\n< step 1.1/1 rds.get {'args':{}}\n< step 1.2/1 rds.create {'args':{}}\n" UP
                      "> fail 1.2/1 denied second\n> fail 1.1/1 denied first\n"
                      "< ended {'error':{'kind':'denied','step':'1.2/1','text':'second'},'ok':false}\n");
}

static void
polls(void **state)
{
    (void)state;
    driver_talk(RUN("return cairn.wait { title = 'up', every = 10, stall = 600, poll = function()\n"
                    "local s = rds.get { id = p.id }\nreturn s.status == 'up' and s, s.status end }"),
                BEGIN "< wait 1 {'every':10000,'stall':600000,'title':'up'}\n" UP
                      "> poll 1\n< read 1 rds.get {'args':{'id':'prod'},'n':1}\n> read 1 1 {'status':'making'}\n"
                      "< polled 1 {'done':false,'note':'making'}\n"
                      "> poll 1\n< read 1 rds.get {'args':{'id':'prod'},'n':1}\n> readfail 1 1 throttled slow down\n"
                      "< polled 1 {'error':{'kind':'throttled','step':'1','text':'slow down'}}\n"
                      "> poll 1\n< read 1 rds.get {'args':{'id':'prod'},'n':1}\n> read 1 1 {'status':'up'}\n"
                      "< polled 1 {'done':true,'value':{'status':'up'}}\n> ok 1 {'status':'up'}\n"
                      "< ended {'ok':true,'value':{'status':'up'}}\n");
}

#define POLL(body) RUN("local n = 0\nreturn cairn.wait { title = 't', every = 1, poll = function()\n" body "\nend }")
#define POLLED(body, text)                                                                                            \
    driver_talk(POLL(body), BEGIN "< wait 1 {'every':1000,'stall':0,'title':'t'}\n" UP "> poll 1\n"                       \
                                  "< polled 1 {'error':{'code':'script','kind':'invalid','text':'" text "'}}\n")

static void
polls_change_nothing(void **state)
{
    (void)state;
    POLLED("rds.create {}", "w.lua:5: rds.create: the poll function of cairn.wait may only call reading actions, and this one "
                            "changes something");
    POLLED("cairn.sleep(1)", "w.lua:5: cairn.sleep: the poll function of cairn.wait may only call reading actions");
    POLLED("cairn.check(true, 'x')", "w.lua:5: cairn.check: the poll function of cairn.wait leaves no record, so it can't do that");
    POLLED("n = n + 1", "cairn.wait: the poll function writes to 'n' outside of it: only what it returns counts");
    POLLED("return print", "cairn.wait: poll: value: a function");
}

static void
wait_outcome_ends_poll(void **state)
{
    (void)state;
    driver_talk(POLL("return rds.get {}"), BEGIN "< wait 1 {'every':1000,'stall':0,'title':'t'}\n" UP
                                                 "> poll 1\n< read 1 rds.get {'args':{},'n':1}\n> ok 1 5\n"
                                                 "< ended {'ok':true,'value':5}\n> read 1 1 {}\n");
}

static void
modules(void **state)
{
    struct driver d;

    (void)state;
    driver_open(&d);
    driver_load(&d, "local m = require 'a.b'\nassert(require 'a.b' == m)\n" RUN("local r = m.f() return r"), 1);
    assert_string_equal(driver_hear(&d), "need {'module':'a.b'}");
    driver_say(&d, json_pack("{s:s, s:s, s:s}", "op", "module", "name", "a/b.lua", "text",
                             "local x = cairn.plugin 'rds' return { f = function() local r = x.get {} return r end }"));
    assert_string_equal(driver_hear(&d), "loaded {'modules':['a.b'],'params':{},'plugins':['k8s','rds'],'summary':'test'}");
    driver_start(&d, json_array());
    driver_hear(&d);
    assert_string_equal(driver_hear(&d), "step 1 rds.get {'args':{}}");
    assert_string_equal(d.at, "a/b.lua:1");
    assert_int_equal(driver_close(&d, NULL), 0);
}

static void
locks(void **state)
{
    (void)state;
    driver_talk(HEAD "return cairn.workflow { summary = 's', locks = function(p) return { 'rds:' .. p.id } end,\n"
                     "run = function(p) p.id = 'x' end }",
                "< locks {'keys':['rds:prod']}\n" UP
                "< ended {'error':{'code':'script','kind':'failed','text':'w.lua:3: the parameter 'id' can't be set'},'ok':false}\n");
}

static void
refuses_bad_files(void **state)
{
    static const char *const files[][2] = {
        { "x = = 1", "w.lua:1: unexpected symbol near '='" },
        { "return 1", "w.lua: the file must return cairn.workflow{...}" },
        { "return cairn.workflow {}", "w.lua: cairn.workflow: summary is missing or isn't a string" },
        { "return cairn.workflow { summary = 's' }", "w.lua: cairn.workflow: run is missing or isn't a function" },
        { "return cairn.workflow { sumary = 's' }",
          "w.lua: cairn.workflow: 'sumary' isn't known; it takes summary, params, locks, run" },
        { "cairn.plugin 'rdz'", "w.lua:1: cairn.plugin: there is no plugin 'rdz'; there are: k8s, rds" },
        { "cairn.plugin('rds').made_up {}", "w.lua:1: rds: the plugin has no action 'made_up': see `cairn plugin describe rds`" },
        { "cairn.plugin('rds').get {}", "w.lua:1: rds.get: there is no run yet: only `run` and what it calls can do that" },
        { "require 'nowhere'", "w.lua:1: require: there is no module 'nowhere'" },
        { "cairn.now()", "w.lua:1: cairn.now: there is no run yet: call it within `run`" },
        { "\x1bLua", "w.lua: it is compiled Lua; give its text" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct driver d;

        driver_open(&d);
        driver_load(&d, files[i][0], 0);
        driver_hear(&d);
        if (!strstr(d.heard, files[i][1]) || !strstr(d.heard, "'kind':'invalid'"))
            fail_msg("wanted: %s\nheard: %s", files[i][1], d.heard);
        assert_int_equal(driver_close(&d, NULL), 0);
    }
}

static void
unknown_outcome(void **state)
{
    struct driver d;
    char *log;

    (void)state;
    driver_open(&d);
    driver_load(&d, two_steps, 0);
    driver_hear(&d);
    driver_start(&d, json_pack("[{s:s, s:s, s:b, s:n}]", "op", "outcome", "id", "9", "ok", 1, "value"));
    while (strncmp(driver_hear(&d), "ended", 5) != 0)
        assert_true(*d.heard);
    assert_non_null(strstr(d.heard, "replay: the outcome of 9 came, but the script has not given that command"));
    assert_int_equal(driver_close(&d, &log), 70);
    free(log);
}

static int
run_to_end(const char *crash_at)
{
    struct driver d;
    int ended = 0;

    if (crash_at)
        setenv("CAIRN_CRASH_AT", crash_at, 1);
    driver_open(&d);
    unsetenv("CAIRN_CRASH_AT");
    driver_load(&d, two_steps, 0);
    driver_hear(&d);
    driver_start(&d, json_pack("[{s:s, s:s, s:b, s:{}}, {s:s, s:s, s:b, s:{}}]", "op", "outcome", "id", "1", "ok", 1, "value", "op",
                               "outcome", "id", "2", "ok", 1, "value"));
    while (*d.heard && !ended)
        ended = strncmp(driver_hear(&d), "ended", 5) == 0;
    return driver_close(&d, NULL);
}

static void
crash_points(void **state)
{
    static const char *const points[] = {
        "script.loaded", "script.started",    "script.resuming",  "script.command", "script.command:2",
        "script.event",  "script.resuming:3", "script.caught_up", "script.ended",
    };
    char path[] = "/tmp/cairn-script-run-XXXXXX";
    char passed[1024] = "";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    setenv("CAIRN_CRASH_LOG", path, 1);
    assert_int_equal(run_to_end(NULL), 0);
    unsetenv("CAIRN_CRASH_LOG");
    assert_true(read(fd, passed, sizeof(passed) - 1) > 0);
    close(fd);
    unlink(path);
    assert_string_equal(passed, "script.loaded\nscript.started\nscript.resuming\nscript.command\n"
                                "script.event\nscript.resuming\nscript.command\n"
                                "script.event\nscript.resuming\nscript.caught_up\nscript.ended\n");
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        assert_int_equal(run_to_end(points[i]), -SIGKILL);
}

#if !SANITIZED /* the sanitizers need what the filter forbids */
static void
is_locked_in(void **state)
{
    struct driver d;
    char path[64], status[4096] = "";
    FILE *f;

    (void)state;
    driver_open(&d);
    driver_load(&d, two_steps, 0);
    driver_hear(&d);
    snprintf(path, sizeof(path), "/proc/%d/status", (int)d.pid);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(status, 1, sizeof(status) - 1, f) > 0);
    fclose(f);
    assert_non_null(strstr(status, "\nSeccomp:\t2\n"));
    assert_non_null(strstr(status, "\nNoNewPrivs:\t1\n"));
    assert_int_equal(driver_close(&d, NULL), 0);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IT("a step is sent, its outcome resumes the run, and the result ends it", steps),
        IT("a replay gives the same commands and ends only after the history", replay),
        IT("errors are tables, and one that nobody catches ends the run", errors),
        IT("a trace holds the lines of the workflow alone", traces),
        IT("stages say when they begin and end", stages),
        IT("sleep, window, gate and signal are sent as the author gave them", commands),
        IT("check, report, log and print leave notes", notes),
        IT("branches have ids of their own and go on in the order of the outcomes", fibers),
        IT("parallel raises the error that came first, after all branches have ended", failing_branch),
        IT("a wait polls until its first result counts", polls),
        IT("a poll that does more than read is an error", polls_change_nothing),
        IT("the outcome of a wait drops a poll under way", wait_outcome_ends_poll),
        IT("modules are asked for while loading, once each", modules),
        IT("locks come first, and parameters can't be set", locks),
        IT("a file that can't be a workflow is refused with its line", refuses_bad_files),
        IT("a process can be ended at each crash point", crash_points),
#if !SANITIZED
        IT("a process is behind its system call filter when it has loaded a file", is_locked_in),
#endif
        IT("an outcome of a command that wasn't given ends the process", unknown_outcome),
    };

    return cmocka_run_group_tests_name("script-run", tests, NULL, NULL);
}
