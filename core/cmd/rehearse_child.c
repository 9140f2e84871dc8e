/*
 * rehearse_child.c: a process of a rehearsal that dies with it; used by the trials.
 * SPDX-License-Identifier: MIT
 *
 * libuv's own processes outlive a parent that is killed; these don't. Each is a session of its own, so that a Ctrl-C on
 * the terminal reaches the rehearsal alone, and is watched and signalled by its pidfd, so that no recycled pid is hit.
 */
#include "cmd/rehearse.h"
#include "common/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    uv_poll_t poll; /* of the pidfd */
    int fd;
    void (*ended)(void *data, int status);
    void *data;
};

/* Borrowed texts, ended by NULL; freed with free(). */
static char **
texts(const json_t *list)
{
    char **out = alloc_zero(json_array_size(list) + 1, sizeof(*out));
    size_t i;
    json_t *text;

    json_array_foreach(list, i, text)
        out[i] = (char *)(uintptr_t)json_string_value(text);
    return out;
}

/* Between fork and exec; never returns. */
static void
become(char *const *argv, char *const *env, int out, int err, pid_t parent)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGPIPE, SIGHUP };
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t none;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || setsid() < 0 || dup2(nothing, STDIN_FILENO) < 0
        || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
        _exit(127);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        signal(numbers[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(argv[0], argv, env);
    _exit(127);
}

static void
on_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;

    close(child->fd);
    free(child);
}

static void
on_exited(uv_poll_t *poll, int status, int events)
{
    struct child *child = poll->data;
    siginfo_t info = { 0 };

    (void)status;
    (void)events;
    if (waitid(P_PIDFD, (id_t)child->fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    uv_close((uv_handle_t *)poll, on_closed);
    child->ended(child->data, info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
}

int
child_start(struct child **out, uv_loop_t *loop, const json_t *argv, const json_t *env, const char *output, int shown,
            void (*ended)(void *data, int status), void *data, struct cairn_error *err)
{
    int fd = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    char **arguments = texts(argv);
    char **variables = texts(env);
    pid_t parent = getpid();
    struct child *child;
    pid_t pid = fd < 0 ? -1 : fork();
    int rc = -1;

    if (pid == 0)
        become(arguments, variables, fd, shown ? STDERR_FILENO : fd, parent);
    if (pid < 0) {
        cairn_fail(err, CAIRN_ERR_FAILED, "start %s, with its output in %s: %s", arguments[0], output, strerror(errno));
        goto out;
    }
    child = alloc_zero(1, sizeof(*child));
    child->fd = (int)syscall(SYS_pidfd_open, pid, 0);
    child->ended = ended;
    child->data = data;
    child->poll.data = child;
    if (child->fd < 0 || uv_poll_init(loop, &child->poll, child->fd) < 0) {
        cairn_fail(err, CAIRN_ERR_FAILED, "watch %s: %s", arguments[0], strerror(errno));
        kill(pid, SIGKILL); /* not reaped yet, so it is still the same process */
        waitpid(pid, NULL, 0);
        free(child);
        goto out;
    }
    uv_poll_start(&child->poll, UV_READABLE, on_exited);
    *out = child;
    rc = 0;
out:
    if (fd >= 0)
        close(fd);
    free(arguments);
    free(variables);
    return rc;
}

void
child_signal(struct child *child, int number)
{
    if (child)
        syscall(SYS_pidfd_send_signal, child->fd, number, NULL, 0);
}
