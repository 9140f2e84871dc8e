/*
 * workerlib.h: start a worker, speak to it, and build plugins; used by the worker's tests.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_WORKERLIB_H
#define CAIRN_WORKERLIB_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sys/types.h>

#define TOKEN "00112233445566778899aabbccddeeff"

struct worker {
    pid_t pid;
    int fd; /* the engine's end */
    json_t *said; /* log and progress messages since the last call */
    int status; /* of waitpid, once it has ended */
};

extern uid_t worker_uid; /* whom a worker that is started belongs to; 0: the one who tests */

/* `variables` are "NAME=value", ended by NULL; may be NULL. Whatever goes wrong here fails the test. */
void worker_start(struct worker *w, const char *plugin, const char *const *variables);
void worker_send(struct worker *w, json_t *owned);
json_t *worker_receive(struct worker *w); /* NULL at end-of-file */
int worker_end(struct worker *w); /* closes the socket and waits; the status of waitpid */
int worker_wait(struct worker *w); /* waits for a death of its own */

/* hello, then `config` and `env` (owned, may be NULL); gives the answer to configure. */
json_t *worker_configure(struct worker *w, json_t *config, json_t *env);
json_t *worker_call_json(const char *mode, const char *action, json_t *args); /* the message */
json_t *worker_call(struct worker *w, const char *mode, const char *action, json_t *args); /* and its reply */

/* "ok", or the error's kind; for observe what was seen. Frees the reply. */
const char *outcome(json_t *owned_reply);
const char *error_text(const json_t *reply); /* borrowed */

/* A folder of this test's own; removed when the program ends. */
const char *scratch(void);
char *scratch_file(const char *name); /* freed with free() */
char *read_text(const char *path); /* freed with free(); "" when there is none */

/* cc -shared -fPIC -fvisibility=hidden -o OUT SOURCE MORE...; gives OUT, which lies in scratch(); freed with free(). */
char *copy_program(const char *path, const char *name); /* into scratch(), executable by all; freed with free() */
char *build_plugin(const char *source, const char *name, ...) __attribute__((sentinel));
int run_program(const char *const *argv,
                const char *output); /* the exit status; stdout and stderr to the file, or as they are */

#define PROBE BUILD_DIR "/t/plugins/.libs/probe.so"
#define WEB BUILD_DIR "/t/plugins/.libs/web.so"

#endif
