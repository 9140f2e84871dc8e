/*
 * lock.c: who drives a run on this host; used by the engine and the commands.
 * SPDX-License-Identifier: MIT
 */
#include "engine/lock.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "engine/private.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX 1000
#define TRIES 100 /* to find a file that its last holder isn't just removing */

struct lock {
    int fd;
    char *path;
};

static char *
path_of(const char *state_dir, const char *run)
{
    return alloc_printf("%s/locks/%s", state_dir, run);
}

/* What its holder wrote into the file, as a sentence; a new text. */
static char *
read_holder(int fd)
{
    char text[TEXT_MAX + 1];
    ssize_t len = pread(fd, text, TEXT_MAX, 0);
    json_t *who = len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;
    const char *by = json_string_value(json_object_get(who, "by"));
    const char *since = json_string_value(json_object_get(who, "since"));
    char *sentence;

    if (by && since)
        sentence = alloc_printf("process %lld of %s, since %s",
                                (long long)json_integer_value(json_object_get(who, "pid")), by, since);
    else
        sentence = alloc_str("another process"); /* it has just taken it */
    json_decref(who);
    return sentence;
}

static int
write_holder(int fd, const char *by)
{
    char since[25];
    char *text;
    json_t *who;
    int rc;

    clock_format(since, clock_wall());
    who = json_pack("{s:I, s:s, s:s}", "pid", (json_int_t)getpid(), "by", by, "since", since);
    text = json_dumps(who, JSON_COMPACT);
    if (!text)
        alloc_failed();
    rc = ftruncate(fd, 0) == 0 && pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text) ? 0 : -1;
    free(text);
    json_decref(who);
    return rc;
}

/* 1: it is ours. 0: the file was removed meanwhile. -1: somebody else's, or an error. */
static int
try_take(int fd, const char *path, const char *run, struct cairn_error *err)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stat opened, named;

    if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
        if (errno == EAGAIN || errno == EACCES) {
            char *who = read_holder(fd);

            cairn_fail(err, CAIRN_ERR_CONFLICT, "drive run %s: %s, drives it; see: cairn show %s", run, who, run);
            free(who);
            return -1;
        }
        return cairn_fail(err, CAIRN_ERR_FAILED, "lock %s: %s", path, strerror(errno));
    }
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino
           && opened.st_dev == named.st_dev;
}

static int
open_locked(const char *path, const char *run, struct cairn_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        int fd = private_file(path, err);
        int got;

        if (fd < 0)
            return -1;
        got = try_take(fd, path, run, err);
        if (got == 1)
            return fd;
        close(fd);
        if (got < 0)
            return -1;
    }
    return cairn_fail(err, CAIRN_ERR_FAILED, "lock %s: it is removed again and again", path);
}

int
lock_take(struct lock **out, const char *state_dir, const char *run, const char *by, struct cairn_error *err)
{
    char *folder = alloc_printf("%s/locks", state_dir);
    char *path = path_of(state_dir, run);
    int rc = -1;
    int fd;

    if (private_folder(folder, err) < 0)
        goto out;
    fd = open_locked(path, run, err);
    if (fd < 0)
        goto out;
    if (write_holder(fd, by) < 0) {
        cairn_fail(err, CAIRN_ERR_FAILED, "write %s: %s", path, strerror(errno));
        close(fd);
        goto out;
    }
    *out = alloc_zero(1, sizeof(**out));
    (*out)->fd = fd;
    (*out)->path = path;
    path = NULL; /* handed over */
    rc = 0;
out:
    free(folder);
    free(path);
    return rc;
}

void
lock_drop(struct lock *lock)
{
    if (!lock)
        return;
    unlink(lock->path); /* while it is ours: who opened it in between sees that its name is gone */
    close(lock->fd);
    free(lock->path);
    free(lock);
}

int
lock_holder(char **who, const char *state_dir, const char *run, struct cairn_error *err)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char *path = path_of(state_dir, run);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int rc = 0;

    *who = NULL;
    if (fd < 0 && errno != ENOENT)
        rc = cairn_fail(err, CAIRN_ERR_FAILED, "open %s: %s", path, strerror(errno));
    else if (fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) < 0)
        rc = cairn_fail(err, CAIRN_ERR_FAILED, "look at the lock %s: %s", path, strerror(errno));
    else if (fd >= 0 && whole.l_type != F_UNLCK)
        *who = read_holder(fd);
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}
