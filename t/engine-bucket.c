/*
 * engine-bucket.c: tests of the bucket of tokens that bounds how often calls are made again, and of the pauses between.
 * SPDX-License-Identifier: MIT
 */
#include "t/engine.h"

#include "engine/retry.h"

#define ALL 500 /* tokens of a full bucket */

/* How many tries of this kind are left. */
static int
take_all(struct retry **list, const char *plugin, enum cairn_error_kind kind)
{
    int count = 0;

    while (retry_take(list, plugin, kind))
        count++;
    return count;
}

static void
a_hundred_tries_empty_it_and_fifty_that_timed_out(void **state)
{
    struct retry *list = NULL;

    (void)state;
    assert_int_equal(retry_take(&list, "rds", CAIRN_ERR_THROTTLED), 5);
    assert_int_equal(take_all(&list, "rds", CAIRN_ERR_THROTTLED), ALL / 5 - 1);
    assert_int_equal(retry_take(&list, "sts", CAIRN_ERR_TIMEOUT), 10);
    assert_int_equal(take_all(&list, "sts", CAIRN_ERR_TIMEOUT), ALL / 10 - 1);
    retry_free(&list);
    assert_null(list);
}

static void
each_plugin_has_its_own(void **state)
{
    struct retry *list = NULL;

    (void)state;
    take_all(&list, "rds", CAIRN_ERR_UNAVAILABLE);
    assert_int_equal(retry_take(&list, "rds", CAIRN_ERR_UNAVAILABLE), 0);
    assert_int_equal(take_all(&list, "kubernetes", CAIRN_ERR_UNAVAILABLE), ALL / 5);
    retry_free(&list);
}

static void
a_try_that_costs_more_than_there_is_is_not_made(void **state)
{
    struct retry *list = NULL;

    (void)state;
    take_all(&list, "rds", CAIRN_ERR_THROTTLED);
    for (int i = 0; i < 9; i++)
        retry_give_back(&list, "rds", 0);
    assert_int_equal(retry_take(&list, "rds", CAIRN_ERR_TIMEOUT), 0);
    assert_int_equal(retry_take(&list, "rds", CAIRN_ERR_THROTTLED), 5);
    assert_int_equal(retry_take(&list, "rds", CAIRN_ERR_THROTTLED), 0);
    retry_free(&list);
}

static void
success_gives_back_what_the_try_cost_and_one_at_the_first(void **state)
{
    struct retry *list = NULL;
    int cost;

    (void)state;
    take_all(&list, "rds", CAIRN_ERR_THROTTLED);
    retry_give_back(&list, "rds", 10);
    cost = retry_take(&list, "rds", CAIRN_ERR_TIMEOUT);
    assert_int_equal(cost, 10);
    for (int i = 0; i < 4; i++)
        retry_give_back(&list, "rds", 0);
    assert_int_equal(retry_take(&list, "rds", CAIRN_ERR_THROTTLED), 0);
    retry_give_back(&list, "rds", 0);
    assert_int_equal(retry_take(&list, "rds", CAIRN_ERR_THROTTLED), 5);
    retry_free(&list);
}

static void
it_is_never_more_than_full(void **state)
{
    struct retry *list = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++)
        retry_give_back(&list, "rds", 10);
    assert_int_equal(take_all(&list, "rds", CAIRN_ERR_THROTTLED), ALL / 5);
    retry_free(&list);
}

/* Full jitter: any part of the pause, so that those who failed together don't come back together. */
static void
pauses_double_up_to_twenty_seconds_and_are_any_part_of_that(void **state)
{
    (void)state;
    for (int tries = 1; tries <= 40; tries++) {
        int64_t most = tries < 6 ? (int64_t)1000 << (tries - 1) : 20000;
        int64_t least_seen = most, most_seen = 0;

        if (most > 20000)
            most = 20000;
        for (int i = 0; i < 400; i++) {
            int64_t ms = retry_pause(tries);

            assert_in_range(ms, 1, most);
            least_seen = ms < least_seen ? ms : least_seen;
            most_seen = ms > most_seen ? ms : most_seen;
        }
        assert_true(least_seen < most / 4);
        assert_true(most_seen > most / 4 * 3);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_tries_empty_it_and_fifty_that_timed_out),
        cmocka_unit_test(each_plugin_has_its_own),
        cmocka_unit_test(a_try_that_costs_more_than_there_is_is_not_made),
        cmocka_unit_test(success_gives_back_what_the_try_cost_and_one_at_the_first),
        cmocka_unit_test(it_is_never_more_than_full),
        cmocka_unit_test(pauses_double_up_to_twenty_seconds_and_are_any_part_of_that),
    };

    return cmocka_run_group_tests_name("engine: the bucket", tests, NULL, NULL);
}
