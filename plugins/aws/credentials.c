/*
 * credentials.c: the keys with which requests are signed; used by the client.
 * SPDX-License-Identifier: MIT
 */
#include "credentials.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "profile.h"

#include <stdlib.h>
#include <string.h>

/* Ways to get keys that a profile may name and that are not followed here. */
static const char *const other_ways[] = {
    "role_arn",          "credential_process", "sso_session",
    "sso_start_url",     "sso_account_id",     "web_identity_token_file",
    "credential_source", "source_profile",     "login_session",
};

static const char *
set_env(struct cairn_call *call, const char *name)
{
    const char *value = cairn_env(call, name);

    return value && *value ? value : NULL;
}

static const char *
set_text(const struct cairn_value *map, const char *key)
{
    const char *value = cairn_get_str(map, key, NULL);

    return value && *value ? value : NULL;
}

/* 1 if the environment has keys, 0 if not. A key without its other half is an error, not a reason to look elsewhere. */
static int
from_environment(struct credentials *out, struct cairn_call *call, const char **expires, struct cairn_error *err)
{
    const char *id = set_env(call, "AWS_ACCESS_KEY_ID");
    const char *secret = set_env(call, "AWS_SECRET_ACCESS_KEY");
    const char *token = set_env(call, "AWS_SESSION_TOKEN");

    if (!id && !secret)
        return 0;
    if (!id || !secret)
        return cairn_fail(err, CAIRN_ERR_DENIED, "find credentials: the environment has %s without %s",
                          id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                          id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    *out = (struct credentials){
        .key_id = alloc_str(id),
        .secret = alloc_str(secret),
        .token = alloc_str(token ? token : set_env(call, "AWS_SECURITY_TOKEN")),
        .source = alloc_str("the environment"),
    };
    *expires = set_env(call, "AWS_CREDENTIAL_EXPIRATION");
    return 1;
}

static int
no_keys(const char *profile, const struct cairn_value *settings, struct cairn_error *err)
{
    for (size_t i = 0; settings && i < sizeof(other_ways) / sizeof(other_ways[0]); i++)
        if (cairn_get(settings, other_ways[i]))
            return cairn_fail(
                err, CAIRN_ERR_DENIED,
                "find credentials: profile %s has %s, which this version doesn't follow: put keys into the "
                "environment with `aws configure export-credentials --profile %s --format env`",
                profile, other_ways[i], profile);
    if (!settings && strcmp(profile, "default") != 0)
        return cairn_fail(err, CAIRN_ERR_DENIED, "find credentials: neither of the shared files has profile %s",
                          profile);
    return cairn_fail(
        err, CAIRN_ERR_DENIED,
        "find credentials: there are none: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put them into "
        "profile %s of ~/.aws/credentials",
        profile);
}

static int
from_profile(struct credentials *out, const char *profile, const struct cairn_value *settings, const char **expires,
             struct cairn_error *err)
{
    const char *id = set_text(settings, "aws_access_key_id");
    const char *secret = set_text(settings, "aws_secret_access_key");
    const char *token = set_text(settings, "aws_session_token");

    if (!id && !secret)
        return no_keys(profile, settings, err);
    if (!id || !secret)
        return cairn_fail(err, CAIRN_ERR_DENIED, "find credentials: profile %s has %s without %s", profile,
                          id ? "aws_access_key_id" : "aws_secret_access_key",
                          id ? "aws_secret_access_key" : "aws_access_key_id");
    *out = (struct credentials){
        .key_id = alloc_str(id),
        .secret = alloc_str(secret),
        .token = alloc_str(token ? token : set_text(settings, "aws_security_token")),
        .source = alloc_printf("profile %s", profile),
    };
    *expires = set_text(settings, "x_security_token_expires");
    if (!*expires)
        *expires = set_text(settings, "aws_expiration");
    if (!*expires)
        *expires = set_text(settings, "expiration");
    return 1;
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

/* A time that can't be read is left to AWS to judge. */
static int
check_expiry(struct credentials *c, struct cairn_call *call, const char *expires, struct cairn_error *err)
{
    size_t len = expires ? strlen(expires) : 0;
    char *utc = len > 6 && !strcmp(expires + len - 6, "+00:00") ? alloc_printf("%.*sZ", (int)len - 6, expires)
                                                                : alloc_str(expires);
    int64_t at = utc ? clock_parse(utc) : -1;

    free(utc);
    c->expires = at > 0 ? at : 0;
    if (at > 0 && at <= cairn_wall(call))
        return cairn_fail_code(err, CAIRN_ERR_DENIED, "ExpiredToken",
                               "find credentials: those of %s expired at %s: get new ones, then cairn resume",
                               c->source, expires);
    return 0;
}

int
credentials_load(struct credentials *out, struct cairn_call *call, const struct cairn_value *settings,
                 struct cairn_error *err)
{
    const char *expires = NULL;
    int found = 0;

    *out = (struct credentials){ 0 };
    if (!set_text(cairn_config(call), "profile"))
        found = from_environment(out, call, &expires, err);
    if (found == 0)
        found = from_profile(out, profile_name(call), settings, &expires, err);
    if (found < 0 || check_form(out, err) < 0 || check_expiry(out, call, expires, err) < 0) {
        credentials_release(out);
        return -1;
    }
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
