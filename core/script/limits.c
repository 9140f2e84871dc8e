/*
 * limits.c: what the system takes from the script host before foreign text runs; called by main.c only.
 * SPDX-License-Identifier: MIT
 */
#include "script/limits.h"

#include "common/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static long turn_ms = LIMITS_TURN_MS;

static void
too_long(int signal_number)
{
    static const char line[] = "the script used too much processor time in one turn, without waiting for anything\n";

    (void)signal_number;
    if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
        _exit(LIMITS_EXIT_CPU);
    _exit(LIMITS_EXIT_CPU);
}

static int
limit(int resource, rlim_t most, struct cairn_error *err)
{
    struct rlimit both = { most, most };

    if (setrlimit((__rlimit_resource_t)resource, &both) < 0)
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "limit resource %d: %s", resource, strerror(errno));
    return 0;
}

static int
limit_memory(struct cairn_error *err)
{
    long page = sysconf(_SC_PAGESIZE);
    unsigned long pages = 0;
    FILE *f;

    if (SANITIZED) /* the sanitizer reserves terabytes of address space */
        return 0;
    f = fopen("/proc/self/statm", "re");
    if (!f || fscanf(f, "%lu", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    if (pages == 0)
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "limit memory: /proc/self/statm can't be read");
    return limit(RLIMIT_AS, (rlim_t)pages * (rlim_t)page + LIMITS_MORE_BYTES, err);
}

/* Only stderr and the socket stay; stdin and stdout lead nowhere. */
static int
close_files(struct cairn_error *err)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nowhere < 0 || dup2(nowhere, STDIN_FILENO) < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "open /dev/null: %s", strerror(errno));
    if (close_range(FRAME_FD + 1, ~0U, 0) < 0)
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "close descriptors: %s", strerror(errno));
    return 0;
}

int
limits_begin(struct cairn_error *err)
{
    struct sigaction action = { .sa_handler = too_long };
    const char *turn = getenv(LIMITS_TURN_VARIABLE);

    if (turn && strtol(turn, NULL, 10) > 0)
        turn_ms = strtol(turn, NULL, 10);
    if (close_files(err) < 0 || limit_memory(err) < 0)
        return -1;
    if (limit(RLIMIT_CORE, 0, err) < 0 || limit(RLIMIT_CPU, LIMITS_TOTAL_S, err) < 0)
        return -1;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "guard process: %s", strerror(errno));
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigaction(SIGPROF, &action, NULL) < 0)
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "set signal handlers: %s", strerror(errno));
    return 0;
}

static int
allow(scmp_filter_ctx filter, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(names[i]), 0) < 0)
            return -1;
    return 0;
}

static int
add_rules(scmp_filter_ctx filter)
{
    /* clock_gettime and gettimeofday where the vDSO can't answer; futex for libc's locks */
    static const char *const always[] = {
        "munmap", "mremap",   "brk",           "madvise",      "exit",      "exit_group",
        "futex",  "setitimer", "rt_sigreturn", "clock_gettime", "restart_syscall",
    };
    static const char *const to_crash[] = { "writev", "lseek", "pread64", "getpid", "gettid", "tgkill", "rt_sigprocmask" };

    if (allow(filter, always, COUNT(always)) < 0)
        return -1;
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(read), 1, SCMP_A0(SCMP_CMP_EQ, FRAME_FD, 0)) < 0)
        return -1;
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, FRAME_FD, 0)) < 0)
        return -1;
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO, 0)) < 0)
        return -1;
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0)
        return -1;
    if (getenv("CAIRN_CRASH_AT") || getenv("CAIRN_CRASH_LOG"))
        return allow(filter, to_crash, COUNT(to_crash));
    return 0;
}

int
limits_seal(struct cairn_error *err)
{
    scmp_filter_ctx filter;
    int rc = -1;

    if (SANITIZED)
        return 0;
    filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter || add_rules(filter) < 0) {
        cairn_fail(err, CAIRN_ERR_INTERNAL, "build system call filter: libseccomp refused a rule");
        goto out;
    }
    rc = seccomp_load(filter);
    if (rc < 0)
        rc = cairn_fail(err, CAIRN_ERR_INTERNAL, "load system call filter: %s", strerror(-rc));
out:
    if (filter)
        seccomp_release(filter);
    return rc;
}

void
limits_turn(void)
{
    struct itimerval turn = { { 0, 0 }, { turn_ms / 1000, turn_ms % 1000 * 1000 } };

    setitimer(ITIMER_PROF, &turn, NULL);
}
