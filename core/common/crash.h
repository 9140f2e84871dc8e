/*
 * crash.h: named instants at which a test can end a process; used by engine, script host and worker.
 * SPDX-License-Identifier: MIT
 *
 * A process passes crash points by name. CAIRN_CRASH_AT="NAME:N" ends it by SIGKILL when it passes that name for the
 * N-th time (the first without ":N"). CAIRN_CRASH_LOG=FILE appends a line "NAME" for each point passed, so that a sweep
 * can count them; with both, N counts the passings of all processes that share the log, so that exactly one process
 * ends, once. "NAME:N,NAME:N" ends a second one: its passings are counted from the first death on. Unset, a point costs
 * one comparison. The engine hands both variables to the processes it starts. cairn-rehearse(7) lists the points.
 */
#ifndef CAIRN_CRASH_H
#define CAIRN_CRASH_H

void crash_init(void); /* reads the environment; without it no point does anything */
void crash_point(const char *name); /* "engine.committed": the process, then what has just happened */

#endif
