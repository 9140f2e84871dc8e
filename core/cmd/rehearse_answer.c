/*
 * rehearse_answer.c: what became of a trial's run when its engine has ended, and the answers that a person would give:
 * every question with yes, every signal with null, every doubt with the truth of the world's ledger; used by the trials.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/print.h"
#include "cmd/rehearse.h"
#include "cmd/report.h"
#include "cmd/status.h"
#include "common/alloc.h"
#include "common/file.h"
#include "common/text.h"

#include <stdlib.h>
#include <string.h>

#define LEDGER_MAX (64u << 20)
#define RESUMES_MAX 200 /* of one trial, for whatever reason */
#define FAILURES_MAX 5  /* of a trial with faults in its world */

static const char by[] = "rehearsal";

static int
is_op(const struct run_command *command, const char *op)
{
    return strcmp(text_member(command->intent, "op"), op) == 0;
}

/* ---- the world's ledger, while the world is there ---- */

/* Does an entry name this run and step? */
static int
is_of_step(const char *line, size_t len, const char *run, const char *step)
{
    json_t *entry = json_loadb(line, len, 0, NULL);
    const json_t *caller = json_object_get(entry, "caller");
    int is = strcmp(text_member(caller, "run"), run) == 0 && strcmp(text_member(caller, "step"), step) == 0;

    json_decref(entry);
    return is;
}

static int
was_done(const struct trial *t, const char *run, const char *step)
{
    char *path = alloc_printf("%s/ledger", t->folder);
    struct cairn_error none = { 0 };
    char *text = NULL;
    size_t len = 0;
    int done = 0;

    if (file_read(&text, &len, path, LEDGER_MAX, &none) == 0)
        for (char *line = text, *end; !done && (end = strchr(line, '\n')); line = end + 1)
            done = is_of_step(line, (size_t)(end - line), run, step);
    free(text);
    free(path);
    return done;
}

/* ---- what is said ---- */

static json_t *
message_for(const struct run_command *command)
{
    if (command->voided || command->outcome)
        return NULL;
    if (is_op(command, "gate"))
        return json_pack("{s:s, s:b, s:s, s:s, s:s}", "op", "answer", "ok", 1, "by", by, "id", command->id, "typed",
                         text_member(command->intent, "confirm"));
    if (is_op(command, "signal"))
        return json_pack("{s:s, s:s, s:s, s:n}", "op", "signal", "by", by, "name",
                         text_member(command->intent, "name"), "value");
    return NULL;
}

static int
say(struct store *store, const struct run *run, json_t *owned_message, struct trial *t)
{
    struct cairn_error err = { 0 };
    int rc = store_post(store, run->id, owned_message, &err);

    json_decref(owned_message);
    if (rc < 0)
        t->out.why = alloc_str(err.text);
    return rc;
}

static enum answered
answer_questions(struct trial *t, struct store *store, const struct run *run)
{
    int said = 0;

    for (size_t i = 0; i < run->command_count; i++) {
        json_t *message = message_for(run->commands[i]);

        if (message && say(store, run, message, t) < 0)
            return ANSWERED_STUCK;
        said += message != NULL;
    }
    return said ? ANSWERED_GO_ON : ANSWERED_STUCK;
}

static enum answered
resolve(struct trial *t, struct store *store, const struct run *run)
{
    const char *step = text_member(run->stopped, "id");
    const struct run_command *command = run_command(run, step);
    int done = was_done(t, run->id, step);
    json_t *message;
    char *what;

    if (!command)
        return ANSWERED_STUCK;
    what = print_command(command->intent);
    json_array_append_new(t->out.unknown, json_string(what));
    free(what);
    message = json_pack("{s:s, s:b, s:s, s:s, s:s}", "op", "resolve", "done", done, "by", by, "id", step, "reason",
                        done ? "the world's ledger has it" : "the world's ledger doesn't have it");
    return say(store, run, message, t) < 0 ? ANSWERED_STUCK : ANSWERED_GO_ON;
}

/* ---- what became of it ---- */

static void
stuck(struct trial *t, const struct run *run)
{
    const char *error = text_member(json_object_get(run->stopped, "error"), "text");
    char *why = *error ? NULL : status_why(run, NULL);

    if (!t->out.why)
        t->out.why = alloc_printf("the run is %s: %s", run->state, *error ? error : why ? why : "it doesn't go on");
    free(why);
}

static enum answered
judge(struct trial *t, struct store *store, const struct run *run)
{
    int killed = trial_kills(t) > t->kills;
    enum answered answered = ANSWERED_STUCK;

    if (run_ended(run->state))
        return ANSWERED_ENDED;
    if (t->out.resumes >= RESUMES_MAX)
        answered = ANSWERED_STUCK;
    else if (strcmp(run->state, "unknown") == 0)
        answered = resolve(t, store, run);
    else if (strcmp(run->state, "waiting") == 0 && (answered = answer_questions(t, store, run)) == ANSWERED_GO_ON)
        return answered;
    else if (killed || (t->fault && strcmp(run->state, "failed") == 0 && ++t->failures <= FAILURES_MAX))
        answered = ANSWERED_GO_ON;
    if (answered == ANSWERED_STUCK)
        stuck(t, run);
    return answered;
}

enum answered
answer_run(struct trial *t)
{
    char *path = alloc_printf("%s/state/cairn.db", t->folder);
    struct cairn_error err = { 0 };
    struct store *store = NULL;
    struct run *run = NULL;
    enum answered answered = ANSWERED_NO_RUN;

    if (store_open(&store, path, &err) == 0 && run_load(&run, store, "@last", &err) == 0) {
        json_decref(t->out.report);
        t->out.report = report_make(run, NULL);
        answered = judge(t, store, run);
    } else if (err.kind != CAIRN_ERR_NOT_FOUND) {
        t->out.why = alloc_str(err.text);
        answered = ANSWERED_STUCK;
    }
    run_free(run);
    store_close(store);
    free(path);
    return answered;
}
