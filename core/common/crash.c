/*
 * crash.c: named instants at which a test can end a process; used by engine, script host and worker.
 * SPDX-License-Identifier: MIT
 */
#include "common/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *crash_at; /* the name to end at, with ":N" behind it or not */
static size_t crash_at_len; /* of the name alone */
static long crash_left; /* how many more times the name is passed */
static int log_fd = -1;

void
crash_init(void)
{
    const char *log = getenv("CAIRN_CRASH_LOG");
    const char *colon;

    crash_at = getenv("CAIRN_CRASH_AT");
    if (crash_at) {
        colon = strchr(crash_at, ':');
        crash_at_len = colon ? (size_t)(colon - crash_at) : strlen(crash_at);
        crash_left = colon ? strtol(colon + 1, NULL, 10) : 1;
    }
    if (log)
        log_fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

void
crash_point(const char *name)
{
    if (log_fd >= 0) {
        char end[] = "\n";
        struct iovec line[2] = { { (void *)(uintptr_t)name, strlen(name) }, { end, 1 } };

        if (writev(log_fd, line, 2) < 0)
            log_fd = -1;
    }
    if (crash_at && strlen(name) == crash_at_len && memcmp(name, crash_at, crash_at_len) == 0 && --crash_left == 0)
        raise(SIGKILL);
}
