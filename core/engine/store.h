/*
 * store.h: the durable store as an interface of few functions; called by the engine's turn and by the commands.
 * SPDX-License-Identifier: MIT
 *
 * A store holds runs, their records (the journal), sources by content hash, locks on targets, and an inbox for each run
 * into which other processes put what the run's driver shall take up. Everything between store_begin and store_commit
 * is one transaction; when store_commit returns 0 it is durable (fdatasync has succeeded). After a failed commit the
 * state of the store is unknown: send nothing and end the process.
 *
 * Ownership: a driver takes a run over with store_take, which raises the run's epoch. store_append and store_set_state
 * name the epoch and fail with CONFLICT if the run has another one by now: who lost its run can't write.
 *
 * All functions: 0, or -1 with err. Texts and arrays that come out belong to the caller.
 */
#ifndef CAIRN_STORE_H
#define CAIRN_STORE_H

#include "cairn/plugin.h"

#include <jansson.h>
#include <stdint.h>

struct store;

struct store_run { /* a row of the list of runs */
    char *id; /* sortable by time, unique, lower case: "01jd3k9w7c" */
    char *flow; /* the workflow's file name as it was given */
    char *state; /* see run.h */
    int64_t created, updated; /* ms on the run's clock */
    int64_t wake; /* when it has something to do again, ms; 0: nothing is planned */
    int64_t epoch; /* how often it was taken over */
    int64_t count; /* how many records it has */
    char *head; /* hash of its last record; "" when there is none */
};

struct store_record {
    int64_t n; /* from 1, without holes */
    char *body; /* the record's JSON text, as it was hashed */
    char *hash; /* see record.h */
};

/* creates it; migrates an older schema */
int store_open(struct store **out, const char *path, struct cairn_error *err);
void store_close(struct store *store);
const char *store_lineage(const struct store *store); /* random hex, made with the store: part of every token */

int store_begin(struct store *store, struct cairn_error *err);
int store_commit(struct store *store, struct cairn_error *err);
void store_abort(struct store *store);

int store_add_run(struct store *store, const struct store_run *run, struct cairn_error *err);
int store_take(struct store *store, const char *run, int64_t *epoch, struct cairn_error *err); /* epoch + 1 */
int store_append(struct store *store, const char *run, int64_t epoch, const struct store_record *record,
                 struct cairn_error *err);
int store_set_state(struct store *store, const char *run, int64_t epoch, const char *state, int64_t now, int64_t wake,
                    struct cairn_error *err);

int store_runs(struct store *store, struct store_run **out, size_t *count, struct cairn_error *err); /* newest last */
/* "@last"; NOT_FOUND; INVALID when several match, naming them */
int store_find(struct store *store, const char *prefix, struct store_run *out, struct cairn_error *err);
int store_records(struct store *store, const char *run, struct store_record **out, size_t *count, struct cairn_error *err);
void store_run_release(struct store_run *run);
void store_runs_free(struct store_run *runs, size_t count);
void store_records_free(struct store_record *records, size_t count);

/* again is no error */
int store_put_blob(struct store *store, const char *hash, const char *text, size_t len, struct cairn_error *err);
/* the content is checked against the hash */
int store_get_blob(struct store *store, const char *hash, char **text, size_t *len, struct cairn_error *err);

/* All keys or none. When another run holds one: CONFLICT, and *holder (a new text) names it. A run's own keys may be
 * locked again. */
int store_lock(struct store *store, const char *run, const json_t *keys, char **holder, struct cairn_error *err);
int store_unlock(struct store *store, const char *run, struct cairn_error *err); /* all of the run's */

/* outside a transaction: begins and commits by itself */
int store_post(struct store *store, const char *run, const json_t *message, struct cairn_error *err);
/* [{"id":N,"message":{}}], oldest first */
int store_inbox(struct store *store, const char *run, json_t **out, struct cairn_error *err);
int store_take_post(struct store *store, int64_t id, struct cairn_error *err);
int store_changed(struct store *store); /* 1 if another connection has committed since the last call: cheap */

/* *out NULL when absent */
int store_cache_get(struct store *store, const char *key, json_t **out, struct cairn_error *err);
int store_cache_put(struct store *store, const char *key, const json_t *value, struct cairn_error *err);

#endif
