/*
 * status.h: the exit statuses, how failures are told, and the command that comes next; used by the commands.
 * SPDX-License-Identifier: MIT
 *
 * A failure is two lines on stderr: "cairn: WHAT: WHY" and "next: COMMAND".
 */
#ifndef CAIRN_STATUS_H
#define CAIRN_STATUS_H

#include "engine/run.h"

enum status {
    STATUS_DONE = 0,
    STATUS_FAILED = 1, /* the run, or the command itself */
    STATUS_USAGE = 2, /* the command line, the configuration, the workflow or its parameters */
    STATUS_WAITING = 3, /* for an answer, a signal or a timer; or interrupted */
    STATUS_DENIED = 4, /* a person said no, or the world isn't the one that the configuration names */
    STATUS_UNKNOWN = 5, /* a step's outcome is not known: cairn resolve */
    STATUS_MISMATCH = 6, /* the script does not do what the journal says it did */
    STATUS_LOCKED = 7, /* another run has the target, or another process drives the run */
    STATUS_CANCELLED = 8,
    STATUS_INTERRUPTED = 130 /* a second Ctrl-C */
};

enum status status_of_run(const struct run *run); /* as it stands when its driver lets go of it */
enum status status_of_error(const struct cairn_error *err);

/* A text that ends in "; see: COMMAND" or "go on with: COMMAND" says itself what comes next; for others it is made of
 * the text and of `command`, the name of the one that failed, which may be NULL. */
void status_print_error(const struct cairn_error *err, const char *command);
void status_print_next(const char *next); /* NULL prints nothing */

/* The commands that come next for a run, or NULL; freed with free(). `driver` is who drives it, or NULL. */
char *status_next(const struct run *run, const char *driver);

/* A run that failed or is in doubt: the one line on stderr that says where and why. */
void status_print_run(const struct run *run);

/* Why a run that doesn't go on doesn't: a sentence, or NULL when there is nothing to say; freed with free(). */
char *status_why(const struct run *run, const char *driver);

#endif
