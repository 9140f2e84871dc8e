/*
 * value.h: a plugin's values are JSON trees underneath; used by the worker where the two meet.
 * SPDX-License-Identifier: MIT
 *
 * A secret is {"$secret":TEXT} in messages. On its way in it becomes a plain string, and mask.c knows it. One that a
 * plugin makes stays an object in the tree, and the functions of the header show it as a string.
 */
#ifndef CAIRN_VALUE_H
#define CAIRN_VALUE_H

#include "cairn/plugin.h"

#include <jansson.h>

static inline json_t *
value_json(const struct cairn_value *value)
{
    union {
        const struct cairn_value *value;
        json_t *json;
    } both = { .value = value }; /* a getter of jansson changes nothing */

    return both.json;
}

static inline struct cairn_value *
value_of(json_t *json)
{
    return (struct cairn_value *)json;
}

#define VALUE_SECRET "$secret" /* the one key of a secret's object */

const json_t *value_secret(const json_t *json); /* the string in a secret's object; NULL for all else */
int value_matches(const json_t *json, enum cairn_type type);
json_t *value_reveal(const json_t *json, const char *path,
                     struct cairn_error *err); /* a copy with secrets as strings; refuses NUL in strings */
json_t *value_seal(const json_t *json); /* a copy in which a string that holds a known secret is one itself */

#endif
