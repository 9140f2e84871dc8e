/*
 * configuration.c: the configuration of a function, and the host in one of its variables; used by the plugin lambda.
 * SPDX-License-Identifier: MIT
 *
 * Variables hold passwords: their values stay in this process, and only hosts of URLs are shown. AWS replaces all of
 * them at once, so a change sends what was read, with the RevisionId that was read: whoever came between is not
 * overwritten.
 */
#include "function.h"

#include "urlhost.h"

#include <stdlib.h>
#include <string.h>

struct member {
    const char *from, *to;
};

static const struct member members[] = {
    { "FunctionName", "function" },
    { "Version", "version" },
    { "RevisionId", "revision_id" },
    { "State", "state" },
    { "StateReason", "state_reason" },
    { "LastUpdateStatus", "last_update_status" },
    { "LastUpdateStatusReason", "last_update_reason" },
    { "CodeSha256", "code_sha256" },
    { "Description", "description" },
    { 0 },
};

static int
fetch(struct cairn_value **reply, struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    char *query = function_query(args);
    int rc = function_send(reply, call, "GetFunctionConfiguration", "GET", function_path(args, "/configuration", NULL),
                           query, NULL, err);

    free(query);
    return rc;
}

static const struct cairn_value *
variables_of(const struct cairn_value *reply)
{
    return cairn_get(cairn_get(reply, "Environment"), "Variables");
}

int
configuration_get(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    struct cairn_value *names = cairn_list(), *hosts = cairn_map(), *reply;
    const struct cairn_value *variables, *error;

    if (fetch(&reply, call, args, err) < 0) {
        cairn_free(names);
        cairn_free(hosts);
        return -1;
    }
    for (const struct member *m = members; m->from; m++)
        if (cairn_get_str(reply, m->from, NULL))
            cairn_put(out, m->to, cairn_copy(cairn_get(reply, m->from)));
    error = cairn_get(cairn_get(reply, "Environment"), "Error");
    if (cairn_type(error) == CAIRN_MAP)
        cairn_put(out, "environment_error", cairn_str(cairn_get_str(error, "Message", "AWS can't decrypt them")));
    variables = variables_of(reply);
    for (size_t i = 0; i < cairn_count(variables); i++) {
        const char *value = cairn_as_str(cairn_at(variables, i), "");
        size_t at, len;

        cairn_add(names, cairn_str(cairn_key(variables, i)));
        if (urlhost_find(value, &at, &len))
            cairn_put(hosts, cairn_key(variables, i), cairn_strn(value + at, len));
    }
    cairn_put(out, "variables", names);
    cairn_put(out, "hosts", hosts);
    cairn_free(reply);
    return 0;
}

/* The value of the variable that the arguments name; lies in `reply`. */
static int
find_value(const char **value, const struct cairn_value *reply, const struct cairn_value *args, struct cairn_error *err)
{
    const struct cairn_value *error = cairn_get(cairn_get(reply, "Environment"), "Error");
    const char *function = cairn_get_str(args, "function", ""), *variable = cairn_get_str(args, "variable", "");

    if (cairn_type(error) == CAIRN_MAP)
        return cairn_fail_code(err, CAIRN_ERR_FAILED, cairn_get_str(error, "ErrorCode", ""),
                               "read the variables of function %s: %s: what can't be read would be lost by a change",
                               function, cairn_get_str(error, "Message", "AWS can't decrypt them"));
    *value = cairn_get_str(variables_of(reply), variable, NULL);
    if (!*value)
        return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "read the variables of function %s: it has no %s", function,
                          variable);
    return 0;
}

static int
other_host(const char *value, const struct cairn_value *args, struct cairn_error *err)
{
    const char *function = cairn_get_str(args, "function", ""), *variable = cairn_get_str(args, "variable", "");
    size_t at, len;

    if (!urlhost_find(value, &at, &len))
        return cairn_fail(err, CAIRN_ERR_CONFLICT, "replace the host in %s of function %s: its value isn't a URL",
                          variable, function);
    return cairn_fail(err, CAIRN_ERR_CONFLICT,
                      "replace the host in %s of function %s: it is at %.*s, neither at %s nor at %s", variable,
                      function, (int)len, value + at, cairn_get_str(args, "from", ""), cairn_get_str(args, "to", ""));
}

