/*
 * describe.c: ask a worker what a plugin says of itself; used by plugins.c.
 * SPDX-License-Identifier: MIT
 */
#include "engine/describe.h"

#include "common/alloc.h"
#include "common/error.h"
#include "common/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 10000

extern char **environ;

/* The environment of a child (doc/PROTOCOL.md); the array is freed with free(), its texts are borrowed. Crash points
 * are left out: this worker is no part of a run. */
static char **
child_environment(void)
{
    static const char *const names[] = { "PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "CAIRN_CLOCK" };
    size_t count = 0;
    char **list;
    size_t n = 0;

    while (environ[count])
        count++;
    list = alloc_zero(count + 1, sizeof(*list));
    for (char **e = environ; *e; e++) {
        size_t len = strcspn(*e, "=");
        int wanted = strncmp(*e, "LC_", 3) == 0;

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            wanted |= strlen(names[i]) == len && strncmp(*e, names[i], len) == 0;
        if (wanted)
            list[n++] = *e;
    }
    return list;
}

static char *
worker_path(void)
{
    const char *folder = getenv("CAIRN_LIBEXEC");

    return alloc_printf("%s/cairn-worker", folder && *folder ? folder : HELPER_DIR);
}

/* Descriptor 3 is the socket, all else is /dev/null: what a plugin prints while it is loaded is no message. */
static int
spawn(pid_t *pid, const char *program, const char *path, int fd)
{
    char *const argv[] = { (char *)program, (char *)path, NULL };
    char **env = child_environment();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    int rc;

    sigemptyset(&none);
    if (posix_spawnattr_init(&attr) != 0 || posix_spawn_file_actions_init(&actions) != 0)
        alloc_failed();
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_adddup2(&actions, fd, FRAME_FD);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
    rc = posix_spawn(pid, program, &actions, &attr, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    free(env);
    return rc;
}

/* The worker's pid, and our end of its socket in *fd; or -1 with err. */
static pid_t
start(const char *program, const char *path, int *fd, struct cairn_error *err)
{
    pid_t pid = -1;
    int pair[2];
    int why;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "start %s: %s", program, strerror(errno));
    why = spawn(&pid, program, path, pair[1]);
    close(pair[1]);
    if (why == 0) {
        *fd = pair[0];
        return pid;
    }
    close(pair[0]);
    return cairn_fail(err, CAIRN_ERR_FAILED, "start %s: %s; is CAIRN_LIBEXEC right?", program, strerror(why));
}

/* Its first message, or NULL: with err when it is no message, without when there is none. */
static json_t *
first_message(int fd, int *late, struct cairn_error *err)
{
    struct timeval limit = { ANSWER_MS / 1000, 0 };
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    json_t *message = NULL;
    int rc;

    do
        rc = poll(&ready, 1, ANSWER_MS);
    while (rc < 0 && errno == EINTR);
    *late = rc == 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)); /* the rest of it must follow */
    if (rc == 1 && frame_read(fd, &message, err) < 0)
        return NULL;
    return message;
}

/* How it ended, for who got no answer. */
static int
no_answer(int late, int status, struct cairn_error *err)
{
    if (late)
        return cairn_fail(err, CAIRN_ERR_FAILED, "it did not answer within %d s", ANSWER_MS / 1000);
    if (WIFSIGNALED(status))
        return cairn_fail(err, CAIRN_ERR_FAILED, "its worker was ended by signal %d (%s)", WTERMSIG(status),
                          strsignal(WTERMSIG(status)));
    return cairn_fail(err, CAIRN_ERR_FAILED, "its worker ended without an answer (status %d)", WEXITSTATUS(status));
}

static int
take(json_t **out, const json_t *message, struct cairn_error *err)
{
    const char *op = json_string_value(json_object_get(message, "op"));
    json_t *plugin = json_object_get(message, "plugin");

    if (op && strcmp(op, "hello") == 0 && json_is_object(plugin)) {
        *out = json_incref(plugin);
        return 0;
    }
    if (op && strcmp(op, "refused") == 0)
        error_from_json(err, json_object_get(message, "error"));
    else
        cairn_fail(err, CAIRN_ERR_FAILED, "its worker did not say hello");
    return -1;
}

int
describe_plugin_file(json_t **out, const char *path, struct cairn_error *err)
{
    struct cairn_error why = { 0 };
    char *program = worker_path();
    json_t *message = NULL;
    int status = 0;
    int late = 0;
    int rc = -1;
    int fd = -1;
    pid_t pid = start(program, path, &fd, &why);

    if (pid > 0) {
        message = first_message(fd, &late, &why);
        close(fd);
        if (message || late || why.kind != CAIRN_ERR_NONE)
            kill(pid, SIGKILL); /* not reaped yet: the pid is still its own */
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (!message && why.kind == CAIRN_ERR_NONE)
            no_answer(late, status, &why);
        if (message)
            rc = take(out, message, &why);
    }
    if (rc < 0 && strstr(why.text, path))
        cairn_fail_code(err, why.kind, why.code, "%s", why.text);
    else if (rc < 0)
        cairn_fail_code(err, why.kind, why.code, "load plugin %s: %s", path, why.text);
    json_decref(message);
    free(program);
    return rc;
}
