/*
 * provider_static.c: keys that stand in the environment or in the shared files, and the ways of a profile that aren't
 * followed; called by credentials.c.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "profile.h"
#include "provider.h"

/* A time that can't be read is left to AWS to judge. */
static int64_t
end_of(const char *expires)
{
    int64_t at = expires ? clock_parse(expires) : -1;

    return at > 0 ? at : 0;
}

/* A key without its other half is an error, not a reason to look elsewhere. */
int
provider_environment(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    const char *id = provider_variable(search, "AWS_ACCESS_KEY_ID");
    const char *secret = provider_variable(search, "AWS_SECRET_ACCESS_KEY");
    const char *token = provider_variable(search, "AWS_SESSION_TOKEN");

    if (!id && !secret)
        return 0;
    if (!id || !secret)
        return cairn_fail(err, CAIRN_ERR_DENIED, "find credentials: the environment has %s without %s",
                          id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                          id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    *out = (struct credentials){
        .key_id = alloc_str(id),
        .secret = alloc_str(secret),
        .token = alloc_str(token ? token : provider_variable(search, "AWS_SECURITY_TOKEN")),
        .source = alloc_str("the environment"),
        .expires = end_of(provider_variable(search, "AWS_CREDENTIAL_EXPIRATION")),
        .is_final = 1,
    };
    return 1;
}

static int
from_profile(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    const char *id = provider_setting(search, "aws_access_key_id");
    const char *secret = provider_setting(search, "aws_secret_access_key");
    const char *token = provider_setting(search, "aws_session_token");
    const char *expires = provider_setting(search, "x_security_token_expires");

    if (!id && !secret)
        return 0;
    if (!id || !secret)
        return cairn_fail(err, CAIRN_ERR_DENIED, "find credentials: profile %s has %s without %s", search->profile,
                          id ? "aws_access_key_id" : "aws_secret_access_key",
                          id ? "aws_secret_access_key" : "aws_access_key_id");
    if (!expires)
        expires = provider_setting(search, "aws_expiration");
    if (!expires)
        expires = provider_setting(search, "expiration");
    *out = (struct credentials){
        .key_id = alloc_str(id),
        .secret = alloc_str(secret),
        .token = alloc_str(token ? token : provider_setting(search, "aws_security_token")),
        .source = alloc_printf("profile %s", search->profile),
        .expires = end_of(expires),
        .is_final = 1,
    };
    return 1;
}

/* Between the keys of the one file and those of the other, other ways of the profile are tried. */
int
provider_credentials_file(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    return profile_keys_are_in_credentials(search->settings) ? from_profile(out, search, err) : 0;
}

int
provider_config_file(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    return from_profile(out, search, err);
}

static int
not_followed(const struct search *search, const char *key, const char *what, struct cairn_error *err)
{
    return cairn_fail(err, CAIRN_ERR_DENIED,
                      "find credentials: profile %s has %s, %s, which this version doesn't follow: put keys into the "
                      "environment with `eval \"$(aws configure export-credentials --profile %s --format env)\"`",
                      search->profile, key, what, search->profile);
}

int
provider_sso(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    static const char *const keys[] = { "sso_session", "sso_start_url", "sso_account_id" };

    (void)out;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (provider_setting(search, keys[i]))
            return not_followed(search, keys[i], "a single sign-on", err);
    return 0;
}

int
provider_login(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    (void)out;
    return provider_setting(search, "login_session") ? not_followed(search, "login_session", "a login", err) : 0;
}