/* All variables with one of them changed, under the revision that was read. */
static struct cairn_value *
changed_body(const struct cairn_value *reply, const struct cairn_value *args, const char *value)
{
    struct cairn_value *variables = cairn_copy(variables_of(reply));
    struct cairn_value *environment = cairn_map(), *body = cairn_map();

    cairn_put(variables, cairn_get_str(args, "variable", ""), cairn_str(value));
    cairn_put(environment, "Variables", variables);
    cairn_put(body, "Environment", environment);
    cairn_put(body, "RevisionId", cairn_str(cairn_get_str(reply, "RevisionId", NULL)));
    return body;
}

static void
put_result(struct cairn_value *out, const struct cairn_value *reply, int changed)
{
    cairn_put(out, "revision_id", cairn_str(cairn_get_str(reply, "RevisionId", NULL)));
    cairn_put(out, "changed", cairn_bool(changed));
}

static int
replace(struct cairn_call *call, const struct cairn_value *args, const struct cairn_value *reply, const char *value,
        struct cairn_value *out, struct cairn_error *err)
{
    char *replaced = urlhost_replace(value, cairn_get_str(args, "from", ""), cairn_get_str(args, "to", ""));
    struct cairn_value *answer;
    int rc = function_send(&answer, call, "UpdateFunctionConfiguration", "PUT",
                           function_path(args, "/configuration", NULL), NULL, changed_body(reply, args, replaced), err);

    if (rc == 0)
        put_result(out, answer, 1);
    cairn_free(answer);
    explicit_bzero(replaced, strlen(replaced));
    free(replaced);
    return rc;
}

static int
check_hosts(const struct cairn_value *args, struct cairn_error *err)
{
    const char *from = cairn_get_str(args, "from", ""), *to = cairn_get_str(args, "to", "");

    if (!urlhost_valid(from) || !urlhost_valid(to))
        return cairn_fail(err, CAIRN_ERR_INVALID, "replace the host: %s isn't HOST or HOST:PORT",
                          urlhost_valid(from) ? to : from);
    return 0;
}

int
configuration_replace_host(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                           struct cairn_error *err)
{
    struct cairn_value *reply;
    const char *value;
    int rc = -1;

    if (check_hosts(args, err) < 0 || fetch(&reply, call, args, err) < 0)
        return -1;
    if (find_value(&value, reply, args, err) < 0)
        goto out;
    switch (urlhost_state(value, cairn_get_str(args, "from", ""), cairn_get_str(args, "to", ""))) {
    case URLHOST_TO:
        put_result(out, reply, 0);
        rc = 0;
        break;
    case URLHOST_FROM:
        rc = replace(call, args, reply, value, out, err);
        break;
    default:
        rc = other_host(value, args, err);
    }
out:
    cairn_free(reply);
    return rc;
}

int
configuration_replace_host_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                                   struct cairn_error *err)
{
    struct cairn_value *reply;
    const char *value;
    int rc = -1;

    if (fetch(&reply, call, args, err) < 0)
        return -1;
    if (find_value(&value, reply, args, err) < 0)
        goto out;
    switch (urlhost_state(value, cairn_get_str(args, "from", ""), cairn_get_str(args, "to", ""))) {
    case URLHOST_TO:
        put_result(out, reply, 1);
        rc = CAIRN_SEEN_DONE;
        break;
    case URLHOST_FROM:
        rc = CAIRN_SEEN_ABSENT;
        break;
    default:
        other_host(value, args, err);
        rc = CAIRN_SEEN_CONFLICT;
    }
out:
    cairn_free(reply);
    return rc;
}
