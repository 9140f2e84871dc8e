/*
 * process.c: a child process with a channel of messages; used for script hosts and workers.
 * SPDX-License-Identifier: MIT
 */
#include "engine/process.h"

#include "common/alloc.h"
#include "common/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

struct process {
    uv_process_t handle;
    uv_pipe_t channel; /* messages, both ways */
    uv_pipe_t output;  /* the child's stdout and stderr */
    struct process_events events;
    struct frame_buffer in;    /* bytes of the channel that aren't a whole message yet */
    char line[LINE_MAX_BYTES]; /* output that isn't a whole line yet */
    size_t line_len;
    int open;                 /* of the three handles, how many are not closed */
    int exited, channel_over; /* what has come to its end */
    int forgotten, told;      /* no callbacks any more; `ended` was called */
    int64_t status;
    int signal;
    struct cairn_error err; /* why the channel was given up */
};

struct sending {
    uv_write_t request;
    char *bytes;
};

char *
process_helper(const char *name)
{
    const char *folder = getenv("CAIRN_LIBEXEC");

    return alloc_printf("%s/%s", folder ? folder : HELPER_DIR, name);
}

static void
on_closed(uv_handle_t *handle)
{
    struct process *p = handle->data;

    if (--p->open == 0) {
        frame_release(&p->in);
        free(p);
    }
}

static void
close_all(struct process *p)
{
    uv_handle_t *handles[3] = { (uv_handle_t *)&p->handle, (uv_handle_t *)&p->channel, (uv_handle_t *)&p->output };

    for (size_t i = 0; i < 3; i++)
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], on_closed);
}

/* Tell once that the child has ended, when nothing more can come from it. */
static void
settle(struct process *p)
{
    if (p->told || !p->exited || !p->channel_over)
        return;
    p->told = 1;
    if (!p->forgotten && p->events.ended)
        p->events.ended(p->events.data, p->status, p->signal, &p->err);
    close_all(p);
}

static void
give_line(struct process *p)
{
    p->line[p->line_len] = '\0';
    if (p->line_len && !p->forgotten && p->events.line)
        p->events.line(p->events.data, p->line);
    p->line_len = 0;
}

static void
allocate(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    (void)handle;
    buffer->base = alloc_zero(size, 1);
    buffer->len = size;
}

static void
take_output(struct process *p, const char *bytes, ssize_t len)
{
    for (ssize_t i = 0; i < len; i++) {
        if (bytes[i] != '\n')
            p->line[p->line_len++] = bytes[i];
        if (bytes[i] == '\n' || p->line_len == sizeof(p->line) - 1)
            give_line(p);
    }
}

static void
on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct process *p = stream->data;

    take_output(p, buffer->base, n);
    free(buffer->base);
    if (n < 0) {
        give_line(p);
        uv_read_stop(stream);
    }
}

/* What the child wrote last; a grandchild may hold the pipe open, so its end isn't waited for. */
static void
drain_output(struct process *p)
{
    char bytes[LINE_MAX_BYTES];
    uv_os_fd_t fd;
    ssize_t n;

    if (uv_fileno((uv_handle_t *)&p->output, &fd) < 0)
        return;
    while ((n = read(fd, bytes, sizeof(bytes))) > 0)
        take_output(p, bytes, n);
    give_line(p);
}

static void
take_messages(struct process *p)
{
    json_t *message = NULL;
    int rc = 0;

    while (!p->forgotten && (rc = frame_take(&p->in, &message, &p->err)) > 0) {
        p->events.message(p->events.data, message);
        json_decref(message);
    }
    if (rc < 0)
        process_kill(p);
}

static void
on_channel(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct process *p = stream->data;

    if (n > 0 && p->err.kind == CAIRN_ERR_NONE) {
        frame_feed(&p->in, buffer->base, (size_t)n);
        take_messages(p);
    }
    free(buffer->base);
    if (n < 0) {
        uv_read_stop(stream);
        p->channel_over = 1;
        process_kill(p); /* a child that has closed its channel has nothing left to do */
        settle(p);
    }
}

