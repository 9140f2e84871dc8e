/*
 * clock.c: the run's clock as a file that one process changes and others read.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define T(fn) cmocka_unit_test(fn)

static char folder[] = "/tmp/cairn-clock.XXXXXX";
static char *path;

static int
make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    path = alloc_printf("%s/clock", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    clock_init(NULL);
    unlink(path);
    rmdir(folder);
    free(path);
    return 0;
}

static void
publish(const char *setting)
{
    struct cairn_error err = { 0 };

    assert_int_equal(clock_init(setting), 0);
    assert_int_equal(clock_publish(path, &err), 0);
}

static void
a_published_clock_goes_on_where_it_was(void **state)
{
    char *setting;
    int64_t before, after;

    (void)state;
    assert_int_equal(clock_init("1000000:5000:100"), 0);
    before = clock_now();
    publish("1000000:5000:100");
    after = clock_now();
    assert_true(after >= before);
    setting = clock_setting();
    assert_string_equal(setting, path);
    free(setting);
}

static void
a_change_of_speed_never_puts_it_back(void **state)
{
    int64_t last;

    (void)state;
    publish("1700000000000:0:3000");
    last = clock_now();
    for (int i = 0; i < 20000; i++) {
        int64_t now;

        clock_set_speed(i % 3 == 0 ? 3000 : i % 3 == 1 ? 4 : 0.5);
        now = clock_now();
        assert_true(now >= last);
        last = now;
    }
}

static void
a_sleep_is_short_while_the_clock_may_change(void **state)
{
    (void)state;
    assert_int_equal(clock_init("1700000000000:0:0.001"), 0);
    assert_int_equal(clock_nap(10), 10000);
    publish("1700000000000:0:0.001");
    assert_int_equal(clock_to_wall(10), 10000);
    assert_true(clock_nap(10) <= 50);
    clock_set_speed(1000);
    assert_int_equal(clock_nap(5000), 5);
}

/* A reader in another process sees what the writer's clock shows, however often it changes. */
static void
readers_in_other_processes_see_the_same_time(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    publish("1700000000000:1000000:2");
    pid = fork();
    if (pid == 0) {
        int64_t last = 0;

        if (clock_init(path) < 0)
            _exit(2);
        for (int i = 0; i < 300000; i++) {
            int64_t now = clock_now();

            if (now < last)
                _exit(3);
            last = now;
        }
        _exit(0);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        clock_set_speed(1000);
        clock_set_speed(1);
    }
    assert_int_equal(status, 0);
}

static void
what_is_no_clock_is_refused(void **state)
{
    static const char *const wrong[] = { "x", "1:2", "1:2:0", "1:2:-1", "1:2:3x", "/nonexistent/clock", "/etc/passwd",
                                         "/" };
    FILE *file;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(clock_init(wrong[i]), -1);
    publish("1700000000000:0:1");
    assert_int_equal(clock_init(NULL), 0);
    file = fopen(path, "r+be");
    fputs("broken", file);
    fclose(file);
    assert_int_equal(clock_init(path), -1);
}

static void
where_none_can_be_made_the_error_says_so(void **state)
{
    struct cairn_error err = { 0 };

    (void)state;
    assert_int_equal(clock_init(NULL), 0);
    assert_int_equal(clock_publish("/nonexistent/clock", &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/clock"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_published_clock_goes_on_where_it_was),
        T(a_change_of_speed_never_puts_it_back),
        T(a_sleep_is_short_while_the_clock_may_change),
        T(readers_in_other_processes_see_the_same_time),
        T(what_is_no_clock_is_refused),
        T(where_none_can_be_made_the_error_says_so),
    };

    return cmocka_run_group_tests_name("clock", tests, make_folder, remove_folder);
}
