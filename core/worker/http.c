/*
 * http.c: cairn_http, one request and one reply, and what it means when there is none; called by plugins.
 * SPDX-License-Identifier: MIT
 */
#include "worker/http.h"

#include "common/alloc.h"
#include "common/crash.h"
#include "worker/channel.h"
#include "worker/exchange.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define HEADER_BYTES_MAX (256 << 10)

static CURL *reader; /* keeps connections alive, for requests that change nothing */

/* ---- libcurl's callbacks ----------------------------------------------------------------------------------------- */

static int
on_connected(void *context, char *to, char *from, int to_port, int from_port)
{
    struct exchange *x = context;

    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    x->connected = 1;
    if (x->changes)
        crash_point("worker.http.connected");
    return CURL_PREREQFUNC_OK;
}

/* Called for bytes that were written. What goes to a proxy to make the connection isn't the request. */
static int
on_traffic(CURL *curl, curl_infotype type, char *data, size_t size, void *context)
{
    struct exchange *x = context;

    (void)curl;
    (void)data;
    if (!x->connected || !size || (type != CURLINFO_HEADER_OUT && type != CURLINFO_DATA_OUT))
        return 0;
    x->sent = 1;
    x->body_sent += type == CURLINFO_DATA_OUT ? size : 0;
    if (x->changes && x->body_sent >= (x->request.body ? x->request.body_len : 0))
        crash_point("worker.http.written");
    return 0;
}

static size_t
on_header(char *data, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    struct cairn_http_reply *reply = x->reply;
    size_t len = size * count;
    const char *colon = memchr(data, ':', len);
    const char *end = data + len;

    reply->header_bytes += len;
    if (reply->header_bytes > HEADER_BYTES_MAX) {
        x->too_large = 1;
        return 0;
    }
    if (x->changes && x->connected && !x->answering)
        crash_point("worker.http.answering");
    x->answering = x->connected;
    if (!x->connected || !colon || memchr(data, '\0', len))
        return len;
    reply->names = alloc_grow(reply->names, reply->header_count + 1, sizeof(*reply->names));
    reply->values = alloc_grow(reply->values, reply->header_count + 1, sizeof(*reply->values));
    reply->names[reply->header_count] = alloc_strn(data, (size_t)(colon - data));
    for (colon++; colon < end && isspace((unsigned char)*colon);)
        colon++;
    while (end > colon && isspace((unsigned char)end[-1]))
        end--;
    reply->values[reply->header_count++] = alloc_strn(colon, (size_t)(end - colon));
    return len;
}

static size_t
on_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    struct cairn_http_reply *reply = x->reply;
    size_t len = size * count;

    if (reply->len + len > (size_t)x->request.max_reply) {
        x->too_large = 1;
        return 0;
    }
    if (reply->len + len + 1 > reply->size) {
        reply->size = (reply->len + len + 1) * 2;
        reply->body = alloc_grow(reply->body, reply->size, 1);
    }
    memcpy(reply->body + reply->len, data, len);
    reply->len += len;
    reply->body[reply->len] = '\0';
    return len;
}

/* A change that is on its way is never broken off: its answer is worth more than the time. */
static int
on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct exchange *x = context;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    if (!x->changes && channel_cancelled(0))
        x->cancelled = 1;
    return x->cancelled;
}

