/*
 * launch.h: from the arguments of an action to a program that has ended; used by exec.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_LAUNCH_H
#define CAIRN_LAUNCH_H

#include "process.h"

#define LAUNCH_ENV "PATH HOME USER LOGNAME LANG LC_ALL LC_CTYPE TZ TMPDIR CAIRN_FOLDER @env"

/*
 * Run `argv` (a list of texts) with what else `args` says: input, cwd, env, timeout_s, output_max.
 * Only programs that the configuration lists are run. One that `reads` may be killed when its answer is of no use any
 * more. -1 when it wasn't started, and nothing was done.
 */
int launch(struct cairn_call *call, const struct cairn_value *argv, const struct cairn_value *args, int reads,
           struct process_end *end, struct cairn_error *err);

/* -1 with what became of the program, unless it exited by itself. Kinds TIMEOUT, IN_DOUBT or CANCELLED. */
int launch_ended(const struct cairn_value *argv, const struct process_end *end, struct cairn_error *err);

/* "it ended with status 3: " and the last lines of what it wrote, as one line. A new text. */
char *launch_evidence(const struct process_end *end);

#endif
