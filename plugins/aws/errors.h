/*
 * errors.h: what AWS says when it refuses, as a kind of the plugin contract; used by the protocols.
 * SPDX-License-Identifier: MIT
 *
 * The code decides, not the HTTP status: the Query protocol throttles with status 400. A change is refused only by a
 * reply that can be read and that isn't the server's own failure; all else leaves it in doubt.
 */
#ifndef AWS_ERRORS_H
#define AWS_ERRORS_H

#include "cairn/plugin.h"

struct aws_refusal {
    int status;        /* of HTTP */
    int readable;      /* there is a code of AWS */
    char code[64];     /* "DBInstanceNotFound"; "" when unreadable */
    char message[600]; /* the service's own words */
};

/* Read either protocol's error. `type` is the header x-amzn-ErrorType, or NULL. */
void errors_read(struct aws_refusal *out, int status, const char *type, const char *body, size_t len);
enum cairn_error_kind errors_kind(const struct aws_refusal *refusal, int reads);
int errors_fail(struct cairn_error *err, const char *action, const struct aws_refusal *refusal, int reads); /* -1 */
/* A reply of success that can't be read: in doubt for a change. -1. */
/* Why a body can't be read: it is a page for people, or else `otherwise`. */
const char *errors_page(const char *body, size_t len, const char *otherwise);
int errors_unreadable(struct cairn_error *err, const char *action, int reads, const char *why);
int errors_is(const struct cairn_error *err, const char *code); /* the same code, with or without "Fault" at its end */

#endif
