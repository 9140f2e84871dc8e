/*
 * concurrency.c: how many instances of a function may run at once; used by the plugin lambda.
 * SPDX-License-Identifier: MIT
 *
 * A reservation of 0 lets nothing run. For a function that is fed by a queue that is no pause: deliveries go on, are
 * refused, and count as receives, until the messages are in the dead-letter queue.
 */
#include "function.h"
#include "json.h"

#include "common/alloc.h"

#include <stdlib.h>

#define SET_VERSION "2017-10-31"
#define GET_VERSION "2019-09-30"

static char *
path_of(const struct cairn_value *args, const char *version)
{
    char *name = cairn_url_encode(cairn_get_str(args, "function", ""), NULL);
    char *path = alloc_printf("/%s/functions/%s/concurrency", version, name);

    free(name);
    return path;
}

/* What there is now: -1 for no reservation, -2 when it could not be read. */
static int64_t
reserved(struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    struct cairn_value *reply;
    int64_t n;

    if (function_send(&reply, call, "GetFunctionConcurrency", "GET", path_of(args, GET_VERSION), NULL, NULL, err) < 0)
        return -2;
    n = cairn_get_int(reply, "ReservedConcurrentExecutions", -1);
    cairn_free(reply);
    return n;
}

static void
put_reserved(struct cairn_value *out, int64_t n)
{
    if (n >= 0)
        cairn_put(out, "reserved", cairn_int(n));
}

int
concurrency_get(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    int64_t n = reserved(call, args, err);

    put_reserved(out, n);
    return n < -1 ? -1 : 0;
}

int
concurrency_set(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    int64_t n = cairn_get_int(args, "reserved", -1);
    struct cairn_value *body, *reply;

    if (n < 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "set the concurrency: reserved must be 0 or more");
    body = cairn_map();
    cairn_put(body, "ReservedConcurrentExecutions", cairn_int(n));
    if (function_send(&reply, call, "PutFunctionConcurrency", "PUT", path_of(args, SET_VERSION), NULL, body, err) < 0)
        return -1;
    put_reserved(out, cairn_get_int(reply, "ReservedConcurrentExecutions", n));
    cairn_free(reply);
    return 0;
}

int
concurrency_set_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    int64_t n = reserved(call, args, err);

    if (n < -1)
        return -1;
    if (n != cairn_get_int(args, "reserved", -1))
        return CAIRN_SEEN_ABSENT;
    put_reserved(out, n);
    return CAIRN_SEEN_DONE;
}

int
concurrency_delete(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                   struct cairn_error *err)
{
    struct cairn_value *reply;
    int rc = function_send(&reply, call, "DeleteFunctionConcurrency", "DELETE", path_of(args, SET_VERSION), NULL, NULL,
                           err);

    (void)out;
    if (rc == 0)
        cairn_free(reply);
    return rc;
}

int
concurrency_delete_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                           struct cairn_error *err)
{
    int64_t n = reserved(call, args, err);

    (void)out;
    if (n < -1)
        return -1;
    return n < 0 ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}
