/*
 * sign-request.c: sign requests as the AWS plugins do, and as the simulator expects them; used by aws-signer.t.
 * SPDX-License-Identifier: MIT
 *
 * Each line of standard input is a request in JSON: method, path, query, headers ["Name: value"], body (hex), date,
 * region, service, key, secret, and `signed`, the names of the signed headers. Each line of the output has the
 * plugins' header Authorization, a tab, and the signature that the simulator expects.
 */
#include "../plugins/aws/sigv4.h"
#include "../sim/signature.h"

#include "common/alloc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 32

static const char *
text(const json_t *request, const char *name)
{
    const char *value = json_string_value(json_object_get(request, name));

    if (!value) {
        fprintf(stderr, "sign-request: there is no %s\n", name);
        exit(2);
    }
    return value;
}

static unsigned char *
bytes_of(const char *hex, size_t *len)
{
    unsigned char *bytes = alloc_zero(strlen(hex) / 2 + 1, 1);

    *len = strlen(hex) / 2;
    for (size_t i = 0; i < *len; i++) {
        unsigned byte = 0;

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            exit(2);
        bytes[i] = (unsigned char)byte;
    }
    return bytes;
}

static char *
authorization(const json_t *request, const void *body, size_t body_len)
{
    const char *headers[HEADERS_MAX + 1] = { 0 };
    struct sigv4_request r = { .method = text(request, "method"),
                               .path = text(request, "path"),
                               .query = text(request, "query"),
                               .headers = headers,
                               .body = body,
                               .body_len = body_len,
                               .date = text(request, "date"),
                               .region = text(request, "region"),
                               .service = text(request, "service") };
    size_t i;
    json_t *line;

    json_array_foreach(json_object_get(request, "headers"), i, line)
        if (i < HEADERS_MAX)
            headers[i] = json_string_value(line);
    return sigv4_authorization(&r, text(request, "key"), text(request, "secret"));
}

/* Without the blanks around it, which are no part of a header's value. */
static char *
value_of(const char *line)
{
    size_t len;

    line += strcspn(line, ":") + 1;
    line += strspn(line, " \t");
    len = strlen(line);
    while (len > 0 && strchr(" \t", line[len - 1]))
        len--;
    return alloc_strn(line, len);
}

/* Lower-case name to value, as the simulator's server gives them: one that comes again is added behind a comma. */
static json_t *
headers_of(const json_t *request)
{
    json_t *headers = json_object();
    size_t i;
    json_t *line;

    json_array_foreach(json_object_get(request, "headers"), i, line) {
        const char *at = json_string_value(line);
        size_t len = strcspn(at, ":");
        char *name = alloc_strn(at, len);
        char *value, *both;
        const char *before;

        for (char *c = name; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        value = value_of(at);
        before = json_string_value(json_object_get(headers, name));
        both = before ? alloc_printf("%s,%s", before, value) : alloc_str(value);
        json_object_set_new(headers, name, json_string(both));
        free(both);
        free(value);
        free(name);
    }
    return headers;
}

static void
expected(char hex[DIGEST_HEX], const json_t *request, const void *body, size_t body_len)
{
    const char *query = text(request, "query");
    char *target = alloc_printf("%s%s%s", text(request, "path"), *query ? "?" : "", query);
    char payload[SIGV4_HEX];
    json_t *headers = headers_of(request);
    struct signature_request r = { .method = text(request, "method"),
                                   .target = target,
                                   .date = text(request, "date"),
                                   .region = text(request, "region"),
                                   .service = text(request, "service"),
                                   .secret = text(request, "secret"),
                                   .signed_headers = text(request, "signed"),
                                   .payload_hash = payload };

    sigv4_sha256(payload, body, body_len);
    signature_expected(hex, &r, headers);
    json_decref(headers);
    free(target);
}

int
main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        json_t *request = json_loads(line, 0, NULL);
        char hex[DIGEST_HEX];
        size_t len;
        unsigned char *body;
        char *ours;

        if (!request)
            return 2;
        body = bytes_of(text(request, "body"), &len);
        ours = authorization(request, body, len);
        expected(hex, request, body, len);
        printf("%s\t%s\n", ours, hex);
        free(ours);
        free(body);
        json_decref(request);
    }
    free(line);
    return 0;
}
