/*
 * mapping.c: event source mappings, by which Lambda polls a queue or a stream for a function; used by the plugin lambda.
 * SPDX-License-Identifier: MIT
 *
 * A mapping that was told to stop goes on for a while: its state is Disabling, and Disabled when it polls no more. Who
 * tells it something else in the meantime is refused with "in motion", which passes.
 */
#include "function.h"
#include "json.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define PATH "/2015-03-31/event-source-mappings/"
#define PAGE_MAX 100

static const struct json_member members[] = {
    { "UUID", "uuid", CAIRN_STR },
    { "EventSourceArn", "source", CAIRN_STR },
    { "FunctionArn", "function_arn", CAIRN_STR },
    { "State", "state", CAIRN_STR },
    { "StateTransitionReason", "state_reason", CAIRN_STR },
    { "LastProcessingResult", "last_result", CAIRN_STR },
    { "BatchSize", "batch_size", CAIRN_INT },
    { NULL, NULL, CAIRN_NULL },
};

static struct cairn_value *
mapping_of(const struct cairn_value *reply)
{
    struct cairn_value *mapping = cairn_map();

    json_copy(mapping, reply, members);
    return mapping;
}

static char *
path_of(const struct cairn_value *args)
{
    char *uuid = cairn_url_encode(cairn_get_str(args, "uuid", ""), NULL);
    char *path = alloc_printf(PATH "%s", uuid);

    free(uuid);
    return path;
}

static int
fetch(struct cairn_value **reply, struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    return function_send(reply, call, "GetEventSourceMapping", "GET", path_of(args), NULL, NULL, err);
}

/* "FunctionName=...&EventSourceArn=...&MaxItems=100&Marker=..." */
static char *
list_query(const struct cairn_value *args, const char *marker)
{
    static const struct {
        const char *arg, *name;
    } filters[] = { { "function", "FunctionName" }, { "source", "EventSourceArn" } };
    char *query = alloc_printf("MaxItems=%d", PAGE_MAX);

    for (size_t i = 0; i < 3; i++) {
        const char *value = i < 2 ? cairn_get_str(args, filters[i].arg, NULL) : marker;
        char *encoded, *longer;

        if (!value)
            continue;
        encoded = cairn_url_encode(value, NULL);
        longer = alloc_printf("%s&%s=%s", query, i < 2 ? filters[i].name : "Marker", encoded);
        free(encoded);
        free(query);
        query = longer;
    }
    return query;
}

int
mapping_list(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *list = cairn_list(), *reply = NULL;
    char *marker = NULL;
    int rc = 0;

    do {
        char *query = list_query(args, marker);
        const struct cairn_value *page;
        const char *next;

        rc = function_send(&reply, call, "ListEventSourceMappings", "GET", alloc_str(PATH), query, NULL, err);
        free(query);
        if (rc < 0)
            break;
        page = cairn_get(reply, "EventSourceMappings");
        for (size_t i = 0; i < cairn_count(page); i++)
            cairn_add(list, mapping_of(cairn_at(page, i)));
        next = cairn_get_str(reply, "NextMarker", NULL);
        if (next && marker && !strcmp(next, marker))
            rc = cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "ListEventSourceMappings: page after page leads to the same one");
        free(marker);
        marker = next && *next ? alloc_str(next) : NULL;
        cairn_free(reply);
    } while (rc == 0 && marker);
    free(marker);
    cairn_put(out, "mappings", list);
    return rc;
}

int
mapping_get(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *reply;

    if (fetch(&reply, call, args, err) < 0)
        return -1;
    json_copy(out, reply, members);
    cairn_free(reply);
    return 0;
}

int
mapping_set(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *body = cairn_map(), *reply;

    cairn_put(body, "Enabled", cairn_bool(cairn_get_bool(args, "enabled", 0)));
    if (function_send(&reply, call, "UpdateEventSourceMapping", "PUT", path_of(args), NULL, body, err) < 0)
        return -1;
    json_copy(out, reply, members);
    cairn_free(reply);
    return 0;
}

/* On its way there is as good as there. A mapping that is being created or changed in another way will be, too, and
 * nobody can see where to: it is looked at again. */
int
mapping_set_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                    struct cairn_error *err)
{
    int enabled = cairn_get_bool(args, "enabled", 0);
    struct cairn_value *reply;
    const char *state;
    int done;

    if (fetch(&reply, call, args, err) < 0)
        return -1;
    state = cairn_get_str(reply, "State", "");
    done = enabled ? !strcmp(state, "Enabled") || !strcmp(state, "Enabling")
                   : !strcmp(state, "Disabled") || !strcmp(state, "Disabling");
    if (done)
        json_copy(out, reply, members);
    cairn_free(reply);
    return done ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}
