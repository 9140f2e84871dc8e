/*
 * inbox.c: take up what other processes ask of the runs that this engine drives; called by a timer and when a run is taken.
 * SPDX-License-Identifier: MIT
 */
#include "engine/inbox.h"

#include "engine/live.h"

#include <string.h>

/* 1 when the message is used up, with the records it made; 0 when it has to wait. */
int
inbox_take(struct live *live, const json_t *message)
{
    const char *op = json_string_value(json_object_get(message, "op"));

    if (!op)
        return 1;
    if (strcmp(op, "answer") == 0)
        return gate_answer(live, message);
    if (strcmp(op, "signal") == 0)
        return gate_signal(live, message);
    if (strcmp(op, "resolve") == 0)
        return 1; /* too late: the step isn't in doubt any more, or the run is being driven again */
    if (strcmp(op, "cancel") == 0 && !live->cancel_wanted) {
        live->cancel_wanted = 1;
        live->cancel = json_incref((json_t *)message);
    }
    return 1;
}

static void
look(struct live *live)
{
    struct engine *engine = live->engine;
    struct cairn_error err = { 0 };
    json_t *messages = NULL;
    size_t i;
    json_t *message;

    if (store_inbox(engine->options.store, live->run->id, &messages, &err) < 0)
        return; /* the next look, or the next commit, will tell */
    json_array_foreach(messages, i, message) {
        if (live->ended || !inbox_take(live, json_object_get(message, "message")))
            continue;
        json_array_append(engine->taken_posts, json_object_get(message, "id"));
        engine->must_commit = 1;
    }
    json_decref(messages);
    live_check(live);
}

void
inbox_look(struct engine *engine)
{
    for (struct live *live = engine->lives; live; live = live->next)
        if (live->begun && (live->phase == LIVE_RUNNING || live->phase == LIVE_AWAY))
            look(live);
}
