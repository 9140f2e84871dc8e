/*
 * parameter_group.c: parameter groups of instances and of clusters; used by rds.c.
 * SPDX-License-Identifier: MIT
 *
 * The two kinds differ in names alone. Many parameters go in several requests: a step that is sent again after a doubt
 * asks only for what isn't set yet.
 */
#include "parameter_group.h"

#include "common/alloc.h"
#include "wanted.h"

#include <stdlib.h>
#include <string.h>

#define NOT_FOUND "ParameterGroupNotFound" /* of an instance or of a cluster */
#define CHUNK 20                           /* as many parameters does RDS take in one call */

struct kind {
    const char *create, *describe, *parameters, *modify, *delete; /* operations */
    const char *name;                                             /* parameter and element */
    const char *path, *created; /* of the group in the reply to describe and to create */
    const char *arn;            /* element */
};

static const struct kind of_instance = {
    "CreateDBParameterGroup",
    "DescribeDBParameterGroups",
    "DescribeDBParameters",
    "ModifyDBParameterGroup",
    "DeleteDBParameterGroup",
    "DBParameterGroupName",
    "DBParameterGroups/DBParameterGroup",
    "CreateDBParameterGroupResult/DBParameterGroup",
    "DBParameterGroupArn",
};
static const struct kind of_cluster = {
    "CreateDBClusterParameterGroup",
    "DescribeDBClusterParameterGroups",
    "DescribeDBClusterParameters",
    "ModifyDBClusterParameterGroup",
    "DeleteDBClusterParameterGroup",
    "DBClusterParameterGroupName",
    "DBClusterParameterGroups/DBClusterParameterGroup",
    "CreateDBClusterParameterGroupResult/DBClusterParameterGroup",
    "DBClusterParameterGroupArn",
};

static const struct kind *
kind_of(const struct cairn_value *args)
{
    return cairn_get_bool(args, "cluster", 0) ? &of_cluster : &of_instance;
}

static struct cairn_value *
named(const struct kind *kind, const struct cairn_value *args)
{
    struct cairn_value *params = cairn_map();

    query_put(params, kind->name, cairn_get(args, "name"));
    return params;
}

static void
put_group(struct cairn_value *out, const struct kind *kind, const struct xml_node *node)
{
    const struct shape fields[] = {
        { kind->name, "name", CAIRN_STR },
        { "DBParameterGroupFamily", "family", CAIRN_STR },
        { "Description", "description", CAIRN_STR },
        { kind->arn, "arn", CAIRN_STR },
        { 0 },
    };

    shape_copy(out, node, fields);
}

static int
find(struct xml_node **found, struct cairn_call *call, const struct kind *kind, const struct cairn_value *args,
     struct cairn_error *err)
{
    struct rds_wanted wanted = { kind->describe, kind->path, kind->name, cairn_get_str(args, "name", ""), NOT_FOUND };

    return rds_find(found, call, &wanted, named(kind, args), err);
}

static int
parameters_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    static const struct shape fields[] = { { "ParameterValue", "value", CAIRN_STR },
                                           { "ApplyMethod", "apply_method", CAIRN_STR },
                                           { 0 } };
    struct cairn_value *parameters = context;

    (void)err;
    for (const struct xml_node *at = xml_get(result, "Parameters/Parameter"); at; at = xml_next(at)) {
        const char *name = xml_text(at, "ParameterName", NULL);
        struct cairn_value *parameter;

        if (!name || strcmp(xml_text(at, "Source", "user"), "user") != 0)
            continue;
        parameter = cairn_map();
        shape_copy(parameter, at, fields);
        cairn_put(parameters, name, parameter);
    }
    return 0;
}

/* What the user has set, as a map of maps; the caller frees it. NULL: -1. */
static struct cairn_value *
user_parameters(struct cairn_call *call, const struct kind *kind, const struct cairn_value *args,
                struct cairn_error *err)
{
    struct cairn_value *parameters = cairn_map();
    struct cairn_value *params = named(kind, args);

    cairn_put(params, "Source", cairn_str("user"));
    if (rds_pages(call, kind->parameters, params, parameters_page, parameters, err) == 0)
        return parameters;
    cairn_free(parameters);
    return NULL;
}

