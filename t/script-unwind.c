/*
 * script-unwind.c: how a script host leaves and comes back: during, detours, retries, cancel, rollback.
 * SPDX-License-Identifier: MIT
 */
#include "script-driver.h"

#define BEGIN "< locks {'keys':[]}\n"
#define UP "< caught_up\n"
#define NO_1 "< ended {'error':{'kind':'denied','step':'"
#define NO_2 "','text':'no'},'ok':false}\n"
#define CANCELLED_1 "< ended {'error':{'kind':'cancelled','step':'"
#define CANCELLED_2 "','text':'the run was cancelled'},'ok':false}\n"

/* enter: 1, body: 2 and 3, leave: 4 or a detour */
static const char block[] =
    RUN("return cairn.during(function() return k8s.restart { on = 1 }.token end, function(token) k8s.restart { off = token } end,\n"
        "function(token) rds.create { t = token } rds.remove {} return 'done' end)");

static void
leaves_after_return(void **state)
{
    (void)state;
    driver_talk(block, "= ok 1 {'token':7}\n= ok 2 {}\n" BEGIN "< step 1 k8s.restart {'args':{'on':1}}\n"
                       "< step 2 rds.create {'args':{'t':7}}\n< step 3 rds.remove {'args':{}}\n" UP "> ok 3 {}\n"
                       "< step 4 k8s.restart {'args':{'off':7}}\n> ok 4 {}\n< ended {'ok':true,'value':'done'}\n");
}

static void
leaves_after_error(void **state)
{
    (void)state;
    driver_talk(block, "= ok 1 {'token':7}\n" BEGIN "< step 1 k8s.restart {'args':{'on':1}}\n"
                       "< step 2 rds.create {'args':{'t':7}}\n" UP "> fail 2 denied no\n"
                       "< step 2!1/1 k8s.restart {'args':{'off':7}}\n> ok 2!1/1 {}\n" NO_1 "2" NO_2);
}

static void
leave_fails(void **state)
{
    (void)state;
    driver_talk(block, "= ok 1 {'token':7}\n" BEGIN "< step 1 k8s.restart {'args':{'on':1}}\n"
                       "< step 2 rds.create {'args':{'t':7}}\n" UP "> fail 2 denied no\n"
                       "< step 2!1/1 k8s.restart {'args':{'off':7}}\n> fail 2!1/1 failed broken\n"
                       "< log 2!1/2 {'text':'leaving failed, too: broken'}\n" NO_1 "2" NO_2);
}

static void
retries_live(void **state)
{
    (void)state;
    driver_talk(block, "= ok 1 {'token':7}\n= retry 2 1\n" BEGIN "< step 1 k8s.restart {'args':{'on':1}}\n"
                       "< step 2 rds.create {'args':{'t':7}}\n< step 2!1r/1 k8s.restart {'args':{'on':1}}\n" UP
                       "> ok 2!1r/1 {'token':8}\n< again 2 {'n':1}\n> ok 2 {}\n< step 3 rds.remove {'args':{}}\n"
                       "> ok 3 {}\n< step 4 k8s.restart {'args':{'off':8}}\n> ok 4 {}\n< ended {'ok':true,'value':'done'}\n");
}

static void
retries_twice(void **state)
{
    (void)state;
    driver_talk(block, "= ok 1 {'token':7}\n= retry 2 1\n= ok 2!1r/1 {'token':8}\n= retry 2 2\n" BEGIN
                       "< step 1 k8s.restart {'args':{'on':1}}\n< step 2 rds.create {'args':{'t':7}}\n"
                       "< step 2!1r/1 k8s.restart {'args':{'on':1}}\n< again 2 {'n':1}\n"
                       "< step 2!2r/1 k8s.restart {'args':{'on':1}}\n" UP "> ok 2!2r/1 {'token':9}\n< again 2 {'n':2}\n"
                       "> fail 2 denied no\n< step 2!3/1 k8s.restart {'args':{'off':9}}\n> ok 2!3/1 {}\n" NO_1 "2" NO_2);
}

static void
retries_early(void **state)
{
    (void)state;
    /* the reads before the failed command were taken back as well: it is given later than its retry comes */
    driver_talk(RUN("cairn.during(function() k8s.restart {} end, function() end, function() rds.get {} rds.create {} end)"),
                "= ok 1 {}\n= retry 3 1\n" BEGIN "< step 1 k8s.restart {'args':{}}\n< step 2 rds.get {'args':{}}\n" UP
                "> ok 2 {}\n< step 3 rds.create {'args':{}}\n< step 3!1r/1 k8s.restart {'args':{}}\n> ok 3!1r/1 {}\n"
                "< again 3 {'n':1}\n> ok 3 {}\n< ended {'ok':true,'value':null}\n");
}

