/*
 * value.c: the values of the plugin header, JSON trees underneath; called by plugins.
 * SPDX-License-Identifier: MIT
 */
#include "worker/value.h"

#include "common/alloc.h"
#include "worker/mask.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static json_t *
must(json_t *json)
{
    if (!json)
        alloc_failed();
    return json;
}

const json_t *
value_secret(const json_t *json)
{
    const json_t *secret = json_object_size(json) == 1 ? json_object_get(json, VALUE_SECRET) : NULL;

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

/* ---- new trees --------------------------------------------------------------------------------------------------- */

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
    json_object_set_new(json, VALUE_SECRET, string_of(text, strlen(text)));
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

/* ---- build ------------------------------------------------------------------------------------------------------- */

void
cairn_put(struct cairn_value *map, const char *key, struct cairn_value *owned)
{
    json_t *json = value_json(map);
    json_t *value = owned ? value_json(owned) : json_null();
    char *clean;

    assert(json_is_object(json) && !value_secret(json) && key && value != json);
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

/* ---- look -------------------------------------------------------------------------------------------------------- */

enum cairn_type
cairn_type(const struct cairn_value *value)
{
    const json_t *json = value_json(value);

    if (value_secret(json))
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

    return value_secret(json) ? NULL : value_of(json_object_get(json, key));
}

const char *
cairn_as_str(const struct cairn_value *value, const char *otherwise)
{
    const json_t *secret = value_secret(value_json(value));
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

    return value_secret(json) ? 0 : json_is_object(json) ? json_object_size(json) : json_array_size(json);
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
