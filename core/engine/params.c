/*
 * params.c: check values against a table of parameters; for workflow params, arguments of actions, and sections.
 * SPDX-License-Identifier: MIT
 */
#include "engine/params.h"

#include "common/alloc.h"
#include "common/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *
text_of(const json_t *param, const char *key)
{
    return json_string_value(json_object_get(param, key));
}

static const json_t *
find_param(const json_t *table, const char *name)
{
    const json_t *param;
    size_t i;

    json_array_foreach(table, i, param)
        if (text_of(param, "name") && strcmp(text_of(param, "name"), name) == 0)
            return param;
    return NULL;
}

/* ---- nearest word ---- */

/* How many letters must be changed, added, dropped, or swapped with the next one. */
static size_t
distance(const char *a, const char *b)
{
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    size_t width = b_len + 1;
    size_t *d = alloc_zero((a_len + 1) * width, sizeof(*d));
    size_t result;

    for (size_t i = 0; i <= a_len; i++) {
        for (size_t k = 0; k <= b_len; k++) {
            size_t best = i == 0 ? k : i;

            if (i && k) {
                best = d[(i - 1) * width + k - 1] + (a[i - 1] != b[k - 1]);
                if (d[(i - 1) * width + k] + 1 < best)
                    best = d[(i - 1) * width + k] + 1;
                if (d[i * width + k - 1] + 1 < best)
                    best = d[i * width + k - 1] + 1;
                if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]
                    && d[(i - 2) * width + k - 2] + 1 < best)
                    best = d[(i - 2) * width + k - 2] + 1;
            }
            d[i * width + k] = best;
        }
    }
    result = d[a_len * width + b_len];
    free(d);
    return result;
}

static void
consider(const char *word, const char *candidate, const char **nearest, size_t *least)
{
    size_t longer = strlen(word) > strlen(candidate) ? strlen(word) : strlen(candidate);
    size_t d;

    if (longer > 64)
        return;
    d = distance(word, candidate);
    if (d < *least && d <= (longer + 2) / 3) {
        *least = d;
        *nearest = candidate;
    }
}

const char *
params_nearest(const char *word, const json_t *candidates)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    const char *key;
    json_t *item;
    size_t i;

    json_object_foreach((json_t *)candidates, key, item)
        consider(word, key, &nearest, &least);
    json_array_foreach(candidates, i, item)
        if (json_is_string(item))
            consider(word, json_string_value(item), &nearest, &least);
    return nearest;
}

/* ---- check ---- */

static int
is_secret(const json_t *value)
{
    const char *const marks[] = { "$secret", "$sealed", "$ref" };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (json_object_size(value) == 1 && json_is_string(json_object_get(value, marks[i])))
            return 1;
    return 0;
}

static int
matches(const json_t *value, enum cairn_type type)
{
    switch (type) {
    case CAIRN_BOOL:
        return json_is_boolean(value);
    case CAIRN_INT:
        return json_is_integer(value);
    case CAIRN_FLOAT:
        return json_is_number(value);
    case CAIRN_STR:
        return json_is_string(value) || is_secret(value);
    case CAIRN_LIST:
        return json_is_array(value);
    case CAIRN_MAP:
        return json_is_object(value) && !is_secret(value);
    case CAIRN_ANY:
        return 1;
    case CAIRN_NULL:
        break;
    }
    return 0;
}

static const char *
type_of_value(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return is_secret(value) ? "secret" : "map";
    case JSON_ARRAY:
        return "list";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

static json_t *
names_of(const json_t *table)
{
    json_t *names = json_array();
    const json_t *param;
    size_t i;

    json_array_foreach(table, i, param)
        json_array_append(names, json_object_get(param, "name"));
    return names;
}

static int
unknown(const char *name, const json_t *table, const char *where, struct cairn_error *err)
{
    json_t *names = names_of(table);
    const char *nearest = params_nearest(name, names);

    if (nearest)
        cairn_fail(err, CAIRN_ERR_INVALID, "%s: %s: there is no such parameter; did you mean %s?", where, name,
                   nearest);
    else if (json_array_size(names) == 0)
        cairn_fail(err, CAIRN_ERR_INVALID, "%s: %s: there is no such parameter; it has none", where, name);
    else
        cairn_fail(err, CAIRN_ERR_INVALID, "%s: %s: there is no such parameter", where, name);
    json_decref(names);
    return -1;
}

static int
check_one(json_t *values, const json_t *param, const char *where, struct cairn_error *err)
{
    const char *name = text_of(param, "name");
    const char *type = text_of(param, "type");
    const char *help = text_of(param, "help");
    json_t *otherwise = json_object_get(param, "default");
    json_t *value = json_object_get(values, name);

    if (json_is_null(value) && type_of(type) != CAIRN_ANY) {
        json_object_del(values, name);
        value = NULL;
    }
    if (value && !matches(value, type_of(type)))
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: %s: it must be of type %s, and is of type %s", where, name, type,
                          type_of_value(value));
    if (!value && otherwise)
        json_object_set_new(values, name, json_deep_copy(otherwise));
    else if (!value && json_is_true(json_object_get(param, "required")))
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: %s: it is missing%s%s", where, name, help && *help ? ": " : "",
                          help ? help : "");
    return 0;
}

int
params_check(json_t *values, const json_t *table, const char *where, struct cairn_error *err)
{
    const char *name;
    const json_t *param;
    json_t *value;
    size_t i;

    if (!json_is_object(values))
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: the arguments must be a map of names", where);
    json_object_foreach(values, name, value)
        if (!find_param(table, name))
            return unknown(name, table, where, err);
    json_array_foreach(table, i, param)
        if (check_one(values, param, where, err) < 0)
            return -1;
    return 0;
}

