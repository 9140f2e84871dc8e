/*
 * keeper.c: the process that owns the real servers behind a simulated world, and their scratch folder.
 * SPDX-License-Identifier: MIT
 */
#include "keeper.h"

#include "child.h"
#include "common/alloc.h"
#include "common/frame.h"
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct keeper {
    pid_t pid;
    int fd;
    struct frame_buffer in;
    char *folder;
};

/* ---- the keeper itself ------------------------------------------------------------------------------------------- */

struct keeping {
    int fd; /* to the simulator */
    struct frame_buffer in;
    struct children *children;
    struct relay *relay;
};

/* PostgreSQL refuses to run as root. */
static int
give_up_root(struct cairn_error *err)
{
    const struct passwd *user;

    if (geteuid() != 0)
        return 0;
    user = getpwnam("postgres");
    if (!user)
        user = getpwnam("nobody");
    if (!user)
        return cairn_fail(err, CAIRN_ERR_FAILED, "run servers: there is neither a user postgres nor nobody here");
    if (setgroups(0, NULL) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "run servers as %s: %s", user->pw_name, strerror(errno));
    return 0;
}

static int
make_folder(char **folder, struct cairn_error *err)
{
    const char *top = getenv("TMPDIR");
    char *path = alloc_printf("%s/cairn-sim.XXXXXX", top && *top ? top : "/tmp");

    if (!mkdtemp(path)) {
        cairn_fail(err, CAIRN_ERR_FAILED, "make a scratch folder %s: %s", path, strerror(errno));
        free(path);
        return -1;
    }
    *folder = path;
    return 0;
}

/* The servers and the tools around them get no setting of the user's. */
static void
clean_environment(const char *folder)
{
    const char *path = getenv("PATH");
    char *kept = alloc_printf("%s:/usr/sbin:/usr/bin:/sbin:/bin", path ? path : "");

    clearenv();
    setenv("PATH", kept, 1);
    setenv("HOME", folder, 1);
    setenv("TMPDIR", folder, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TZ", "UTC", 1);
    free(kept);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    remove(path);
    return 0;
}

static void
tell(struct keeping *k, json_t *owned_message)
{
    struct cairn_error err = { 0 };

    frame_write(k->fd, owned_message, &err); /* who is gone need not be told */
    json_decref(owned_message);
}

static void
take_start(struct keeping *k, const json_t *message)
{
    struct cairn_error err = { 0 };

    if (children_start(k->children, message, &err) < 0)
        tell(k, json_pack("{s:s, s:O, s:i, s:s, s:s}", "op", "ended", "id", json_object_get(message, "id"), "status",
                          127, "out", "", "err", err.text));
}

/* A program that is started afterwards finds it whole, or not at all, and says so. */
static void
take_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    size_t len = strlen(text);

    if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
        fprintf(stderr, "cairn-sim: write %s: %s; give TMPDIR a folder with space\n", path, strerror(errno));
        unlink(path);
    }
    if (fd >= 0)
        close(fd);
}

static void
take_listen(struct keeping *k, const char *name)
{
    struct cairn_error err = { 0 };
    unsigned port = 0;

    if (relay_port(k->relay, name, &port, &err) < 0)
        fprintf(stderr, "cairn-sim: %s\n", err.text);
    tell(k, json_pack("{s:s, s:s, s:i}", "op", "listening", "name", name, "port", (int)port));
}

static void
take(struct keeping *k, const json_t *message)
{
    const char *op = json_string_value(json_object_get(message, "op"));
    const char *name = json_string_value(json_object_get(message, "name"));

    if (strcmp(op, "start") == 0)
        take_start(k, message);
    else if (strcmp(op, "signal") == 0)
        children_signal(k->children, json_integer_value(json_object_get(message, "id")),
                        json_string_value(json_object_get(message, "signal")));
    else if (strcmp(op, "write") == 0)
        take_write(json_string_value(json_object_get(message, "path")),
                   json_string_value(json_object_get(message, "text")));
    else if (strcmp(op, "listen") == 0)
        take_listen(k, name);
    else if (strcmp(op, "lead") == 0)
        relay_lead(k->relay, name, json_string_value(json_object_get(message, "to")));
}

/* -1: the simulator is gone. */
static int
take_all(struct keeping *k)
{
    struct cairn_error err = { 0 };
    char bytes[65536];
    ssize_t n = recv(k->fd, bytes, sizeof(bytes), 0);
    json_t *message;

    if (n <= 0)
        return n < 0 && errno == EINTR ? 0 : -1;
    frame_feed(&k->in, bytes, (size_t)n);
    while (frame_take(&k->in, &message, &err) == 1) {
        take(k, message);
        json_decref(message);
    }
    return err.kind == CAIRN_ERR_NONE ? 0 : -1;
}

