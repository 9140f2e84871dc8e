/*
 * credentials.c: the keys with which requests are signed: the providers in their order; used by the client.
 * SPDX-License-Identifier: MIT
 */
#include "credentials.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "provider.h"
#include "skew.h"

#include <stdlib.h>
#include <string.h>

/* The order of the AWS tools. */
static const struct {
    provider_fn *find;
    enum { OF_USER = 1, OF_PROFILE, OF_MACHINE } whose;
} providers[] = {
    { provider_environment, OF_USER },
    { provider_role, OF_PROFILE },
    { provider_web_identity, OF_PROFILE },
    { provider_sso, OF_PROFILE },
    { provider_credentials_file, OF_PROFILE },
    { provider_login, OF_PROFILE },
    { provider_process, OF_PROFILE },
    { provider_config_file, OF_PROFILE },
    { provider_container, OF_MACHINE },
    { provider_instance, OF_MACHINE },
};

const char *
provider_variable(const struct search *search, const char *name)
{
    const char *value = cairn_env(search->call, name);

    return value && *value ? value : NULL;
}

const char *
provider_setting(const struct search *search, const char *key)
{
    const char *value = cairn_get_str(search->settings, key, NULL);

    return value && *value ? value : NULL;
}

static int
no_keys(const struct search *search, struct cairn_error *err)
{
    const char *profile = search->profile;

    if (search->from)
        return cairn_fail(err, CAIRN_ERR_DENIED,
                          "find credentials: profile %s has no keys and no way to get some, and is source_profile of %s",
                          profile, search->from->profile);
    if (!search->settings && strcmp(profile, "default") != 0)
        return cairn_fail(err, CAIRN_ERR_DENIED, "find credentials: neither of the shared files has profile %s",
                          profile);
    return cairn_fail(
        err, CAIRN_ERR_DENIED,
        "find credentials: there are none: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put them into "
        "profile %s of ~/.aws/credentials",
        profile);
}

/* They go into headers: a line break or a space there would be read as something else. */
static int
check_form(const struct credentials *c, struct cairn_error *err)
{
    const char *const parts[] = { c->key_id, c->secret, c->token };

    for (size_t i = 0; i < 3; i++)
        for (const char *at = parts[i]; at && *at; at++)
            if (*at <= ' ' || *at > '~')
                return cairn_fail(err, CAIRN_ERR_DENIED,
                                  "find credentials: those of %s have a blank or a control character in them",
                                  c->source);
    return 0;
}

static int
check_expiry(const struct credentials *c, struct cairn_call *call, struct cairn_error *err)
{
    char when[25];

    if (!c->expires || c->expires > skew_now(call))
        return 0;
    clock_format(when, c->expires);
    return cairn_fail_code(err, CAIRN_ERR_DENIED, "ExpiredToken",
                           "find credentials: those of %s expired at %.19sZ: get new ones, then cairn resume",
                           c->source, when);
}

/* What is known of a secret can be taken out of texts. */
static void
let_mask(const struct credentials *c)
{
    cairn_free(cairn_secret(c->secret));
    cairn_free(cairn_secret(c->token));
}

static int
find(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    int found = 0;

    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]) && found == 0; i++) {
        if ((providers[i].whose == OF_USER && search->named) || (providers[i].whose == OF_MACHINE && search->from))
            continue;
        found = providers[i].find(out, search, err);
    }
    return found ? found : no_keys(search, err);
}

int
provider_of_profile(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    return find(out, search, err);
}

int
credentials_load(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    *out = (struct credentials){ 0 };
    if (find(out, search, err) < 0 || check_form(out, err) < 0 || check_expiry(out, search->call, err) < 0) {
        credentials_release(out);
        return -1;
    }
    let_mask(out);
    return 0;
}

void
credentials_digest(char hex[SIGV4_HEX], const struct credentials *c)
{
    char *all = alloc_printf("%s\n%s\n%s", c->key_id, c->secret, c->token ? c->token : "");

    sigv4_sha256(hex, all, strlen(all));
    explicit_bzero(all, strlen(all));
    free(all);
}

void
credentials_copy(struct credentials *out, const struct credentials *c)
{
    *out = (struct credentials){
        .key_id = alloc_str(c->key_id),
        .secret = alloc_str(c->secret),
        .token = alloc_str(c->token),
        .source = alloc_str(c->source),
        .expires = c->expires,
        .is_final = c->is_final,
    };
}

static void
wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void
credentials_release(struct credentials *c)
{
    wipe(c->key_id);
    wipe(c->secret);
    wipe(c->token);
    free(c->source);
    *c = (struct credentials){ 0 };
}