static void
retries_from_a_read(void **state)
{
    (void)state;
    driver_talk(RUN("cairn.during(function() k8s.restart {} end, function() rds.remove {} end,\n"
                    "function() rds.get {} rds.create {} end)"),
                "= ok 1 {}\n= retry 2 1 3\n= ok 2!1r/1 {}\n" BEGIN "< step 1 k8s.restart {'args':{}}\n"
                "< step 2 rds.get {'args':{}}\n< step 2!1r/1 k8s.restart {'args':{}}\n< again 2 {'n':1}\n" UP
                "> ok 2 {}\n< step 3 rds.create {'args':{}}\n> fail 3 denied no\n"
                "< step 3!2/1 rds.remove {'args':{}}\n> ok 3!2/1 {}\n" NO_1 "3" NO_2);
    driver_talk(RUN("cairn.during(function() end, function() rds.remove {} end, function() rds.get {} rds.create {} end)"),
                "= retry 1 1 2\n= ok 1 {}\n= retry 2 1\n= fail 2 denied no\n" BEGIN "< step 1 rds.get {'args':{}}\n"
                "< again 1 {'n':1}\n< step 2 rds.create {'args':{}}\n< again 2 {'n':1}\n"
                "< step 2!3/1 rds.remove {'args':{}}\n" UP);
}

static void
retries_plain(void **state)
{
    (void)state;
    driver_talk(RUN("rds.create {}"), "= retry 1 1\n" BEGIN "< step 1 rds.create {'args':{}}\n< again 1 {'n':1}\n" UP "> ok 1 {}\n"
                                      "< ended {'ok':true,'value':null}\n");
}

static const char nested[] =
    RUN("cairn.during(function() rds.create { in_ = 'a' } end, function() rds.remove { out = 'a' } end, function()\n"
        "cairn.parallel { function()\n"
        "cairn.during(function() rds.create { in_ = 'b' } end, function() rds.remove { out = 'b' } end,\n"
        "function() rds.get {} end) end } end)");

static void
nested_blocks(void **state)
{
    (void)state;
    driver_talk(nested, "= ok 1 {}\n= ok 2.1/1 {}\n" BEGIN "< step 1 rds.create {'args':{'in_':'a'}}\n"
                        "< parallel 2 {'branches':1}\n< step 2.1/1 rds.create {'args':{'in_':'b'}}\n"
                        "< step 2.1/2 rds.get {'args':{}}\n" UP "> fail 2.1/2 denied no\n"
                        "< step 2.1/2!1/1 rds.remove {'args':{'out':'b'}}\n> ok 2.1/2!1/1 {}\n"
                        "< step 2.1/2!1/2 rds.remove {'args':{'out':'a'}}\n> ok 2.1/2!1/2 {}\n" NO_1 "2.1/2" NO_2);
    driver_talk(nested, "= ok 1 {}\n= ok 2.1/1 {}\n= retry 2.1/2 1\n= ok 2.1/2!1r/1 {}\n" BEGIN
                        "< step 1 rds.create {'args':{'in_':'a'}}\n"
                        "< parallel 2 {'branches':1}\n< step 2.1/1 rds.create {'args':{'in_':'b'}}\n"
                        "< step 2.1/2 rds.get {'args':{}}\n< step 2.1/2!1r/1 rds.create {'args':{'in_':'a'}}\n"
                        "< step 2.1/2!1r/2 rds.create {'args':{'in_':'b'}}\n" UP "> ok 2.1/2!1r/2 {}\n< again 2.1/2 {'n':1}\n"
                        "> ok 2.1/2 {}\n< step 2.1/3 rds.remove {'args':{'out':'b'}}\n> ok 2.1/3 {}\n"
                        "< step 3 rds.remove {'args':{'out':'a'}}\n> ok 3 {}\n< ended {'ok':true,'value':null}\n");
}

