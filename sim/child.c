/*
 * child.c: programs that the simulator's keeper starts, waits for, and takes along when it ends.
 * SPDX-License-Identifier: MIT
 */
#include "child.h"

#include "common/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT 262144   /* bytes of what a program said */
#define GRACE_MS 8000 /* to end in, before it is killed */

struct child {
    struct child *next;
    json_int_t id;
    pid_t pid;
    int stop; /* the signal that ends it */
    int out, err; /* files */
};

struct children {
    const char *folder;
    struct child *list;
};

static const struct {
    const char *name;
    int number;
} signals[] = { { "HUP", SIGHUP },   { "INT", SIGINT },   { "QUIT", SIGQUIT },
                { "TERM", SIGTERM }, { "KILL", SIGKILL }, { "USR1", SIGUSR1 } };

static int
signal_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof(signals) / sizeof(signals[0]); i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    return SIGKILL;
}

struct children *
children_new(const char *folder)
{
    struct children *all = alloc_zero(1, sizeof(*all));

    all->folder = folder;
    return all;
}

/* A file without a name, at its beginning when it holds `text`. */
static int
nameless(const char *folder, const char *text)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    size_t len = text ? strlen(text) : 0;

    if (fd >= 0 && (write(fd, text ? text : "", len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Between fork and exec; never returns. */
static void
become(const char *folder, const json_t *message, int stop, int in, int out, int err, pid_t parent)
{
    const json_t *argv = json_object_get(message, "argv");
    char **arguments = alloc_zero(json_array_size(argv) + 1, sizeof(*arguments));
    const char *name;
    const json_t *value;
    sigset_t none;
    size_t i;

    json_array_foreach(argv, i, value)
        arguments[i] = (char *)(uintptr_t)json_string_value(value);
    if (prctl(PR_SET_PDEATHSIG, stop) < 0 || getppid() != parent || setsid() < 0 || chdir(folder) < 0
        || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
        _exit(127);
    json_object_foreach((json_t *)(uintptr_t)json_object_get(message, "env"), name, value)
        setenv(name, json_string_value(value), 1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        if (signals[i].number != SIGKILL)
            signal(signals[i].number, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    execvp(arguments[0], arguments);
    dprintf(STDERR_FILENO, "start %s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

int
children_start(struct children *all, const json_t *message, struct cairn_error *err)
{
    const char *program = json_string_value(json_array_get(json_object_get(message, "argv"), 0));
    int stop = signal_of(json_string_value(json_object_get(message, "stop")));
    int in = nameless(all->folder, json_string_value(json_object_get(message, "stdin")));
    int out = nameless(all->folder, NULL);
    int errors = nameless(all->folder, NULL);
    pid_t parent = getpid();
    pid_t pid = in < 0 || out < 0 || errors < 0 ? -1 : fork();
    struct child *c;

    if (pid == 0)
        become(all->folder, message, stop, in, out, errors, parent);
    if (pid < 0) {
        cairn_fail(err, CAIRN_ERR_FAILED, "start %s: %s", program ? program : "nothing", strerror(errno));
        close(out);
        close(errors);
    } else {
        c = alloc_zero(1, sizeof(*c));
        *c = (struct child){ .next = all->list, .id = json_integer_value(json_object_get(message, "id")), .pid = pid,
                             .stop = stop, .out = out, .err = errors };
        all->list = c;
    }
    close(in);
    return pid < 0 ? -1 : 0;
}

void
children_signal(struct children *all, json_int_t id, const char *signal)
{
    for (struct child *c = all->list; c; c = c->next)
        if (c->id == id)
            kill(c->pid, signal_of(signal));
}

/* What a file holds, its end if that is too much; what isn't UTF-8 becomes `?`. */
static json_t *
said(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    off_t from = size > KEPT ? size - KEPT : 0;
    char *text = alloc_zero(KEPT + 1, 1);
    ssize_t n = pread(fd, text, KEPT, from);
    json_t *json = json_stringn(text, n > 0 ? (size_t)n : 0);

    for (ssize_t i = 0; !json && i < n; i++)
        if (text[i] & 0x80)
            text[i] = '?';
    if (!json)
        json = json_stringn(text, n > 0 ? (size_t)n : 0);
    free(text);
    return json;
}

static json_t *
report(struct child *c, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    json_t *message = json_pack("{s:s, s:I, s:i, s:o, s:o}", "op", "ended", "id", c->id, "status", code, "out",
                                said(c->out), "err", said(c->err));

    close(c->out);
    close(c->err);
    free(c);
    return message;
}

static struct child *
take(struct children *all, pid_t pid)
{
    for (struct child **at = &all->list; *at; at = &(*at)->next) {
        struct child *c = *at;

        if (c->pid == pid) {
            *at = c->next;
            return c;
        }
    }
    return NULL;
}

json_t *
children_ended(struct children *all)
{
    struct child *c;
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if ((c = take(all, pid)))
            return report(c, status);
    return NULL;
}

static const struct child *
find(const struct children *all, pid_t pid)
{
    for (const struct child *c = all->list; c; c = c->next)
        if (c->pid == pid)
            return c;
    return NULL;
}

/* Programs that ended ones had started, a server of pg_upgrade for example: children of this process by now. */
static void
signal_orphans(const struct children *all, int number)
{
    char *path = alloc_printf("/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    int pid;

    while (file && fscanf(file, "%d", &pid) == 1)
        if (!find(all, pid))
            kill(pid, number);
    if (file)
        fclose(file);
    free(path);
}

/* Is there a child yet, of this list or an orphan? */
static int
any_left(struct children *all)
{
    siginfo_t info;
    json_t *message;

    while ((message = children_ended(all)))
        json_decref(message);
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* A server that is killed leaves its segment of shared memory on the host: orphans, too, are asked first. */
void
children_end(struct children *all)
{
    int waited = 0;

    for (struct child *c = all->list; c; c = c->next)
        kill(c->pid, c->stop);
    for (; any_left(all) && waited < GRACE_MS; waited += 10) {
        signal_orphans(all, SIGINT);
        poll(NULL, 0, 10);
    }
    for (; any_left(all) && waited < 2 * GRACE_MS; waited += 10) {
        for (struct child *c = all->list; c; c = c->next)
            kill(-c->pid, SIGKILL);
        signal_orphans(all, SIGKILL);
        poll(NULL, 0, 10);
    }
}
