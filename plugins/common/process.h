/*
 * process.h: run a program to its end, with all that it starts; used by plugins.
 * SPDX-License-Identifier: MIT
 *
 * The program and what it starts are one process group under a warden, a process of ours that waits for the program and
 * ends the group when the worker dies. The group ends with the program: nothing goes on behind the caller's back, unless
 * it left the group on purpose. There is no shell anywhere.
 */
#ifndef CAIRN_PROCESS_H
#define CAIRN_PROCESS_H

#include "cairn/plugin.h"

struct process {
    char *const *argv; /* ended by NULL; a name without a slash is looked for in PATH of `env` */
    char *const *env; /* the whole environment, NAME=VALUE, ended by NULL */
    const char *folder; /* where it runs; NULL: where the worker does */
    const char *input; /* its stdin; NULL: nothing */
    size_t keep; /* bytes to keep of each stream: of a longer one the beginning and the end */
    int64_t limit_ms; /* wall time, then the group is killed */
    int log_errors; /* stderr goes to the run's log instead of `errors` */
    void (*line)(void *data, const char *line); /* told the last line whenever there is more output; may be NULL */
    int (*unwanted)(void *data); /* asked now and then: is the answer of no use any more? may be NULL */
    void *data; /* for both */
};

/* One stream: text with a mark in the place of what was left out. */
struct process_text {
    char *text; /* NUL-terminated; never NULL after process_run */
    size_t len;
    int cut; /* something was left out */
};

enum process_how { PROCESS_EXITED, PROCESS_KILLED, PROCESS_OVERDUE, PROCESS_UNWANTED };

struct process_end {
    enum process_how how;
    int status; /* of PROCESS_EXITED; the signal of PROCESS_KILLED */
    int64_t ms; /* how long it took, wall time */
    struct process_text output; /* stdout */
    struct process_text errors; /* stderr */
};

/* -1: it was not started. NOT_FOUND, DENIED or INVALID when it can't be, UNAVAILABLE when the system has no room now. */
int process_run(const struct process *program, struct process_end *end, struct cairn_error *err);
void process_release(struct process_end *end); /* its texts are wiped */

#endif
