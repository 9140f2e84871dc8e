/*
 * alias.c: aliases of a function; used by the plugin lambda.
 * SPDX-License-Identifier: MIT
 */
#include "function.h"

#include <stdlib.h>
#include <string.h>

static int
fetch(struct cairn_value **reply, struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    return function_send(reply, call, "GetAlias", "GET",
                         function_path(args, "/aliases/", cairn_get_str(args, "alias", "")), NULL, NULL, err);
}

static void
put_alias(struct cairn_value *out, const struct cairn_value *alias)
{
    const struct cairn_value *weights = cairn_get(cairn_get(alias, "RoutingConfig"), "AdditionalVersionWeights");

    cairn_put(out, "version", cairn_str(cairn_get_str(alias, "FunctionVersion", NULL)));
    cairn_put(out, "revision_id", cairn_str(cairn_get_str(alias, "RevisionId", NULL)));
    cairn_put(out, "description", cairn_str(cairn_get_str(alias, "Description", "")));
    cairn_put(out, "weights", cairn_type(weights) == CAIRN_MAP ? cairn_copy(weights) : cairn_map());
}

int
alias_get(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *reply;

    if (fetch(&reply, call, args, err) < 0)
        return -1;
    put_alias(out, reply);
    cairn_free(reply);
    return 0;
}

/* DONE: it has the wanted version; ABSENT: it has the expected one; else CONFLICT with what it has. */
static enum cairn_seen
judge(const struct cairn_value *alias, const struct cairn_value *args, struct cairn_error *err)
{
    const char *now = cairn_get_str(alias, "FunctionVersion", "");
    const char *wanted = cairn_get_str(args, "version", ""), *expected = cairn_get_str(args, "expect", "");

    if (!strcmp(now, wanted))
        return CAIRN_SEEN_DONE;
    if (cairn_count(cairn_get(cairn_get(alias, "RoutingConfig"), "AdditionalVersionWeights")) > 0) {
        cairn_fail(err, CAIRN_ERR_CONFLICT, "update alias %s of function %s: it shares its traffic among versions",
                   cairn_get_str(args, "alias", ""), cairn_get_str(args, "function", ""));
        return CAIRN_SEEN_CONFLICT;
    }
    if (!strcmp(now, expected))
        return CAIRN_SEEN_ABSENT;
    cairn_fail(err, CAIRN_ERR_CONFLICT, "update alias %s of function %s: it has version %s, neither %s nor %s",
               cairn_get_str(args, "alias", ""), cairn_get_str(args, "function", ""), now, expected, wanted);
    return CAIRN_SEEN_CONFLICT;
}

static void
put_result(struct cairn_value *out, const struct cairn_value *alias)
{
    cairn_put(out, "version", cairn_str(cairn_get_str(alias, "FunctionVersion", NULL)));
    cairn_put(out, "revision_id", cairn_str(cairn_get_str(alias, "RevisionId", NULL)));
}

int
alias_update(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *alias, *body, *reply;
    enum cairn_seen seen;
    int rc;

    if (fetch(&alias, call, args, err) < 0)
        return -1;
    seen = judge(alias, args, err);
    if (seen != CAIRN_SEEN_ABSENT) {
        put_result(out, alias);
        cairn_free(alias);
        return seen == CAIRN_SEEN_DONE ? 0 : -1;
    }
    body = cairn_map();
    cairn_put(body, "FunctionVersion", cairn_str(cairn_get_str(args, "version", "")));
    cairn_put(body, "RevisionId", cairn_str(cairn_get_str(alias, "RevisionId", NULL)));
    cairn_free(alias);
    rc = function_send(&reply, call, "UpdateAlias", "PUT",
                       function_path(args, "/aliases/", cairn_get_str(args, "alias", "")), NULL, body, err);
    if (rc == 0)
        put_result(out, reply);
    cairn_free(reply);
    return rc;
}

int
alias_update_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                     struct cairn_error *err)
{
    struct cairn_value *alias;
    enum cairn_seen seen;

    if (fetch(&alias, call, args, err) < 0)
        return -1;
    seen = judge(alias, args, err);
    if (seen == CAIRN_SEEN_DONE)
        put_result(out, alias);
    cairn_free(alias);
    return (int)seen;
}
