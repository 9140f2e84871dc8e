/*
 * aws-sigv4.c: the signer against the published constants and, where they are, the public test vectors.
 * SPDX-License-Identifier: MIT
 *
 * The vectors are read in place, from the folder shared/sigv4-vectors beside the sources. Of the two ways to sign, this
 * signer knows the one by header; the canonical query of the other is built here, so that its vectors test the same
 * functions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../plugins/aws/buffer.h"
#include "../plugins/aws/sigv4.h"
#include "common/alloc.h"
#include "common/file.h"

#define VECTORS SOURCE_DIR "/../shared/sigv4-vectors"
#define LINES_MAX 16
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* One case: its request, taken apart, and its context. */
struct vector {
    char *text; /* the request, cut up in place */
    char *method, *path, *query, *body;
    char *lines[LINES_MAX]; /* headers, ended by NULL */
    size_t line_count;
    json_t *context;
};

static char *
read_file(const char *dir, const char *name)
{
    struct cairn_error err = { 0 };
    char *path = alloc_printf("%s/%s/%s", VECTORS, dir, name);
    char *text = NULL;
    size_t len;

    if (file_read(&text, &len, path, 1 << 20, &err) < 0)
        fail_msg("%s", err.text);
    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    free(path);
    return text;
}

static void
take_target(struct vector *v, char *line)
{
    char *space = strchr(line, ' ');
    char *end = strstr(line, " HTTP/1.1");
    char *query;

    assert_non_null(space);
    assert_non_null(end);
    *space = *end = '\0';
    query = strchr(space + 1, '?');
    if (query)
        *query++ = '\0';
    v->method = line;
    v->path = space + 1;
    v->query = alloc_str(query ? query : "");
}

/* A header line may go on in the next ones. */
static char *
end_of_header(char *at)
{
    char *end = strchr(at, '\n');

    while (end && (end[1] == ' ' || end[1] == '\t'))
        end = strchr(end + 1, '\n');
    return end;
}

static void
vector_open(struct vector *v, const char *dir)
{
    char *context = read_file(dir, "context.json");
    char *at, *end;

    *v = (struct vector){ .text = read_file(dir, "request.txt") };
    v->context = json_loads(context, 0, NULL);
    assert_non_null(v->context);
    free(context);
    end = strchr(v->text, '\n');
    at = end ? end + 1 : v->text + strlen(v->text);
    if (end)
        *end = '\0';
    take_target(v, v->text);
    while (*at && *at != '\n') {
        end = end_of_header(at);
        if (end)
            *end = '\0';
        assert_true(v->line_count < LINES_MAX - 4);
        v->lines[v->line_count++] = alloc_str(at);
        at = end ? end + 1 : at + strlen(at);
    }
    v->body = *at == '\n' ? at + 1 : at;
}

static void
vector_release(struct vector *v)
{
    for (size_t i = 0; i < v->line_count; i++)
        free(v->lines[i]);
    json_decref(v->context);
    free(v->query);
    free(v->text);
}

static const char *
credential(const struct vector *v, const char *name)
{
    return json_string_value(json_object_get(json_object_get(v->context, "credentials"), name));
}

static int
is_on(const struct vector *v, const char *name)
{
    return json_is_true(json_object_get(v->context, name));
}

/* The token that is signed, or NULL. */
static const char *
token_of(const struct vector *v)
{
    return is_on(v, "omit_session_token") ? NULL : credential(v, "token");
}

static struct sigv4_request
request_of(const struct vector *v, char date[SIGV4_DATE])
{
    const char *stamp = json_string_value(json_object_get(v->context, "timestamp"));
    size_t n = 0;

    for (; *stamp; stamp++)
        if (*stamp != '-' && *stamp != ':')
            date[n++] = *stamp;
    date[n] = '\0';
    return (struct sigv4_request){
        .method = v->method,
        .path = v->path,
        .query = v->query,
        .headers = (const char *const *)v->lines,
        .body = v->body,
        .body_len = strlen(v->body),
        .date = date,
        .region = json_string_value(json_object_get(v->context, "region")),
        .service = json_string_value(json_object_get(v->context, "service")),
        .path_as_is = !is_on(v, "normalize"),
    };
}

static void
compare(const char *dir, const char *way, const struct sigv4_request *request, const char *secret)
{
    static const char *const names[] = { "canonical-request", "string-to-sign", "signature" };
    char signature[SIGV4_HEX];
    char *got[3];

    sigv4_signature(signature, request, secret);
    got[0] = sigv4_canonical(request);
    got[1] = sigv4_to_sign(request);
    got[2] = alloc_str(signature);
    for (int i = 0; i < 3; i++) {
        char *name = alloc_printf("%s-%s.txt", way, names[i]);
        char *want = read_file(dir, name);

        if (strcmp(got[i], want) != 0)
            fail_msg("%s, %s: got\n%s\nand not\n%s", dir, name, got[i], want);
        free(want);
        free(name);
        free(got[i]);
    }
}

static void
by_header(const char *dir)
{
    char date[SIGV4_DATE], hash[SIGV4_HEX];
    struct sigv4_request request;
    char *authorization, *signed_request;
    struct vector v;

    vector_open(&v, dir);
    request = request_of(&v, date);
    v.lines[v.line_count++] = alloc_printf("X-Amz-Date: %s", date);
    if (token_of(&v))
        v.lines[v.line_count++] = alloc_printf("X-Amz-Security-Token: %s", token_of(&v));
    sigv4_sha256(hash, v.body, strlen(v.body));
    if (is_on(&v, "sign_body"))
        v.lines[v.line_count++] = alloc_printf("x-amz-content-sha256: %s", hash);
    compare(dir, "header", &request, credential(&v, "secret_access_key"));
    authorization = sigv4_authorization(&request, credential(&v, "access_key_id"), credential(&v, "secret_access_key"));
    signed_request = read_file(dir, "header-signed-request.txt");
    if (!strstr(signed_request, authorization))
        fail_msg("%s: the header %s isn't in\n%s", dir, authorization, signed_request);
    free(signed_request);
    free(authorization);
    vector_release(&v);
}

