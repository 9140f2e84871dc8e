/*
 * provider_role.c: keys of a role, from STS: by other keys, or by a token that somebody else has issued; called by
 * credentials.c.
 * SPDX-License-Identifier: MIT
 */
#include "cache.h"
#include "client.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/file.h"
#include "profile.h"
#include "query.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX (64u << 10)

static const struct aws_service sts = { "sts", "STS", "2011-06-15" };

/* A request for the keys of a role; the texts are borrowed. */
struct assumption {
    const char *action; /* "AssumeRole" */
    const char *role, *session, *external_id, *duration, *token;
    const struct credentials *by; /* NULL: the token is enough */
};

/* ---- the request ---- */

/* As AWS' records will show it: letters, digits and =,.@-_ */
static char *
session_name(const struct search *search, const char *given)
{
    const char *run = cairn_call_run(search->call);

    return given ? alloc_str(given) : *run ? alloc_printf("cairn-%s", run) : alloc_str("cairn");
}

static void
put_text(struct cairn_value *params, const char *name, const char *text)
{
    if (text)
        cairn_put(params, name, cairn_str(text));
}

static int
read_reply(struct credentials *out, const struct assumption *a, const struct xml_node *reply, struct cairn_error *err)
{
    const struct xml_node *result = reply->first;
    const struct xml_node *keys = xml_get(result, "Credentials");
    const char *id = xml_text(keys, "AccessKeyId", "");
    const char *secret = xml_text(keys, "SecretAccessKey", "");
    const char *token = xml_text(keys, "SessionToken", "");
    int64_t expires = clock_parse(xml_text(keys, "Expiration", ""));

    if (!*id || !*secret || !*token || expires <= 0)
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "%s: the reply has no credentials", a->action);
    *out = (struct credentials){
        .key_id = alloc_str(id),
        .secret = alloc_str(secret),
        .token = alloc_str(token),
        .source = alloc_printf("role %s", a->role),
        .expires = expires,
    };
    return 1;
}

/* Whose the keys are isn't asked here: only those that it gives are used for anything else. */
static int
assume(struct credentials *out, const struct search *search, const struct assumption *a, struct cairn_error *err)
{
    struct client_session session = { .settings = search->settings, .for_keys = 1 };
    struct cairn_value *params = cairn_map();
    struct query query = { .service = &sts, .action = a->action, .params = params, .reads = 1 };
    struct cairn_error why = { 0 };
    struct xml_node *reply = NULL;
    char *name = session_name(search, a->session);
    int rc;

    put_text(params, "RoleArn", a->role);
    put_text(params, "RoleSessionName", name);
    put_text(params, "ExternalId", a->external_id);
    put_text(params, "DurationSeconds", a->duration);
    put_text(params, "WebIdentityToken", a->token);
    session.region = alloc_str(search->region);
    if (a->by)
        credentials_copy(&session.credentials, a->by);
    rc = query_exchange(&reply, search->call, &session, &query, &why);
    if (rc == 0)
        rc = read_reply(out, a, reply, &why);
    if (rc < 0)
        cairn_fail_code(err, why.kind == CAIRN_ERR_UNAVAILABLE || why.kind == CAIRN_ERR_THROTTLED ? why.kind : CAIRN_ERR_DENIED,
                        why.code, "get the keys of %s: %s", a->role, why.text);
    xml_free(reply);
    client_close(&session);
    cairn_free(params);
    free(name);
    return rc;
}

/* ---- by other keys ---- */

static int
wrong(const struct search *search, struct cairn_error *err, const char *why)
{
    return cairn_fail(err, CAIRN_ERR_DENIED, "find credentials: profile %s %s", search->profile, why);
}

static int
is_visited(const struct search *search, const char *profile)
{
    for (; search; search = search->from)
        if (!strcmp(search->profile, profile))
            return 1;
    return 0;
}

static int
has_static_keys(const struct cairn_value *settings)
{
    return cairn_get_str(settings, "aws_access_key_id", NULL) && cairn_get_str(settings, "aws_secret_access_key", NULL);
}

/* A profile with keys gives them, even if it has a role as well: it may name itself. */
static int
of_source_profile(struct credentials *out, const struct search *search, const char *name, struct cairn_error *err)
{
    struct search source = { search->call, name, NULL, search->region, 1, search };
    struct cairn_value *settings;
    char *why;
    int rc = -1;

    if (profile_load(&settings, search->call, name, err) < 0)
        return -1;
    source.settings = settings;
    if (!settings) {
        why = alloc_printf("has source_profile %s, and neither of the shared files has it", name);
        wrong(search, err, why);
        free(why);
    } else if (has_static_keys(settings)) {
        rc = provider_config_file(out, &source, err);
    } else if (is_visited(search, name)) {
        why = alloc_printf("has source_profile %s, which leads back to it: one of them needs keys", name);
        wrong(search, err, why);
        free(why);
    } else {
        rc = provider_of_profile(out, &source, err);
    }
    cairn_free(settings);
    return rc;
}

