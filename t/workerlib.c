/*
 * workerlib.c: start a worker, speak to it, and build plugins; used by the worker's tests.
 * SPDX-License-Identifier: MIT
 */
#include "workerlib.h"

#include "common/alloc.h"
#include "common/file.h"
#include "common/frame.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIABLES_MAX 16

uid_t worker_uid;

static char folder[64];
static pid_t folder_owner;

/* ---- processes --------------------------------------------------------------------------------------------------- */

static void __attribute__((noreturn))
become_worker(int fd, const char *plugin, const char *const *variables)
{
    char *argv[] = { alloc_str(worker_uid ? "cairn-worker" : BUILD_DIR "/cairn-worker"), alloc_str(plugin), NULL };
    char *envp[VARIABLES_MAX] = { NULL };

    for (size_t i = 0; variables && variables[i] && i + 1 < VARIABLES_MAX; i++)
        envp[i] = alloc_str(variables[i]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(fd, FRAME_FD) < 0)
        _exit(126);
    if (fd == FRAME_FD)
        fcntl(fd, F_SETFD, 0);
    if (worker_uid && (chdir(scratch()) < 0 || setgid(worker_uid) < 0 || setuid(worker_uid) < 0))
        _exit(126);
    execve(argv[0], argv, envp);
    _exit(127);
}

void
worker_start(struct worker *w, const char *plugin, const char *const *variables)
{
    struct timeval patience = { 30, 0 };
    int pair[2];

    memset(w, 0, sizeof(*w));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    w->pid = fork();
    assert_true(w->pid >= 0);
    if (w->pid == 0)
        become_worker(pair[1], plugin, variables);
    close(pair[1]);
    w->fd = pair[0];
    w->said = json_array();
    setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

void
worker_send(struct worker *w, json_t *owned)
{
    struct cairn_error err = { 0 };

    if (frame_write(w->fd, owned, &err) < 0)
        fail_msg("%s", err.text);
    json_decref(owned);
}

json_t *
worker_receive(struct worker *w)
{
    struct cairn_error err = { 0 };
    json_t *message = NULL;

    if (frame_read(w->fd, &message, &err) < 0 && !strstr(err.text, "reset"))
        fail_msg("%s", err.text);
    return message;
}

int
worker_wait(struct worker *w)
{
    if (w->pid > 0)
        assert_int_equal(waitpid(w->pid, &w->status, 0), w->pid);
    w->pid = 0;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    json_decref(w->said);
    w->said = NULL;
    return w->status;
}

int
worker_end(struct worker *w)
{
    close(w->fd);
    w->fd = -1;
    return worker_wait(w);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

json_t *
worker_configure(struct worker *w, json_t *config, json_t *env)
{
    json_t *hello = worker_receive(w);

    assert_string_equal(json_string_value(json_object_get(hello, "op")), "hello");
    json_decref(hello);
    worker_send(w, json_pack("{s:s,s:o,s:o}", "op", "configure", "config", config ? config : json_object(), "env",
                             env ? env : json_object()));
    return worker_receive(w);
}

json_t *
worker_call_json(const char *mode, const char *action, json_t *args)
{
    return json_pack("{s:s,s:i,s:s,s:s,s:o,s:s,s:s,s:s,s:i,s:i}", "op", "call", "id", 7, "mode", mode, "action", action,
                     "args", args, "token", TOKEN, "run", "01abc", "step", "7.2/1", "attempt", 1, "started", 1000);
}

json_t *
worker_call(struct worker *w, const char *mode, const char *action, json_t *args)
{
    json_t *message;

    json_array_clear(w->said);
    worker_send(w, worker_call_json(mode, action, args));
    while ((message = worker_receive(w))) {
        if (strcmp(json_string_value(json_object_get(message, "op")), "reply") == 0)
            return message;
        json_array_append_new(w->said, message);
    }
    return NULL;
}

const char *
outcome(json_t *owned_reply)
{
    static char word[64];
    const char *seen = json_string_value(json_object_get(owned_reply, "seen"));
    const char *kind = json_string_value(json_object_get(json_object_get(owned_reply, "error"), "kind"));

    if (json_is_true(json_object_get(owned_reply, "ok")))
        snprintf(word, sizeof(word), "%s", seen ? seen : "ok");
    else
        snprintf(word, sizeof(word), "%s", kind ? kind : "nothing");
    json_decref(owned_reply);
    return word;
}

const char *
error_text(const json_t *reply)
{
    const char *text = json_string_value(json_object_get(json_object_get(reply, "error"), "text"));

    return text ? text : "";
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static void
remove_folder(void)
{
    if (getpid() == folder_owner)
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
scratch(void)
{
    const char *base = getenv("TMPDIR");

    if (!*folder) {
        snprintf(folder, sizeof(folder), "%.40s/cairn-test.XXXXXX", base ? base : "/tmp");
        assert_non_null(mkdtemp(folder));
        folder_owner = getpid();
        atexit(remove_folder);
    }
    return folder;
}

char *
scratch_file(const char *name)
{
    return alloc_printf("%s/%s", scratch(), name);
}

char *
read_text(const char *path)
{
    struct cairn_error err = { 0 };
    char *text = NULL;
    size_t len;

    return file_read(&text, &len, path, 1 << 20, &err) < 0 ? alloc_str("") : text;
}

int
run_program(const char *const *argv, const char *output)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = output ? open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;

        if (fd >= 0 && (dup2(fd, 1) < 0 || dup2(fd, 2) < 0))
            _exit(126);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

char *
copy_program(const char *path, const char *name)
{
    char *to = scratch_file(name);
    const char *const argv[] = { "cp", path, to, NULL };

    assert_int_equal(run_program(argv, NULL), 0);
    assert_int_equal(chmod(to, 0755) | chmod(scratch(), 0755), 0);
    return to;
}

char *
build_plugin(const char *source, const char *name, ...)
{
    const char *argv[24] = { "cc", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Werror", "-o" };
    char *out = alloc_printf("%s/%s", scratch(), name);
    size_t n = 7;
    va_list ap;

    argv[n++] = out;
    argv[n++] = source;
    va_start(ap, name);
    while (n < 23 && (argv[n] = va_arg(ap, const char *)))
        n++;
    va_end(ap);
    assert_int_equal(run_program(argv, NULL), 0);
    chmod(out, 0755);
    return out;
}
