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
static long crash_nth; /* the passing at which the process ends, from 1 */
static long passed; /* how often this process has passed the name */
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
        crash_nth = colon ? strtol(colon + 1, NULL, 10) : 1;
    }
    if (log)
        log_fd = open(log, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void
append(const char *name)
{
    char end[] = "\n";
    struct iovec line[2] = { { (void *)(uintptr_t)name, strlen(name) }, { end, 1 } };

    if (writev(log_fd, line, 2) < 0)
        log_fd = -1;
}

/* How often all processes together have passed the name, by the log. */
static long
count_in_log(void)
{
    char bytes[4096];
    size_t at = 0; /* how much of the line matches so far; SIZE_MAX: it doesn't */
    off_t from = 0;
    long count = 0;
    ssize_t n;

    while ((n = pread(log_fd, bytes, sizeof(bytes), from)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] == '\n') {
                count += at == crash_at_len;
                at = 0;
            } else if (at != SIZE_MAX) {
                at = at < crash_at_len && bytes[i] == crash_at[at] ? at + 1 : SIZE_MAX;
            }
        }
        from += n;
    }
    return count;
}

void
crash_point(const char *name)
{
    if (log_fd >= 0)
        append(name);
    if (!crash_at || strlen(name) != crash_at_len || memcmp(name, crash_at, crash_at_len) != 0)
        return;
    passed++;
    if ((log_fd >= 0 ? count_in_log() : passed) == crash_nth)
        raise(SIGKILL);
}
