/*
 * wire.c: values as they stand in messages and in text, and what becomes of secrets on the way; used by calls and
 * plugins.
 * SPDX-License-Identifier: MIT
 */
#include "worker/value.h"

#include "common/alloc.h"
#include "common/yaml.h"
#include "worker/mask.h"

#include <string.h>

static json_t *
must(json_t *json)
{
    if (!json)
        alloc_failed();
    return json;
}

/* A copy with `leaf` asked for each string and secret. */
static json_t *
convert(const json_t *json, json_t *(*leaf)(const json_t *))
{
    json_t *copy;
    json_t *member;
    const char *key;
    size_t i;

    if (json_is_string(json) || value_secret(json))
        return leaf(json);
    if (json_is_array(json)) {
        copy = must(json_array());
        json_array_foreach(json, i, member)
            json_array_append_new(copy, convert(member, leaf));
        return copy;
    }
    if (json_is_object(json)) {
        copy = must(json_object());
        json_object_foreach((json_t *)(uintptr_t)json, key, member)
            json_object_set_new(copy, key, convert(member, leaf));
        return copy;
    }
    return must(json_copy((json_t *)(uintptr_t)json));
}

static json_t *
plain(const json_t *json)
{
    const json_t *secret = value_secret(json);

    return must(json_copy((json_t *)(uintptr_t)(secret ? secret : json)));
}

static json_t *
revealed(const json_t *json)
{
    const json_t *secret = value_secret(json);

    if (secret)
        mask_add(json_string_value(secret));
    return plain(json);
}

static int
has_nul(const json_t *json)
{
    const json_t *member;
    const char *key;
    size_t i;

    if (json_is_string(json))
        return strlen(json_string_value(json)) != json_string_length(json);
    json_array_foreach(json, i, member)
        if (has_nul(member))
            return 1;
    json_object_foreach((json_t *)(uintptr_t)json, key, member)
        if (has_nul(member))
            return 1;
    return 0;
}

json_t *
value_reveal(const json_t *json, const char *path, struct cairn_error *err)
{
    if (has_nul(json)) {
        cairn_fail(err, CAIRN_ERR_INVALID, "%s: a string with a NUL character inside", path);
        return NULL;
    }
    return convert(json, revealed);
}

static json_t *
sealed(const json_t *json)
{
    if (value_secret(json) || !mask_covers(json_string_value(json)))
        return must(json_deep_copy(json));
    return value_json(cairn_secret(json_string_value(json)));
}

json_t *
value_seal(const json_t *json)
{
    return convert(json, sealed);
}

int
value_matches(const json_t *json, enum cairn_type type)
{
    switch (type) {
    case CAIRN_ANY: return 1;
    case CAIRN_BOOL: return json_is_boolean(json);
    case CAIRN_INT: return json_is_integer(json);
    case CAIRN_FLOAT: return json_is_number(json);
    case CAIRN_STR: return json_is_string(json);
    case CAIRN_LIST: return json_is_array(json);
    case CAIRN_MAP: return json_is_object(json);
    case CAIRN_NULL: break;
    }
    return 0;
}

/* ---- text, for plugins ------------------------------------------------------------------------------------------- */

struct cairn_value *
cairn_parse_json(const char *text, size_t len, struct cairn_error *err)
{
    json_error_t why;
    json_t *json = json_loadb(text, len, JSON_DECODE_ANY, &why);

    if (!json)
        cairn_fail(err, CAIRN_ERR_INVALID, "parse JSON: line %d, column %d: %s", why.line, why.column, why.text);
    return value_of(json);
}

struct cairn_value *
cairn_parse_yaml(const char *text, size_t len, struct cairn_error *err)
{
    json_t *json = NULL;

    return yaml_parse(&json, NULL, "YAML", text, len, err) < 0 ? NULL : value_of(json);
}

char *
cairn_format_json(const struct cairn_value *value)
{
    json_t *json = value ? convert(value_json(value), plain) : json_null();
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

    json_decref(json);
    if (!text)
        alloc_failed();
    return text;
}
