/*
 * channel.c: the worker's end of the socket to the engine; used by the life cycle and during a call.
 * SPDX-License-Identifier: MIT
 */
#include "worker/channel.h"

#include "common/alloc.h"
#include "common/frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct frame_buffer arrived;
static json_t *waiting; /* messages that came during a call; a list, NULL when there was none */
static int cancelled;
static int ended; /* end-of-file was seen */

/* Wait at most `ms` (-1: for ever) and take in what is there. 1: something came, 0: nothing, -1 with err. */
static int
feed(int ms, struct cairn_error *err)
{
    struct pollfd ready = { .fd = FRAME_FD, .events = POLLIN };
    char bytes[65536];
    ssize_t n;

    if (poll(&ready, 1, ms) <= 0)
        return 0;
    n = read(FRAME_FD, bytes, sizeof(bytes));
    if (n < 0)
        return errno == EINTR || errno == EAGAIN
                   ? 0
                   : cairn_fail(err, CAIRN_ERR_INTERNAL, "read message: %s", strerror(errno));
    if (n == 0)
        ended = 1;
    frame_feed(&arrived, bytes, (size_t)n);
    return 1;
}

int
channel_read(json_t **out, struct cairn_error *err)
{
    int rc;

    *out = NULL;
    if (json_array_size(waiting) > 0) {
        *out = json_incref(json_array_get(waiting, 0));
        json_array_remove(waiting, 0);
        return 0;
    }
    while ((rc = frame_take(&arrived, out, err)) == 0) {
        if (ended)
            return arrived.len ? cairn_fail(err, CAIRN_ERR_INTERNAL, "read message: it was cut off") : 0;
        if (feed(-1, err) < 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

int
channel_send(json_t *owned_message, struct cairn_error *err)
{
    int rc = frame_write(FRAME_FD, owned_message, err);

    json_decref(owned_message);
    return rc;
}

static void
sort_arrived(void)
{
    struct cairn_error err = { 0 };
    json_t *message;

    while (frame_take(&arrived, &message, &err) == 1) {
        const char *op = json_string_value(json_object_get(message, "op"));

        if (op && strcmp(op, "cancel") == 0) {
            cancelled = 1;
            json_decref(message);
            continue;
        }
        if (!waiting && !(waiting = json_array()))
            alloc_failed();
        json_array_append_new(waiting, message);
    }
    if (err.kind != CAIRN_ERR_NONE)
        ended = 1;
}

int
channel_cancelled(int64_t ms)
{
    struct cairn_error err = { 0 };
    int rc = 0;

    sort_arrived(); /* it may have come together with the call */
    if (!cancelled && !ended)
        rc = feed(ms > 60000 ? 60000 : (int)ms, &err);
    if (rc > 0)
        sort_arrived();
    if (rc < 0)
        ended = 1;
    return cancelled || ended;
}

void
channel_forget_cancel(void)
{
    cancelled = 0;
}
