/*
 * process.h: a child process with a channel of messages; used for script hosts and workers.
 * SPDX-License-Identifier: MIT
 *
 * The child has the channel as descriptor 3, /dev/null as stdin, and a pipe for stdout and stderr whose lines are
 * handed on. Its environment holds only what doc/PROTOCOL.md lists. It dies with the engine. Callbacks come from the
 * event loop; `ended` is the last of them and comes once, after all messages that the child had sent. The process is
 * signalled only while it isn't reaped, so a recycled pid is never hit.
 */
#ifndef CAIRN_PROCESS_H
#define CAIRN_PROCESS_H

#include "cairn/plugin.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

struct process;

struct process_events {
    void *data;
    void (*message)(void *data, json_t *message); /* borrowed */
    void (*line)(void *data, const char *line); /* what it wrote to stdout or stderr */
    /* err: unreadable message, or kind none */
    void (*ended)(void *data, int64_t status, int signal, const struct cairn_error *err);
};

/* `program` is a path, `argument` its only argument or NULL. */
int process_start(struct process **out, uv_loop_t *loop, const char *program, const char *argument,
                  const struct process_events *events, struct cairn_error *err);
void process_send(struct process *process, const json_t *message); /* what can't be sent shows as `ended` */
void process_kill(struct process *process); /* SIGKILL; `ended` follows */
void process_forget(struct process *process); /* kill, and no more callbacks; takes NULL */
int process_pid(const struct process *process);

char *process_helper(const char *name); /* path of cairn-script or cairn-worker; freed with free() */

#endif