static void
add_param(struct buffer *query, const char *name, const char *value)
{
    if (query->len)
        buffer_str(query, "&");
    buffer_str(query, name);
    buffer_str(query, "=");
    buffer_encoded(query, value, strlen(value), 0);
}

/* The names of the signed headers, as they stand in the next to last block of the wanted canonical request. */
static char *
signed_headers(const char *dir)
{
    char *text = read_file(dir, "query-canonical-request.txt");
    char *last = strrchr(text, '\n');
    char *names;

    assert_non_null(last);
    *last = '\0';
    names = alloc_str(strrchr(text, '\n') + 1);
    free(text);
    return names;
}

static void
by_query(const char *dir)
{
    struct buffer query = { 0 };
    char *names = signed_headers(dir);
    char date[SIGV4_DATE], expires[32];
    struct sigv4_request request;
    char *where, *joined;
    struct vector v;

    vector_open(&v, dir);
    request = request_of(&v, date);
    where = alloc_printf("%s/%.8s/%s/%s/aws4_request", credential(&v, "access_key_id"), date, request.region,
                         request.service);
    snprintf(expires, sizeof(expires), "%lld",
             (long long)json_integer_value(json_object_get(v.context, "expiration_in_seconds")));
    buffer_str(&query, v.query);
    add_param(&query, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    add_param(&query, "X-Amz-Credential", where);
    add_param(&query, "X-Amz-Date", date);
    add_param(&query, "X-Amz-SignedHeaders", names);
    add_param(&query, "X-Amz-Expires", expires);
    if (token_of(&v))
        add_param(&query, "X-Amz-Security-Token", token_of(&v));
    joined = buffer_take(&query);
    request.query = joined;
    compare(dir, "query", &request, credential(&v, "secret_access_key"));
    free(joined);
    free(where);
    free(names);
    vector_release(&v);
}

static void
all_vectors(void (*check)(const char *dir))
{
    DIR *folder = opendir(VECTORS);
    const struct dirent *entry;
    int count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        char *path = alloc_printf("%s/%s/request.txt", VECTORS, entry->d_name);
        struct stat st;

        if (entry->d_name[0] != '.' && stat(path, &st) == 0) {
            check(entry->d_name);
            count++;
        }
        free(path);
    }
    closedir(folder);
    assert_true(count > 30);
}

static void
header_vectors(void **state)
{
    (void)state;
    all_vectors(by_header);
}

static void
query_vectors(void **state)
{
    (void)state;
    all_vectors(by_query);
}

static void
published(void **state)
{
    static const char *const headers[] = { "Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z", NULL };
    struct sigv4_request request = {
        .method = "GET",
        .path = "/",
        .headers = headers,
        .date = "20150830T123600Z",
        .region = "us-east-1",
        .service = "service",
    };
    char hex[SIGV4_HEX];
    char *authorization = sigv4_authorization(&request, "AKIDEXAMPLE", SECRET);

    (void)state;
    sigv4_signature(hex, &request, SECRET);
    assert_string_equal(hex, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    assert_string_equal(authorization,
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                        "SignedHeaders=host;x-amz-date, "
                        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    free(authorization);
}

static void
dates(void **state)
{
    char date[SIGV4_DATE];

    (void)state;
    sigv4_date(date, 1440938160999);
    assert_string_equal(date, "20150830T123600Z");
    sigv4_date(date, 0);
    assert_string_equal(date, "19700101T000000Z");
}

/* What is encoded once on the wire is encoded twice in the canonical request: "a:b" goes as "a%3Ab". */
static void
twice(void **state)
{
    static const char *const headers[] = { "Host: h", NULL };
    struct sigv4_request request = {
        .method = "GET",
        .path = "/functions/a%3Ab/x",
        .query = "Marker=a%7cb&A=%20+",
        .headers = headers,
        .date = "20150830T123600Z",
        .region = "r",
        .service = "lambda",
    };
    char *text = sigv4_canonical(&request);

    (void)state;
    assert_non_null(strstr(text, "\n/functions/a%253Ab/x\nA=%20%2B&Marker=a%7Cb\nhost:h\n\nhost\n"));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest always[] = {
        { "the published example has the published signature", published, NULL, NULL, NULL },
        { "a date is written in the compact form", dates, NULL, NULL, NULL },
        { "a path that was sent encoded is encoded once more, a query is not", twice, NULL, NULL, NULL },
    };
    const struct CMUnitTest vectors[] = {
        { "all public vectors that sign by header come out right", header_vectors, NULL, NULL, NULL },
        { "all public vectors that sign by query come out right", query_vectors, NULL, NULL, NULL },
    };

    struct CMUnitTest all[5];
    struct stat st;

    memcpy(all, always, sizeof(always));
    memcpy(all + 3, vectors, sizeof(vectors));
    if (stat(VECTORS, &st) == 0)
        return cmocka_run_group_tests_name("aws-sigv4", all, NULL, NULL);
    printf("# the public vectors are skipped: there is no folder " VECTORS "\n");
    return cmocka_run_group_tests_name("aws-sigv4", always, NULL, NULL);
}
