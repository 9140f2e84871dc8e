/*
 * script-driver.h: play the engine to a cairn-script; used by the script-*.c tests.
 * SPDX-License-Identifier: MIT
 *
 * A talk is a text of lines. The first character says which way it goes:
 *   "= EVENT"  part of the history that start carries; these lines stand first
 *   "> EVENT"  sent live
 *   "< TEXT"   what must be heard next
 * EVENT is one of: "ok ID VALUE", "fail ID KIND TEXT", "retry ID N [FAILED]", "rollback", "cancel", "poll ID", "read ID N VALUE",
 * "readfail ID N KIND TEXT". Each line that is sent must be answered by an "idle", which isn't written down. TEXT is "OP ID PLUGIN.ACTION MEMBERS" with what there is of these; MEMBERS are compact, sorted
 * JSON without `at`, without `trace`, without an empty `stage`. In all of them ' stands for ".
 */
#ifndef SCRIPT_DRIVER_H
#define SCRIPT_DRIVER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <jansson.h>
#include <sys/types.h>

struct driver {
    int fd; /* the engine's end of the socket */
    int log_fd; /* the process's stderr */
    pid_t pid;
    int64_t now; /* `t` of the last event */
    int idle; /* how often "idle" was heard: driver_hear passes over it */
    char *heard; /* the last message; "" at end-of-file */
    char *at; /* its `at` */
    char *trace; /* its trace */
};

/* What every test file begins with: rds has get (read), create (create) and remove (guarded); k8s has restart (set). */
#define HEAD "local rds, k8s = cairn.plugin 'rds', cairn.plugin 'k8s'\n"
#define RUN(body) HEAD "return cairn.workflow { summary = 'test', run = function(p)\n" body "\nend }"
#define IT(title, function) { title, function, NULL, NULL, NULL }

/* A whole conversation with a fresh process, from load to its end, after which nothing more may be heard. */
#define driver_talk(lua, talk) driver_talk_at(lua, talk, __FILE__, __LINE__)
void driver_talk_at(const char *lua, const char *talk, const char *file, int line);

/* The parts, for what is more than a talk. */
void driver_open(struct driver *d);
void driver_load(struct driver *d, const char *lua, int open);
void driver_start(struct driver *d, json_t *owned_history);
void driver_say(struct driver *d, json_t *owned_message);
const char *driver_hear(struct driver *d);
int driver_close(struct driver *d, char **log); /* the exit status, or -N for signal N; *log, if wanted, is freed by the caller */

#endif
