/*
 * inbox.c: take up what other processes ask of the runs that this engine drives; called by a timer and when a run is
 * taken.
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

/* Taken in this turn, and in the inbox only until the turn's commit. */
static int
is_taken(const struct engine *engine, const json_t *id)
{
    size_t i;
    json_t *taken;

    json_array_foreach(engine->taken_posts, i, taken)
        if (json_equal(taken, id))
            return 1;
    return 0;
}

int
inbox_look_at(struct live *live)
{
    struct engine *engine = live->engine;
    struct cairn_error err = { 0 };
    json_t *messages = NULL;
    int taken = 0;
    size_t i;
    json_t *message;

    if (store_inbox(engine->options.store, live->run->id, &messages, &err) < 0)
        return 0; /* the next look, or the next commit, will tell */
    json_array_foreach(messages, i, message) {
        if (live->ended || is_taken(engine, json_object_get(message, "id"))
            || !inbox_take(live, json_object_get(message, "message")))
            continue;
        json_array_append(engine->taken_posts, json_object_get(message, "id"));
        engine->must_commit = 1;
        taken++;
    }
    json_decref(messages);
    return taken;
}

void
inbox_look(struct engine *engine)
{
    engine->look = 0;
    for (struct live *live = engine->lives; live; live = live->next) {
        if (!live->begun || live->phase == LIVE_RESTED)
            continue;
        if (live->phase != LIVE_RUNNING && live->phase != LIVE_AWAY)
            engine->look = 1; /* later: its script host catches up */
        else if (inbox_look_at(live))
            live_check(live);
    }
}
