/*
 * engine-run.c: tests of folding records into a run, of its history, and of what a resume takes back.
 * SPDX-License-Identifier: MIT
 *
 * A journal is written as lines of JSON without n, t and epoch, which are filled in: n and t from 1, epoch 1 unless
 * given.
 */
#include "t/engine.h"

#include "common/canon.h"
#include "engine/record.h"
#include "engine/run.h"

#define STARTED "{'kind':'started','flow':'f.lua'}\n"
#define READ(id) "{'kind':'intent','id':'" id "','op':'step','effect':'read'}\n"
#define CHANGE(id) "{'kind':'intent','id':'" id "','op':'step','effect':'set'}\n"
#define OTHER(id, op) "{'kind':'intent','id':'" id "','op':'" op "'}\n"
#define OK(id) "{'kind':'outcome','id':'" id "','ok':true,'value':'" id "'}\n"
#define BAD(id) "{'kind':'outcome','id':'" id "','ok':false,'error':{'kind':'failed','text':'no'}}\n"
#define NOTE(id, op) "{'kind':'note','id':'" id "','op':'" op "'}\n"
#define FAILED(id) "{'kind':'stopped','state':'failed','error':{'kind':'failed','text':'no','step':'" id "'}}\n"
#define FAILED_BARE "{'kind':'stopped','state':'failed','error':{'kind':'failed','text':'no'}}\n"
#define RETRY(id, list) "{'kind':'retry','id':'" id "','void':[" list "]}\n"

