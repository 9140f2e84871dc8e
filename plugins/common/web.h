/*
 * web.h: a request to any web address and what its status means; used by the plugins http and notify.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_WEB_H
#define CAIRN_WEB_H

#include "cairn/plugin.h"

struct web_request {
    const char *method;
    const char *url;
    const struct cairn_value *headers; /* name to text; may be NULL */
    const char *const *more; /* "Name: value" lines, ended by NULL, for names that `headers` hasn't; may be NULL */
    const char *body; /* NULL: none */
    int64_t timeout_s;
    int64_t reply_max; /* bytes */
    const char *ca_file; /* NULL: the system's */
};

/* As cairn_http: 0 with a reply of any status. */
int web_send(struct cairn_call *call, const struct web_request *request, struct cairn_http_reply **reply,
             struct cairn_error *err);

/* -1 with the kind that the status has for a request that changes something; 0 for a 2xx and for those in `expected`. */
int web_judge(const struct web_request *request, const struct cairn_http_reply *reply,
              const struct cairn_value *expected, struct cairn_error *err);

/* Is the status among `expected`, or a 2xx if that is NULL or empty? */
int web_is_expected(int status, const struct cairn_value *expected);

/* The beginning of a body as one line. A new text. */
char *web_excerpt(const struct cairn_http_reply *reply);

#endif
