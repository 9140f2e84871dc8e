/*
 * engine.h: drive runs until they end, wait or stop; called by the commands.
 * SPDX-License-Identifier: MIT
 *
 * One engine owns the store's connection, the event loop, the script hosts and the workers. It is single-threaded; one
 * turn takes what arrived, appends the records that follow, commits once, and sends what is now allowed. See
 * doc/ARCHITECTURE.md.
 */
#ifndef CAIRN_ENGINE_H
#define CAIRN_ENGINE_H

#include "engine/config.h"
#include "engine/plugins.h"
#include "engine/run.h"
#include "engine/store.h"

struct engine;

/* What the one who watches is told. All members may be NULL. Called from within engine_drive. */
struct engine_watch {
    void *data;
    void (*record)(void *data, const struct run *run, const json_t *record); /* durable now */
    /* of a step or wait; transient */
    void (*progress)(void *data, const struct run *run, const char *id, const char *text);
    void (*log)(void *data, const struct run *run, const char *text); /* a line of a script, a worker, or a plugin */
    void (*tick)(void *data); /* about 5 times a second of wall time, for a live display */
};

struct engine_options {
    struct config *config; /* borrowed, as all below */
    struct store *store;
    struct plugins *plugins;
    struct engine_watch watch;
    const char *by; /* who drives: "user@host" */
    int wait_gates; /* stay while gates and signals are open: somebody will answer, here or from another process */
    int no_wait; /* stop in state waiting as soon as only gates, signals and timers are left */
    /* resume: go on with this file's source instead of the stored one, if the replay agrees; or NULL */
    const char *flow;
    int accept_plugins; /* go on with plugins that changed since the run used them */
    int confirm_all; /* destructive steps need no typed confirmation: --confirm was given for them */
    json_t *confirm; /* list of names given by --confirm */
};

int engine_new(struct engine **out, const struct engine_options *options, struct cairn_error *err);
void engine_free(struct engine *engine); /* ends all children */

/* Begin a run of the workflow file: loads it, checks `params` (an object of command line texts: name -> string), takes
 * the locks. *id is a new text. Errors: INVALID (workflow, params), CONFLICT (locked; the text names the holder).
 * Nothing is recorded then. */
int engine_begin(struct engine *engine, const char *flow, const json_t *params, char **id, struct cairn_error *err);

enum engine_mode { ENGINE_RESUME, ENGINE_ROLLBACK };
/* CONFLICT: another process drives it */
int engine_take(struct engine *engine, const char *prefix, enum engine_mode mode, char **id, struct cairn_error *err);

/* Drive all runs begun or taken until each has come to rest. -1 only for failures of the engine itself (store). */
int engine_drive(struct engine *engine, struct cairn_error *err);
/* async-signal-safe enough for a uv signal: finish steps in flight, then stop */
void engine_stop(struct engine *engine);
int engine_stopping(const struct engine *engine); /* it was asked to stop, and isn't done with it */

const struct run *engine_run(const struct engine *engine, const char *id);
/* from the terminal; like a message of the inbox */
int engine_answer(struct engine *engine, const char *run, const json_t *message);

#endif
