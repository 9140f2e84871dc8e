/*
 * client.c: one signed request to a service of AWS; used by the protocols.
 * SPDX-License-Identifier: MIT
 */
#include "client.h"

#include "cache.h"
#include "common/alloc.h"
#include "endpoint.h"
#include "errors.h"
#include "identity.h"
#include "profile.h"
#include "sigv4.h"
#include "skew.h"

#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 8

const struct cairn_param client_config[] = {
    { "region", CAIRN_STR, 0, "region; default: AWS_REGION, AWS_DEFAULT_REGION, the profile's", NULL },
    { "account", CAIRN_STR, CAIRN_TO_CHANGE, "the account that this environment is, 12 digits; needed before anything is changed",
      NULL },
    { "profile", CAIRN_STR, 0, "profile of the shared files; then the keys of the environment don't count", NULL },
    { "endpoint_url", CAIRN_STR, 0,
      "address of all services, where neither AWS_ENDPOINT_URL_SERVICE nor AWS_ENDPOINT_URL is set", NULL },
    { 0 },
};

int
client_open(struct client_session *session, struct cairn_call *call, struct cairn_error *err)
{
    const char *wanted = cairn_get_str(cairn_config(call), "profile", NULL);
    struct search search = { .call = call, .profile = profile_name(call), .named = wanted && *wanted };

    *session = (struct client_session){ 0 };
    if (profile_load(&session->own_settings, call, search.profile, err) < 0
        || endpoint_region(&session->region, call, session->own_settings, err) < 0)
        goto failed;
    search.settings = session->settings = session->own_settings;
    search.region = session->region;
    if (credentials_load(&session->credentials, &search, err) == 0)
        return 0;
failed:
    client_close(session);
    return -1;
}

void
client_close(struct client_session *session)
{
    cairn_free(session->own_settings);
    credentials_release(&session->credentials);
    free(session->region);
    *session = (struct client_session){ 0 };
}

/* What a request consists of on the wire. */
struct wire {
    char *lines[HEADERS_MAX]; /* headers, ended by NULL */
    char *base;               /* of the URL */
    char *path;               /* the endpoint's own and the request's */
    char *url;
    char date[SIGV4_DATE];
};

static void
release_wire(struct wire *w)
{
    for (size_t i = 0; i < HEADERS_MAX; i++) {
        if (w->lines[i])
            explicit_bzero(w->lines[i], strlen(w->lines[i]));
        free(w->lines[i]);
    }
    free(w->base);
    free(w->path);
    free(w->url);
}

static void
add_headers(struct wire *w, const struct client_session *session, const struct client_request *request)
{
    char *host = endpoint_host(w->base);
    size_t n = 0;

    w->lines[n++] = alloc_printf("Host: %s", host);
    w->lines[n++] = alloc_printf("X-Amz-Date: %s", w->date);
    if (session->credentials.token)
        w->lines[n++] = alloc_printf("X-Amz-Security-Token: %s", session->credentials.token);
    if (request->content_type)
        w->lines[n++] = alloc_printf("Content-Type: %s", request->content_type);
    if (request->extra)
        w->lines[n++] = alloc_str(request->extra);
    free(host);
}

static void
sign(struct wire *w, const struct client_session *session, const struct client_request *request)
{
    struct sigv4_request to_sign = {
        .method = request->method,
        .path = w->path,
        .query = request->query,
        .headers = (const char *const *)w->lines,
        .body = request->body,
        .body_len = request->body ? strlen(request->body) : 0,
        .date = w->date,
        .region = session->region,
        .service = request->service->name,
    };
    char *value = sigv4_authorization(&to_sign, session->credentials.key_id, session->credentials.secret);
    size_t n = 0;

    while (w->lines[n])
        n++;
    w->lines[n] = alloc_printf("Authorization: %s", value);
    free(value);
}

static const char *
ca_bundle(const struct cairn_call *call, const struct cairn_value *settings)
{
    const char *file = cairn_env(call, "AWS_CA_BUNDLE");

    if (!file || !*file)
        file = cairn_get_str(settings, "ca_bundle", NULL);
    return file && *file ? file : NULL;
}

/* Once, as it is. */
static int
send_once(struct cairn_call *call, struct client_session *session, const struct client_request *request,
          struct cairn_http_reply **reply, struct cairn_error *err)
{
    struct wire w = { 0 };
    struct cairn_error why = { 0 };
    const char *after_host;
    int rc = -1;

