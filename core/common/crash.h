/*
 * crash.h: named instants at which a test can end a process; used by engine, script host and worker.
 * SPDX-License-Identifier: MIT
 *
 * A process passes crash points by name. CAIRN_CRASH_AT="NAME" or "NAME:N" ends it by SIGKILL at the (N-th) time it
 * passes that name; CAIRN_CRASH_LOG=FILE appends a line "NAME" for each point passed, so that a sweep can count them.
 * Unset, a point costs one comparison. The engine hands both variables to the processes it starts. To hit one process
 * only once over a kill and a resume, a sweep sets the variable for the first command only.
 */
#ifndef CAIRN_CRASH_H
#define CAIRN_CRASH_H

void crash_init(void); /* reads the environment; without it no point does anything */
void crash_point(const char *name); /* "engine.committed": the process, then what has just happened */

#endif