static void
error_without_step(void **state)
{
    (void)state;
    driver_talk(RUN("local ok = pcall(cairn.during, function() end, function() rds.get {} end, function() rds.create {} error 'x' end)\n"
                    "pcall(cairn.during, function() end, function() rds.get { again = 1 } end, function() error 'y' end)\n"
                    "rds.remove {}"),
                "= ok 1 {}\n= ok 1!1/1 {}\n= ok 1!1/2 {}\n" BEGIN "< step 1 rds.create {'args':{}}\n"
                "< step 1!1/1 rds.get {'args':{}}\n< step 1!1/2 rds.get {'args':{'again':1}}\n"
                "< step 2 rds.remove {'args':{}}\n" UP);
    driver_talk(RUN("cairn.during(function() end, function() rds.get {} end, function() error 'x' end)"),
                BEGIN "< step 0!1/1 rds.get {'args':{}}\n" UP "> ok 0!1/1 {}\n"
                      "< ended {'error':{'code':'script','kind':'failed','text':'w.lua:3: x'},'ok':false}\n");
}

static void
cancels(void **state)
{
    (void)state;
    driver_talk(block, "= ok 1 {'token':7}\n" BEGIN "< step 1 k8s.restart {'args':{'on':1}}\n"
                       "< step 2 rds.create {'args':{'t':7}}\n" UP "> ok 2 {}\n< step 3 rds.remove {'args':{}}\n> cancel\n"
                       "< dropped {'ids':['3']}\n< step 3!1/1 k8s.restart {'args':{'off':7}}\n> ok 3!1/1 {}\n" CANCELLED_1 "3" CANCELLED_2);
    driver_talk(block, "= ok 1 {'token':7}\n= cancel\n= ok 2!1/1 {}\n" BEGIN "< step 1 k8s.restart {'args':{'on':1}}\n"
                       "< step 2 rds.create {'args':{'t':7}}\n< dropped {'ids':['2']}\n< step 2!1/1 k8s.restart {'args':{'off':7}}\n" UP CANCELLED_1
                       "2" CANCELLED_2);
    driver_talk(RUN("pcall(cairn.wait, { title = 't', poll = function() end })\nrds.create {}"),
                BEGIN "< wait 1 {'every':30000,'stall':0,'title':'t'}\n" UP "> cancel\n< dropped {'ids':['1']}\n" CANCELLED_1 "1" CANCELLED_2);
    driver_talk(RUN("cairn.parallel { function() cairn.sleep(5) end, function() rds.create {} end }"),
                BEGIN "< parallel 1 {'branches':2}\n< sleep 1.1/1 {'ms':5000,'title':'sleep'}\n"
                      "< step 1.2/1 rds.create {'args':{}}\n" UP "> cancel\n< dropped {'ids':['1.1/1','1.2/1']}\n" CANCELLED_1 "1.1/1" CANCELLED_2);
}

static const char undo[] =
    RUN("local a = rds.create { n = 1 }\ncairn.undo('first', function() rds.remove { id = a.id } end)\n"
        "cairn.undo('second', function() k8s.restart {} end)\n"
        "cairn.during(function() end, function() k8s.restart { leave = 1 } end, function() rds.create { n = 2 } end)\n"
        "cairn.point_of_no_return 'done'\nrds.create { n = 3 }");
#define UNDO_BEGIN                                                                                                          \
    BEGIN "< step 1 rds.create {'args':{'n':1}}\n< undo 2 {'title':'first'}\n< undo 3 {'title':'second'}\n"                  \
          "< step 4 rds.create {'args':{'n':2}}\n"
#define UNDO_SECOND                                                                                                         \
    "< stage u/1 {'phase':'begin','title':'second'}\n< step u/2 k8s.restart {'args':{},'stage':['second']}\n"
#define UNDO_FIRST                                                                                                          \
    "< stage u/3 {'ok':true,'phase':'end','title':'second'}\n< stage u/4 {'phase':'begin','title':'first'}\n"               \
    "< step u/5 rds.remove {'args':{'id':'new'},'stage':['first']}\n"
#define DROPPED(ids) "< dropped {'ids':[" ids "]}\n"
#define UNDO_END "< stage u/6 {'ok':true,'phase':'end','title':'first'}\n< ended {'ok':true,'value':null}\n"

static void
rolls_back(void **state)
{
    (void)state;
    driver_talk(undo, "= ok 1 {'id':'new'}\n= rollback\n" UNDO_BEGIN DROPPED("'4'") UNDO_SECOND UP "> ok u/2 {}\n" UNDO_FIRST "> ok u/5 {}\n" UNDO_END);
    driver_talk(undo, "= ok 1 {'id':'new'}\n= fail 4 denied no\n= ok 4!1/1 {}\n= rollback\n= ok u/2 {}\n" UNDO_BEGIN
                      "< step 4!1/1 k8s.restart {'args':{'leave':1}}\n" DROPPED("") UNDO_SECOND UNDO_FIRST UP "> ok 4 {}\n> ok u/5 {}\n" UNDO_END);
}

