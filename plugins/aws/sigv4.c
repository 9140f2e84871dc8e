/*
 * sigv4.c: AWS Signature Version 4; used by the AWS plugins.
 * SPDX-License-Identifier: MIT
 */
#include "sigv4.h"

#include "buffer.h"
#include "common/alloc.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define HASH_LEN 32

/* A name and a value that are sorted: of the query or of the headers. */
struct pair {
    char *name;
    char *value;
    size_t place; /* keeps the order of equal names */
};

struct pairs {
    struct pair *list;
    size_t count;
};

static void
add_pair(struct pairs *pairs, char *owned_name, char *owned_value)
{
    pairs->list = alloc_grow(pairs->list, pairs->count + 1, sizeof(*pairs->list));
    pairs->list[pairs->count] = (struct pair){ owned_name, owned_value, pairs->count };
    pairs->count++;
}

static void
release_pairs(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->list[i].name);
        free(pairs->list[i].value);
    }
    free(pairs->list);
}

static int
by_name_and_value(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : strcmp(x->value, y->value);
}

static int
by_name_and_place(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static void
hex_of(char hex[SIGV4_HEX], const unsigned char bytes[HASH_LEN])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < HASH_LEN; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * HASH_LEN] = '\0';
}

void
sigv4_sha256(char hex[SIGV4_HEX], const void *bytes, size_t len)
{
    unsigned char hash[HASH_LEN];

    if (!EVP_Digest(bytes ? bytes : "", len, hash, NULL, EVP_sha256(), NULL))
        alloc_failed();
    hex_of(hex, hash);
}

static void
hmac(unsigned char out[HASH_LEN], const void *key, size_t key_len, const char *text)
{
    if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), out, NULL))
        alloc_failed();
}

void
sigv4_date(char out[SIGV4_DATE], int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm) || strftime(out, SIGV4_DATE, "%Y%m%dT%H%M%SZ", &tm) != SIGV4_DATE - 1)
        out[0] = '\0';
}

/* Take the last segment off a path under construction: "/a/b" becomes "/a". */
static void
drop_segment(struct buffer *path)
{
    while (path->len > 0 && path->text[--path->len] != '/')
        ;
    if (path->text)
        path->text[path->len] = '\0';
}

/* Resolve ".", ".." and empty segments. A slash at the end stays. */
static char *
normal_path(const char *path)
{
    struct buffer out = { 0 };
    int slash = 1;

    while (*path) {
        size_t len = strcspn(path, "/");

        if (len == 2 && path[0] == '.' && path[1] == '.') {
            drop_segment(&out);
            slash = 1;
        } else if (len > 0 && !(len == 1 && path[0] == '.')) {
            buffer_str(&out, "/");
            buffer_add(&out, path, len);
            slash = path[len] == '/';
        } else {
            slash = 1;
        }
        path += len + (path[len] == '/');
    }
    if (slash)
        buffer_str(&out, "/");
    return buffer_take(&out);
}

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One name or value of a query, decoded and encoded again in the one canonical way. */
static char *
encode_again(const char *text, size_t len)
{
    struct buffer out = { 0 };

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
            c = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        }
        buffer_encoded(&out, &c, 1, 0);
    }
    return buffer_take(&out);
}

static void
add_query(struct buffer *out, const char *query)
{
    struct pairs pairs = { 0 };

    while (query && *query) {
        size_t len = strcspn(query, "&");
        const char *equals = memchr(query, '=', len);
        size_t name_len = equals ? (size_t)(equals - query) : len;

        if (len > 0)
            add_pair(&pairs, encode_again(query, name_len),
                     equals ? encode_again(equals + 1, len - name_len - 1) : alloc_str(""));
        query += len + (query[len] == '&');
    }
    if (pairs.count)
        qsort(pairs.list, pairs.count, sizeof(*pairs.list), by_name_and_value);
    for (size_t i = 0; i < pairs.count; i++) {
        buffer_str(out, i ? "&" : "");
        buffer_str(out, pairs.list[i].name);
        buffer_str(out, "=");
        buffer_str(out, pairs.list[i].value);
    }
    release_pairs(&pairs);
}

