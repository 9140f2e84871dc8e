/*
 * value.c: the values of the plugin header, JSON trees underneath; called by plugins.
 * SPDX-License-Identifier: MIT
 */
#include "worker/value.h"

#include "common/alloc.h"
#include "common/yaml.h"
#include "worker/mask.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECRET "$secret"

static json_t *
must(json_t *json)
{
    if (!json)
        alloc_failed();
    return json;
}

static const json_t *
secret_of(const json_t *json)
{
    const json_t *secret = json_object_size(json) == 1 ? json_object_get(json, SECRET) : NULL;

    return json_is_string(secret) ? secret : NULL;
}

/* How many bytes at `s` are one well-formed UTF-8 character; 0 for none, and for NUL. */
static size_t
utf8_len(const unsigned char *s, size_t left)
{
    static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    unsigned long c;

    if (len == 1)
        return s[0] ? 1 : 0;
    if (len == 0 || len > left || s[0] > 0xf4)
        return 0;
    c = s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

/* The text with U+FFFD for each byte that isn't part of a character. */
static char *
clean_text(const char *text, size_t len)
{
    char *out = alloc_zero(len * 3 + 1, 1);
    size_t to = 0;

    for (size_t from = 0; from < len;) {
        size_t n = utf8_len((const unsigned char *)text + from, len - from);

        memcpy(out + to, n ? text + from : "\xef\xbf\xbd", n ? n : 3);
        to += n ? n : 3;
        from += n ? n : 1;
    }
    return out;
}

static json_t *
string_of(const char *text, size_t len)
{
    char *clean;
    json_t *json;

    if (!memchr(text, '\0', len) && (json = json_stringn(text, len)))
        return json;
    clean = clean_text(text, len);
    json = must(json_string(clean));
    free(clean);
    return json;
}

/* ---- new trees ---------------------------------------------------------------------------------------------------- */

struct cairn_value *
cairn_null(void)
{
    return value_of(json_null());
}

struct cairn_value *
cairn_bool(int truth)
{
    return value_of(json_boolean(truth));
}

struct cairn_value *
cairn_int(int64_t n)
{
    return value_of(must(json_integer(n)));
}

struct cairn_value *
cairn_float(double x)
{
    assert(isfinite(x));
    return value_of(must(json_real(x)));
}

struct cairn_value *
cairn_str(const char *text)
{
    return text ? cairn_strn(text, strlen(text)) : cairn_null();
}

struct cairn_value *
cairn_strn(const char *text, size_t len)
{
    return value_of(string_of(text ? text : "", text ? len : 0));
}

struct cairn_value *
cairn_strf(const char *fmt, ...)
{
    struct cairn_value *value;
    char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        alloc_failed();
    value = cairn_strn(text, (size_t)n);
    free(text);
    return value;
}

struct cairn_value *
cairn_secret(const char *text)
{
    json_t *json;

    if (!text)
        return cairn_null();
    mask_add(text);
    json = must(json_object());
    json_object_set_new(json, SECRET, string_of(text, strlen(text)));
    return value_of(json);
}

struct cairn_value *
cairn_list(void)
{
    return value_of(must(json_array()));
}

struct cairn_value *
cairn_map(void)
{
    return value_of(must(json_object()));
}

struct cairn_value *
cairn_copy(const struct cairn_value *value)
{
    return value ? value_of(must(json_deep_copy(value_json(value)))) : cairn_null();
}

void
cairn_free(struct cairn_value *owned)
{
    json_decref(value_json(owned));
}

/* ---- build -------------------------------------------------------------------------------------------------------- */

void
cairn_put(struct cairn_value *map, const char *key, struct cairn_value *owned)
{
    json_t *json = value_json(map);
    json_t *value = owned ? value_json(owned) : json_null();
    char *clean;

    assert(json_is_object(json) && !secret_of(json) && key && value != json);
    clean = clean_text(key, strlen(key));
    if (json_object_set_new(json, clean, value) < 0)
        alloc_failed();
    free(clean);
}

void
cairn_add(struct cairn_value *list, struct cairn_value *owned)
{
    json_t *json = value_json(list);
    json_t *value = owned ? value_json(owned) : json_null();

    assert(json_is_array(json) && value != json);
    if (json_array_append_new(json, value) < 0)
        alloc_failed();
}

/* ---- look --------------------------------------------------------------------------------------------------------- */

enum cairn_type
cairn_type(const struct cairn_value *value)
{
    const json_t *json = value_json(value);

    if (secret_of(json))
        return CAIRN_STR;
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_OBJECT: return CAIRN_MAP;
    case JSON_ARRAY: return CAIRN_LIST;
    case JSON_STRING: return CAIRN_STR;
    case JSON_INTEGER: return CAIRN_INT;
    case JSON_REAL: return CAIRN_FLOAT;
    case JSON_TRUE:
    case JSON_FALSE: return CAIRN_BOOL;
    case JSON_NULL: break;
    }
    return CAIRN_NULL;
}

