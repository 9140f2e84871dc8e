/*
 * engine-record.c: tests of the journal's hash chain.
 * SPDX-License-Identifier: MIT
 */
#include "t/engine.h"

#include "engine/record.h"

#define LEN 5

struct journal {
    struct store_run run;
    struct store_record records[LEN];
    size_t count;
};

static void
make(struct journal *j)
{
    const char *previous = RECORD_NO_HASH;

    memset(j, 0, sizeof(*j));
    for (size_t i = 0; i < LEN; i++) {
        j->records[i].n = (int64_t)i + 1;
        j->records[i].body = alloc_printf("{\"n\":%zu,\"kind\":\"note\",\"text\":\"\\u0000%c\"}", i + 1, (int)('a' + (int)i));
        j->records[i].hash = alloc_zero(1, DIGEST_HEX);
        record_hash(j->records[i].hash, previous, j->records[i].body);
        previous = j->records[i].hash;
    }
    j->count = LEN;
    j->run.id = alloc_str("01a");
    j->run.count = LEN;
    j->run.head = alloc_str(previous);
}

static void
drop(struct journal *j)
{
    for (size_t i = 0; i < LEN; i++) {
        free(j->records[i].body);
        free(j->records[i].hash);
    }
    store_run_release(&j->run);
}

static void
edit(struct journal *j)
{
    j->records[2].body[strlen(j->records[2].body) - 3] = 'X';
}

static void
edit_to_rubbish(struct journal *j)
{
    j->records[2].body[0] = 'X';
}

static void
edit_with_its_hash(struct journal *j)
{
    edit(j);
    record_hash(j->records[2].hash, j->records[1].hash, j->records[2].body);
}

static void
cut_off(struct journal *j)
{
    j->count = 3;
}

static void
cut_all(struct journal *j)
{
    j->count = 0;
}

static void
take_out(struct journal *j)
{
    struct store_record gone = j->records[1];

    memmove(&j->records[1], &j->records[2], 3 * sizeof(gone));
    j->records[4] = gone;
    j->count = 4;
}

static void
swap(struct journal *j)
{
    struct store_record moved = j->records[1];

    j->records[1] = j->records[2];
    j->records[2] = moved;
    j->records[1].n = 2;
    j->records[2].n = 3;
}

static void
take_out_and_renumber(struct journal *j)
{
    take_out(j);
    for (size_t i = 0; i < 4; i++)
        j->records[i].n = (int64_t)i + 1;
    j->run.count = 4;
}

/* Everything that can be computed anew is: only the number inside of the body tells. */
static void
take_out_and_rehash(struct journal *j)
{
    take_out_and_renumber(j);
    for (size_t i = 1; i < 4; i++)
        record_hash(j->records[i].hash, j->records[i - 1].hash, j->records[i].body);
    free(j->run.head);
    j->run.head = alloc_str(j->records[3].hash);
}

static void
change_head(struct journal *j)
{
    j->run.head[5] = j->run.head[5] == 'a' ? 'b' : 'a';
}

static void
add(struct journal *j)
{
    j->run.count = 4;
    free(j->run.head);
    j->run.head = alloc_str(j->records[3].hash);
}

static void
names_the_first_bad_record_and_what_is_wrong(void **state)
{
    static const struct {
        void (*harm)(struct journal *j);
        const char *says;
    } table[] = {
        { edit, "record 3 was changed: its hash differs" },
        { edit_to_rubbish, "record 3 is not JSON" },
        { edit_with_its_hash, "record 4 was changed: its hash differs" },
        { cut_off, "record 4 is missing: the journal was cut off; it had 5 records" },
        { cut_all, "record 1 is missing: the journal was cut off; it had 5 records" },
        { take_out, "record 2 is missing: number 3 stands in its place" },
        { swap, "record 2 was changed: its hash differs" },
        { take_out_and_renumber, "record 2 was changed: its hash differs" },
        { take_out_and_rehash, "record 2 says that its number is 3" },
        { change_head, "record 5 is not the last one that was written: the run's head differs" },
        { add, "record 5 was added: the run has 4 records" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct cairn_error err = { 0 };
        struct journal j;

        make(&j);
        table[i].harm(&j);
        assert_error(record_verify(&j.run, j.records, j.count, &err), &err, CAIRN_ERR_FAILED, table[i].says);
        drop(&j);
    }
}

static void
accepts_a_sound_journal_and_an_empty_one(void **state)
{
    struct store_run none = { .id = (char *)"01b", .head = (char *)"" };
    struct cairn_error err = { 0 };
    struct journal j;

    (void)state;
    make(&j);
    assert_fine(record_verify(&j.run, j.records, j.count, &err), &err);
    assert_fine(record_verify(&none, NULL, 0, &err), &err);
    drop(&j);
}

static void
hashes_previous_newline_body(void **state)
{
    char hash[DIGEST_HEX];

    (void)state;
    /* printf '%064d\n{"n":1}' 0 | sha256sum */
    record_hash(hash, RECORD_NO_HASH, "{\"n\":1}");
    assert_string_equal(hash, "bad665c38a61c1ef00dd9dc15e77b0099ac6e73233027efbc233ebbc6fd6f4ef");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_first_bad_record_and_what_is_wrong),
        cmocka_unit_test(accepts_a_sound_journal_and_an_empty_one),
        cmocka_unit_test(hashes_previous_newline_body),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
