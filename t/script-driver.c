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

static void
swap_quotes(char *text, char from, char to)
{
    for (char *c = text; *c; c++)
        if (*c == from)
            *c = to;
}

static json_t *
parse(const char *text)
{
    char *copy = alloc_str(text);
    json_error_t why;
    json_t *value;

    swap_quotes(copy, '\'', '"');
    value = json_loads(copy, JSON_DECODE_ANY, &why);
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
    dup2(fd, FRAME_FD);
    execl(path, "cairn-script", (char *)NULL);
    _exit(127);
}

void
driver_open(struct driver *d)
{
    int fds[2], log[2];

    memset(d, 0, sizeof(*d));
    d->now = 1000;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
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

void
driver_say(struct driver *d, json_t *owned_message)
{
    struct cairn_error err = { 0 };

    assert_non_null(owned_message);
    frame_write(d->fd, owned_message, &err); /* the other side may have ended: then hearing tells */
    json_decref(owned_message);
}

void
driver_load(struct driver *d, const char *lua, int open)
{
    json_t *plugins = parse("{'rds':{'get':'read','create':'create','remove':'guarded'},'k8s':{'restart':'set'}}");

    driver_say(d, json_pack("{s:s, s:s, s:s, s:{}, s:b, s:o}", "op", "load", "name", "w.lua", "text", lua, "modules",
                            "open", open, "plugins", plugins));
}

void
driver_start(struct driver *d, json_t *owned_history)
{
    driver_say(d, json_pack("{s:s, s:s, s:o, s:s, s:i, s:o}", "op", "start", "run", "r1", "params", parse("{'id':'prod'}"),
                            "seed", "c0ffee", "now", 1000, "history", owned_history));
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

/* "OP ID PLUGIN.ACTION MEMBERS" */
static char *
describe(json_t *message)
{
    char *op = take_text(message, "op");
    char *id = take_text(message, "id");
    char *plugin = take_text(message, "plugin");
    char *action = take_text(message, "action");
    char *members, *text;

    if (json_array_size(json_object_get(message, "stage")) == 0)
        json_object_del(message, "stage");
    members = json_dumps(message, JSON_COMPACT | JSON_SORT_KEYS);
    text = alloc_printf("%s%s%s%s%s%s%s%s%s", op, id ? " " : "", id ? id : "", plugin ? " " : "", plugin ? plugin : "",
                        plugin ? "." : "", plugin ? action : "", json_object_size(message) ? " " : "",
                        json_object_size(message) ? members : "");
    swap_quotes(text, '"', '\'');
    free(op);
    free(id);
    free(plugin);
    free(action);
    free(members);
    return text;
}

static void
forget(struct driver *d)
{
    free(d->heard);
    free(d->at);
    free(d->trace);
    d->heard = d->at = d->trace = NULL;
}

static void
hear_any(struct driver *d)
{
    struct pollfd ready = { d->fd, POLLIN, 0 };
    struct cairn_error err = { 0 };
    json_t *message = NULL;

    forget(d);
    if (poll(&ready, 1, PATIENCE_MS) != 1) {
        kill(d->pid, SIGKILL);
        fail_msg("nothing heard for %d ms", PATIENCE_MS);
    }
    if (frame_read(d->fd, &message, &err) < 0 || !message) {
        d->heard = alloc_str("");
        return;
    }
    d->at = take_text(message, "at");
    d->trace = take_text(message, "trace");
    d->heard = describe(message);
    json_decref(message);
}

const char *
driver_hear(struct driver *d)
{
    for (hear_any(d); strcmp(d->heard, "idle") == 0; hear_any(d))
        d->idle++;
    return d->heard;
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
driver_close(struct driver *d, char **log)
{
    int status;
    char *text;

    shutdown(d->fd, SHUT_WR);
    while (*driver_hear(d)) {
    }
    forget(d);
    text = read_all(d->log_fd);
    waitpid(d->pid, &status, 0);
    close(d->fd);
    if (log)
        *log = text;
    else
        free(text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- talks ---- */

/* The next word of *text, which moves behind it; a new string. */
static json_t *
word(const char **text)
{
    size_t len = strcspn(*text, " ");
    json_t *copy = json_stringn(*text, len);

    *text += len + ((*text)[len] == ' ');
    return copy;
}

static json_t *
event(struct driver *d, const char *text)
{
    json_t *first = word(&text);
    const char *op = json_string_value(first);
    json_t *message = json_object();
    int with_n = strncmp(op, "re", 2) == 0; /* retry, read, readfail */
    int fails = strstr(op, "fail") != NULL;

    if (*text) {
        json_object_set_new(message, "id", word(&text));
        if (with_n) {
            json_object_set_new(message, "n", json_integer(atoi(text)));
            json_decref(word(&text));
        }
    }
    if (*text && strcmp(op, "retry") == 0)
        json_object_set_new(message, "failed", word(&text));
    if (fails) {
        json_t *kind = word(&text);

        json_object_set_new(message, "error", json_pack("{s:o, s:s}", "kind", kind, "text", text));
    } else if (strcmp(op, "ok") == 0 || strcmp(op, "read") == 0) {
        json_object_set_new(message, "value", parse(text));
    }
    if (fails || strcmp(op, "ok") == 0 || strcmp(op, "read") == 0)
        json_object_set_new(message, "ok", json_boolean(!fails));
    if (strcmp(op, "ok") == 0 || strcmp(op, "fail") == 0)
        json_object_set_new(message, "op", json_string("outcome"));
    else
        json_object_set_new(message, "op", json_string(strcmp(op, "readfail") == 0 ? "read" : op));
    if (strcmp(op, "poll") != 0 && strncmp(op, "read", 4) != 0)
        json_object_set_new(message, "t", json_integer(++d->now));
    json_decref(first);
    return message;
}

static json_t *
take_history(struct driver *d, const char **talk)
{
    json_t *history = json_array();

    while (**talk == '=') {
        size_t len = strcspn(*talk, "\n");
        char *line = alloc_strn(*talk, len);

        json_array_append_new(history, event(d, line + 2));
        free(line);
        *talk += len + ((*talk)[len] == '\n');
    }
    return history;
}

static void
line_of_talk(struct driver *d, const char *text, const char *file, int line)
{
    if (text[0] == '>') {
        driver_say(d, event(d, text + 2));
        return;
    }
    driver_hear(d);
    if (strcmp(d->heard, text + 2) != 0) {
        print_error("wanted: %s\nheard:  %s\n", text + 2, d->heard);
        kill(d->pid, SIGKILL);
        _fail(file, line);
    }
}

void
driver_talk_at(const char *lua, const char *talk, const char *file, int line)
{
    struct driver d;
    char *log;
    int said = 0;

    driver_open(&d);
    driver_load(&d, lua, 0);
    if (strncmp(driver_hear(&d), "loaded", 6) != 0)
        line_of_talk(&d, "< loaded", file, line);
    driver_start(&d, take_history(&d, &talk));
    while (*talk) {
        size_t len = strcspn(talk, "\n");
        char *text = alloc_strn(talk, len);

        said += text[0] == '>';
        line_of_talk(&d, text, file, line);
        free(text);
        talk += len + (talk[len] == '\n');
    }
    shutdown(d.fd, SHUT_WR);
    line_of_talk(&d, "< ", file, line);
    if (driver_close(&d, &log) != 0) {
        print_error("the script host didn't end well: %s\n", log);
        _fail(file, line);
    }
    free(log);
    if (d.idle != said)
        fail_msg("%d events were sent, and it was idle %d times", said, d.idle);
}