/* Runs of white space become one space, at the ends none. */
static char *
trimmed(const char *value)
{
    struct buffer out = { 0 };

    for (;;) {
        size_t len;

        value += strspn(value, " \t\r\n");
        len = strcspn(value, " \t\r\n");
        if (len == 0)
            return buffer_take(&out);
        if (out.len)
            buffer_str(&out, " ");
        buffer_add(&out, value, len);
        value += len;
    }
}

static void
read_headers(struct pairs *pairs, const char *const *headers)
{
    for (; headers && *headers; headers++) {
        size_t len = strcspn(*headers, ":");
        char *name = alloc_strn(*headers, len);

        for (char *c = name; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        add_pair(pairs, name, trimmed(*headers + len + ((*headers)[len] == ':')));
    }
    if (pairs->count)
        qsort(pairs->list, pairs->count, sizeof(*pairs->list), by_name_and_place);
}

static void
add_header_lines(struct buffer *out, const struct pairs *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        int again = i > 0 && !strcmp(headers->list[i].name, headers->list[i - 1].name);

        buffer_str(out, again ? "," : i ? "\n" : "");
        if (!again) {
            buffer_str(out, headers->list[i].name);
            buffer_str(out, ":");
        }
        buffer_str(out, headers->list[i].value);
    }
    buffer_str(out, "\n");
}

static void
add_header_names(struct buffer *out, const struct pairs *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (i > 0 && !strcmp(headers->list[i].name, headers->list[i - 1].name))
            continue;
        buffer_str(out, i ? ";" : "");
        buffer_str(out, headers->list[i].name);
    }
}

char *
sigv4_canonical(const struct sigv4_request *request)
{
    char *path = request->path_as_is ? alloc_str(request->path) : normal_path(request->path);
    struct pairs headers = { 0 };
    struct buffer out = { 0 };
    char hash[SIGV4_HEX];

    read_headers(&headers, request->headers);
    buffer_str(&out, request->method);
    buffer_str(&out, "\n");
    buffer_encoded(&out, path, strlen(path), '/');
    buffer_str(&out, "\n");
    add_query(&out, request->query);
    buffer_str(&out, "\n");
    add_header_lines(&out, &headers);
    buffer_str(&out, "\n");
    add_header_names(&out, &headers);
    buffer_str(&out, "\n");
    sigv4_sha256(hash, request->body, request->body_len);
    buffer_str(&out, hash);
    release_pairs(&headers);
    free(path);
    return buffer_take(&out);
}

/* "20150830/us-east-1/service/aws4_request" */
static char *
scope(const struct sigv4_request *request)
{
    return alloc_printf("%.8s/%s/%s/aws4_request", request->date, request->region, request->service);
}

char *
sigv4_to_sign(const struct sigv4_request *request)
{
    char *canonical = sigv4_canonical(request);
    char *where = scope(request);
    char hash[SIGV4_HEX];
    char *text;

    sigv4_sha256(hash, canonical, strlen(canonical));
    text = alloc_printf("%s\n%s\n%s\n%s", ALGORITHM, request->date, where, hash);
    free(canonical);
    free(where);
    return text;
}

void
sigv4_signature(char hex[SIGV4_HEX], const struct sigv4_request *request, const char *secret)
{
    char *first = alloc_printf("AWS4%s", secret);
    char *day = alloc_strn(request->date, strnlen(request->date, 8));
    char *text = sigv4_to_sign(request);
    unsigned char key[HASH_LEN];

    hmac(key, first, strlen(first), day);
    hmac(key, key, sizeof(key), request->region);
    hmac(key, key, sizeof(key), request->service);
    hmac(key, key, sizeof(key), "aws4_request");
    hmac(key, key, sizeof(key), text);
    hex_of(hex, key);
    explicit_bzero(first, strlen(first));
    explicit_bzero(key, sizeof(key));
    free(first);
    free(day);
    free(text);
}

char *
sigv4_authorization(const struct sigv4_request *request, const char *key_id, const char *secret)
{
    struct pairs headers = { 0 };
    struct buffer names = { 0 };
    char *where = scope(request);
    char hex[SIGV4_HEX];
    char *text, *value;

    read_headers(&headers, request->headers);
    add_header_names(&names, &headers);
    text = buffer_take(&names);
    sigv4_signature(hex, request, secret);
    value = alloc_printf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s", ALGORITHM, key_id, where, text, hex);
    release_pairs(&headers);
    free(where);
    free(text);
    return value;
}
