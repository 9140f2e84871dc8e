/*
 * call-plugin.c: start a worker with one plugin, configure it, make calls, print the replies; used by tests and by
 * hand. SPDX-License-Identifier: MIT
 *
 *     call-plugin [-m run|observe|plan] [-t TOKEN] [-s STARTED_MS] [-r RUN] PLUGIN.so CONFIG_JSON ACTION ARGS_JSON
 * [ACTION ARGS_JSON]...
 *
 * Each reply is one line of JSON on stdout; lines of the log are on stderr. The variables that the plugin declares are
 * passed on from the environment. An action "-MODE:NAME" has a mode of its own; "@FILE" instead of one waits until the
 * file exists. Status: 0 when the last call succeeded, 1 when it failed, 2 when there was no answer.
 */
#include "common/alloc.h"
#include "common/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct options {
    const char *mode, *token, *run;
    long long started;
};

static void
give_up(const char *what, const char *why)
{
    fprintf(stderr, "call-plugin: %s: %s\n", what, why);
    exit(2);
}

static const char *
worker_path(void)
{
    const char *dir = getenv("CAIRN_LIBEXEC");
    static char path[4096];

    snprintf(path, sizeof(path), "%s/cairn-worker", dir ? dir : ".");
    return path;
}

/* The worker finds its end of the socket as descriptor 3. */
static int
start_worker(const char *plugin, pid_t *pid)
{
    const char *path = worker_path();
    char *const argv[] = { (char *)path, (char *)plugin, NULL };
    posix_spawn_file_actions_t actions;
    int ends[2];
    int rc;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        give_up("socketpair", strerror(errno));
    if (ends[1] == FRAME_FD) /* dup2 to itself would leave close-on-exec set */
        ends[1] = fcntl(ends[1], F_DUPFD_CLOEXEC, FRAME_FD + 1);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], FRAME_FD);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    rc = posix_spawn(pid, path, &actions, NULL, argv, environ);
    if (rc)
        give_up(path, strerror(rc));
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    return ends[0];
}

static void
send_message(int fd, json_t *owned)
{
    struct cairn_error err = { 0 };

    if (frame_write(fd, owned, &err) < 0)
        give_up("send", err.text);
    json_decref(owned);
}

/* The next message that isn't a line of the log. */
static json_t *
receive(int fd)
{
    for (;;) {
        struct cairn_error err = { 0 };
        json_t *message;
        const char *op;

        if (frame_read(fd, &message, &err) < 0)
            give_up("receive", err.text);
        if (!message)
            give_up("receive", "the worker has ended");
        op = json_string_value(json_object_get(message, "op"));
        if (op && strcmp(op, "log") != 0 && strcmp(op, "progress") != 0)
            return message;
        fprintf(stderr, "%s: %s\n", op ? op : "?", json_string_value(json_object_get(message, "text")));
        json_decref(message);
    }
}

static int
declared(const json_t *patterns, const json_t *config, const char *name, size_t len)
{
    const json_t *each;
    size_t i;

    json_array_foreach(patterns, i, each) {
        const char *pattern = json_string_value(each);
        size_t size = strlen(pattern);

        if (*pattern == '@' && declared(json_object_get(config, pattern + 1), NULL, name, len))
            return 1;
        if (size && pattern[size - 1] == '*' ? !strncmp(pattern, name, size - 1)
                                             : size == len && !strncmp(pattern, name, len))
            return 1;
    }
    return !strncmp(name, "no_proxy", len) || !strncmp(name, "NO_PROXY", len);
}

static json_t *
environment(const json_t *hello, const json_t *config)
{
    const json_t *patterns = json_object_get(json_object_get(hello, "plugin"), "env");
    json_t *env = json_object();

    for (char **at = environ; *at; at++) {
        size_t len = strcspn(*at, "=");
        char *name = alloc_strn(*at, len);

        if (declared(patterns, config, name, len))
            json_object_set_new(env, name, json_string(*at + len + 1));
        free(name);
    }
    return env;
}

static json_t *
parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);

    if (!json)
        give_up(text, error.text);
    return json;
}

static void
print(const json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT | JSON_SORT_KEYS);

    puts(text);
    fflush(stdout);
    free(text);
}

static int
succeeded(const json_t *message)
{
    return json_is_true(json_object_get(message, "ok"));
}

static int
call(int fd, const struct options *o, int id, const char *action, const char *args)
{
    const char *colon = *action == '-' ? strchr(action, ':') : NULL;
    char *mode = colon ? alloc_strn(action + 1, (size_t)(colon - action - 1)) : alloc_str(o->mode);
    json_t *reply;
    int ok;

    send_message(fd, json_pack("{s:s,s:i,s:s,s:s,s:o,s:s,s:s,s:s,s:i,s:I}", "op", "call", "id", id, "mode", mode,
                               "action", colon ? colon + 1 : action, "args", parse(args), "token", o->token, "run",
                               o->run, "step", "1", "attempt", 1, "started", (json_int_t)o->started));
    reply = receive(fd);
    print(reply);
    ok = succeeded(reply);
    json_decref(reply);
    free(mode);
    return ok;
}

static void
wait_for_file(const char *path)
{
    for (int i = 0; i < 3000 && access(path, F_OK) != 0; i++)
        usleep(10000);
}

int
main(int argc, char **argv)
{
    struct options o = { "run", "00112233445566778899aabbccddeeff", "test-run", 0 };
    json_t *hello, *config, *configured;
    pid_t pid;
    int fd, c, ok = 1;

    while ((c = getopt(argc, argv, "+m:t:s:r:")) != -1) {
        if (c == 'm')
            o.mode = optarg;
        else if (c == 't')
            o.token = optarg;
        else if (c == 's')
            o.started = atoll(optarg);
        else if (c == 'r')
            o.run = optarg;
        else
            return 2;
    }
    if (argc - optind < 2)
        give_up("usage", "call-plugin [-m MODE] [-t TOKEN] [-s MS] [-r RUN] PLUGIN.so CONFIG ACTION ARGS...");
    fd = start_worker(argv[optind], &pid);
    hello = receive(fd);
    if (json_object_get(hello, "error") || argc - optind < 3) {
        print(hello);
        return json_object_get(hello, "error") ? 1 : 0;
    }
    config = parse(argv[optind + 1]);
    send_message(fd, json_pack("{s:s,s:O,s:o}", "op", "configure", "config", config, "env",
                               environment(hello, config)));
    json_decref(config);
    configured = receive(fd);
    if (json_object_get(configured, "error")) {
        print(configured);
        return 1;
    }
    for (int i = optind + 2, id = 1; i < argc; i++, id++) {
        if (argv[i][0] == '@') {
            wait_for_file(argv[i] + 1);
        } else if (i + 1 < argc) {
            ok = call(fd, &o, id, argv[i], argv[i + 1]);
            i++;
        }
    }
    close(fd);
    waitpid(pid, NULL, 0);
    json_decref(hello);
    json_decref(configured);
    return ok ? 0 : 1;
}
