/*
 * script-driver.h: play the engine to a cairn-script; used by the script-*.c tests.
 * SPDX-License-Identifier: MIT
 *
 * Messages are written as JSON texts with ' for ". What is heard is given as such a text too: compact, names sorted,
 * without `at`, without an empty `stage`, and without the trace of an ended message (driver_trace keeps it).
 */
#ifndef SCRIPT_DRIVER_H
#define SCRIPT_DRIVER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/types.h>

struct driver {
    int fd; /* the engine's end of the socket */
    pid_t pid;
    char *heard; /* the last message */
    char *at; /* its `at` */
    char *trace; /* its trace */
    char *log; /* what came on stderr, after driver_end */
    int log_fd;
};

/* Plugin rds has get (read), create (create) and remove (guarded); plugin k8s has restart (set). */
void driver_begin(struct driver *d, const char *lua);
void driver_start(struct driver *d, const char *lua, const char *params, const char *history); /* begin, load, start */
void driver_say(struct driver *d, const char *text);
const char *driver_hear(struct driver *d); /* "" at end-of-file */
void driver_expect_at(struct driver *d, const char *text, const char *file, int line); /* the next message is this */
int driver_end(struct driver *d); /* closes; the exit status, or -N for signal N */

#define driver_expect(d, text) driver_expect_at(d, text, __FILE__, __LINE__)

#endif
