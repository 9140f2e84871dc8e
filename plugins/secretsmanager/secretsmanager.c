/*
 * secretsmanager.c: the plugin secretsmanager: values of secrets and their versions.
 * SPDX-License-Identifier: MIT
 *
 * A version that we put has an id of our choice, made of the call's token: it is known by that, whatever became of its
 * stages. The value itself is a secret wherever it passes.
 */
#include "secretsmanager.h"

#include "identity.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

#define END { 0 }
#define NEED(name, type, help) { name, type, CAIRN_REQUIRED, help, NULL }
#define MAY(name, type, help) { name, type, 0, help, NULL }
#define HAS(name, type, help) { name, type, 0, help, NULL }

#define CURRENT "AWSCURRENT"
#define PREVIOUS "AWSPREVIOUS"
#define UUID_SIZE 37

static const struct json_service service = { { "secretsmanager", "SECRETS_MANAGER", "2017-10-17" }, "1.1",
                                             "secretsmanager" };

int
secret_request(struct cairn_value **reply, struct cairn_call *call, const char *action, struct cairn_value *owned_body,
               int reads, struct cairn_error *err)
{
    struct json_request request = { &service, action, owned_body, reads };
    int rc = json_send(reply, call, &request, err);

    cairn_free(owned_body);
    return rc;
}

struct cairn_value *
secret_body(const struct cairn_value *args)
{
    struct cairn_value *body = cairn_map();

    cairn_put(body, "SecretId", cairn_copy(cairn_get(args, "id")));
    return body;
}

/* The version with this stage among `versions`, {ID: [STAGE, ...]}; "" if there is none. */
static const char *
with_stage(const struct cairn_value *versions, const char *stage)
{
    for (size_t i = 0; i < cairn_count(versions); i++) {
        const struct cairn_value *stages = cairn_at(versions, i);

        for (size_t k = 0; k < cairn_count(stages); k++)
            if (!strcmp(cairn_as_str(cairn_at(stages, k), ""), stage))
                return cairn_key(versions, i);
    }
    return "";
}

static int
describe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    static const struct json_member members[] = {
        { "ARN", "arn", CAIRN_STR },
        { "Name", "name", CAIRN_STR },
        { "Description", "description", CAIRN_STR },
        { "KmsKeyId", "kms_key", CAIRN_STR },
        { "RotationEnabled", "rotation", CAIRN_BOOL },
        { "OwningService", "owner", CAIRN_STR },
        { "VersionIdsToStages", "versions", CAIRN_MAP },
        { NULL, NULL, CAIRN_NULL },
    };
    struct cairn_value *reply;
    const struct cairn_value *versions;

    if (secret_request(&reply, call, "DescribeSecret", secret_body(args), 1, err) < 0)
        return -1;
    json_copy(out, reply, members);
    versions = cairn_get(reply, "VersionIdsToStages");
    if (*with_stage(versions, CURRENT))
        cairn_put(out, "current", cairn_str(with_stage(versions, CURRENT)));
    if (*with_stage(versions, PREVIOUS))
        cairn_put(out, "previous", cairn_str(with_stage(versions, PREVIOUS)));
    cairn_free(reply);
    return 0;
}

static int
get(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *body = secret_body(args), *reply;
    const char *text;

    if (cairn_get_str(args, "version", NULL))
        cairn_put(body, "VersionId", cairn_copy(cairn_get(args, "version")));
    if (cairn_get_str(args, "stage", NULL))
        cairn_put(body, "VersionStage", cairn_copy(cairn_get(args, "stage")));
    if (secret_request(&reply, call, "GetSecretValue", body, 1, err) < 0)
        return -1;
    text = cairn_get_str(reply, "SecretString", NULL);
    if (text) {
        cairn_put(out, "value", cairn_secret(text));
        cairn_put(out, "version", cairn_str(cairn_get_str(reply, "VersionId", "")));
        cairn_put(out, "stages", cairn_copy(cairn_get(reply, "VersionStages")));
    }
    cairn_free(reply);
    return text ? 0 : cairn_fail(err, CAIRN_ERR_FAILED, "GetSecretValue: %s holds bytes and not a text",
                                 cairn_get_str(args, "id", ""));
}

