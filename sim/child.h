/*
 * child.h: programs that the simulator's keeper starts, waits for, and takes along when it ends.
 * SPDX-License-Identifier: MIT
 *
 * Each is a session of its own, dies with the keeper, and writes what it says into files of the keeper's folder, so that
 * nothing has to be read while it runs.
 */
#ifndef SIM_CHILD_H
#define SIM_CHILD_H

#include "cairn/plugin.h"

#include <jansson.h>

struct children;

struct children *children_new(const char *folder); /* in which they run */

/* {id, argv, env?: {NAME: VALUE}, stdin?, stop?: the signal that ends it, KILL if left out} */
int children_start(struct children *all, const json_t *message, struct cairn_error *err);
void children_signal(struct children *all, json_int_t id, const char *signal); /* "HUP" */

/* One that has ended: {op: "ended", id, status, out, err}, status 128 + N for death by signal N; NULL: none. */
json_t *children_ended(struct children *all);

/* All of them and all that they have started, and wait for it: every child of the process. The last call. */
void children_end(struct children *all);

#endif