int
parameter_group_describe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                         struct cairn_error *err)
{
    const struct kind *kind = kind_of(args);
    struct cairn_value *parameters;
    struct xml_node *found;
    int rc = find(&found, call, kind, args, err);

    if (rc == 0)
        return cairn_fail_code(err, CAIRN_ERR_NOT_FOUND, "DBParameterGroupNotFound",
                               "describe parameter group %s: there is none", cairn_get_str(args, "name", ""));
    if (rc < 0)
        return -1;
    put_group(out, kind, found);
    xml_free(found);
    parameters = user_parameters(call, kind, args, err);
    if (!parameters)
        return -1;
    cairn_put(out, "parameters", parameters);
    return 0;
}

int
parameter_group_create(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                       struct cairn_error *err)
{
    static const struct query_field fields[] = { { "family", "DBParameterGroupFamily" },
                                                 { "description", "Description" },
                                                 { 0 } };
    const struct kind *kind = kind_of(args);
    struct cairn_value *params = named(kind, args);
    struct cairn_error refused = { 0 };
    struct xml_node *reply;

    query_fields(params, args, fields);
    tags_put_marked(params, "Tags.Tag", cairn_get(args, "tags"), call);
    if (rds_change(call, kind->create, params, &reply, &refused) < 0)
        return rds_adopt(call, args, out, &refused, parameter_group_create_observe, err);
    put_group(out, kind, xml_get(reply, kind->created));
    xml_free(reply);
    return 0;
}

int
parameter_group_create_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                               struct cairn_error *err)
{
    const struct kind *kind = kind_of(args);
    struct xml_node *found;
    int rc = find(&found, call, kind, args, err);

    if (rc <= 0)
        return rc < 0 ? -1 : CAIRN_SEEN_ABSENT;
    rc = rds_judge_arn(call, xml_text(found, kind->arn, ""), "parameter group", cairn_get_str(args, "name", ""), err);
    if (rc == CAIRN_SEEN_DONE)
        put_group(out, kind, found);
    xml_free(found);
    return rc;
}

static void
put_parameter(struct cairn_value *params, size_t n, const char *name, const struct cairn_value *value,
              const char *apply)
{
    char *prefix = alloc_printf("Parameters.Parameter.%zu", n);
    char *keys[3] = { alloc_printf("%s.ParameterName", prefix), alloc_printf("%s.ParameterValue", prefix),
                      alloc_printf("%s.ApplyMethod", prefix) };

    cairn_put(params, keys[0], cairn_str(name));
    query_put(params, keys[1], value);
    cairn_put(params, keys[2], cairn_str(apply));
    for (int i = 0; i < 3; i++)
        free(keys[i]);
    free(prefix);
}

static int
check_parameters(const struct cairn_value *parameters, const char *apply, struct cairn_error *err)
{
    if (strcmp(apply, "pending-reboot") != 0 && strcmp(apply, "immediate") != 0)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "modify parameter group: apply is pending-reboot or immediate, not %s", apply);
    for (size_t i = 0; i < cairn_count(parameters); i++) {
        enum cairn_type type = cairn_type(cairn_at(parameters, i));

        if (type == CAIRN_LIST || type == CAIRN_MAP || type == CAIRN_NULL)
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "modify parameter group: parameter %s has to be a text or a number",
                              cairn_key(parameters, i));
    }
    return cairn_count(parameters)
               ? 0
               : cairn_fail(err, CAIRN_ERR_INVALID, "modify parameter group: give at least one parameter");
}

static int
is_set(const struct cairn_value *wanted, const char *apply, const struct cairn_value *parameter)
{
    const char *value = cairn_get_str(parameter, "value", parameter ? "" : NULL);

    return wanted_is(wanted, value) && !strcmp(cairn_get_str(parameter, "apply_method", apply), apply);
}

/* Those of the wanted parameters that are not set yet. */
static struct cairn_value *
missing(const struct cairn_value *wanted, const char *apply, const struct cairn_value *now)
{
    struct cairn_value *left = cairn_map();

    for (size_t i = 0; i < cairn_count(wanted); i++)
        if (!is_set(cairn_at(wanted, i), apply, cairn_get(now, cairn_key(wanted, i))))
            cairn_put(left, cairn_key(wanted, i), cairn_copy(cairn_at(wanted, i)));
    return left;
}

/* What there is to send: everything at first, and after a doubt what is missing. NULL: -1. */
static struct cairn_value *
to_send(struct cairn_call *call, const struct kind *kind, const struct cairn_value *args, const char *apply,
        struct cairn_error *err)
{
    const struct cairn_value *wanted = cairn_get(args, "parameters");
    struct cairn_value *now, *left;

