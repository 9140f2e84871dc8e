/*
 * credentials.h: the keys with which requests are signed; used by the client.
 * SPDX-License-Identifier: MIT
 *
 * The providers are asked in the order of the table in credentials.c, which is that of the AWS tools. The shared files
 * are read anew for each request, so that keys that were refreshed meanwhile are used; keys that end are kept until
 * shortly before that (cache.h). Nothing here is ever logged but the source.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "cairn/plugin.h"
#include "sigv4.h"

struct credentials {
    char *key_id; /* NULL: a request that isn't signed */
    char *secret;
    char *token;     /* of a session, or NULL */
    char *source;    /* "the environment", "profile prod" */
    int64_t expires; /* ms since 1970 on the wall clock; 0: unknown */
    int is_final;    /* they stand somewhere: nothing of ours can get new ones */
};

struct search;

/* No credentials, or expired ones, are DENIED. */
int credentials_load(struct credentials *out, const struct search *search, struct cairn_error *err);
void credentials_digest(char hex[SIGV4_HEX], const struct credentials *credentials); /* tells one set from another */
void credentials_copy(struct credentials *out, const struct credentials *credentials);
void credentials_release(struct credentials *credentials); /* wipes them */

#endif
