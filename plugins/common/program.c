/*
 * program.c: run a program without a shell and take what it answers; used by plugins that get credentials from one.
 * SPDX-License-Identifier: MIT
 */
#include "program.h"

#include "common/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ANSWER (1024u * 1024)

extern char **environ;

/* A program that is running. */
struct child {
    pid_t pid;
    int pidfd; /* readable when it has ended; -1 where there is no such thing: the end of its output counts */
    int out; /* its stdout */
};

static int64_t
monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- its environment ---- */

/* Append `assignment`, or put it in the place of the same variable. */
static void
put_env(char **env, size_t *count, char *assignment)
{
    size_t len = strcspn(assignment, "=") + 1;

    for (size_t i = 0; i < *count; i++) {
        if (strncmp(env[i], assignment, len) == 0) {
            env[i] = assignment;
            return;
        }
    }
    env[(*count)++] = assignment;
}

static size_t
list_length(char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

char **
program_env(char *const *first, char *const *then)
{
    char **env = alloc_zero(list_length(environ) + list_length(first) + list_length(then) + 1, sizeof(char *));
    char *const *const lists[] = { environ, first, then };
    size_t count = 0;

    for (size_t n = 0; n < sizeof(lists) / sizeof(lists[0]); n++)
        for (size_t i = 0; lists[n] && lists[n][i]; i++)
            put_env(env, &count, lists[n][i]);
    return env;
}

/* ---- its life ---- */

/* In the child: become the program. */
static void
become(const char *command, char **argv, char *const *env, int out, pid_t parent)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(126);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0)
        _exit(126);
    close_range(3, ~0U, 0); /* the socket to the engine is not the program's */
    execvpe(command, argv, env);
    dprintf(2, "%s: %s\n", command, strerror(errno));
    _exit(127);
}

static int
start(struct child *child, const struct program *program, struct cairn_error *err)
{
    size_t count = list_length(program->args);
    char **argv = alloc_zero(count + 2, sizeof(char *));
    pid_t self = getpid();
    int pipe_fds[2];

    argv[0] = (char *)(uintptr_t)program->command;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = program->args[i];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        free(argv);
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "run %s: %s", program->command, strerror(errno));
    }
    child->pid = fork();
    if (child->pid == 0)
        become(program->command, argv, program->env, pipe_fds[1], self);
    close(pipe_fds[1]);
    free(argv);
    child->out = pipe_fds[0];
    if (child->pid < 0) {
        close(child->out);
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "run %s: %s", program->command, strerror(errno));
    }
    child->pidfd = pidfd_open(child->pid, 0);
    return 0;
}

/* Read until the program has ended, its answer is too long, or the time is over. -1 for the latter two. */
static int
collect(const struct child *child, char *answer, size_t *len, int64_t until)
{
    struct pollfd fds[2] = { { child->out, POLLIN, 0 }, { child->pidfd, POLLIN, 0 } };

    for (;;) {
        int64_t left = until - monotonic();
        ssize_t n;

        if (left <= 0 || *len >= MAX_ANSWER)
            return -1;
        if (fds[0].fd < 0 && child->pidfd < 0)
            return 0;
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return -1;
        if (fds[0].revents) {
            n = read(child->out, answer + *len, MAX_ANSWER - *len);
            if (n > 0)
                *len += (size_t)n;
            else if (n == 0)
                fds[0].fd = -1;
        } else if (fds[1].revents) {
            return 0;
        }
    }
}

static int
finish(const struct child *child, const struct program *program, int in_time, struct cairn_error *err)
{
    int status = 0;

    if (!in_time)
        kill(child->pid, SIGKILL); /* ours until waitpid() */
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(child->out);
    if (child->pidfd >= 0)
        close(child->pidfd);
    if (!in_time)
        return cairn_fail(err, CAIRN_ERR_DENIED, "%s: it didn't end in time, or never stopped writing", program->what);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return cairn_fail(err, CAIRN_ERR_DENIED, "%s: it can't be run%s%s", program->what, program->hint ? "; " : "",
                          program->hint ? program->hint : "");
    return cairn_fail(err, CAIRN_ERR_DENIED, "%s: it ended with %s %d; its messages are in the run's log",
                      program->what, WIFEXITED(status) ? "status" : "signal",
                      WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

int
program_run(char **answer, const struct program *program, struct cairn_error *err)
{
    char *text = alloc_zero(MAX_ANSWER + 1, 1);
    struct child child = { -1, -1, -1 };
    size_t len = 0;
    int rc = start(&child, program, err);

    if (rc == 0)
        rc = finish(&child, program, collect(&child, text, &len, monotonic() + program->limit_ms) == 0, err);
    *answer = rc == 0 ? alloc_strn(text, len) : NULL;
    explicit_bzero(text, len);
    free(text);
    return rc;
}

void
program_wipe(char *answer)
{
    if (answer)
        explicit_bzero(answer, strlen(answer));
    free(answer);
}