    if (cairn_call_attempt(call) <= 1)
        return cairn_copy(wanted);
    now = user_parameters(call, kind, args, err);
    left = now ? missing(wanted, apply, now) : NULL;
    cairn_free(now);
    return left;
}

/* A refusal of a later request must not read as if nothing had been changed. */
static int
refused_midway(const struct cairn_error *refused, size_t set, size_t count, struct cairn_error *err)
{
    enum cairn_error_kind kind = refused->kind;

    if (kind == CAIRN_ERR_THROTTLED || kind == CAIRN_ERR_NOT_YET || kind == CAIRN_ERR_UNAVAILABLE)
        kind = CAIRN_ERR_IN_DOUBT;
    else if (kind != CAIRN_ERR_TIMEOUT && kind != CAIRN_ERR_IN_DOUBT && kind != CAIRN_ERR_INTERNAL)
        kind = CAIRN_ERR_FAILED;
    return cairn_fail_code(err, kind, refused->code, "%.700s; %zu of %zu parameters were set before", refused->text,
                           set, count);
}

static int
send_parameters(struct cairn_call *call, const struct kind *kind, const struct cairn_value *args, const char *apply,
                const struct cairn_value *parameters, struct cairn_error *err)
{
    size_t count = cairn_count(parameters);

    for (size_t at = 0; at < count;) {
        struct cairn_value *params = named(kind, args);
        struct cairn_error refused = { 0 };
        size_t first = at;

        for (size_t n = 1; n <= CHUNK && at < count; n++, at++)
            put_parameter(params, n, cairn_key(parameters, at), cairn_at(parameters, at), apply);
        if (rds_change(call, kind->modify, params, NULL, &refused) == 0)
            continue;
        if (first > 0)
            return refused_midway(&refused, first, count, err);
        *err = refused;
        return -1;
    }
    return 0;
}

int
parameter_group_modify(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                       struct cairn_error *err)
{
    const char *apply = cairn_get_str(args, "apply", "pending-reboot");
    const struct kind *kind = kind_of(args);
    struct cairn_value *parameters;
    int rc;

    if (check_parameters(cairn_get(args, "parameters"), apply, err) < 0)
        return -1;
    parameters = to_send(call, kind, args, apply, err);
    if (!parameters)
        return -1;
    rc = send_parameters(call, kind, args, apply, parameters, err);
    cairn_free(parameters);
    cairn_put(out, "name", cairn_str(cairn_get_str(args, "name", "")));
    return rc;
}

int
parameter_group_modify_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                               struct cairn_error *err)
{
    const char *apply = cairn_get_str(args, "apply", "pending-reboot");
    struct cairn_error problem = { 0 };
    struct cairn_value *now = user_parameters(call, kind_of(args), args, &problem);
    struct cairn_value *left;
    int seen;

    if (!now && problem.kind == CAIRN_ERR_NOT_FOUND)
        return CAIRN_SEEN_ABSENT; /* the group has gone: the answer to asking again says so */
    if (!now) {
        *err = problem;
        return -1;
    }
    left = missing(cairn_get(args, "parameters"), apply, now);
    seen = cairn_count(left) > 0 ? CAIRN_SEEN_ABSENT : CAIRN_SEEN_DONE;
    if (seen == CAIRN_SEEN_DONE)
        cairn_put(out, "name", cairn_str(cairn_get_str(args, "name", "")));
    cairn_free(left);
    cairn_free(now);
    return seen;
}

int
parameter_group_delete(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                       struct cairn_error *err)
{
    struct cairn_error refused = { 0 };
    int rc = rds_change(call, kind_of(args)->delete, named(kind_of(args), args), NULL, &refused);

    if (rc < 0 && !strstr(refused.code, NOT_FOUND)) {
        *err = refused;
        return -1;
    }
    cairn_put(out, "status", cairn_str("deleted"));
    return 0;
}

int
parameter_group_delete_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                               struct cairn_error *err)
{
    struct xml_node *found;
    int rc = find(&found, call, kind_of(args), args, err);

    xml_free(found);
    if (rc == 0)
        cairn_put(out, "status", cairn_str("deleted"));
    return rc < 0 ? -1 : rc ? CAIRN_SEEN_ABSENT : CAIRN_SEEN_DONE;
}
