/*
 * program.h: run a program without a shell and take what it answers; used by plugins that get credentials from one.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_PROGRAM_H
#define CAIRN_PROGRAM_H

#include "cairn/plugin.h"

struct program {
    const char *what; /* begins each message: "get credentials from aws" */
    const char *command; /* looked for in PATH */
    char *const *args; /* without the command itself, ended by NULL; may be NULL */
    char *const *env; /* the whole environment, ended by NULL */
    const char *hint; /* what to do when it can't be run, or NULL */
    int64_t limit_ms; /* of wall time */
};

/*
 * Run it and wait for its end. It has no standard input and no descriptors of ours; what it writes to stderr is logged
 * as ours. The answer is what it wrote to stdout, NUL-terminated; wiped and freed by program_wipe(). DENIED when there
 * is none: it can't be run, ended badly, took too long or never stopped writing.
 */
int program_run(char **answer, const struct program *program, struct cairn_error *err);
void program_wipe(char *answer); /* takes NULL */

/* The environment of this process, and the assignments of both lists ("NAME=value", ended by NULL, may be NULL) in the
 * place of older ones. The texts are borrowed, the list is freed with free(). */
char **program_env(char *const *first, char *const *then);

#endif
