/*
 * actions.h: the functions of the actions, by the file that has them; used by postgres.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef POSTGRES_ACTIONS_H
#define POSTGRES_ACTIONS_H

#include "cairn/plugin.h"

#define READ_MS 60000      /* a reading action, where its argument `timeout` says nothing */
#define READ_MAX_MS 100000 /* the engine ends a call after two minutes */
#define SLOW_MS 840000     /* a slow action: the engine ends it after a quarter of an hour */

/* The argument `timeout`, seconds, within what the engine gives a call; ms. */
int64_t timeout_of(const struct cairn_value *args, int64_t otherwise, int64_t most);

/* look.c */
cairn_run_fn look_query, look_writable, look_databases, look_counts, look_sequences, look_lag;
extern const char look_server[]; /* SQL whose one row says what a server is, and whether it takes writes */
/* servers.c */
cairn_run_fn servers_look;
/* checks.c */
cairn_run_fn checks_run;
/* explain.c */
cairn_run_fn explain_run;
/* extension.c */
cairn_run_fn extension_list, extension_update, extension_observe_update;
/* analyze.c */
cairn_run_fn analyze_run;
/* execute.c */
cairn_run_fn execute_run;
/* doubt.c */
cairn_run_fn doubt_observe;
/* applied.c */
cairn_run_fn applied_list;
/* index.c */
cairn_run_fn index_invalid, index_drop, index_observe_drop;
/* heartbeat.c */
cairn_run_fn heartbeat_prepare, heartbeat_probe, heartbeat_drop;
/* checksum.c */
cairn_run_fn checksum_files;

#endif