static char *
quoted(const char *text)
{
    char *copy = alloc_str(text);

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

static int
apply_line(struct run *run, const char *line, size_t len, struct cairn_error *err)
{
    json_t *record = json_loadb(line, len, 0, NULL);

    assert_non_null(record);
    json_object_set_new(record, "n", json_integer(run->count + 1));
    json_object_set_new(record, "t", json_integer(run->count + 1));
    if (!json_object_get(record, "epoch"))
        json_object_set_new(record, "epoch", json_integer(run->epoch ? run->epoch : 1));
    return run_apply(run, record, "h", err);
}

/* Apply lines until one is refused. */
static int
apply(struct run *run, const char *lines, struct cairn_error *err)
{
    char *text = quoted(lines);
    int rc = 0;

    for (char *line = text; rc == 0 && *line; line += strcspn(line, "\n") + 1)
        rc = apply_line(run, line, strcspn(line, "\n"), err);
    free(text);
    return rc;
}

static struct run *
fold(const char *lines)
{
    struct run *run = run_new("01a");
    struct cairn_error err = { 0 };

    assert_fine(apply(run, lines, &err), &err);
    return run;
}

static void
assert_json(json_t *owned, const char *want)
{
    char *text = canon_text(owned);
    char *expected = quoted(want);

    assert_string_equal(text, expected);
    free(expected);
    free(text);
    json_decref(owned);
}

/* "1ok 3bad retry:3:1 rollback" */
static char *
history_of(const struct run *run)
{
    json_t *events = run_history(run);
    char *line = alloc_str("");
    const json_t *event;
    size_t i;

    json_array_foreach(events, i, event) {
        const char *op = json_string_value(json_object_get(event, "op"));
        const char *id = json_string_value(json_object_get(event, "id"));
        char *longer;

        if (strcmp(op, "outcome") == 0)
            longer = alloc_printf("%s%s%s%s", line, *line ? " " : "", id,
                                  json_is_true(json_object_get(event, "ok")) ? "ok" : "bad");
        else if (strcmp(op, "retry") == 0)
            longer = alloc_printf("%s%sretry:%s:%d", line, *line ? " " : "", id,
                                  (int)json_integer_value(json_object_get(event, "n")));
        else
            longer = alloc_printf("%s%s%s", line, *line ? " " : "", op);
        free(line);
        line = longer;
    }
    json_decref(events);
    return line;
}

/* ---- folding ---- */

static void
folds_a_run_from_start_to_end(void **state)
{
    struct run *run = fold(STARTED "{'kind':'locked','keys':[]}\n" READ("1") OK("1") CHANGE("2"));
    const struct run_command *two = run_command(run, "2");
    struct cairn_error err = { 0 };

    (void)state;
    assert_string_equal(run->flow, "f.lua");
    assert_string_equal(run->state, "running");
    assert_int_equal(run->count, 5);
    assert_int_equal(run->command_count, 2);
    assert_non_null(run_command(run, "1")->outcome);
    assert_null(two->outcome);
    assert_int_equal(two->attempt, 1);
    assert_int_equal(two->attempt_epoch, 1);
    assert_int_equal(two->first, 5);
    assert_null(run_command(run, "3"));
    assert_fine(apply(run, OK("2") NOTE("3", "no_return") "{'kind':'stopped','state':'done','value':null}\n", &err),
                &err);
    assert_true(run->no_return);
    assert_non_null(json_object_get(run->notes, "3"));
    assert_string_equal(run->state, "done");
    assert_non_null(run->stopped);
    assert_error(apply(run, READ("4"), &err), &err, CAIRN_ERR_INVALID, "the run has ended (done)");
    run_free(run);
}

static void
follows_a_step_through_doubt_and_attempts(void **state)
{
    struct run *run = fold(STARTED CHANGE("1") "{'kind':'doubt','id':'1','error':{}}\n");
    struct run_command *one = run_command(run, "1");
    struct cairn_error err = { 0 };

    (void)state;
    assert_true(one->in_doubt);
    assert_fine(apply(run, "{'kind':'stopped','state':'unknown'}\n", &err), &err);
    assert_string_equal(run->state, "unknown");
    assert_fine(apply(run, "{'kind':'resumed','by':'a@b','pid':1,'epoch':4}\n", &err), &err);
    assert_string_equal(run->state, "running");
    assert_null(run->stopped);
    assert_int_equal(run->epoch, 4);
    assert_int_equal(one->attempt_epoch, 1);
    assert_true(one->in_doubt);
    assert_fine(
        apply(run, "{'kind':'observed','id':'1','seen':'absent','look':1}\n{'kind':'attempt','id':'1','attempt':2}\n",
              &err),
        &err);
    assert_false(one->in_doubt);
    assert_int_equal(one->attempt, 2);
    assert_int_equal(one->attempt_epoch, 4);
    assert_fine(apply(run, "{'kind':'doubt','id':'1','error':{}}\n" OK("1"), &err), &err);
    assert_false(one->in_doubt);
    run_free(run);
}

static void
refuses_records_that_do_not_fit_and_stays_as_it_was(void **state)
{
    static const struct {
        const char *before, *record, *says;
    } table[] = {
        { "", READ("1"), "begins with one record of kind started" },
        { STARTED, STARTED, "begins with one record of kind started" },
        { STARTED, "{'kind':'nonsense'}\n", "record 2 (nonsense) does not fit: its kind is not known" },
        { STARTED, "{'id':'1'}\n", "record 2 (no kind)" },
        { STARTED, READ(""), "it has no id" },
        { STARTED, OTHER("1", "dance"), "op that is not known" },
        { STARTED READ("1"), READ("1"), "command 1 has an intent already" },
        { STARTED READ("1"), OK("2"), "command 2 has no intent" },
        { STARTED READ("1") OK("1"), BAD("1"), "command 1 has an outcome already" },
        { STARTED READ("1"), "{'kind':'outcome','id':'1'}\n", "neither ok nor failed" },
        { STARTED READ("1") OK("1"), "{'kind':'doubt','id':'1'}\n", "outcome already" },
        { STARTED READ("1") OK("1"), "{'kind':'attempt','id':'1','attempt':2}\n", "outcome already" },
        { STARTED READ("1"), "{'kind':'attempt','id':'1','attempt':0}\n", "is at attempt 1" },
        { STARTED READ("1"), "{'kind':'observed','id':'9'}\n", "command 9 has no intent" },
        { STARTED, "{'kind':'note','id':'1'}\n", "no id or no op" },
        { STARTED, "{'kind':'stopped','state':'tired'}\n", "its state is not known" },
        { STARTED CHANGE("1") OK("1"), RETRY("1", ""), "its success can't be taken back" },
        { STARTED, RETRY("1", ""), "command 1 has no intent" },
        { STARTED READ("1") BAD("1"), RETRY("1", "'7'"), "7 can't be void" },
        { STARTED "{'kind':'rollback'}\n", "{'kind':'rollback'}\n", "already" },
        { "{'kind':'started','flow':'f','epoch':3}\n", "{'kind':'cancel','epoch':2}\n", "it is of epoch 2" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct run *run = fold(table[i].before);
        struct cairn_error err = { 0 };
        int64_t count = run->count;
        int64_t epoch = run->epoch;

        assert_error(apply(run, table[i].record, &err), &err, CAIRN_ERR_INVALID, table[i].says);
        assert_int_equal(run->count, count);
        assert_int_equal(run->epoch, epoch);
        assert_int_equal(json_array_size(run->records), count);
        run_free(run);
    }
}

static void
takes_a_failed_step_back_and_keeps_its_intent(void **state)
{
    struct run *run = fold(STARTED CHANGE("1") BAD("1") CHANGE("1!1/1") OK("1!1/1") NOTE("1!1/2", "stage")
                               FAILED("1") "{'kind':'resumed','epoch':2}\n" RETRY("1", "'1!1/1','1!1/2'"));
    struct run_command *one = run_command(run, "1");
    struct cairn_error err = { 0 };

    (void)state;
    assert_null(one->outcome);
    assert_int_equal(one->failures, 1);
    assert_int_equal(one->attempt, 2);
    assert_int_equal(one->attempt_epoch, 2);
    assert_null(run_command(run, "1!1/1"));
    assert_null(json_object_get(run->notes, "1!1/2"));
    assert_true(run->commands[1]->voided);
    assert_fine(apply(run, CHANGE("1!1/1"), &err), &err); /* recorded anew */
    assert_non_null(run_command(run, "1!1/1"));
    assert_null(run_command(run, "1!1/1")->outcome);
    assert_int_equal(run->command_count, 3);
    run_free(run);
}

static void
counts_failures_of_a_command_that_is_void_as_a_whole(void **state)
{
    struct run *run = fold(STARTED READ("1") BAD("1") FAILED("1") RETRY("1", "'1'") READ("1"));

    (void)state;
    assert_int_equal(run_command(run, "1")->failures, 1);
    assert_int_equal(run_command(run, "1")->attempt, 1);
    run_free(run);
}

/* ---- history ---- */

static void
gives_the_events_of_the_history_in_order(void **state)
{
    static const struct {
        const char *lines, *events;
    } table[] = {
        { STARTED, "" },
        { STARTED READ("1") OK("1") CHANGE("2") BAD("2") READ("3"), "1ok 2bad" },
        { STARTED READ("1") CHANGE("2") OK("2") OK("1"), "2ok 1ok" },
        { STARTED CHANGE("1") OK("1") "{'kind':'rollback'}\n" CHANGE("u/1") OK("u/1"), "1ok rollback u/1ok" },
        { STARTED CHANGE("1") OK("1") "{'kind':'cancel'}\n" CHANGE("2!1/1") OK("2!1/1"), "1ok cancel 2!1/1ok" },
        /* without a detour nobody has to run enter functions again */
        { STARTED CHANGE("1") BAD("1") FAILED("1") RETRY("1", ""), "" },
        { STARTED CHANGE("1") BAD("1") FAILED("1") RETRY("1", "") OK("1"), "1ok" },
        { STARTED CHANGE("1") BAD("1") NOTE("1!1/1", "stage") FAILED("1") RETRY("1", "'1!1/1'"), "" },
        { STARTED CHANGE("1") OK("1") CHANGE("2") BAD("2") CHANGE("2!1/1") OK("2!1/1") FAILED("2")
              RETRY("2", "'2!1/1'"),
          "1ok retry:2:1" },
        { STARTED CHANGE("2") BAD("2") CHANGE("2!1/1") OK("2!1/1") FAILED("2") RETRY("2", "'2!1/1'") CHANGE("2!1r/1")
              OK("2!1r/1") BAD("2") CHANGE("2!2/1") OK("2!2/1") FAILED("2") RETRY("2", "'2!2/1'"),
          "retry:2:1 2!1r/1ok retry:2:2" },
        /* of a read: it is given anew, and the script is told at the same place */
        { STARTED READ("2") BAD("2") CHANGE("2!1/1") OK("2!1/1") FAILED("2") RETRY("2", "'2','2!1/1'"), "retry:2:1" },
        { STARTED READ("2") BAD("2") CHANGE("2!1/1") OK("2!1/1") FAILED("2") RETRY("2", "'2','2!1/1'") READ("2")
              CHANGE("2!1r/1") OK("2!1r/1") OK("2"),
          "retry:2:1 2!1r/1ok 2ok" },
        /* the engine's own questions are no affair of the script's */
        { STARTED OTHER("1?", "gate") OK("1?") CHANGE("1") OK("1"), "1ok" },
        /* the second failure only had a detour: its number counts both */
        { STARTED CHANGE("2") BAD("2") FAILED("2") RETRY("2", "") BAD("2") CHANGE("2!1/1") OK("2!1/1") FAILED("2")
              RETRY("2", "'2!1/1'"),
          "retry:2:2" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct run *run = fold(table[i].lines);
        char *events = history_of(run);

        assert_string_equal(events, table[i].events);
        free(events);
        run_free(run);
    }
}

static void
gives_each_event_what_the_messages_say(void **state)
{
    struct run *run = fold(STARTED CHANGE("1") OK("1") CHANGE("2") BAD("2") CHANGE("2!1/1") OK("2!1/1") FAILED("2")
                               RETRY("2", "'2!1/1'") "{'kind':'outcome','id':'2','ok':true}\n" READ("3")
                                   BAD("3") "{'kind':'rollback'}\n");

    (void)state;
    assert_json(run_history(run), "[{'id':'1','ok':true,'op':'outcome','t':3,'value':'1'},"
                                  "{'id':'2','n':1,'op':'retry','t':9},"
                                  "{'id':'2','ok':true,'op':'outcome','t':10,'value':null},"
                                  "{'error':{'kind':'failed','text':'no'},'id':'3','ok':false,'op':'outcome','t':12},"
                                  "{'op':'rollback','t':13}]");
    run_free(run);
}

/* ---- what a resume takes back ---- */

static void
takes_back_what_a_resume_must_look_at_anew(void **state)
{
    static const struct {
        const char *lines, *id, *list;
    } table[] = {
        /* a change: the step alone, with what led to it */
        { STARTED READ("1") OK("1") CHANGE("2") BAD("2") FAILED("2"), "2", "" },
        /* its detour, changes in it included */
        { STARTED READ("1") OK("1") CHANGE("2") BAD("2") NOTE("2!1/1", "stage") CHANGE("2!1/2") OK("2!1/2") FAILED("2"),
          "2", "2!1/2 2!1/1" },
        /* only the detour that is not void yet, and the enter functions' commands stay */
        { STARTED CHANGE("2") BAD("2") CHANGE("2!1/1") OK("2!1/1") FAILED("2") RETRY("2", "'2!1/1'") CHANGE("2!1r/1")
              OK("2!1r/1") BAD("2") CHANGE("2!2/1") OK("2!2/1") FAILED("2"),
          "2", "2!2/1" },
        /* ids that only look alike */
        { STARTED CHANGE("1") BAD("1") CHANGE("1!1/1") OK("1!1/1") CHANGE("12") BAD("12") CHANGE("12!1/1") OK("12!1/1")
              FAILED("12"),
          "12", "12!1/1" },
        /* a read: reads and waits since the last change are void, the first of them is where the script will stand */
        { STARTED READ("1") OK("1") CHANGE("2") OK("2") READ("3") OK("3") OTHER("4", "wait") OK("4") READ("5") BAD("5")
              FAILED("5"),
          "3", "3 4 5" },
        { STARTED READ("1") BAD("1") FAILED("1"), "1", "1" },
        /* a gate is not asked again */
        { STARTED READ("1") OK("1") OTHER("2", "gate") OK("2") READ("3") BAD("3") FAILED("3"), "3", "3" },
        { STARTED READ("1") OK("1") OTHER("2", "gate") BAD("2") FAILED("2"), "2", "" },
        /* notes that may say something else next time */
        { STARTED NOTE("1", "report") CHANGE("2") OK("2") READ("3") OK("3") NOTE("4", "report") READ("5") BAD("5")
              FAILED("5"),
          "3", "3 5 4" },
        /* a read in a detour-making block: the leave's change is void and doesn't count as the last one */
        { STARTED CHANGE("1") OK("1") READ("2") OK("2") READ("3") BAD("3") CHANGE("3!1/1") OK("3!1/1") FAILED("3"), "2",
          "2 3 3!1/1" },
        /* what was running in the meantime, without an outcome */
        { STARTED CHANGE("1") OK("1") READ("2.1/1") OK("2.1/1") READ("2.1/2") READ("2.2/1") BAD("2.2/1")
              FAILED("2.2/1"),
          "2.2/1", "2.1/1 2.1/2 2.2/1" },
        /* a read before the branches is where the failed branch begins */
        { STARTED READ("1") OK("1") READ("2.1/1") OK("2.1/1") READ("2.2/1") BAD("2.2/1") FAILED("2.2/1"), "1",
          "1 2.1/1 2.2/1" },
        /* a failed change in one branch: what the others read after it was sent */
        { STARTED CHANGE("1.1/1") READ("1.2/1") OK("1.2/1") BAD("1.1/1") FAILED("1.1/1"), "1.1/1", "1.2/1" },
        /* an error of the script itself: the reads it may depend on */
        { STARTED CHANGE("1") OK("1") READ("2") OK("2") READ("3") OK("3") FAILED_BARE, "2", "2 3" },
        { STARTED CHANGE("1") OK("1") READ("2") OK("2") CHANGE("2!1/1") OK("2!1/1") FAILED_BARE, "2", "2 2!1/1" },
        { STARTED CHANGE("1") OK("1") READ("2.1/1") OK("2.1/1") CHANGE("2!1/1") OK("2!1/1") FAILED_BARE, "2.1/1",
          "2.1/1 2!1/1" },
        /* nothing to look at: the success of a change stays, and so does the detour */
        { STARTED CHANGE("1") OK("1") CHANGE("1!1/1") OK("1!1/1") FAILED_BARE, "", "" },
        { STARTED FAILED_BARE, "", "" },
        /* the step that the error names did not fail */
        { STARTED CHANGE("1") OK("1") READ("2") OK("2") FAILED("1"), "2", "2" },
        /* a rollback: never what came before it */
        { STARTED CHANGE("1") OK("1") READ("2") OK("2") NOTE("3", "undo") "{'kind':'rollback'}\n" READ("u/1") BAD("u/1")
              FAILED("u/1"),
          "u/1", "u/1" },
        { STARTED CHANGE("1") OK("1") "{'kind':'rollback'}\n" CHANGE("u/1") BAD("u/1") CHANGE("u/1!1/1") OK("u/1!1/1")
              FAILED("u/1"),
          "u/1", "u/1!1/1" },
        { STARTED READ("1") OK("1") "{'kind':'cancel'}\n" READ("2!1/1") BAD("2!1/1") FAILED("2!1/1"), "2!1/1",
          "2!1/1" },
        /* failed again after the enter functions ran again */
        { STARTED CHANGE("1") OK("1") READ("2") OK("2") READ("3") BAD("3") CHANGE("3!1/1") OK("3!1/1") FAILED("3")
              RETRY("2", "'2','3','3!1/1'") READ("2") CHANGE("2!1r/1") OK("2!1r/1") READ("2!1r/2") OK("2!1r/2") OK("2")
                  READ("3") BAD("3") CHANGE("3!1/1") OK("3!1/1") FAILED("3"),
          "2", "2 3 3!1/1" },
        /* failed within an enter function that ran again */
        { STARTED CHANGE("2") BAD("2") CHANGE("2!1/1") OK("2!1/1") FAILED("2") RETRY("2", "'2!1/1'") READ("2!1r/1")
              OK("2!1r/1") READ("2!1r/2") BAD("2!1r/2") FAILED("2!1r/2"),
          "2!1r/1", "2!1r/1 2!1r/2" },
        /* caught, cleaned up after, and raised again: the clean-up belongs to the failure */
        { STARTED CHANGE("1") BAD("1") CHANGE("2") OK("2") READ("3") OK("3") NOTE("4", "log") FAILED("1"), "1",
          "2 3 4" },
        { STARTED CHANGE("1") OK("1") READ("2") BAD("2") CHANGE("3") OK("3") FAILED("2"), "2", "2 3" },
        { STARTED NOTE("1", "parallel") CHANGE("1.1/1") CHANGE("1.2/1") BAD("1.1/1") CHANGE("1.2/2") OK("1.2/1")
              NOTE("2", "parallel") CHANGE("2.1/1") OK("2.1/1") OK("1.2/2") FAILED("1.1/1"),
          "1.1/1", "2.1/1 2" },
        /* a destructive step that a person rejected was not sent: it is asked about again */
        { STARTED CHANGE("1") OK("1") OTHER("2?", "gate") BAD("2?") READ("2") BAD("2") FAILED("2"), "2", "2 2?" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct run *run = fold(table[i].lines);
        json_t *retry = run_retry(run);
        struct cairn_error err = { 0 };
        char *list = alloc_str("");
        char *line;
        const json_t *item;
        size_t k;

        json_array_foreach(json_object_get(retry, "void"), k, item) {
            char *longer = alloc_printf("%s%s%s", list, *list ? " " : "", json_string_value(item));

            free(list);
            list = longer;
        }
        if (strcmp(json_string_value(json_object_get(retry, "id")), table[i].id) != 0
            || strcmp(list, table[i].list) != 0)
            fail_msg("row %zu: got \"%s\" void \"%s\", want \"%s\" void \"%s\"", i,
                     json_string_value(json_object_get(retry, "id")), list, table[i].id, table[i].list);
        /* it fits the run */
        line = json_dumps(retry, 0);
        assert_fine(apply_line(run, line, strlen(line), &err), &err);
        free(line);
        free(list);
        json_decref(retry);
        run_free(run);
    }
}

/* ---- from the store ---- */

static void
append(struct store *store, char **head, int64_t n, const char *body)
{
    char *text = quoted(body);
    struct store_record record = { n, text, NULL };
    struct cairn_error err = { 0 };
    char hash[DIGEST_HEX];

    record_hash(hash, *head, text);
    record.hash = hash;
    assert_fine(store_append(store, "01a", 1, &record, &err), &err);
    free(*head);
    *head = alloc_str(hash);
    free(text);
}

static void
loads_a_run_and_refuses_one_that_was_tampered_with(void **state)
{
    char *path = alloc_printf("%s/s.db", (char *)*state);
    struct store_run row = { .id = (char *)"01a", .flow = (char *)"f.lua", .state = (char *)"running", .epoch = 1 };
    struct cairn_error err = { 0 };
    char *head = alloc_str(RECORD_NO_HASH);
    struct store_record forged = { 3, (char *)"{\"n\":3}", (char *)"00" };
    struct store *store = NULL;
    struct run *run = NULL;
    int64_t epoch;

    assert_fine(store_open(&store, path, &err), &err);
    assert_fine(store_add_run(store, &row, &err), &err);
    append(store, &head, 1, "{'n':1,'t':1,'epoch':1,'kind':'started','flow':'f.lua'}");
    append(store, &head, 2, "{'n':2,'t':1,'epoch':1,'kind':'intent','id':'1','op':'gate'}");
    assert_fine(store_take(store, "01a", &epoch, &err), &err);
    assert_fine(run_load(&run, store, "01", &err), &err);
    assert_string_equal(run->head, head);
    assert_int_equal(run->epoch, 2);
    assert_int_equal(run->count, 2);
    assert_non_null(run_command(run, "1"));
    run_free(run);
    assert_fine(store_append(store, "01a", 2, &forged, &err), &err);
    assert_error(run_load(&run, store, "@last", &err), &err, CAIRN_ERR_FAILED, "verify run 01a: record 3 was changed");
    assert_error(run_load(&run, store, "7", &err), &err, CAIRN_ERR_NOT_FOUND, "7");
    store_close(store);
    free(head);
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_a_run_from_start_to_end),
        cmocka_unit_test(follows_a_step_through_doubt_and_attempts),
        cmocka_unit_test(refuses_records_that_do_not_fit_and_stays_as_it_was),
        cmocka_unit_test(takes_a_failed_step_back_and_keeps_its_intent),
        cmocka_unit_test(counts_failures_of_a_command_that_is_void_as_a_whole),
        cmocka_unit_test(gives_the_events_of_the_history_in_order),
        cmocka_unit_test(gives_each_event_what_the_messages_say),
        cmocka_unit_test(takes_back_what_a_resume_must_look_at_anew),
        TEST_IN_DIR(loads_a_run_and_refuses_one_that_was_tampered_with),
    };

    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