static int
of_credential_source(struct credentials *out, const struct search *search, const char *name, struct cairn_error *err)
{
    static const struct {
        const char *name;
        provider_fn *find;
    } sources[] = {
        { "Environment", provider_environment },
        { "Ec2InstanceMetadata", provider_instance },
        { "EcsContainer", provider_container },
    };
    char *why;
    int rc = 0;

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (strcmp(sources[i].name, name) != 0)
            continue;
        rc = sources[i].find(out, search, err);
        why = alloc_printf("has credential_source %s, and there are no keys", name);
        if (rc == 0)
            rc = wrong(search, err, why);
        free(why);
        return rc;
    }
    return wrong(search, err, "has a credential_source that is none of Environment, Ec2InstanceMetadata, EcsContainer");
}

static int
source_keys(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    const char *profile = provider_setting(search, "source_profile");
    const char *source = provider_setting(search, "credential_source");

    if (profile && source)
        return wrong(search, err, "has both source_profile and credential_source: one of them has to go");
    if (!profile && !source)
        return wrong(search, err, "has role_arn and neither source_profile nor credential_source");
    return profile ? of_source_profile(out, search, profile, err) : of_credential_source(out, search, source, err);
}

static int
fetch_role(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    struct credentials by = { 0 };
    struct assumption a = {
        .action = "AssumeRole",
        .role = provider_setting(search, "role_arn"),
        .session = provider_setting(search, "role_session_name"),
        .external_id = provider_setting(search, "external_id"),
        .duration = provider_setting(search, "duration_seconds"),
        .by = &by,
    };
    int rc = source_keys(&by, search, err);

    if (rc > 0)
        rc = assume(out, search, &a, err);
    credentials_release(&by);
    return rc;
}

static const char *
or_empty(const char *text)
{
    return text ? text : "";
}

/* All that the keys of this role depend on, but for what lies behind another profile's name. */
static char *
role_key(const struct search *search)
{
    return alloc_printf("role\n%s\n%s\n%s\n%s\n%s\n%s\n%s", search->profile, provider_setting(search, "role_arn"),
                        or_empty(provider_setting(search, "source_profile")),
                        or_empty(provider_setting(search, "credential_source")),
                        or_empty(provider_setting(search, "external_id")),
                        or_empty(provider_setting(search, "duration_seconds")), search->region);
}

int
provider_role(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    const char *role = provider_setting(search, "role_arn");
    char *key;
    int rc;

    if (!role || provider_setting(search, "web_identity_token_file"))
        return 0;
    if (provider_setting(search, "mfa_serial"))
        return cairn_fail(err, CAIRN_ERR_DENIED,
                          "find credentials: profile %s has mfa_serial, and nobody can be asked for a code here: put keys "
                          "into the environment with `eval \"$(aws configure export-credentials --profile %s --format env)\"`",
                          search->profile, search->profile);
    key = role_key(search);
    rc = cache_through(out, key, search, fetch_role, err);
    free(key);
    return rc;
}

/* ---- by a token ---- */

/* The environment's, unless the profile was named; then the profile's. */
static const char *
web_setting(const struct search *search, const char *variable, const char *key)
{
    const char *value = search->named ? NULL : provider_variable(search, variable);

    return value ? value : provider_setting(search, key);
}

static const char *
token_file(const struct search *search)
{
    return web_setting(search, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
}

/* Read anew each time: whoever issues the token puts a new one there. */
static int
fetch_web_identity(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    struct assumption a = {
        .action = "AssumeRoleWithWebIdentity",
        .role = web_setting(search, "AWS_ROLE_ARN", "role_arn"),
        .session = web_setting(search, "AWS_ROLE_SESSION_NAME", "role_session_name"),
        .duration = provider_setting(search, "duration_seconds"),
    };
    struct cairn_error why = { 0 };
    char *token = NULL;
    size_t len = 0;
    int rc = -1;

    if (file_read(&token, &len, token_file(search), TOKEN_MAX, &why) < 0) {
        cairn_fail(err, CAIRN_ERR_DENIED, "get the keys of %s: %s", a.role, why.text);
    } else {
        while (len > 0 && isspace((unsigned char)token[len - 1]))
            token[--len] = '\0';
        a.token = token;
        cairn_free(cairn_secret(token));
        rc = assume(out, search, &a, err);
        explicit_bzero(token, len);
    }
    free(token);
    return rc;
}

int
provider_web_identity(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    const char *file = token_file(search);
    const char *role = web_setting(search, "AWS_ROLE_ARN", "role_arn");
    char *key;
    int rc;

    if (!file)
        return 0;
    if (!role)
        return cairn_fail(err, CAIRN_ERR_DENIED,
                          "find credentials: there is a web identity token in %s, and no AWS_ROLE_ARN or role_arn to use it for",
                          file);
    key = alloc_printf("web identity\n%s\n%s\n%s", role, file, search->region);
    rc = cache_through(out, key, search, fetch_web_identity, err);
    free(key);
    return rc;
}
