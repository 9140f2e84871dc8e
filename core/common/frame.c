/*
 * frame.c: length-prefixed JSON messages over a socket; used between engine, script host and worker.
 * SPDX-License-Identifier: MIT
 */
#include "common/frame.h"

#include "common/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
frame_pack(const json_t *message, char **out, size_t *len, struct cairn_error *err)
{
    size_t size = json_dumpb(message, NULL, 0, JSON_COMPACT);
    uint32_t prefix;

    if (size == 0 || size > FRAME_MAX)
        return cairn_fail(err, CAIRN_ERR_INVALID, "send message: it has %zu bytes, and %u are allowed", size, FRAME_MAX);
    *out = alloc_zero(size + 4, 1);
    prefix = htonl((uint32_t)size);
    memcpy(*out, &prefix, 4);
    json_dumpb(message, *out + 4, size, JSON_COMPACT);
    *len = size + 4;
    return 0;
}

int
frame_write(int fd, const json_t *message, struct cairn_error *err)
{
    char *bytes = NULL;
    size_t len = 0;
    size_t sent = 0;
    int rc = -1;

    if (frame_pack(message, &bytes, &len, err) < 0)
        return -1;
    while (sent < len) {
        ssize_t n = write(fd, bytes + sent, len - sent);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            cairn_fail(err, CAIRN_ERR_INTERNAL, "send message: %s", strerror(errno));
            goto out;
        }
        sent += (size_t)n;
    }
    rc = 0;
out:
    free(bytes);
    return rc;
}

/* 1 when all was read, 0 at an end-of-file before the first byte, -1 otherwise. */
static int
read_all(int fd, char *bytes, size_t len, struct cairn_error *err)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = read(fd, bytes + got, len - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cairn_fail(err, CAIRN_ERR_INTERNAL, "read message: %s", strerror(errno));
        if (n == 0)
            return got ? cairn_fail(err, CAIRN_ERR_INTERNAL, "read message: it was cut off") : 0;
        got += (size_t)n;
    }
    return 1;
}

static int
parse(const char *bytes, size_t len, json_t **out, struct cairn_error *err)
{
    json_error_t why;

    *out = json_loadb(bytes, len, JSON_ALLOW_NUL, &why);
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "read message: not a JSON object: %s", why.text);
    }
    return 0;
}

int
frame_read(int fd, json_t **out, struct cairn_error *err)
{
    uint32_t prefix;
    size_t len;
    char *bytes;
    int rc;

    *out = NULL;
    rc = read_all(fd, (char *)&prefix, 4, err);
    if (rc <= 0)
        return rc;
    len = ntohl(prefix);
    if (len == 0 || len > FRAME_MAX)
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "read message: a length of %zu bytes", len);
    bytes = alloc_zero(len, 1);
    rc = read_all(fd, bytes, len, err);
    if (rc == 0)
        rc = cairn_fail(err, CAIRN_ERR_INTERNAL, "read message: it was cut off");
    if (rc > 0)
        rc = parse(bytes, len, out, err);
    free(bytes);
    return rc;
}

void
frame_feed(struct frame_buffer *buffer, const char *bytes, size_t len)
{
    if (buffer->len + len > buffer->size) {
        buffer->size = (buffer->len + len) * 2;
        buffer->bytes = alloc_grow(buffer->bytes, buffer->size, 1);
    }
    if (len)
        memcpy(buffer->bytes + buffer->len, bytes, len);
    buffer->len += len;
}

int
frame_take(struct frame_buffer *buffer, json_t **out, struct cairn_error *err)
{
    uint32_t prefix;
    size_t len;

    if (buffer->len < 4)
        return 0;
    memcpy(&prefix, buffer->bytes, 4);
    len = ntohl(prefix);
    if (len == 0 || len > FRAME_MAX)
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "read message: a length of %zu bytes", len);
    if (buffer->len < len + 4)
        return 0;
    if (parse(buffer->bytes + 4, len, out, err) < 0)
        return -1;
    buffer->len -= len + 4;
    memmove(buffer->bytes, buffer->bytes + len + 4, buffer->len);
    return 1;
}

void
frame_release(struct frame_buffer *buffer)
{
    free(buffer->bytes);
    memset(buffer, 0, sizeof(*buffer));
}
