/*
 * credentials.h: the keys with which requests are signed; used by the client.
 * SPDX-License-Identifier: MIT
 *
 * The environment's, then those of the profile in the shared files. A profile that the configuration names is asked
 * alone. The files are read anew for each request, so that keys that were refreshed meanwhile are used. Nothing here is
 * ever logged but the source and the key's id.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "cairn/plugin.h"
#include "sigv4.h"

struct credentials {
    char *key_id;
    char *secret;
    char *token;     /* of a session, or NULL */
    char *source;    /* "the environment", "profile prod" */
    int64_t expires; /* ms since 1970 on the wall clock; 0: unknown */
};

/* `settings` are the profile's, NULL when it isn't there. No credentials, or expired ones, are DENIED. */
int credentials_load(struct credentials *out, struct cairn_call *call, const struct cairn_value *settings,
                     struct cairn_error *err);
void credentials_digest(char hex[SIGV4_HEX], const struct credentials *credentials); /* tells one set from another */
void credentials_release(struct credentials *credentials);                           /* wipes them */

#endif
