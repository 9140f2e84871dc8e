/*
 * ending.c: pods of a workload that were told to end and still run; used by rollout.c.
 * SPDX-License-Identifier: MIT
 */
#include "ending.h"

#include "client.h"

#include "common/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* `path` with `text` behind it as a part of a query; takes `path`. */
static char *
add_encoded(char *path, const char *text)
{
    for (const char *c = text; *c; c++) {
        char *longer = isalnum((unsigned char)*c) || strchr("-_.", *c)
                           ? alloc_printf("%s%c", path, *c)
                           : alloc_printf("%s%%%02X", path, (unsigned)(unsigned char)*c);

        free(path);
        path = longer;
    }
    return path;
}

/* The list of the pods with the workload's labels; NULL when it selects by none. */
static char *
pods_path(const struct cairn_value *workload)
{
    const struct cairn_value *labels = cairn_get(cairn_get(cairn_get(workload, "spec"), "selector"), "matchLabels");
    const char *namespace = cairn_get_str(cairn_get(workload, "metadata"), "namespace", "");
    char *path;

    if (cairn_count(labels) == 0 || !*namespace)
        return NULL;
    path = alloc_printf("/api/v1/namespaces/%s/pods?labelSelector=", namespace);
    for (size_t i = 0; i < cairn_count(labels); i++) {
        char *pair = alloc_printf("%s%s=%s", i == 0 ? "" : ",", cairn_key(labels, i),
                                  cairn_as_str(cairn_at(labels, i), ""));

        path = add_encoded(path, pair);
        free(pair);
    }
    return path;
}

int
ending_count(int64_t *count, struct cairn_call *call, const struct cairn_value *workload, struct cairn_error *err)
{
    struct cairn_value *reply = NULL;
    const struct cairn_value *pods;
    struct client_request look = { .path = NULL };
    struct cairn_error why = { 0 };
    char *path = pods_path(workload);
    int rc = 0;

    *count = 0;
    look.path = path;
    if (path && client_request(call, &look, &reply, &why) < 0) {
        *count = -1;
        if (why.kind != CAIRN_ERR_DENIED) {
            *err = why;
            rc = -1;
        }
    }
    pods = cairn_get(reply, "items");
    for (size_t i = 0; i < cairn_count(pods); i++)
        if (cairn_get_str(cairn_get(cairn_at(pods, i), "metadata"), "deletionTimestamp", NULL))
            ++*count;
    cairn_free(reply);
    free(path);
    return rc;
}
