/*
 * exchange.h: one HTTP request and its reply on their way through libcurl; between http.c and http_setup.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_EXCHANGE_H
#define CAIRN_EXCHANGE_H

#include "worker/call.h"

#include <curl/curl.h>

struct cairn_http_reply {
    int status;
    char **names; /* of headers, as they came */
    char **values;
    size_t header_count, header_bytes;
    char *body; /* NUL-terminated */
    size_t len, size;
};

struct exchange {
    struct cairn_call *call;
    struct cairn_http_request request; /* in this host's layout */
    struct cairn_http_reply *reply;
    CURL *curl;
    struct curl_slist *headers, *connect_to;
    char *url; /* another one than the request's, when the certificate bears another name */
    int changes; /* it changes something: fresh connection, nothing silently again */
    int connected; /* the way to the server is ready; what is sent from here on is the request */
    size_t body_sent; /* bytes of the request's body that were written */
    int sent; /* at least a byte of the request has left */
    int answering; /* the reply has begun */
    int too_large; /* the reply was cut off because of its size */
    int cancelled; /* the engine has no more use for the answer */
    char why[CURL_ERROR_SIZE];
};

/* Set all options of x->curl for x->request. INVALID for a request that can't be made. */
int http_setup(struct exchange *x, struct cairn_error *err);

#endif
