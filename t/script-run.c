/*
 * script-run.c: how a script host runs a workflow: commands, outcomes, replay, fibers, waits.
 * SPDX-License-Identifier: MIT
 */
#include "script-driver.h"

#include <stdlib.h>
#include <string.h>

#define HEAD "local rds, k8s = cairn.plugin 'rds', cairn.plugin 'k8s'\n"
#define RUN(body) HEAD "return cairn.workflow { summary = 'test', run = function(p)\n" body "\nend }"

static const char two_steps[] = RUN("local a = rds.create { id = p.id }\nreturn rds.get { id = a.id, n = 1, x = 1.0 }");

static void
runs_a_step_and_ends(void **state)
{
    struct driver d;

    (void)state;
    driver_start(&d, two_steps, "{'id':'prod'}", "[]");
    driver_expect(&d, "{'keys':[],'op':'locks'}");
    driver_expect(&d, "{'action':'create','args':{'id':'prod'},'id':'1','op':'step','plugin':'rds'}");
    assert_string_equal(d.at, "w.lua:3");
    driver_expect(&d, "{'op':'caught_up'}");
    driver_say(&d, "{'op':'outcome','id':'1','ok':true,'value':{'id':'new'},'t':1001}");
    driver_expect(&d, "{'action':'get','args':{'id':'new','n':1,'x':1.0},'id':'2','op':'step','plugin':'rds'}");
    driver_say(&d, "{'op':'outcome','id':'2','ok':true,'value':{'list':[],'map':{}},'t':1002}");
    driver_expect(&d, "{'ok':true,'op':'ended','value':{'list':[],'map':{}}}");
    assert_int_equal(driver_end(&d), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_a_step_and_ends),
    };

    return cmocka_run_group_tests_name("script-run", tests, NULL, NULL);
}