    if (endpoint_url(&w.base, call, session->settings, request->service->name, request->service->variable,
                     session->region, err)
        < 0)
        goto out;
    after_host = strchr(strstr(w.base, "://") + 3, '/');
    w.path = alloc_printf("%s%s", after_host ? after_host : "", request->path);
    w.url = alloc_printf("%.*s%s%s%s", (int)(after_host ? after_host - w.base : (long)strlen(w.base)), w.base, w.path,
                         request->query ? "?" : "", request->query ? request->query : "");
    sigv4_date(w.date, skew_now(call));
    add_headers(&w, session, request);
    if (session->credentials.key_id)
        sign(&w, session, request);
    struct cairn_http_request http =
        CAIRN_HTTP_REQUEST(.method = request->method, .url = w.url, .headers = (const char *const *)w.lines,
                           .body = request->body, .body_len = request->body ? strlen(request->body) : 0,
                           .reads = request->reads, .timeout_ms = request->timeout_ms,
                           .ca_file = ca_bundle(call, session->settings));
    rc = cairn_http(call, &http, reply, &why);
    if (rc < 0)
        cairn_fail_code(err, why.kind, why.code, "%s%s", why.text,
                        why.kind == CAIRN_ERR_DENIED ? " (an authority of your own goes into AWS_CA_BUNDLE)" : "");
out:
    release_wire(&w);
    return rc;
}

static void
read_refusal(struct aws_refusal *refusal, const struct cairn_http_reply *reply)
{
    size_t len;
    const char *body = cairn_http_body(reply, &len);

    errors_read(refusal, cairn_http_status(reply), cairn_http_header(reply, "x-amzn-ErrorType"), body, len);
    /* Services that spoke Query before they spoke JSON repeat their old code here: "CODE;Sender". */
    if (!refusal->readable && cairn_http_header(reply, "x-amzn-query-error"))
        errors_read(refusal, cairn_http_status(reply), cairn_http_header(reply, "x-amzn-query-error"), body, len);
}

/* Is our clock why the request was refused? Then it is set right. */
static int
learn_clock(struct cairn_call *call, const struct aws_refusal *refusal, const struct cairn_http_reply *reply)
{
    static const char *const codes[] = {
        "RequestTimeTooSkewed", "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
    };
    size_t i = 0;

    while (i < sizeof(codes) / sizeof(codes[0]) && strcmp(refusal->code, codes[i]) != 0)
        i++;
    return i < sizeof(codes) / sizeof(codes[0]) && skew_learn(call, cairn_http_header(reply, "Date"));
}

/* Were the credentials refused as expired, and are there new ones in the meantime? -1 when getting some failed. */
static int
renew(struct cairn_call *call, struct client_session *session, const struct aws_refusal *refusal,
      struct cairn_error *err)
{
    char before[SIGV4_HEX], now[SIGV4_HEX];
    struct client_session fresh;

    if (strncmp(refusal->code, "ExpiredToken", 12) != 0 || session->for_keys)
        return 0;
    cache_forget();
    if (client_open(&fresh, call, err) < 0)
        return -1;
    credentials_digest(before, &session->credentials);
    credentials_digest(now, &fresh.credentials);
    if (!strcmp(before, now)) {
        client_close(&fresh);
        return 0;
    }
    client_close(session);
    *session = fresh;
    return 1;
}

/* Who may not has to know by which keys: there are many places where they can come from. */
static int
refuse(struct cairn_error *err, const struct client_session *session, const struct client_request *request,
       const struct aws_refusal *refusal)
{
    int expired = strncmp(refusal->code, "ExpiredToken", 12) == 0;
    struct cairn_error why = { 0 };

    errors_fail(&why, request->action, refusal, request->reads);
    if (why.kind != CAIRN_ERR_DENIED || !session->credentials.source)
        return cairn_fail_code(err, why.kind, why.code, "%s", why.text);
    return cairn_fail_code(err, why.kind, why.code, "%s (by the keys of %s%s)", why.text, session->credentials.source,
                           expired ? ": get new ones, then cairn resume" : "");
}

int
client_exchange(struct cairn_call *call, struct client_session *session, const struct client_request *request,
                struct cairn_http_reply **reply, struct cairn_error *err)
{
    struct aws_refusal refusal;
    int better;

    for (int again = 0;; again++) {
        if (send_once(call, session, request, reply, err) < 0)
            return -1;
        if (cairn_http_status(*reply) / 100 == 2)
            return 0;
        read_refusal(&refusal, *reply);
        better = again ? 0 : learn_clock(call, &refusal, *reply) ? 1 : renew(call, session, &refusal, err);
        if (better == 0)
            break;
        cairn_http_free(*reply);
        *reply = NULL;
        if (better < 0)
            return -1;
        if (!session->for_keys && identity_check(call, session, !request->reads, err) < 0)
            return -1;
    }
    cairn_http_free(*reply);
    *reply = NULL;
    return refuse(err, session, request, &refusal);
}

int
client_send(struct cairn_call *call, const struct client_request *request, struct cairn_http_reply **reply,
            struct cairn_error *err)
{
    struct client_session session;
    int rc;

    *reply = NULL;
    if (client_open(&session, call, err) < 0)
        return -1;
    rc = identity_check(call, &session, !request->reads, err);
    if (rc == 0)
        rc = client_exchange(call, &session, request, reply, err);
    client_close(&session);
    return rc;
}