static void
on_exited(uv_process_t *handle, int64_t status, int sig)
{
    struct process *p = handle->data;

    p->exited = 1;
    p->status = status;
    p->signal = sig;
    drain_output(p);
    settle(p);
}

/* NAME=VALUE of those variables of ours that a child may have; freed with its strings by the caller. */
static char **
child_environment(void)
{
    static const char *const names[] = {
        "PATH",         "HOME",   "USER",        "LANG",           "LC_ALL",          "LC_CTYPE",
        "TZ",           "TMPDIR", "CAIRN_CLOCK", "CAIRN_CRASH_AT", "CAIRN_CRASH_LOG", "ASAN_OPTIONS",
        "UBSAN_OPTIONS"
    };
    size_t count = sizeof(names) / sizeof(names[0]);
    char **env = alloc_zero(count + 1, sizeof(*env));
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);

        if (value)
            env[n++] = alloc_printf("%s=%s", names[i], value);
    }
    return env;
}

int
process_start(struct process **out, uv_loop_t *loop, const char *program, const char *argument,
              const struct process_events *events, struct cairn_error *err)
{
    struct process *p = alloc_zero(1, sizeof(*p));
    char *args[3] = { (char *)(uintptr_t)program, (char *)(uintptr_t)argument, NULL };
    uv_stdio_container_t stdio[4] = { 0 };
    uv_process_options_t options = { 0 };
    char **env;
    int ends[2];
    int rc;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        free(p);
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "start %s: %s", program, strerror(errno));
    }
    env = child_environment();
    p->events = *events;
    uv_pipe_init(loop, &p->channel, 0);
    uv_pipe_init(loop, &p->output, 0);
    p->handle.data = p->channel.data = p->output.data = p;
    p->open = 3;
    stdio[0].flags = UV_IGNORE;
    stdio[1].flags = stdio[2].flags = UV_INHERIT_FD;
    stdio[1].data.fd = stdio[2].data.fd = ends[1];
    stdio[3].flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE;
    stdio[3].data.stream = (uv_stream_t *)&p->channel;
    options.file = program;
    options.args = args;
    options.env = env;
    options.stdio = stdio;
    options.stdio_count = 4;
    options.exit_cb = on_exited;
    options.flags = UV_PROCESS_DETACHED; /* a Ctrl-C on the terminal is the engine's to deal with */
    rc = uv_spawn(loop, &p->handle, &options);
    for (char **e = env; *e; e++)
        free(*e);
    free(env);
    close(ends[1]);
    uv_pipe_open(&p->output, ends[0]);
    if (rc < 0) {
        p->forgotten = p->told = 1;
        close_all(p);
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "start %s: %s", program, uv_strerror(rc));
    }
    uv_read_start((uv_stream_t *)&p->channel, allocate, on_channel);
    uv_read_start((uv_stream_t *)&p->output, allocate, on_output);
    *out = p;
    return 0;
}

static void
on_written(uv_write_t *request, int status)
{
    struct sending *s = (struct sending *)request;

    (void)status; /* a broken channel ends the child, and that is told */
    free(s->bytes);
    free(s);
}

void
process_send(struct process *p, const json_t *message)
{
    struct sending *s;
    uv_buf_t buffer;
    size_t len = 0;

    if (p->told || p->channel_over || uv_is_closing((uv_handle_t *)&p->channel))
        return;
    s = alloc_zero(1, sizeof(*s));
    if (frame_pack(message, &s->bytes, &len, &p->err) < 0) {
        free(s);
        process_kill(p);
        return;
    }
    buffer = uv_buf_init(s->bytes, (unsigned int)len);
    if (uv_write(&s->request, (uv_stream_t *)&p->channel, &buffer, 1, on_written) < 0)
        on_written(&s->request, -1);
}

void
process_kill(struct process *p)
{
    if (!p->exited)
        uv_process_kill(&p->handle, SIGKILL);
}

void
process_forget(struct process *p)
{
    if (!p || p->forgotten)
        return;
    p->forgotten = 1;
    process_kill(p);
}

int
process_pid(const struct process *p)
{
    return p->handle.pid;
}
