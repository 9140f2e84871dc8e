/*
 * script-driver.c: play the engine to a cairn-script; used by the script-*.c tests.
 * SPDX-License-Identifier: MIT
 */
#include "script-driver.h"

#include "common/alloc.h"
#include "common/frame.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000 /* a test that hangs fails by this; nothing that works comes near it */

static char *
with_double_quotes(const char *text)
{
    char *copy = alloc_str(text);

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

static json_t *
parse(const char *text)
{
    char *copy = with_double_quotes(text);
    json_error_t why;
    json_t *value = json_loads(copy, JSON_DECODE_ANY, &why);

    if (!value)
        fail_msg("%s: %s", text, why.text);
    free(copy);
    return value;
}

static void
exec_host(int fd, int log_fd)
{
    const char *folder = getenv("CAIRN_BUILD");
    char *path = alloc_printf("%s/cairn-script", folder ? folder : ".");

    dup2(log_fd, STDERR_FILENO);
    if (fd != FRAME_FD)
        dup2(fd, FRAME_FD);
    execl(path, "cairn-script", (char *)NULL);
    _exit(127);
}

static void
start_process(struct driver *d)
{
    int fds[2], log[2];

    memset(d, 0, sizeof(*d));
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(pipe(log), 0);
    d->pid = fork();
    assert_true(d->pid >= 0);
    if (d->pid == 0)
        exec_host(fds[1], log[1]);
    close(fds[1]);
    close(log[1]);
    d->fd = fds[0];
    d->log_fd = log[0];
}

static void
say(struct driver *d, json_t *owned_message)
{
    struct cairn_error err = { 0 };

    frame_write(d->fd, owned_message, &err); /* the other side may have ended: then hearing tells */
    json_decref(owned_message);
}

void
driver_say(struct driver *d, const char *text)
{
    say(d, parse(text));
}

void
driver_begin(struct driver *d, const char *lua)
{
    json_t *plugins = parse("{'rds':{'get':'read','create':'create','remove':'guarded'},'k8s':{'restart':'set'}}");

    start_process(d);
    say(d, json_pack("{s:s, s:s, s:s, s:{}, s:b, s:o}", "op", "load", "name", "w.lua", "text", lua, "modules", "open", 1,
                     "plugins", plugins));
}

void
driver_start(struct driver *d, const char *lua, const char *params, const char *history)
{
    driver_begin(d, lua);
    if (strncmp(driver_hear(d), "{'modules'", 10) != 0)
        fail_msg("not loaded: %s", d->heard);
    say(d, json_pack("{s:s, s:s, s:o, s:s, s:i, s:o}", "op", "start", "run", "r1", "params", parse(params), "seed", "c0ffee",
                     "now", 1000, "history", parse(history)));
}

static char *
take_text(json_t *message, const char *name)
{
    const char *text = json_string_value(json_object_get(message, name));
    char *copy = text ? alloc_str(text) : NULL;

    if (text)
        json_object_del(message, name);
    return copy;
}

const char *
driver_hear(struct driver *d)
{
    struct pollfd ready = { d->fd, POLLIN, 0 };
    struct cairn_error err = { 0 };
    json_t *message = NULL;

    free(d->heard);
    free(d->at);
    free(d->trace);
    d->at = d->trace = NULL;
    if (poll(&ready, 1, PATIENCE_MS) != 1) {
        kill(d->pid, SIGKILL);
        fail_msg("nothing heard for %d ms", PATIENCE_MS);
    }
    if (frame_read(d->fd, &message, &err) < 0 || !message) {
        d->heard = alloc_str("");
        return d->heard;
    }
    d->at = take_text(message, "at");
    d->trace = take_text(message, "trace");
    if (json_array_size(json_object_get(message, "stage")) == 0)
        json_object_del(message, "stage");
    d->heard = json_dumps(message, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(message);
    for (char *c = d->heard; *c; c++)
        if (*c == '"')
            *c = '\'';
    return d->heard;
}

void
driver_expect_at(struct driver *d, const char *text, const char *file, int line)
{
    driver_hear(d);
    if (strcmp(d->heard, text) != 0) {
        print_error("wanted: %s\nheard:  %s\n", text, d->heard);
        kill(d->pid, SIGKILL);
        _fail(file, line);
    }
}

static char *
read_all(int fd)
{
    size_t len = 0;
    char *text = alloc_zero(65536, 1);
    ssize_t n;

    while (len < 65535 && (n = read(fd, text + len, 65535 - len)) > 0)
        len += (size_t)n;
    close(fd);
    return text;
}

int
driver_end(struct driver *d)
{
    int status;

    shutdown(d->fd, SHUT_WR);
    while (*driver_hear(d)) {
    }
    d->log = read_all(d->log_fd);
    waitpid(d->pid, &status, 0);
    close(d->fd);
    free(d->heard);
    free(d->at);
    free(d->trace);
    free(d->log);
    d->heard = d->at = d->trace = d->log = NULL;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
