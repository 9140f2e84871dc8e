/*
 * canon.c: the canonical text of a JSON value and digests; used by engine and workers.
 * SPDX-License-Identifier: MIT
 */
#include "common/canon.h"

#include "common/alloc.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *bytes; /* not ended by NUL while it grows */
    size_t len, size;
};

static void append_value(struct text *text, const json_t *value);

static void
append(struct text *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->size) {
        text->size = (text->len + len + 1) * 2;
        text->bytes = alloc_grow(text->bytes, text->size, 1);
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

static void
append_str(struct text *text, const char *bytes, size_t len)
{
    append(text, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        char escape[8];

        if (c == '"' || c == '\\') {
            escape[0] = '\\';
            escape[1] = (char)c;
            append(text, escape, 2);
        } else if (c < 0x20) {
            snprintf(escape, sizeof(escape), "\\u%04x", c);
            append(text, escape, 6);
        } else {
            append(text, bytes + i, 1);
        }
    }
    append(text, "\"", 1);
}

static void
append_float(struct text *text, double x)
{
    char digits[40];

    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, x);
        if (strtod(digits, NULL) == x)
            break;
    }
    append(text, digits, strlen(digits));
    if (!strpbrk(digits, ".e"))
        append(text, ".0", 2);
}

static int
compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
append_object(struct text *text, const json_t *value)
{
    size_t count = json_object_size(value);
    const char **keys = alloc_zero(count, sizeof(*keys));
    const char *key;
    json_t *member;
    size_t n = 0;

    json_object_foreach((json_t *)value, key, member)
        keys[n++] = key;
    qsort(keys, count, sizeof(*keys), compare_keys);
    append(text, "{", 1);
    for (size_t i = 0; i < count; i++) {
        if (i)
            append(text, ",", 1);
        append_str(text, keys[i], strlen(keys[i]));
        append(text, ":", 1);
        append_value(text, json_object_get(value, keys[i]));
    }
    append(text, "}", 1);
    free(keys);
}

static void
append_array(struct text *text, const json_t *value)
{
    append(text, "[", 1);
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i)
            append(text, ",", 1);
        append_value(text, json_array_get(value, i));
    }
    append(text, "]", 1);
}

static void
append_value(struct text *text, const json_t *value)
{
    char digits[32];

    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        append_object(text, value);
        break;
    case JSON_ARRAY:
        append_array(text, value);
        break;
    case JSON_STRING:
        append_str(text, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        append(text, digits, strlen(digits));
        break;
    case JSON_REAL:
        append_float(text, json_real_value(value));
        break;
    case JSON_TRUE:
        append(text, "true", 4);
        break;
    case JSON_FALSE:
        append(text, "false", 5);
        break;
    case JSON_NULL:
        append(text, "null", 4);
        break;
    }
}

char *
canon_text(const json_t *value)
{
    struct text text = { 0 };

    append_value(&text, value);
    append(&text, "", 1);
    return text.bytes;
}

void
digest_bytes(char hex[DIGEST_HEX], const void *bytes, size_t len)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    if (EVP_Digest(bytes, len, sum, &size, EVP_sha256(), NULL) != 1)
        alloc_failed();
    for (unsigned int i = 0; i < size; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", sum[i]);
}

void
digest_json(char hex[DIGEST_HEX], const json_t *value)
{
    char *text = canon_text(value);

    digest_bytes(hex, text, strlen(text));
    free(text);
}