static void
set_callbacks(struct exchange *x)
{
    curl_easy_setopt(x->curl, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(x->curl, CURLOPT_PREREQDATA, x);
    curl_easy_setopt(x->curl, CURLOPT_DEBUGFUNCTION, on_traffic);
    curl_easy_setopt(x->curl, CURLOPT_DEBUGDATA, x);
    curl_easy_setopt(x->curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(x->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(x->curl, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(x->curl, CURLOPT_XFERINFODATA, x);
    curl_easy_setopt(x->curl, CURLOPT_NOPROGRESS, 0L);
}

/* ---- one exchange ------------------------------------------------------------------------------------------------ */

static const char *
method_of(const struct exchange *x)
{
    return x->request.method ? x->request.method : "GET";
}

/* The URL as it may be shown: what stands before the host and behind the path can be a credential. Freed with free().
 */
static char *
shown_url(const struct exchange *x)
{
    const char *url = x->request.url ? x->request.url : "";
    const char *host = strstr(url, "://");
    size_t scheme = host ? (size_t)(host - url) + 3 : 0;
    size_t end = strcspn(url, "?#");
    size_t authority = scheme < end ? strcspn(url + scheme, "/?#") : 0;
    const char *at = authority ? memrchr(url + scheme, '@', authority) : NULL;
    size_t from = at ? (size_t)(at - url) + 1 : scheme;

    return from <= end ? alloc_printf("%.*s%.*s", (int)scheme, url, (int)(end - from), url + from) : alloc_str("");
}

/* What changes is decided by the action and the method. A reading action that deletes is a mistake in its table. */
static int
judge_request(struct exchange *x, struct cairn_error *err)
{
    static const char *const changing[] = { "PUT", "PATCH", "DELETE" };
    const char *method = method_of(x);
    char *url;

    if (x->request.reads || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return 0;
    x->changes = x->call->changes;
    for (size_t i = 0; !x->changes && i < sizeof(changing) / sizeof(changing[0]); i++)
        if (strcmp(method, changing[i]) == 0) {
            url = shown_url(x);
            cairn_fail(err, CAIRN_ERR_INVALID, "send %s %s: only run() of a changing action may change something",
                       method, url);
            free(url);
            return -1;
        }
    return 0;
}

/* It has no certificate that is to be believed: trying again won't help. */
static int
is_stranger(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR
           || code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CRL_BADFILE;
}

/*
 * UNAVAILABLE means that this call has changed nothing: this request has not left, or it only reads, and no changing
 * one left before it.
 */
static int
fail_exchange(struct exchange *x, CURLcode code, struct cairn_error *err)
{
    const char *why = *x->why ? x->why : curl_easy_strerror(code);
    int reads_before_change = x->call->changes && !x->changes;
    enum cairn_error_kind kind;
    char size[64];
    char *url;

    if (x->too_large) {
        snprintf(size, sizeof(size), "the reply is larger than %lld bytes", (long long)x->request.max_reply);
        why = size;
    }
    if (x->call->sent_change)
        kind = code == CURLE_OPERATION_TIMEDOUT ? CAIRN_ERR_TIMEOUT : CAIRN_ERR_IN_DOUBT;
    else if (x->cancelled)
        kind = CAIRN_ERR_CANCELLED;
    else if (!x->sent && is_stranger(code))
        kind = CAIRN_ERR_DENIED;
    else if (!x->sent || reads_before_change)
        kind = CAIRN_ERR_UNAVAILABLE;
    else
        kind = code == CURLE_OPERATION_TIMEDOUT ? CAIRN_ERR_TIMEOUT : CAIRN_ERR_IN_DOUBT;
    url = shown_url(x);
    cairn_fail(err, kind, "send %s %s: %s", method_of(x), url, why);
    free(url);
    return -1;
}

static int
perform(struct exchange *x, struct cairn_error *err)
{
    CURLcode code;
    long size = 0;
    long status = 0;

    if (x->changes)
        crash_point("worker.http.sending");
    code = curl_easy_perform(x->curl);
    curl_easy_getinfo(x->curl, CURLINFO_REQUEST_SIZE, &size);
    if (x->connected && x->reply->header_bytes)
        x->sent = 1; /* an answer */
    if (x->changes && (x->sent || (x->connected && size > 0)))
        x->sent = x->call->sent_change = 1;
    if (code != CURLE_OK)
        return fail_exchange(x, code, err);
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    x->reply->status = (int)status;
    if (x->changes)
        crash_point("worker.http.sent");
    return 0;
}

static CURL *
handle_for(const struct exchange *x)
{
    static int started;
    CURL *curl = x->changes ? NULL : reader;

    if (!started && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        alloc_failed();
    started = 1;
    if (curl)
        curl_easy_reset(curl);
    else if (!(curl = curl_easy_init()))
        alloc_failed();
    if (!x->changes)
        reader = curl;
    return curl;
}

int
cairn_http(struct cairn_call *call, const struct cairn_http_request *request, struct cairn_http_reply **reply,
           struct cairn_error *err)
{
    struct exchange x = { .call = call };
    int rc = -1;

    *reply = NULL;
    memcpy(&x.request, request, request->size < sizeof(x.request) ? request->size : sizeof(x.request));
    if (judge_request(&x, err) < 0)
        return -1;
    x.curl = handle_for(&x);
    x.reply = alloc_zero(1, sizeof(*x.reply));
    x.reply->body = alloc_str("");
    x.reply->size = 1;
    set_callbacks(&x);
    if (http_setup(&x, err) < 0 || perform(&x, err) < 0)
        goto out;
    *reply = x.reply;
    x.reply = NULL; /* handed over */
    rc = 0;
out:
    if (x.changes)
        curl_easy_cleanup(x.curl);
    else
        curl_easy_reset(x.curl); /* nothing of this exchange stays behind but the connection */
    curl_slist_free_all(x.headers);
    curl_slist_free_all(x.connect_to);
    curl_free(x.url);
    cairn_http_free(x.reply);
    return rc;
}

void
http_release(void)
{
    curl_easy_cleanup(reader);
    reader = NULL;
}

/* ---- the reply --------------------------------------------------------------------------------------------------- */

int
cairn_http_status(const struct cairn_http_reply *reply)
{
    return reply->status;
}

const char *
cairn_http_header(const struct cairn_http_reply *reply, const char *name)
{
    for (size_t i = reply->header_count; i--;)
        if (strcasecmp(reply->names[i], name) == 0)
            return reply->values[i];
    return NULL;
}

const char *
cairn_http_body(const struct cairn_http_reply *reply, size_t *len)
{
    if (len)
        *len = reply->len;
    return reply->body;
}

void
cairn_http_free(struct cairn_http_reply *owned)
{
    if (!owned)
        return;
    for (size_t i = 0; i < owned->header_count; i++) {
        free(owned->names[i]);
        free(owned->values[i]);
    }
    free(owned->names);
    free(owned->values);
    free(owned->body);
    free(owned);
}

char *
cairn_url_encode(const char *text, const char *keep)
{
    char *out = alloc_zero(strlen(text) * 3 + 1, 1);
    size_t len = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c < 0x80 && isalnum(c)) || strchr("-._~", c) || (keep && strchr(keep, c)))
            out[len++] = (char)c;
        else
            len += (size_t)snprintf(out + len, 4, "%%%02X", c);
    }
    return out;
}