static void
dropped_on_the_way_back(void **state)
{
    (void)state;
    driver_talk(block, "= ok 1 {'token':7}\n= retry 2 1\n" BEGIN "< step 1 k8s.restart {'args':{'on':1}}\n"
                       "< step 2 rds.create {'args':{'t':7}}\n< step 2!1r/1 k8s.restart {'args':{'on':1}}\n" UP
                       "> cancel\n" DROPPED("'2','2!1r/1'") CANCELLED_1 "2!1r/1" CANCELLED_2);
    driver_talk(block, "= ok 1 {'token':7}\n= retry 2 1\n= rollback\n" BEGIN "< step 1 k8s.restart {'args':{'on':1}}\n"
                       "< step 2 rds.create {'args':{'t':7}}\n< step 2!1r/1 k8s.restart {'args':{'on':1}}\n"
                       DROPPED("'2','2!1r/1'") UP "< ended {'ok':true,'value':null}\n");
}

static void
leaves_in_spite_of_cancel(void **state)
{
    (void)state;
    driver_talk(block, "= ok 1 {'token':7}\n= fail 2 denied no\n" BEGIN "< step 1 k8s.restart {'args':{'on':1}}\n"
                       "< step 2 rds.create {'args':{'t':7}}\n< step 2!1/1 k8s.restart {'args':{'off':7}}\n" UP
                       "> cancel\n" DROPPED("") "> ok 2!1/1 {}\n" NO_1 "2" NO_2);
}

static void
rolls_back_to_no_return(void **state)
{
    (void)state;
    driver_talk(undo, "= ok 1 {'id':'new'}\n= ok 4 {}\n= ok 5 {}\n= rollback\n" UNDO_BEGIN
                      "< step 5 k8s.restart {'args':{'leave':1}}\n< no_return 6 {'title':'done'}\n"
                      "< step 7 rds.create {'args':{'n':3}}\n" DROPPED("'7'") UP "< ended {'ok':true,'value':null}\n");
}

static void
rollback_fails(void **state)
{
    (void)state;
    driver_talk(undo, "= ok 1 {'id':'new'}\n= rollback\n" UNDO_BEGIN DROPPED("'4'") UNDO_SECOND UP "> fail u/2 denied no\n"
                      "< stage u/2!1/1 {'ok':false,'phase':'end','title':'second'}\n" NO_1 "u/2" NO_2);
}

static void
undo_on_detour(void **state)
{
    (void)state;
    driver_talk(RUN("cairn.during(function() cairn.undo('in', function() rds.remove {} end) end, function() end,\n"
                    "function() rds.create {} end)"),
                "= retry 2 1\n= rollback\n" BEGIN "< undo 1 {'title':'in'}\n< step 2 rds.create {'args':{}}\n< again 2 {'n':1}\n"
                DROPPED("'2'") "< stage u/1 {'phase':'begin','title':'in'}\n< step u/2 rds.remove {'args':{},'stage':['in']}\n" UP
                "> ok u/2 {}\n< stage u/3 {'ok':true,'phase':'end','title':'in'}\n< ended {'ok':true,'value':null}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IT("leave runs after the body returned, with what enter returned", leaves_after_return),
        IT("leave runs while an error passes, numbered under the failed command", leaves_after_error),
        IT("an error in leave doesn't hide the first one", leave_fails),
        IT("a retry enters again before it asks for the command", retries_live),
        IT("each retry has a detour of its own", retries_twice),
        IT("a retry that comes before its command waits for it", retries_early),
        IT("a retry that begins at a read counts for the command that failed", retries_from_a_read),
        IT("a retry outside of any block asks for the command at once", retries_plain),
        IT("blocks around a parallel are left and entered again, outermost first", nested_blocks),
        IT("an error that comes from no step counts under the fiber's last command", error_without_step),
        IT("a cancel raises an error in what waits, and leave functions still work", cancels),
        IT("a cancel on the way back in drops the command and what enter waits for", dropped_on_the_way_back),
        IT("a cancel leaves a leave function alone that is at work already", leaves_in_spite_of_cancel),
        IT("a rollback runs the undo list, newest first", rolls_back),
        IT("a point of no return empties the undo list", rolls_back_to_no_return),
        IT("a rollback that fails says where", rollback_fails),
        IT("a detour puts nothing on the undo list", undo_on_detour),
    };

    return cmocka_run_group_tests_name("script-unwind", tests, NULL, NULL);
}
