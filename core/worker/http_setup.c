/*
 * http_setup.c: turns a request of the plugin header into libcurl's options, with the rules that keep one effect one.
 * SPDX-License-Identifier: MIT
 */
#include "worker/exchange.h"

#include "common/alloc.h"
#include "worker/env.h"

#include <string.h>
#include <strings.h>

#define TIMEOUT_MS 60000
#define CONNECT_TIMEOUT_MS 10000
#define REPLY_MAX (16 << 20)

static int
is_loopback(const char *host)
{
    size_t len = strlen(host);

    return strcasecmp(host, "localhost") == 0 || (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0)
        || (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0') || strcmp(host, "[::1]") == 0
        || strcmp(host, "::1") == 0;
}

/* Names are looked up in both cases; lower case wins, as in curl. */
static const char *
proxy_variable(const struct cairn_call *call, const char *lower, const char *upper)
{
    const char *value = env_get(call, lower);

    return value ? value : env_get(call, upper);
}

static void
set_proxy(struct exchange *x, const char *scheme, const char *host)
{
    const char *proxy = x->request.proxy;
    const char *except = NULL;

    if (!proxy && !is_loopback(host)) {
        proxy = strcasecmp(scheme, "https") == 0 ? proxy_variable(x->call, "https_proxy", "HTTPS_PROXY")
                                                 : proxy_variable(x->call, "http_proxy", "HTTP_PROXY");
        except = proxy_variable(x->call, "no_proxy", "NO_PROXY");
    }
    curl_easy_setopt(x->curl, CURLOPT_PROXY, proxy ? proxy : ""); /* "": don't look at the process's own environment */
    curl_easy_setopt(x->curl, CURLOPT_NOPROXY, except ? except : "");
    curl_easy_setopt(x->curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* they aren't the reply's */
}

static int
add_header(struct exchange *x, const char *line, struct cairn_error *err)
{
    const char *colon = strchr(line, ':');
    struct curl_slist *longer;
    char *without_value = NULL;

    if (!colon || colon == line || strpbrk(line, "\r\n"))
        return cairn_fail(err, CAIRN_ERR_INVALID, "send request: a header must be one line of the form Name: value");
    if (colon[1 + strspn(colon + 1, " \t")] == '\0') { /* libcurl would leave the header out */
        without_value = alloc_strn(line, (size_t)(colon - line) + 1);
        without_value[colon - line] = ';';
    }
    longer = curl_slist_append(x->headers, without_value ? without_value : line);
    free(without_value);
    if (!longer)
        alloc_failed();
    x->headers = longer;
    return 0;
}

static int
set_headers(struct exchange *x, struct cairn_error *err)
{
    const char *const *given = x->request.headers;
    struct curl_slist *longer;
    int has_type = 0;

    for (; given && *given; given++) {
        has_type |= strncasecmp(*given, "content-type:", 13) == 0;
        if (add_header(x, *given, err) < 0)
            return -1;
    }
    longer = curl_slist_append(x->headers, "Expect:"); /* with it, libcurl sends a refused request again */
    if (longer && !has_type)
        longer = curl_slist_append(longer, "Content-Type:"); /* don't call it a form */
    if (!longer)
        alloc_failed();
    x->headers = longer;
    curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
    return 0;
}

static void
set_blob(CURL *curl, CURLoption option, const char *text)
{
    struct curl_blob blob = { (void *)(uintptr_t)text, text ? strlen(text) : 0, CURL_BLOB_COPY };

    if (text)
        curl_easy_setopt(curl, option, &blob);
}

static void
set_tls(struct exchange *x)
{
    const struct cairn_http_request *r = &x->request;
    CURL *curl = x->curl;

    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, r->insecure ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, r->insecure ? 0L : 2L);
    if (r->ca_file || r->ca_pem)
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* these and no others */
    if (r->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, r->ca_file);
    set_blob(curl, CURLOPT_CAINFO_BLOB, r->ca_pem);
    set_blob(curl, CURLOPT_SSLCERT_BLOB, r->cert_pem);
    set_blob(curl, CURLOPT_SSLKEY_BLOB, r->key_pem ? r->key_pem : r->cert_pem);
}

/* The certificate must bear another name than the URL: connect to the URL's host, speak to `server_name`, and say the
 * URL's Host. */
static int
rename_server(struct exchange *x, CURLU *parts, const char *host, struct cairn_error *err)
{
    char *port = NULL;
    char *line;
    int rc;

    if (curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK
        || curl_url_set(parts, CURLUPART_HOST, x->request.server_name, 0) != CURLUE_OK
        || curl_url_get(parts, CURLUPART_URL, &x->url, 0) != CURLUE_OK) {
        curl_free(port);
        return cairn_fail(err, CAIRN_ERR_INVALID, "send request: %s is not a server's name", x->request.server_name);
    }
    line = alloc_printf("%s:%s:%s:%s", x->request.server_name, port, host, port);
    x->connect_to = curl_slist_append(NULL, line);
    free(line);
    curl_easy_setopt(x->curl, CURLOPT_CONNECT_TO, x->connect_to);
    line = alloc_printf("Host: %s:%s", host, port);
    rc = add_header(x, line, err);
    free(line);
    curl_free(port);
    return rc;
}

static int
set_url(struct exchange *x, struct cairn_error *err)
{
    const char *url = x->request.url ? x->request.url : "";
    CURLU *parts = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    int rc = -1;

    if (!parts)
        alloc_failed();
    if (curl_url_set(parts, CURLUPART_URL, url, CURLU_PATH_AS_IS) != CURLUE_OK
        || curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK
        || curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK
        || (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)) {
        cairn_fail(err, CAIRN_ERR_INVALID, "send request to %.*s: not an http or https URL", (int)strcspn(url, "?@"),
                   url);
        goto out;
    }
    set_proxy(x, scheme, host);
    if (x->request.server_name && strcasecmp(x->request.server_name, host) != 0
        && rename_server(x, parts, host, err) < 0)
        goto out;
    curl_easy_setopt(x->curl, CURLOPT_URL, x->url ? x->url : url);
    rc = 0;
out:
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return rc;
}

static void
set_method(struct exchange *x)
{
    const struct cairn_http_request *r = &x->request;
    const char *method = r->method ? r->method : "GET";

    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(x->curl, CURLOPT_NOBODY, 1L);
        return;
    }
    if (r->body || strcmp(method, "GET") != 0) {
        curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->body ? r->body_len : 0));
        curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, r->body ? r->body : "");
    }
    curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, method);
}

static void
set_user_agent(struct exchange *x)
{
    const struct cairn_call *call = x->call;
    char *agent =
        *call->run ? alloc_printf("cairn/%s run/%s step/%s token/%s", VERSION_TEXT, call->run, call->step, call->token)
                   : alloc_printf("cairn/%s", VERSION_TEXT);

    curl_easy_setopt(x->curl, CURLOPT_USERAGENT, agent);
    free(agent);
}

int
http_setup(struct exchange *x, struct cairn_error *err)
{
    int64_t timeout = x->request.timeout_ms > 0 ? x->request.timeout_ms : TIMEOUT_MS;
    CURL *curl = x->curl;

    if (x->request.max_reply <= 0)
        x->request.max_reply = REPLY_MAX;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, x->why);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* signatures are over the path as it stands */
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* HTTP/2 sends refused streams again */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(timeout < CONNECT_TIMEOUT_MS ? timeout : CONNECT_TIMEOUT_MS));
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, x->changes ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, x->changes ? 1L : 0L);
    if (set_url(x, err) < 0 || set_headers(x, err) < 0)
        return -1;
    set_tls(x);
    set_method(x);
    set_user_agent(x);
    return 0;
}
