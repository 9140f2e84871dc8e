/*
 * private.c: folders and files that only their owner may read; used by the store, the seal's key and the locks.
 * SPDX-License-Identifier: MIT
 */
#include "engine/private.h"

#include "common/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int
failed(struct cairn_error *err, const char *verb, const char *path)
{
    enum cairn_error_kind kind = CAIRN_ERR_FAILED;

    if (errno == EACCES || errno == EPERM || errno == EROFS)
        kind = CAIRN_ERR_DENIED;
    return cairn_fail(err, kind, "%s %s: %s", verb, path, strerror(errno));
}

/* The folder that `path` lies in; freed with free(). */
static char *
parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return alloc_str(".");
    return slash == path ? alloc_str("/") : alloc_strn(path, (size_t)(slash - path));
}

/* A new name is durable only when the folder that holds it is. */
static int
sync_parent(const char *path, struct cairn_error *err)
{
    char *parent = parent_of(path);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;

    /* a folder that may be searched but not read can't be synced by this user: its owner vouches for it */
    if (fd >= 0 && fsync(fd) < 0)
        rc = failed(err, "sync", parent);
    if (fd >= 0)
        close(fd);
    free(parent);
    return rc;
}

static int
make_folders(const char *path, struct cairn_error *err)
{
    char *parent = NULL;
    struct stat st;
    int rc = -1;

    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        return cairn_fail(err, CAIRN_ERR_INVALID, "make folder %s: a file of that name is there", path);
    }
    parent = parent_of(path);
    if (make_folders(parent, err) < 0)
        goto out;
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        failed(err, "make folder", path);
        goto out;
    }
    rc = sync_parent(path, err);
out:
    free(parent);
    return rc;
}

int
private_folder(const char *path, struct cairn_error *err)
{
    struct stat st;

    if (make_folders(path, err) < 0)
        return -1;
    if (stat(path, &st) < 0)
        return failed(err, "look at", path);
    if (st.st_uid != geteuid() && st.st_uid != 0 && geteuid() != 0)
        return cairn_fail(err, CAIRN_ERR_DENIED, "use folder %s: it belongs to another user", path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return cairn_fail(err, CAIRN_ERR_DENIED, "use folder %s: others may write to it; run `chmod go-w %s`", path,
                          path);
    return 0;
}

int
private_lock(const char *folder, struct cairn_error *err)
{
    const struct timespec pause = { 0, 20000000 };
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return failed(err, "open", folder);
    for (int i = 0; i < 500; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        if (errno != EWOULDBLOCK && errno != EINTR) {
            failed(err, "lock", folder);
            close(fd);
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    close(fd);
    return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "lock %s: another process has kept it locked for 10 s", folder);
}

int
private_file(const char *path, struct cairn_error *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    if (fd < 0 && errno == ENOENT) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 && sync_parent(path, err) < 0) {
            close(fd);
            return -1;
        }
    }
    if (fd < 0 && errno == ELOOP)
        return cairn_fail(err, CAIRN_ERR_DENIED, "open %s: it is a link", path);
    if (fd < 0)
        return failed(err, "open", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        cairn_fail(err, CAIRN_ERR_INVALID, "open %s: not a regular file", path);
    else if ((st.st_mode & 077) && fchmod(fd, 0600) < 0)
        failed(err, "take the rights of others from", path);
    else
        return fd;
    close(fd);
    return -1;
}
