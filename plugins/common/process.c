/*
 * process.c: run a program to its end, with all that it starts; used by plugins.
 * SPDX-License-Identifier: MIT
 *
 *     worker ──fork──> warden (leader of a group of its own) ──fork──> the program
 *
 * The kernel tells the warden when the worker dies; it then kills its group, itself included. Until the worker has
 * reaped the warden the group's number is nobody else's.
 */
#include "process.h"

#include "process_text.h"

#include "common/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 200 /* how often `unwanted` is asked, and `line` told at most */

extern char **environ;

enum { IN, OUT, ERR, ENDED, FDS };

/* A program that is running. */
struct child {
    pid_t pid; /* of the warden */
    struct pollfd fds[FDS]; /* its stdin, stdout, stderr, and the warden's pidfd; -1: closed */
    int trouble; /* the errno of a program that couldn't be started arrives here */
    size_t written; /* bytes of the input */
    int64_t shown; /* when a line was shown last */
};

static int64_t
monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- in the children: nothing but system calls ---------------------------------------------------------------------- */

static void
kill_group(int signal_number)
{
    (void)signal_number;
    kill(0, SIGKILL);
}

static void
tell_and_exit(int trouble)
{
    int why = errno;

    if (write(trouble, &why, sizeof(why)) < 0)
        _exit(126);
    _exit(127);
}