/* The call's token, 32 hex digits, in the shape of a UUID: 8-4-4-4-12. */
static void
version_id(char out[UUID_SIZE], const struct cairn_call *call)
{
    const char *t = cairn_call_token(call);

    snprintf(out, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", t, t + 8, t + 12, t + 16, t + 20);
}

int
secret_put(struct cairn_call *call, const struct cairn_value *args, const char *text, struct cairn_value *out,
           struct cairn_error *err)
{
    struct cairn_value *body = secret_body(args), *reply;
    char id[UUID_SIZE];

    version_id(id, call);
    cairn_put(body, "ClientRequestToken", cairn_str(id));
    cairn_put(body, "SecretString", cairn_str(text));
    if (secret_request(&reply, call, "PutSecretValue", body, 0, err) < 0)
        return -1;
    cairn_put(out, "version", cairn_str(cairn_get_str(reply, "VersionId", id)));
    cairn_free(reply);
    return 0;
}

static int
put(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return secret_put(call, args, cairn_get_str(args, "value", ""), out, err);
}

struct search {
    const char *id;
    int found;
};

static int
search_page(const struct cairn_value *reply, void *context, struct cairn_error *err)
{
    const struct cairn_value *versions = cairn_get(reply, "Versions");
    struct search *search = context;

    (void)err;
    for (size_t i = 0; i < cairn_count(versions); i++)
        if (!strcmp(cairn_get_str(cairn_at(versions, i), "VersionId", ""), search->id))
            search->found = 1;
    return 0;
}

/* A version that has lost its stages to later ones is listed only when it is asked for. */
int
secret_put_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                   struct cairn_error *err)
{
    struct cairn_value *body = secret_body(args);
    struct json_request request = { &service, "ListSecretVersionIds", body, 1 };
    char id[UUID_SIZE];
    struct search search = { id, 0 };
    int rc;

    version_id(id, call);
    cairn_put(body, "IncludeDeprecated", cairn_bool(1));
    rc = json_pages(call, &request, search_page, &search, err);
    cairn_free(body);
    if (rc < 0)
        return -1;
    if (!search.found)
        return CAIRN_SEEN_ABSENT;
    cairn_put(out, "version", cairn_str(id));
    return CAIRN_SEEN_DONE;
}

static int
restore_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    const char *to = cairn_get_str(args, "version", ""), *expect = cairn_get_str(args, "expect", "");
    struct cairn_value *reply;
    const char *now;
    int seen = CAIRN_SEEN_ABSENT;

    if (secret_request(&reply, call, "DescribeSecret", secret_body(args), 1, err) < 0)
        return -1;
    now = with_stage(cairn_get(reply, "VersionIdsToStages"), CURRENT);
    if (!strcmp(now, to)) {
        cairn_put(out, "version", cairn_str(to));
        seen = CAIRN_SEEN_DONE;
    } else if (strcmp(now, expect) != 0) {
        cairn_fail(err, CAIRN_ERR_CONFLICT, "restore secret %s: its current version is %s, neither %s nor %s",
                   cairn_get_str(args, "id", ""), now, expect, to);
        seen = CAIRN_SEEN_CONFLICT;
    }
    cairn_free(reply);
    return seen;
}

/* AWS refuses to take the stage from a version that doesn't have it: who came between isn't overwritten. */
static int
restore(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *body, *reply;
    int seen = restore_observe(call, args, out, err);

    if (seen != CAIRN_SEEN_ABSENT)
        return seen == CAIRN_SEEN_DONE ? 0 : -1;
    body = secret_body(args);
    cairn_put(body, "VersionStage", cairn_str(CURRENT));
    cairn_put(body, "MoveToVersionId", cairn_copy(cairn_get(args, "version")));
    cairn_put(body, "RemoveFromVersionId", cairn_copy(cairn_get(args, "expect")));
    if (secret_request(&reply, call, "UpdateSecretVersionStage", body, 0, err) < 0)
        return -1;
    cairn_put(out, "version", cairn_copy(cairn_get(args, "version")));
    cairn_free(reply);
    return 0;
}

#define SECRET NEED("id", CAIRN_STR, "name or ARN of the secret")

