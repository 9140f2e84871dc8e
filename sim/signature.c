/*
 * signature.c: the signature that an AWS request must have, computed from the request as it arrived.
 * SPDX-License-Identifier: MIT
 *
 * Written apart from the signer of the AWS plugins, so that one mistake cannot hide in both.
 */
#include "signature.h"

#include "common/alloc.h"

#include <ctype.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text that grows. */
struct text {
    char *bytes;
    size_t len;
};

static void
add(struct text *t, const char *bytes, size_t len)
{
    t->bytes = alloc_grow(t->bytes, t->len + len + 1, 1);
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    t->bytes[t->len] = '\0';
}

static void
add_str(struct text *t, const char *s)
{
    add(t, s, strlen(s));
}

static int
unreserved(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~');
}

static void
add_encoded(struct text *t, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char code[4];

        snprintf(code, sizeof(code), "%%%02X", (unsigned char)bytes[i]);
        if (unreserved((unsigned char)bytes[i]))
            add(t, &bytes[i], 1);
        else
            add(t, code, 3);
    }
}

/* The path without "." and ".." and empty segments, each segment encoded once more than it was sent. */
static void
add_path(struct text *t, const char *path, size_t len)
{
    struct text segments[256];
    size_t n = 0;
    const char *end = path + len;
    int open = 1; /* ends with a slash */

    for (const char *at = path; at < end && n < 256;) {
        size_t size = strcspn(at, "/");

        if (at + size > end)
            size = (size_t)(end - at);
        open = at + size < end || size == 0;
        if ((size == 1 && at[0] == '.') || size == 0) {
            open = 1;
        } else if (size == 2 && at[0] == '.' && at[1] == '.') {
            if (n > 0)
                free(segments[--n].bytes);
            open = 1;
        } else {
            segments[n] = (struct text){ 0 };
            add_encoded(&segments[n++], at, size);
        }
        at += size + 1;
    }
    for (size_t i = 0; i < n; i++) {
        add_str(t, "/");
        add(t, segments[i].bytes, segments[i].len);
        free(segments[i].bytes);
    }
    if (open || n == 0)
        add_str(t, "/");
}

static int
hex_of(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* `from` decoded and encoded again in the one right way. */
static void
add_recoded(struct text *t, const char *from, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = from[i];

        if (c == '%' && i + 2 < len && hex_of(from[i + 1]) >= 0 && hex_of(from[i + 2]) >= 0) {
            c = (char)(hex_of(from[i + 1]) * 16 + hex_of(from[i + 2]));
            i += 2;
        }
        add_encoded(t, &c, 1);
    }
}

static int
by_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;

    return strcmp(*x, *y);
}

/* Pairs as "name=value", sorted by name and then by value: '=' must sort before every other byte, so it is \1 meanwhile. */
static void
add_query(struct text *t, const char *query)
{
    char *pairs[512];
    size_t n = 0;

    while (*query && n < 512) {
        size_t len = strcspn(query, "&");
        size_t name = strcspn(query, "=&");
        struct text pair = { 0 };

        if (len > 0) {
            add_recoded(&pair, query, name);
            add_str(&pair, "\1");
            if (name < len)
                add_recoded(&pair, query + name + 1, len - name - 1);
            pairs[n++] = pair.bytes;
        }
        query += len + (query[len] == '&');
    }
    qsort(pairs, n, sizeof(pairs[0]), by_text);
    for (size_t i = 0; i < n; i++) {
        *strchr(pairs[i], '\1') = '=';
        if (i > 0)
            add_str(t, "&");
        add_str(t, pairs[i]);
        free(pairs[i]);
    }
}

/* Outer spaces dropped, inner runs of spaces as one. */
static void
add_trimmed(struct text *t, const char *value)
{
    int space = 0;
    int any = 0;

    for (; *value; value++) {
        if (*value == ' ' || *value == '\t') {
            space = any;
            continue;
        }
        if (space)
            add_str(t, " ");
        add(t, value, 1);
        space = 0;
        any = 1;
    }
}

static void
add_headers(struct text *t, const char *names, const json_t *headers)
{
    while (*names) {
        size_t len = strcspn(names, ";");
        char *name = alloc_strn(names, len);
        const char *value = json_string_value(json_object_get(headers, name));

        add_str(t, name);
        add_str(t, ":");
        add_trimmed(t, value ? value : "");
        add_str(t, "\n");
        free(name);
        names += len + (names[len] == ';');
    }
}

static char *
canonical(const struct signature_request *r, const json_t *headers)
{
    size_t path = strcspn(r->target, "?");
    struct text t = { 0 };

    add_str(&t, r->method);
    add_str(&t, "\n");
    add_path(&t, r->target, path);
    add_str(&t, "\n");
    add_query(&t, r->target[path] == '?' ? r->target + path + 1 : "");
    add_str(&t, "\n");
    add_headers(&t, r->signed_headers, headers);
    add_str(&t, "\n");
    add_str(&t, r->signed_headers);
    add_str(&t, "\n");
    add_str(&t, r->payload_hash);
    return t.bytes;
}

static void
hmac(unsigned char out[32], const void *key, size_t key_len, const char *text)
{
    unsigned len = 32;

    if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), out, &len))
        alloc_failed();
}

void
signature_expected(char hex[DIGEST_HEX], const struct signature_request *r, const json_t *headers)
{
    char *request = canonical(r, headers);
    char *first = alloc_printf("AWS4%s", r->secret);
    char *day = alloc_strn(r->date, strlen(r->date) < 8 ? strlen(r->date) : 8);
    unsigned char key[32];
    char digest[DIGEST_HEX];
    char *text;

    digest_bytes(digest, request, strlen(request));
    text = alloc_printf("AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", r->date, day, r->region, r->service, digest);
    hmac(key, first, strlen(first), day);
    hmac(key, key, sizeof(key), r->region);
    hmac(key, key, sizeof(key), r->service);
    hmac(key, key, sizeof(key), "aws4_request");
    hmac(key, key, sizeof(key), text);
    for (size_t i = 0; i < sizeof(key); i++)
        snprintf(hex + 2 * i, 3, "%02x", key[i]);
    free(request);
    free(first);
    free(day);
    free(text);
}