static void
become(const struct process *program, int trouble)
{
    static const int defaults[] = { SIGPIPE, SIGTERM, SIGINT, SIGHUP };
    sigset_t none;

    for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
        signal(defaults[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (program->folder && chdir(program->folder) < 0)
        tell_and_exit(trouble);
    environ = (char **)(uintptr_t)program->env; /* its PATH is the one that counts */
    execvp(program->argv[0], program->argv);
    tell_and_exit(trouble);
}

/* Wait for the program and end as it did. What it left in the group goes when the worker sees that. */
static void
ward(const struct process *program, int trouble, pid_t parent)
{
    struct sigaction action = { .sa_handler = kill_group };
    pid_t pid;
    int status = 0;

    setpgid(0, 0);
    sigaction(SIGTERM, &action, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
        _exit(126);
    pid = fork();
    if (pid == 0)
        become(program, trouble);
    if (pid < 0)
        tell_and_exit(trouble);
    close_range(0, ~0U, 0); /* the streams are the program's alone */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

/* ---- in the worker -------------------------------------------------------------------------------------------------- */

static void
close_both(int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* The child's ends become its descriptors 0, 1, 2 and 3; all others are closed. */
static void
arrange(int in, int out, int errors, int trouble)
{
    int high[4] = { in, out, errors, trouble };

    for (int i = 0; i < 4; i++)
        high[i] = fcntl(high[i], F_DUPFD, 10); /* out of the way of what they become */
    for (int i = 0; i < 4; i++)
        if (high[i] < 0 || dup2(high[i], i) < 0)
            _exit(126);
    close_range(4, ~0U, 0); /* the socket to the engine is not the program's */
    fcntl(3, F_SETFD, FD_CLOEXEC);
}

static int
no_room(const struct process *program, struct cairn_error *err)
{
    return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "run %s: %s", program->argv[0], strerror(errno));
}

static int
start(struct child *child, const struct process *program, struct cairn_error *err)
{
    int pipes[4][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
    pid_t self = getpid();
    int rc = 0;

    for (int i = 0; i < 4 && rc == 0; i++)
        if (pipe2(pipes[i], O_CLOEXEC) < 0)
            rc = no_room(program, err);
    child->pid = rc == 0 ? fork() : -1;
    if (child->pid == 0) {
        arrange(pipes[IN][0], pipes[OUT][1], program->log_errors ? STDERR_FILENO : pipes[ERR][1], pipes[3][1]);
        ward(program, 3, self);
    }
    if (rc == 0 && child->pid < 0)
        rc = no_room(program, err);
    if (rc < 0) {
        for (int i = 0; i < 4; i++)
            close_both(pipes[i]);
        return -1;
    }
    setpgid(child->pid, child->pid); /* whoever comes first */
    close(pipes[IN][0]);
    for (int i = OUT; i < 4; i++)
        close(pipes[i][1]);
    child->fds[IN] = (struct pollfd){ pipes[IN][1], POLLOUT, 0 };
    child->fds[OUT] = (struct pollfd){ pipes[OUT][0], POLLIN, 0 };
    child->fds[ERR] = (struct pollfd){ pipes[ERR][0], POLLIN, 0 };
    child->fds[ENDED] = (struct pollfd){ pidfd_open(child->pid, 0), POLLIN, 0 };
    child->trouble = pipes[3][0];
    for (int i = IN; i <= ERR; i++)
        fcntl(child->fds[i].fd, F_SETFL, O_NONBLOCK);
    return 0;
}

static void
close_fd(struct pollfd *at)
{
    if (at->fd >= 0)
        close(at->fd);
    at->fd = -1;
}

static void
feed(struct child *child, const struct process *program)
{
    size_t len = program->input ? strlen(program->input) : 0;
    ssize_t n = 0;

    if (child->written < len)
        n = write(child->fds[IN].fd, program->input + child->written, len - child->written);
    if (n > 0)
        child->written += (size_t)n;
    if (child->written >= len || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(&child->fds[IN]);
}

/* Take what there is; 0 when there is no more now. */
static int
drain(struct pollfd *at, struct text_store *store)
{
    char chunk[16384];
    ssize_t n = at->fd >= 0 ? read(at->fd, chunk, sizeof(chunk)) : -1;

    if (n > 0)
        text_store_add(store, chunk, (size_t)n);
    else if (n == 0 || (at->fd >= 0 && errno != EAGAIN && errno != EINTR))
        close_fd(at);
    return n > 0;
}

static void
show(struct child *child, const struct process *program, const struct text_store *store)
{
    int64_t now = monotonic();
    char *line;

    if (!program->line || now - child->shown < LOOK_MS)
        return;
    line = text_store_last_line(store);
    if (*line)
        program->line(program->data, line);
    free(line);
    child->shown = now;
}

/* Until the program has ended, its time is over, or nobody wants it any more. */
static enum process_how
attend(struct child *child, const struct process *program, struct text_store stores[2])
{
    int64_t until = monotonic() + program->limit_ms;

    for (;;) {
        int64_t left = until - monotonic();

        if (left <= 0)
            return PROCESS_OVERDUE;
        if (program->unwanted && program->unwanted(program->data))
            return PROCESS_UNWANTED;
        if (poll(child->fds, FDS, (int)(left < LOOK_MS ? left : LOOK_MS)) <= 0)
            continue;
        if (child->fds[IN].fd >= 0 && child->fds[IN].revents)
            feed(child, program);
        for (int i = OUT; i <= ERR; i++)
            if (child->fds[i].fd >= 0 && child->fds[i].revents && drain(&child->fds[i], &stores[i - OUT]))
                show(child, program, &stores[i - OUT]);
        if (child->fds[ENDED].revents)
            return PROCESS_EXITED;
    }
}

/* The group is killed, whatever is left of it; then the pipes hold all that there will be. */
static int
end_group(struct child *child, struct text_store stores[2])
{
    int status = 0;

    kill(-child->pid, SIGKILL); /* ours until waitpid() */
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    for (int i = OUT; i <= ERR; i++)
        while (drain(&child->fds[i], &stores[i - OUT]))
            ;
    for (int i = 0; i < FDS; i++)
        close_fd(&child->fds[i]);
    return status;
}

static int
not_started(const struct process *program, int why, struct cairn_error *err)
{
    enum cairn_error_kind kind = why == ENOENT || why == ENOTDIR ? CAIRN_ERR_NOT_FOUND
        : why == EACCES || why == EPERM                          ? CAIRN_ERR_DENIED
        : why == EAGAIN || why == ENOMEM || why == ETXTBSY       ? CAIRN_ERR_UNAVAILABLE
                                                                 : CAIRN_ERR_INVALID;

    return cairn_fail(err, kind, "run %s%s%s: %s", program->argv[0], program->folder ? " in " : "",
                      program->folder ? program->folder : "", strerror(why));
}

int
process_run(const struct process *program, struct process_end *end, struct cairn_error *err)
{
    struct text_store stores[2];
    struct child child = { .pid = -1 };
    int64_t began = monotonic();
    int status, why = 0;
    ssize_t n;

    memset(end, 0, sizeof(*end));
    if (start(&child, program, err) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        text_store_init(&stores[i], program->keep);
    end->how = child.fds[ENDED].fd < 0 ? PROCESS_OVERDUE : attend(&child, program, stores);
    status = end_group(&child, stores);
    end->ms = monotonic() - began;
    text_store_finish(&stores[0], &end->output);
    text_store_finish(&stores[1], &end->errors);
    n = read(child.trouble, &why, sizeof(why));
    close(child.trouble);
    if (n == sizeof(why)) {
        process_release(end);
        return not_started(program, why, err);
    }
    if (end->how == PROCESS_EXITED && WIFSIGNALED(status))
        end->how = PROCESS_KILLED;
    end->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return 0;
}

static void
wipe(struct process_text *text)
{
    if (text->text)
        explicit_bzero(text->text, text->len);
    free(text->text);
    memset(text, 0, sizeof(*text));
}

void
process_release(struct process_end *end)
{
    wipe(&end->output);
    wipe(&end->errors);
}
