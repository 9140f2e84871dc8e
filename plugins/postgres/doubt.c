/*
 * doubt.c: what became of an execute step that nobody knows about; used by postgres.c.
 * SPDX-License-Identifier: MIT
 */
#include "actions.h"

#include "index.h"
#include "task.h"

#include <poll.h>
#include <stdlib.h>

#define POLL_MS 200

/* Wait until no session of this step is at work any more. */
static int
wait_lock(struct task *t, struct cairn_error *err)
{
    static const char held[] =
        "with k as (select " TASK_LOCK_KEY
        " as key) select l.pid::text from pg_locks l, k where l.locktype = 'advisory' and l.granted "
        "and l.database = (select oid from pg_database where datname = current_database()) and l.objsubid = 1 "
        "and l.classid::bigint = (k.key >> 32) & 4294967295 and l.objid::bigint = k.key & 4294967295 limit 1";

    for (;;) {
        char *pid = NULL;

        if (connection_text(&t->c, &pid, held, 1, &t->token, err) < 0)
            return -1;
        if (!pid)
            return 0;
        cairn_progress(t->c.call, "the server process %s is still at work on it", pid);
        if (cairn_wall(t->c.call) > t->c.deadline - 10000) {
            cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "execute %s: the server process %s is still at work on it", t->name,
                       pid);
            free(pid);
            return -1;
        }
        free(pid);
        if (cairn_cancelled(t->c.call))
            return cairn_fail(err, CAIRN_ERR_CANCELLED, "execute %s: the answer isn't wanted any more", t->name);
        poll(NULL, 0, POLL_MS);
    }
}

/* The statement was begun, and no session is at work on it. */
static int
judge_begun(struct task *t, const struct applied *row, struct cairn_value *out, struct cairn_error *err)
{
    const char *index = t->index ? t->index : t->dropped;
    struct index_state state = { 0 };
    int seen = CAIRN_SEEN_UNKNOWN;

    if (!index) {
        cairn_fail(err, CAIRN_ERR_IN_DOUBT,
                   "execute %s: it was begun at %s, and nothing in the database shows whether it ended: %.200s",
                   t->name, row->at, t->script.statements[0]);
        return seen;
    }
    if (index_find(&state, &t->c, index, t->table, err) < 0)
        return -1;
    if (state.there && !state.valid) {
        index_fail(&state, CAIRN_ERR_CONFLICT, "the statement died on its way", err);
        seen = CAIRN_SEEN_CONFLICT;
    } else {
        seen = state.there == (t->index != NULL) ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
    }
    if (seen == CAIRN_SEEN_DONE)
        applied_fill(t, row, -1, out);
    index_release(&state);
    return seen;
}

int
doubt_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct applied row = { 0 };
    struct task t;
    int seen = -1;

    if (task_init(&t, call, args, err) < 0 || task_open(&t, call, 1, err) < 0)
        goto out;
    t.c.deadline = cairn_wall(call) + SLOW_MS;
    if (wait_lock(&t, err) < 0 || applied_find(&t, &row, err) < 0)
        goto out;
    if (!row.there)
        seen = CAIRN_SEEN_ABSENT;
    else if (row.done)
        seen = applied_adopt(&t, &row, out, err) == 0 ? CAIRN_SEEN_DONE : CAIRN_SEEN_CONFLICT;
    else if (row.mine)
        seen = judge_begun(&t, &row, out, err);
    else
        seen = CAIRN_SEEN_ABSENT; /* another step's: to be told by run() */
out:
    applied_release(&row);
    task_release(&t);
    return seen;
}
