/*
 * file.c: whole small files; used by engine, simulator and commands.
 * SPDX-License-Identifier: MIT
 */
#include "common/file.h"

#include "common/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
failed(struct cairn_error *err, const char *verb, const char *path)
{
    return cairn_fail(err, errno == ENOENT ? CAIRN_ERR_NOT_FOUND : CAIRN_ERR_FAILED, "%s %s: %s", verb, path, strerror(errno));
}

int
file_read(char **out, size_t *len, const char *path, size_t max, struct cairn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *bytes = NULL;
    size_t got = 0;
    struct stat st;
    int rc = -1;

    if (fd < 0)
        return failed(err, "open", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        cairn_fail(err, CAIRN_ERR_INVALID, "open %s: not a regular file", path);
        goto out;
    }
    if ((size_t)st.st_size > max) {
        cairn_fail(err, CAIRN_ERR_INVALID, "read %s: it has %zu bytes, and %zu are allowed", path, (size_t)st.st_size, max);
        goto out;
    }
    bytes = alloc_zero((size_t)st.st_size + 1, 1);
    while (got < (size_t)st.st_size) {
        ssize_t n = read(fd, bytes + got, (size_t)st.st_size - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            failed(err, "read", path);
            goto out;
        }
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *out = bytes;
    *len = got;
    bytes = NULL; /* handed over */
    rc = 0;
out:
    free(bytes);
    close(fd);
    return rc;
}
