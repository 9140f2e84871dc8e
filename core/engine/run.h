/*
 * run.h: a run as its records tell it; built by folding records, for the engine and for `cairn show`.
 * SPDX-License-Identifier: MIT
 *
 * run_apply() is the only way in which a run changes: the engine appends a record and applies it, a resume applies the
 * stored ones. So what the engine knows while it drives is what a resume will know.
 *
 * States: running (also: its driver died), waiting (a gate, a signal, a timer), failed (can be resumed or rolled back),
 * unknown (a person must resolve a step), and the ended ones: done, rolled_back, cancelled.
 */
#ifndef CAIRN_RUN_H
#define CAIRN_RUN_H

#include "engine/store.h"

struct run_command { /* one command of the script with all that is recorded of it */
    char *id;
    json_t *intent; /* its intent record */
    json_t *outcome; /* its outcome record; NULL while there is none */
    int attempt; /* how often it was sent or will have been: from 1 */
    int64_t first; /* when its intent was recorded */
    int64_t attempt_epoch; /* the epoch under which it was last allowed to be sent */
    int in_doubt; /* a doubt is recorded and no outcome */
    int voided; /* taken back by a retry; not part of the history any more */
    int failures; /* how often a retry has named it; kept when it is recorded anew */
    int seen_again; /* the live script host has given it (engine only) */
    void *job; /* what the engine is doing about it now (engine only) */
};

struct run {
    char *id;
    char *flow;
    char *state;
    int64_t epoch;
    int64_t count; /* of records */
    char head[65]; /* hash of the last one */
    json_t *records; /* all of them, in order */
    json_t *started; /* the first record; borrowed from records */
    json_t *sources; /* of the script as it is now; borrowed from a record */
    struct run_command **commands; /* in the order of their intents */
    size_t command_count;
    json_t *index; /* id -> position in commands, of those that aren't void */
    json_t *notes; /* id -> record, of the notes that aren't void */
    json_t *failures; /* id -> how often a retry has named it */
    json_t *stopped; /* the last stopped record, if nothing came after it; borrowed */
    int rolling_back; /* a rollback is recorded */
    int cancelling;
    int no_return; /* a point of no return was passed */
};

struct run *run_new(const char *id);
void run_free(struct run *run);
/* a record that doesn't fit is INVALID */
int run_apply(struct run *run, json_t *owned_record, const char *hash, struct cairn_error *err);
/* verifies the chain */
int run_load(struct run **out, struct store *store, const char *prefix, struct cairn_error *err);
struct run_command *run_command(const struct run *run, const char *id); /* NULL when it isn't recorded, or void */
int run_looks_only(const struct run_command *command); /* a READ step or a wait */
int run_ended(const char *state); /* done, rolled_back, cancelled */
json_t *run_history(const struct run *run); /* the events for a script host, as doc/PROTOCOL.md says; a new reference */

/* What a resume of a failed run takes back: a retry record without n, t and epoch; a new reference.
 *
 * The failed command is the one that the stopped record's error names. When it changes something, or is a gate, a
 * signal or a timer, it stays recorded as it is and only its outcome is taken back: it is sent again with the same
 * arguments. When it is a read or a wait, or a step that was refused before it was sent, or when the error came from no
 * command at all, the reads and waits since the last change are void, so that they look at the world anew. The first of
 * them that the failed fiber will come to is the `id` of the record: there the host stands when the history is used up,
 * and there the enter functions of open `during` blocks run again.
 * Void too is what the failure led to (the detour, and what came between a pcall and the raising of its error) and, so
 * that they are said anew, the notes since the last change. Nothing before a rollback or cancel is touched.
 * When nothing can be looked at anew, `id` is "" and nothing is void: the same error will come again. */
json_t *run_retry(const struct run *run);

#endif
