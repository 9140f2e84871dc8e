/*
 * provider.h: the ways to get keys, each a function in a provider_*.c; called by credentials.c in the order of its
 * table.
 * SPDX-License-Identifier: MIT
 *
 * A provider answers 1 with keys in `out`, 0 when it isn't set up (the next one is asked), or -1: it is set up, and it
 * can't. An error that passes is UNAVAILABLE, all others are DENIED.
 */
#ifndef AWS_PROVIDER_H
#define AWS_PROVIDER_H

#include "credentials.h"

/* What is known when keys are looked for. */
struct search {
    struct cairn_call *call;
    const char *profile;                /* its name */
    const struct cairn_value *settings; /* its settings, or NULL: there is no such profile */
    const char *region;                 /* for requests to STS */
    int named;                 /* by the configuration or by another profile: variables of the user don't count */
    const struct search *from; /* of the profile that names this one as its source, or NULL */
};

typedef int provider_fn(struct credentials *out, const struct search *search, struct cairn_error *err);

provider_fn provider_environment;      /* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN */
provider_fn provider_role;             /* role_arn with source_profile or credential_source */
provider_fn provider_web_identity;     /* AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or the profile's own */
provider_fn provider_sso;              /* not followed: an error that says what to do */
provider_fn provider_credentials_file; /* keys in ~/.aws/credentials */
provider_fn provider_login;            /* not followed either */
provider_fn provider_process;          /* credential_process */
provider_fn provider_config_file;      /* keys in ~/.aws/config */
provider_fn provider_container;        /* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, ..._FULL_URI */
provider_fn provider_instance;         /* the instance's metadata */

/* The keys of another profile, of its own: what neither the environment nor the machine has. 1 or -1. */
int provider_of_profile(struct credentials *out, const struct search *search, struct cairn_error *err);
/* Keys in the answer of a program or of a metadata service. `token` is the name of the member, "SessionToken". 0 or -1.
 */
int provider_read_json(struct credentials *out, const char *source, const char *json, size_t len, const char *token,
                       struct cairn_error *err);

const char *provider_variable(const struct search *search, const char *name); /* of the user; NULL when empty */
const char *provider_setting(const struct search *search, const char *key);   /* of the profile; NULL when empty */

#endif
