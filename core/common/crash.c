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

#define TARGETS_MAX 4
#define NAME_MAX_BYTES 64

static struct target {
    const char *name; /* not ended by NUL */
    size_t len;
    long nth; /* the passing at which a process ends, from 1 */
} targets[TARGETS_MAX];
static int target_count;
static int log_fd = -1;

struct walk { /* along the points that were passed */
    int at; /* the target that comes next */
    long passed; /* how often its name was passed since the one before it was hit */
};

static struct walk own; /* without a log: along those of this process */

static void
add_target(const char *text, size_t len)
{
    struct target *t = &targets[target_count++];
    const char *colon = memchr(text, ':', len);

    t->name = text;
    t->len = colon ? (size_t)(colon - text) : len;
    t->nth = colon ? strtol(colon + 1, NULL, 10) : 1;
}

void
crash_init(void)
{
    const char *at = getenv("CAIRN_CRASH_AT");
    const char *log = getenv("CAIRN_CRASH_LOG");

    for (target_count = 0; at && *at && target_count < TARGETS_MAX; at += at[strcspn(at, ",")] == ',') {
        size_t len = strcspn(at, ",");

        add_target(at, len);
        at += len;
    }
    if (log)
        log_fd = open(log, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* Where the line ends in the log, or -1. */
static off_t
append(const char *name)
{
    char end[] = "\n";
    struct iovec line[2] = { { (void *)(uintptr_t)name, strlen(name) }, { end, 1 } };

    if (writev(log_fd, line, 2) < 0) {
        log_fd = -1;
        return -1;
    }
    return lseek(log_fd, 0, SEEK_CUR); /* the descriptor is not shared */
}

/* 1 when this passing is the one at which a process ends. */
static int
pass(struct walk *walk, const char *name, size_t len)
{
    const struct target *t = &targets[walk->at];

    if (walk->at == target_count || t->len != len || memcmp(t->name, name, len) != 0 || ++walk->passed != t->nth)
        return 0;
    walk->at++;
    walk->passed = 0;
    return 1;
}

/* Is the line that ends at `end` one at which a process ends? Lines that others add behind it don't matter. */
static int
hit_in_log(off_t end)
{
    struct walk walk = { 0 };
    char bytes[4096];
    char name[NAME_MAX_BYTES];
    size_t len = 0;
    off_t from = 0;
    ssize_t n;
    int hit = 0;

    while (from < end && (n = pread(log_fd, bytes, sizeof(bytes), from)) > 0) {
        for (ssize_t i = 0; i < n && from + i < end; i++) {
            if (bytes[i] == '\n') {
                hit = pass(&walk, name, len);
                len = 0;
            } else if (len < sizeof(name)) {
                name[len++] = bytes[i];
            }
        }
        from += n;
    }
    return hit;
}

static int
is_target(const char *name)
{
    size_t len = strlen(name);

    for (int i = 0; i < target_count; i++)
        if (targets[i].len == len && memcmp(targets[i].name, name, len) == 0)
            return 1;
    return 0;
}

void
crash_point(const char *name)
{
    off_t end = log_fd >= 0 ? append(name) : -1;

    if (target_count == 0 || !is_target(name))
        return;
    if (end >= 0 ? hit_in_log(end) : pass(&own, name, strlen(name)))
        raise(SIGKILL);
}
