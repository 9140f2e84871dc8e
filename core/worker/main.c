/*
 * main.c: cairn-worker, the process in which one plugin executes; started by the engine with its socket as
 * descriptor 3.
 * SPDX-License-Identifier: MIT
 *
 * load the plugin -> hello -> configure -> calls, one at a time -> end-of-file. doc/PROTOCOL.md has the messages.
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/crash.h"
#include "common/error.h"
#include "common/frame.h"
#include "worker/call.h"
#include "worker/channel.h"
#include "worker/describe.h"
#include "worker/http.h"
#include "worker/loader.h"
#include "worker/value.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void
ignore(int signal_number)
{
    (void)signal_number;
}

/* The terminal's signals are the engine's affair. A function, not SIG_IGN, so that programs started by a plugin don't
 * inherit it. */
static void
ignore_signals(void)
{
    static const int which[] = { SIGINT, SIGHUP, SIGPIPE };
    struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };

    for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++)
        sigaction(which[i], &action, NULL);
}

/* Secrets live in this process: no core file, no reading of its memory by others, no life without the engine. */
static int
close_doors(void)
{
    struct rlimit none = { 0, 0 };

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        return -1;
#if !SANITIZED /* its leak check reads the process from outside */
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return -1;
#endif
    return fcntl(FRAME_FD, F_SETFD, FD_CLOEXEC);
}

static int
refuse(const struct cairn_error *why)
{
    struct cairn_error err = { 0 };
    json_t *message = value_json(cairn_map());

    json_object_set_new(message, "op", json_string("refused"));
    json_object_set_new(message, "error", error_to_json(why));
    channel_send(message, &err);
    return 1;
}

static int
greet(const struct cairn_plugin *plugin, struct cairn_error *err)
{
    json_t *message = value_json(cairn_map());

    json_object_set_new(message, "op", json_string("hello"));
    json_object_set_new(message, "plugin", describe_plugin(plugin));
    return channel_send(message, err);
}

/* A reply that is too long for a message: the effect has happened, and its result can't be told. */
static int
reply(json_t *owned_answer, const json_t *message, struct cairn_error *err)
{
    struct cairn_error too_long = { 0 };
    json_t *instead;

    crash_point("worker.replying");
    if (channel_send(owned_answer, &too_long) == 0) {
        crash_point("worker.replied");
        return 0;
    }
    if (too_long.kind != CAIRN_ERR_INVALID) {
        *err = too_long;
        return -1;
    }
    too_long.kind = CAIRN_ERR_INTERNAL;
    instead = value_json(cairn_map());
    json_object_set_new(instead, "op", json_string("reply"));
    json_object_set(instead, "id", json_object_get(message, "id"));
    json_object_set_new(instead, "ok", json_false());
    json_object_set_new(instead, "error", error_to_json(&too_long));
    return channel_send(instead, err);
}

static int
take(struct cairn_call *call, const json_t *message, struct cairn_error *err)
{
    const char *op = json_string_value(json_object_get(message, "op"));

    if (op && strcmp(op, "call") == 0)
        return reply(call_serve(call, message), message, err);
    if (op && strcmp(op, "configure") == 0)
        return channel_send(call_configure(call, message), err);
    if (op && strcmp(op, "cancel") == 0)
        return 0; /* it came after the reply */
    return cairn_fail(err, CAIRN_ERR_INTERNAL, "read message: unknown op %s", op ? op : "(none)");
}

static int
serve(const struct cairn_plugin *plugin, struct cairn_error *err)
{
    struct cairn_call call = { .plugin = plugin, .token = "", .run = "", .step = "" };
    json_t *message = NULL;
    int rc;

    crash_point("worker.loaded");
    rc = greet(plugin, err);
    while (rc == 0 && (rc = channel_read(&message, err)) == 0 && message) {
        rc = take(&call, message, err);
        json_decref(message);
    }
    json_decref(call.config);
    json_decref(call.env);
    return rc;
}

int
main(int argc, char **argv)
{
    const struct cairn_plugin *plugin;
    struct cairn_error err = { 0 };

    if (argc != 2) {
        fprintf(stderr, "usage: cairn-worker FILE.so, with the engine's socket as descriptor %d\n", FRAME_FD);
        return 2;
    }
    alloc_for_json();
    ignore_signals();
    if (close_doors() < 0 || clock_init(getenv("CAIRN_CLOCK")) < 0) {
        fprintf(stderr, "cairn-worker: can't start: descriptor %d is not open, or CAIRN_CLOCK is not a clock\n",
                FRAME_FD);
        return 2;
    }
    crash_init();
    plugin = loader_open(argv[1], &err);
    if (!plugin)
        return refuse(&err);
    if (serve(plugin, &err) < 0) {
        fprintf(stderr, "cairn-worker: %s: %s\n", plugin->name, err.text);
        return 1;
    }
    http_release();
    return 0;
}