/* ---- from the command line ---- */

/* NULL when the text is not of the type. */
static json_t *
parse(const char *text, enum cairn_type type)
{
    json_t *value;
    char *end;
    long long n;

    switch (type) {
    case CAIRN_BOOL:
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
            return json_boolean(*text == 't');
        return NULL;
    case CAIRN_INT:
        errno = 0;
        n = strtoll(text, &end, 10);
        return end != text && !*end && errno == 0 && !isspace((unsigned char)*text) ? json_integer(n) : NULL;
    case CAIRN_STR:
        return json_string(text);
    default:
        value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
        if (value && matches(value, type))
            return value;
        json_decref(value);
        return type == CAIRN_ANY ? json_string(text) : NULL;
    }
}

int
params_from_text(json_t *values, const json_t *table, const char *text, struct cairn_error *err)
{
    const char *equals = strchr(text, '=');
    const json_t *param;
    json_t *value;
    char *name;
    int rc = -1;

    if (!equals || equals == text)
        return cairn_fail(err, CAIRN_ERR_INVALID, "parameter %s: write it as NAME=VALUE", text);
    name = alloc_strn(text, (size_t)(equals - text));
    param = find_param(table, name);
    if (!param) {
        unknown(name, table, "params", err);
        goto out;
    }
    if (json_object_get(values, name)) {
        cairn_fail(err, CAIRN_ERR_INVALID, "params: %s: it is given twice", name);
        goto out;
    }
    /* a command line is seen by all: what is secret is named there, and its text is in the config */
    if (json_is_true(json_object_get(param, "secret")))
        value = json_pack("{s:s}", "$ref", equals + 1);
    else
        value = parse(equals + 1, type_of(text_of(param, "type")));
    if (!value) {
        cairn_fail(err, CAIRN_ERR_INVALID, "params: %s: \"%s\" is not of type %s", name, equals + 1,
                   text_of(param, "type"));
        goto out;
    }
    json_object_set_new(values, name, value);
    rc = 0;
out:
    free(name);
    return rc;
}

/* ---- from a workflow ---- */

static int
check_name(const char *name, struct cairn_error *err)
{
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    if (*name && !name[good] && !isdigit((unsigned char)*name))
        return 0;
    return cairn_fail(err, CAIRN_ERR_INVALID, "params: \"%s\": a name is of lower case letters, digits and _", name);
}

static int
check_key(const char *name, const char *key, const json_t *value, struct cairn_error *err)
{
    static const char *const flags[] = { "required", "secret" };
    json_t *known = json_pack("[s, s, s, s, s]", "type", "required", "secret", "help", "default");
    const char *nearest = params_nearest(key, known);
    int is_known = nearest && strcmp(nearest, key) == 0;
    int rc = 0;

    if (!is_known)
        rc = cairn_fail(err, CAIRN_ERR_INVALID, "params: %s: unknown key %s%s%s%s", name, key,
                        nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    else if (strcmp(key, "help") == 0 && !json_is_string(value))
        rc = cairn_fail(err, CAIRN_ERR_INVALID, "params: %s: help must be a string", name);
    for (size_t i = 0; i < 2; i++)
        if (rc == 0 && strcmp(key, flags[i]) == 0 && !json_is_boolean(value))
            rc = cairn_fail(err, CAIRN_ERR_INVALID, "params: %s: %s must be true or false", name, key);
    json_decref(known);
    return rc;
}

/* One row of the table, or NULL with err. */
static json_t *
row_of(const char *name, const json_t *spec, struct cairn_error *err)
{
    const json_t *type = json_object_get(spec, "type");
    const char *type_text = type ? json_string_value(type) : "string";
    const char *help = text_of(spec, "help");
    json_t *otherwise = json_object_get(spec, "default");
    const char *key;
    json_t *value;
    json_t *row;

    if (check_name(name, err) < 0)
        return NULL;
    if (!json_is_object(spec)) {
        cairn_fail(err, CAIRN_ERR_INVALID, "params: %s: it must be a table like { type = \"string\", required = true }",
                   name);
        return NULL;
    }
    json_object_foreach((json_t *)spec, key, value)
        if (check_key(name, key, value, err) < 0)
            return NULL;
    if (type_of(type_text) == CAIRN_NULL) {
        cairn_fail(err, CAIRN_ERR_INVALID,
                   "params: %s: its type must be string, integer, number, boolean, list, map or any", name);
        return NULL;
    }
    if (otherwise && !matches(otherwise, type_of(type_text))) {
        cairn_fail(err, CAIRN_ERR_INVALID, "params: %s: its default must be of type %s, and is of type %s", name,
                   type_text, type_of_value(otherwise));
        return NULL;
    }
    row = json_pack("{s:s, s:s, s:b, s:b, s:s}", "name", name, "type", type_text, "required",
                    json_is_true(json_object_get(spec, "required")), "secret",
                    json_is_true(json_object_get(spec, "secret")), "help", help ? help : "");
    if (otherwise)
        json_object_set(row, "default", otherwise);
    return row;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
params_from_spec(json_t **table, const json_t *spec, struct cairn_error *err)
{
    size_t count = json_object_size(spec);
    const char **names = alloc_zero(count + 1, sizeof(*names));
    json_t *rows = json_array();
    const char *name;
    json_t *value;
    size_t n = 0;
    int rc = -1;

    json_object_foreach((json_t *)spec, name, value)
        names[n++] = name;
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++) {
        json_t *row = row_of(names[i], json_object_get(spec, names[i]), err);

        if (!row)
            goto out;
        json_array_append_new(rows, row);
    }
    *table = rows;
    rows = NULL; /* handed over */
    rc = 0;
out:
    json_decref(rows);
    free(names);
    return rc;
}
