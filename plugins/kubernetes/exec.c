/*
 * exec.c: credentials from the program that a kubeconfig names; used by client.c.
 * SPDX-License-Identifier: MIT
 */
#include "exec.h"

#include "text.h"

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

static char *
exec_info(const struct kubeconfig_exec *exec)
{
    struct cairn_value *info = cairn_map();
    struct cairn_value *spec = cairn_map();
    char *json, *text;

    cairn_put(spec, "interactive", cairn_bool(0));
    if (exec->cluster)
        cairn_put(spec, "cluster", cairn_copy(exec->cluster));
    cairn_put(info, "apiVersion", cairn_str(exec->api_version));
    cairn_put(info, "kind", cairn_str("ExecCredential"));
    cairn_put(info, "spec", spec);
    json = cairn_format_json(info);
    text = alloc_printf("KUBERNETES_EXEC_INFO=%s", json);
    free(json);
    cairn_free(info);
    return text;
}

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

/* The environment: a list of borrowed strings, ended by NULL. */
static char **
build_env(const struct kubeconfig_exec *exec, char *const *extra, char *info)
{
    char **env = alloc_zero(list_length(environ) + list_length(extra) + list_length(exec->env) + 2, sizeof(char *));
    size_t count = 0;

    for (size_t i = 0; environ && environ[i]; i++)
        put_env(env, &count, environ[i]);
    for (size_t i = 0; extra && extra[i]; i++)
        put_env(env, &count, extra[i]);
    for (size_t i = 0; exec->env && exec->env[i]; i++)
        put_env(env, &count, exec->env[i]);
    put_env(env, &count, info);
    return env;
}

/* In the child: become the program. */
static void
become(const char *command, char **argv, char **env, int out, pid_t parent)
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
start(struct child *child, const struct kubeconfig_exec *exec, char **env, struct cairn_error *err)
{
    size_t count = list_length(exec->args);
    char **argv = alloc_zero(count + 2, sizeof(char *));
    pid_t self = getpid();
    int pipe_fds[2];

    argv[0] = exec->command;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = exec->args[i];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        free(argv);
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "run %s: %s", exec->command, strerror(errno));
    }
    child->pid = fork();
    if (child->pid == 0)
        become(exec->command, argv, env, pipe_fds[1], self);
    close(pipe_fds[1]);
    free(argv);
    child->out = pipe_fds[0];
    if (child->pid < 0) {
        close(child->out);
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "run %s: %s", exec->command, strerror(errno));
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
finish(const struct child *child, const struct kubeconfig_exec *exec, int in_time, struct cairn_error *err)
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
        return cairn_fail(err, CAIRN_ERR_DENIED,
                          "get credentials from %s: it didn't end in time, or never stopped writing", exec->command);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return cairn_fail(err, CAIRN_ERR_DENIED, "get credentials from %s: it can't be run%s%s", exec->command,
                          exec->hint ? "; " : "", exec->hint ? exec->hint : "");
    return cairn_fail(err, CAIRN_ERR_DENIED,
                      "get credentials from %s: it ended with %s %d; its messages are in the run's log", exec->command,
                      WIFEXITED(status) ? "status" : "signal",
                      WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static int
refuse(const struct kubeconfig_exec *exec, const char *what, struct cairn_error *err)
{
    return cairn_fail(err, CAIRN_ERR_DENIED, "get credentials from %s: its answer %s", exec->command, what);
}

int
exec_parse(struct credential *out, const struct kubeconfig_exec *exec, const char *answer, struct cairn_error *err)
{
    struct cairn_error ignored = { 0 };
    struct cairn_value *doc = cairn_parse_json(answer, strlen(answer), &ignored);
    const struct cairn_value *status = cairn_get(doc, "status");
    const char *expires = cairn_get_str(status, "expirationTimestamp", NULL);
    int rc = -1;

    credential_release(out);
    if (!doc)
        refuse(exec, "isn't JSON", err);
    else if (strcmp(cairn_get_str(doc, "kind", ""), "ExecCredential") != 0)
        refuse(exec, "isn't an ExecCredential", err);
    else if (strcmp(cairn_get_str(doc, "apiVersion", ""), exec->api_version) != 0)
        refuse(exec, "has another apiVersion than the kubeconfig asks for", err);
    else if (!cairn_get_str(status, "token", NULL) && !cairn_get_str(status, "clientCertificateData", NULL))
        refuse(exec, "has neither a token nor a client certificate", err);
    else if (!cairn_get_str(status, "clientCertificateData", NULL) != !cairn_get_str(status, "clientKeyData", NULL))
        refuse(exec, "has a client certificate or a key without the other", err);
    else if (expires && text_time(expires) < 0)
        refuse(exec, "has an expirationTimestamp that isn't a time", err);
    else
        rc = 0;
    if (rc == 0) {
        out->token = alloc_str(cairn_get_str(status, "token", NULL));
        out->cert_pem = alloc_str(cairn_get_str(status, "clientCertificateData", NULL));
        out->key_pem = alloc_str(cairn_get_str(status, "clientKeyData", NULL));
        out->expires = expires ? text_time(expires) : 0;
    }
    cairn_free(doc);
    return rc;
}

int
exec_credential(struct credential *out, const struct kubeconfig_exec *exec, char *const *extra, int64_t limit_ms,
                struct cairn_error *err)
{
    char *info = exec_info(exec);
    char **env = build_env(exec, extra, info);
    char *answer = alloc_zero(MAX_ANSWER + 1, 1);
    struct child child = { -1, -1, -1 };
    size_t len = 0;
    int rc;

    rc = start(&child, exec, env, err);
    if (rc == 0)
        rc = finish(&child, exec, collect(&child, answer, &len, monotonic() + limit_ms) == 0, err);
    if (rc == 0)
        rc = exec_parse(out, exec, answer, err);
    explicit_bzero(answer, len);
    free(answer);
    free(env);
    free(info);
    return rc;
}

void
credential_release(struct credential *credential)
{
    text_wipe(credential->token);
    free(credential->cert_pem);
    text_wipe(credential->key_pem);
    memset(credential, 0, sizeof(*credential));
    credential->expires = -1;
}