static const struct cairn_param describe_params[] = { SECRET, END };
static const struct cairn_param describe_results[] = {
    HAS("arn", CAIRN_STR, "ARN"),
    HAS("name", CAIRN_STR, "name"),
    HAS("description", CAIRN_STR, "description"),
    HAS("kms_key", CAIRN_STR, "key that it is encrypted with; left out: the account's own"),
    HAS("rotation", CAIRN_BOOL, "whether it is rotated by itself"),
    HAS("owner", CAIRN_STR, "the service of AWS that keeps it, \"rds\"; such a secret is better left alone"),
    HAS("versions", CAIRN_MAP, "version id to its stages"),
    HAS("current", CAIRN_STR, "id of the version that is AWSCURRENT"),
    HAS("previous", CAIRN_STR, "id of the version that is AWSPREVIOUS"),
    END,
};
static const struct cairn_param get_params[] = {
    SECRET,
    MAY("version", CAIRN_STR, "id of the version"),
    MAY("stage", CAIRN_STR, "stage of the version; default: AWSCURRENT"),
    END,
};
static const struct cairn_param get_results[] = {
    HAS("value", CAIRN_STR, "the text; a secret"),
    HAS("version", CAIRN_STR, "id of its version"),
    HAS("stages", CAIRN_LIST, "stages of its version"),
    END,
};
static const struct cairn_param put_params[] = {
    SECRET,
    { "value", CAIRN_STR, CAIRN_REQUIRED | CAIRN_SECRET, "the new text; it becomes AWSCURRENT", NULL },
    END,
};
static const struct cairn_param put_results[] = { HAS("version", CAIRN_STR, "id of the new version"), END };
#define MEMBER MAY("member", CAIRN_STR, "of a JSON document: the member with the URL or the bare host; else all is the URL")

static const struct cairn_param find_host_params[] = {
    SECRET,
    MEMBER,
    NEED("hosts", CAIRN_LIST, "HOST or HOST:PORT that it may lead to; of another nothing is told"),
    END,
};
static const struct cairn_param find_host_results[] = {
    HAS("host", CAIRN_STR, "the one of them that it leads to, with its port if there is one"),
    END,
};
static const struct cairn_param replace_host_params[] = {
    SECRET,
    MEMBER,
    NEED("from", CAIRN_STR, "HOST or HOST:PORT that it leads to"),
    NEED("to", CAIRN_STR, "HOST or HOST:PORT that it shall lead to; all else stays as it is"),
    END,
};
static const struct cairn_param replace_host_results[] = {
    HAS("version", CAIRN_STR, "id of the version that is current then"),
    HAS("changed", CAIRN_BOOL, "false: it led there already"),
    END,
};
static const struct cairn_param restore_params[] = {
    SECRET,
    NEED("version", CAIRN_STR, "id of the version that becomes AWSCURRENT again"),
    NEED("expect", CAIRN_STR, "id of the version that has to be AWSCURRENT now"),
    END,
};
static const struct cairn_param restore_results[] = { HAS("version", CAIRN_STR, "the version that is current"), END };

static const struct cairn_action actions[] = {
    { .name = "describe",
      .help = "Look at a secret without its value: arn, versions, current, previous.",
      .params = describe_params,
      .results = describe_results,
      .effect = CAIRN_READ,
      .run = describe },
    { .name = "get",
      .help = "Read a secret: value, version, stages.",
      .params = get_params,
      .results = get_results,
      .effect = CAIRN_READ,
      .run = get },
    { .name = "put",
      .help = "Give a secret a new value: version. AWS keeps the one before as AWSPREVIOUS.",
      .params = put_params,
      .results = put_results,
      .effect = CAIRN_CREATE,
      .run = put,
      .observe = secret_put_observe },
    { .name = "find_host",
      .help = "Look where a secret leads, without showing anything else of it: host.",
      .params = find_host_params,
      .results = find_host_results,
      .effect = CAIRN_READ,
      .run = host_find },
    { .name = "replace_host",
      .help = "Lead the URL or host in a secret elsewhere, by a new version: version, changed.",
      .params = replace_host_params,
      .results = replace_host_results,
      .effect = CAIRN_CREATE,
      .run = host_replace,
      .observe = host_observe },
    { .name = "restore_previous",
      .help = "Make an earlier version of a secret the current one: version.",
      .params = restore_params,
      .results = restore_results,
      .effect = CAIRN_GUARDED,
      .run = restore,
      .observe = restore_observe },
    END,
};

CAIRN_PLUGIN(.name = "secretsmanager", .version = "1", .help = "AWS Secrets Manager: values of secrets.",
             .actions = actions, .section = CLIENT_SECTION, .config = client_config, .env = CLIENT_ENV,
             .guard = identity_guard);