const struct cairn_value *
cairn_get(const struct cairn_value *map, const char *key)
{
    const json_t *json = value_json(map);

    return secret_of(json) ? NULL : value_of(json_object_get(json, key));
}

const char *
cairn_as_str(const struct cairn_value *value, const char *otherwise)
{
    const json_t *secret = secret_of(value_json(value));
    const char *text = json_string_value(secret ? secret : value_json(value));

    return text ? text : otherwise;
}

int64_t
cairn_as_int(const struct cairn_value *value, int64_t otherwise)
{
    const json_t *json = value_json(value);

    return json_is_integer(json) ? json_integer_value(json) : otherwise;
}

const char *
cairn_get_str(const struct cairn_value *map, const char *key, const char *otherwise)
{
    return cairn_as_str(cairn_get(map, key), otherwise);
}

int64_t
cairn_get_int(const struct cairn_value *map, const char *key, int64_t otherwise)
{
    return cairn_as_int(cairn_get(map, key), otherwise);
}

double
cairn_get_float(const struct cairn_value *map, const char *key, double otherwise)
{
    const json_t *json = value_json(cairn_get(map, key));

    return json_is_number(json) ? json_number_value(json) : otherwise;
}

int
cairn_get_bool(const struct cairn_value *map, const char *key, int otherwise)
{
    const json_t *json = value_json(cairn_get(map, key));

    return json_is_boolean(json) ? json_is_true(json) : otherwise;
}

size_t
cairn_count(const struct cairn_value *value)
{
    const json_t *json = value_json(value);

    return secret_of(json) ? 0 : json_is_object(json) ? json_object_size(json) : json_array_size(json);
}

static void *
iter_at(const struct cairn_value *map, size_t i)
{
    void *iter = json_object_iter(value_json(map));

    while (iter && i--)
        iter = json_object_iter_next(value_json(map), iter);
    return iter;
}

const struct cairn_value *
cairn_at(const struct cairn_value *value, size_t i)
{
    const json_t *json = value_json(value);

    if (i >= cairn_count(value))
        return NULL;
    return value_of(json_is_object(json) ? json_object_iter_value(iter_at(value, i)) : json_array_get(json, i));
}

const char *
cairn_key(const struct cairn_value *map, size_t i)
{
    if (i >= cairn_count(map) || !json_is_object(value_json(map)))
        return NULL;
    return json_object_iter_key(iter_at(map, i));
}

/* ---- text --------------------------------------------------------------------------------------------------------- */

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

/* A copy with `leaf` asked for each string and secret. */
static json_t *
convert(const json_t *json, json_t *(*leaf)(const json_t *))
{
    json_t *copy;
    json_t *member;
    const char *key;
    size_t i;

    if (json_is_string(json) || secret_of(json))
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
    const json_t *secret = secret_of(json);

    return must(json_copy((json_t *)(uintptr_t)(secret ? secret : json)));
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

/* ---- where messages and values meet ------------------------------------------------------------------------------- */

static json_t *
revealed(const json_t *json)
{
    const json_t *secret = secret_of(json);

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
    if (secret_of(json) || !mask_covers(json_string_value(json)))
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