static void
reap(struct keeping *k, int signals)
{
    struct signalfd_siginfo info;
    json_t *message;

    if (read(signals, &info, sizeof(info)) < 0)
        return;
    while ((message = children_ended(k->children)))
        tell(k, message);
}

static void
keep(struct keeping *k, int signals)
{
    struct pollfd *fds = NULL;
    int on = 1;

    while (on) {
        size_t count = relay_count(k->relay) + 2;

        fds = alloc_grow(fds, count, sizeof(*fds));
        fds[0] = (struct pollfd){ .fd = k->fd, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
        relay_watch(k->relay, fds + 2);
        if (poll(fds, count, -1) < 0)
            continue;
        relay_run(k->relay, fds + 2);
        if (fds[1].revents)
            reap(k, signals);
        if (fds[0].revents && take_all(k) < 0)
            on = 0;
    }
    free(fds);
}

/* It ends when the simulator has ended, not by what is sent to all processes: the folder has to go. */
static int
child_signals(void)
{
    static const int outlived[] = { SIGTERM, SIGHUP, SIGINT };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(outlived) / sizeof(outlived[0]); i++)
        signal(outlived[i], SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The life of the keeper; never returns. */
static void
be_keeper(int fd)
{
    struct keeping k = { .fd = fd, .relay = relay_new() };
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    int signals = child_signals();
    struct cairn_error err = { 0 };
    char *folder = NULL;

    setsid(); /* a Ctrl-C is for the simulator */
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a program leaves behind is this process' child then */
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    if (give_up_root(&err) < 0 || make_folder(&folder, &err) < 0) {
        tell(&k, json_pack("{s:s, s:s}", "op", "failed", "text", err.text));
        _exit(1);
    }
    clean_environment(folder);
    k.children = children_new(folder);
    tell(&k, json_pack("{s:s, s:s}", "op", "ready", "folder", folder));
    keep(&k, signals);
    relay_free(k.relay);
    children_end(k.children);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (access(folder, F_OK) == 0)
        fprintf(stderr, "cairn-sim: %s could not be removed; remove it by hand\n", folder);
    _exit(0);
}

/* ---- the simulator's side ---------------------------------------------------------------------------------------- */

static int
wait_ready(struct keeper *keeper, struct cairn_error *err)
{
    json_t *message = NULL;
    const char *why;
    int rc = -1;

    if (frame_read(keeper->fd, &message, err) < 0)
        return -1;
    why = json_string_value(json_object_get(message, "text"));
    if (strcmp(json_string_value(json_object_get(message, "op")), "ready") == 0) {
        keeper->folder = alloc_str(json_string_value(json_object_get(message, "folder")));
        rc = 0;
    } else {
        cairn_fail(err, CAIRN_ERR_FAILED, "%s", why ? why : "the keeper of the servers didn't start");
    }
    json_decref(message);
    return rc;
}

int
keeper_open(struct keeper **out, struct cairn_error *err)
{
    struct keeper *keeper;
    int ends[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "make a socket: %s", strerror(errno));
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_keeper(ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return cairn_fail(err, CAIRN_ERR_FAILED, "start the keeper of the servers: %s", strerror(errno));
    }
    keeper = alloc_zero(1, sizeof(*keeper));
    keeper->pid = pid;
    keeper->fd = ends[0];
    if (wait_ready(keeper, err) < 0) {
        keeper_close(keeper);
        return -1;
    }
    *out = keeper;
    return 0;
}

const char *
keeper_folder(const struct keeper *keeper)
{
    return keeper->folder;
}

int
keeper_fd(const struct keeper *keeper)
{
    return keeper->fd;
}

int
keeper_send(struct keeper *keeper, const json_t *message, struct cairn_error *err)
{
    return frame_write(keeper->fd, message, err);
}

int
keeper_read(struct keeper *keeper, json_t **out, struct cairn_error *err)
{
    char bytes[65536];
    int rc = frame_take(&keeper->in, out, err);
    ssize_t n;

    if (rc != 0)
        return rc;
    n = recv(keeper->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "the keeper of the servers has ended");
    frame_feed(&keeper->in, bytes, (size_t)n);
    return frame_take(&keeper->in, out, err);
}

void
keeper_close(struct keeper *keeper)
{
    if (!keeper)
        return;
    close(keeper->fd);
    waitpid(keeper->pid, NULL, 0);
    frame_release(&keeper->in);
    free(keeper->folder);
    free(keeper);
}
