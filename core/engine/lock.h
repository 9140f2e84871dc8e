/*
 * lock.h: who drives a run on this host; used by the engine and the commands.
 * SPDX-License-Identifier: MIT
 *
 * Ownership is a lock of the kernel on STATE/locks/RUN, tied to the open file: it ends with the process that holds it,
 * however that ends, and never waits for a lease to expire. Children don't inherit it. The file says who holds it, for
 * people.
 */
#ifndef CAIRN_LOCK_H
#define CAIRN_LOCK_H

#include "cairn/plugin.h"

struct lock;

/* CONFLICT when another living process has it: the text says who. `by` is "user@host". */
int lock_take(struct lock **out, const char *state_dir, const char *run, const char *by, struct cairn_error *err);
void lock_drop(struct lock *lock); /* takes NULL */

/* Who has it, without taking it: *who is a new text, "process 4711 of ana@db1, since 2026-11-20T13:36:57Z", or NULL
 * when nobody has. */
int lock_holder(char **who, const char *state_dir, const char *run, struct cairn_error *err);

#endif
