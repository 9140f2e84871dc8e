/*
 * secret.c: actions on the values of a Kubernetes secret; used by kubernetes.c.
 * SPDX-License-Identifier: MIT
 *
 * A write is a merge patch of one key together with the resourceVersion that was read: the cluster refuses it when
 * anything of the secret has changed since. Values stay in this process; evidence is their SHA-256 and their host.
 */
#include "secret.h"

#include "client.h"
#include "text.h"

#include "common/alloc.h"
#include "urlhost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORE "/api/v1"
#define PATCH_QUERY "?fieldManager=" CLIENT_MANAGER
#define RACES 4 /* others may change the secret between our look and our patch so many times */

static const char *
version_of(const struct cairn_value *secret)
{
    return cairn_get_str(cairn_get(secret, "metadata"), "resourceVersion", "");
}

/* The secret that the arguments name. */
static int
fetch(struct cairn_call *call, const struct cairn_value *args, struct cairn_value **secret, struct cairn_error *err)
{
    struct client_request request = { 0 };
    char *path = client_path(call, args, CORE, "secrets", err);
    int rc;

    if (!path)
        return -1;
    request.path = path;
    rc = client_request(call, &request, secret, err);
    free(path);
    return rc;
}

/* The bytes of one value. 1, 0 when the secret has no such key, -1. */
static int
decode(const struct cairn_value *secret, const char *key, char **value, size_t *len, struct cairn_error *err)
{
    const char *text = cairn_get_str(cairn_get(secret, "data"), key, NULL);

    *value = NULL;
    if (!text)
        return 0;
    *value = text_unbase64(text, len);
    if (!*value)
        return cairn_fail(err, CAIRN_ERR_FAILED, "read key %s: its value isn't base64", key);
    return 1;
}

/* The text of the key that the arguments name; freed with text_wipe(). A missing key is NOT_FOUND. */
static int
fetch_text(const struct cairn_value *secret, const struct cairn_value *args, char **text, struct cairn_error *err)
{
    const char *key = cairn_get_str(args, "key", "");
    size_t len = 0;
    int found = decode(secret, key, text, &len, err);

    if (found == 0)
        return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "read key %s of secret %s: there is no such key", key,
                          cairn_get_str(args, "name", ""));
    if (found > 0 && strlen(*text) != len) {
        text_wipe(*text);
        *text = NULL;
        return cairn_fail(err, CAIRN_ERR_FAILED, "read key %s of secret %s: the value isn't text", key,
                          cairn_get_str(args, "name", ""));
    }
    return found < 0 ? -1 : 0;
}

static int
describe_value(struct cairn_value *keys, struct cairn_value *sums, struct cairn_value *hosts,
               const struct cairn_value *secret, const char *key, struct cairn_error *err)
{
    char hex[TEXT_SHA256];
    size_t len = 0, at, host_len;
    char *value;
    int rc;

    if (decode(secret, key, &value, &len, err) < 0)
        return -1;
    if (!value)
        return 0;
    rc = text_sha256(hex, value, len, err);
    if (rc == 0) {
        cairn_add(keys, cairn_str(key));
        cairn_put(sums, key, cairn_str(hex));
    }
    if (rc == 0 && strlen(value) == len && urlhost_find(value, &at, &host_len))
        cairn_put(hosts, key, cairn_strn(value + at, host_len));
    explicit_bzero(value, len);
    free(value);
    return rc;
}

int
secret_read(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *keys = cairn_list();
    struct cairn_value *sums = cairn_map();
    struct cairn_value *hosts = cairn_map();
    struct cairn_value *managers = cairn_list();
    struct cairn_value *secret = NULL;
    const struct cairn_value *data;
    int rc;

    rc = fetch(call, args, &secret, err);
    data = cairn_get(secret, "data");
    for (size_t i = 0; rc == 0 && i < cairn_count(data); i++)
        rc = describe_value(keys, sums, hosts, secret, cairn_key(data, i), err);
    managers_list(managers, cairn_get(secret, "metadata"));
    cairn_put(out, "resource_version", cairn_str(version_of(secret)));
    cairn_put(out, "keys", keys);
    cairn_put(out, "sha256", sums);
    cairn_put(out, "hosts", hosts);
    cairn_put(out, "managers", managers);
    cairn_put(out, "immutable", cairn_bool(cairn_get_bool(secret, "immutable", 0)));
    cairn_free(secret);
    return rc;
}

int
secret_get_value(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err)
{
    struct cairn_value *secret = NULL;
    char *text = NULL;
    int rc;

    rc = fetch(call, args, &secret, err);
    if (rc == 0)
        rc = fetch_text(secret, args, &text, err);
    if (rc == 0)
        cairn_put(out, "value", cairn_secret(text));
    text_wipe(text);
    cairn_free(secret);
    return rc;
}

/* The merge patch of one key, on the condition that the secret is still what was read; freed with text_wipe(). */
static char *
merge_patch(const struct cairn_value *secret, const char *key, const char *encoded)
{
    struct cairn_value *patch = cairn_map();
    struct cairn_value *metadata = cairn_map();
    struct cairn_value *data = cairn_map();
    char *text;

    cairn_put(metadata, "resourceVersion", cairn_str(version_of(secret)));
    cairn_put(data, key, cairn_str(encoded));
    cairn_put(patch, "metadata", metadata);
    cairn_put(patch, "data", data);
    text = cairn_format_json(patch);
    cairn_free(patch);
    return text;
}

/* Set one key of the secret as it was read. The reply is the secret as it is then. */
static int
patch_key(struct cairn_call *call, const struct cairn_value *args, const struct cairn_value *secret, const char *value,
          int dry, struct cairn_value **reply, struct cairn_error *err)
{
    const char *key = cairn_get_str(args, "key", "");
    char *encoded = text_base64(value, strlen(value));
    char *body = merge_patch(secret, key, encoded);
    char *path = client_path(call, args, CORE, "secrets", err);
    char *url = alloc_printf("%s" PATCH_QUERY "%s", path ? path : "", dry ? "&dryRun=All" : "");
    struct client_request request = {
        .method = "PATCH", .path = url, .type = "application/merge-patch+json", .body = body, .reads = dry
    };
    int rc = -1;

    if (cairn_get_bool(secret, "immutable", 0))
        cairn_fail_code(err, CAIRN_ERR_FAILED, "Invalid",
                        "change secret %s: it is immutable; make one with another name and let the pods use that",
                        cairn_get_str(args, "name", ""));
    else if (path)
        rc = client_request(call, &request, reply, err);
    if (rc < 0 && *encoded && strstr(err->text, encoded))
        snprintf(err->text, sizeof(err->text), "change key %s: refused (%s)", key, err->code);
    free(url);
    free(path);
    text_wipe(body);
    text_wipe(encoded);
    return rc;
}

/* What a key should become: fills *value (freed with text_wipe()), or leaves NULL when there is nothing to do. */
typedef int decide_fn(const struct cairn_value *secret, const struct cairn_value *args, char **value,
                      struct cairn_error *err);

static void
report(struct cairn_value *out, const struct cairn_value *secret, int changed)
{
    cairn_put(out, "resource_version", cairn_str(version_of(secret)));
    cairn_put(out, "changed", cairn_bool(changed));
}

/* Look, decide, patch. When somebody else was faster, look and decide again. */
static int
change(struct cairn_call *call, const struct cairn_value *args, decide_fn *decide, int dry, struct cairn_value *out,
       struct cairn_error *err)
{
    for (int race = 1;; race++) {
        struct cairn_error failure = { 0 };
        struct cairn_value *secret = NULL;
        struct cairn_value *reply = NULL;
        char *value = NULL;
        int rc = fetch(call, args, &secret, &failure);

        if (rc == 0)
            rc = decide(secret, args, &value, &failure);
        if (rc == 0 && value)
            rc = patch_key(call, args, secret, value, dry, &reply, &failure);
        if (rc == 0)
            report(out, reply ? reply : secret, value != NULL);
        text_wipe(value);
        cairn_free(reply);
        cairn_free(secret);
        if (rc == 0)
            return 0;
        if (strcmp(failure.code, "Conflict") != 0 || race == RACES)
            return cairn_fail_code(err, failure.kind, failure.code, "%s", failure.text);
    }
}

static int
decide_value(const struct cairn_value *secret, const struct cairn_value *args, char **value, struct cairn_error *err)
{
    const char *wanted = cairn_get_str(args, "value", "");
    const char *key = cairn_get_str(args, "key", "");
    size_t len = 0;
    int found;

    if (!*key || key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")])
        return cairn_fail(err, CAIRN_ERR_INVALID, "change key \"%.60s\": a key has letters, digits and -._ only", key);
    found = decode(secret, key, value, &len, err);
    if (found < 0)
        return -1;
    if (found && len == strlen(wanted) && memcmp(*value, wanted, len) == 0) {
        text_wipe(*value);
        *value = NULL;
        return 0;
    }
    text_wipe(*value);
    *value = alloc_str(wanted);
    return 0;
}

int
secret_set_value(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err)
{
    return change(call, args, decide_value, 0, out, err);
}

int
secret_plan_value(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    return change(call, args, decide_value, 1, out, err);
}

int
secret_observe_value(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                     struct cairn_error *err)
{
    struct cairn_value *secret = NULL;
    char *value = NULL;
    int seen = -1;

    if (fetch(call, args, &secret, err) == 0 && decide_value(secret, args, &value, err) == 0)
        seen = value ? CAIRN_SEEN_ABSENT : CAIRN_SEEN_DONE;
    if (seen == CAIRN_SEEN_DONE)
        report(out, secret, 1);
    text_wipe(value);
    cairn_free(secret);
    return seen;
}

/* Where the URL of the key points. Its text goes to *url, freed with text_wipe(). */
static int
look_at_host(const struct cairn_value *secret, const struct cairn_value *args, char **url, enum urlhost_state *state,
             struct cairn_error *err)
{
    const char *from = cairn_get_str(args, "from", "");
    const char *to = cairn_get_str(args, "to", "");

    if (!urlhost_valid(from) || !urlhost_valid(to))
        return cairn_fail(err, CAIRN_ERR_INVALID, "replace host %.100s by %.100s: both must be HOST or HOST:PORT", from,
                          to);
    if (fetch_text(secret, args, url, err) < 0)
        return -1;
    *state = urlhost_state(*url, from, to);
    return 0;
}

/* The error for a URL that is at neither place. */
static int
refuse_host(const struct cairn_value *args, const char *url, struct cairn_error *err)
{
    const char *key = cairn_get_str(args, "key", "");
    const char *name = cairn_get_str(args, "name", "");
    size_t at, len;

    if (!urlhost_find(url, &at, &len))
        return cairn_fail(err, CAIRN_ERR_CONFLICT, "replace host in key %s of secret %s: the value is not a URL", key,
                          name);
    return cairn_fail(err, CAIRN_ERR_CONFLICT,
                      "replace host in key %s of secret %s: the host is %.*s, neither %s nor %s", key, name, (int)len,
                      url + at, cairn_get_str(args, "from", ""), cairn_get_str(args, "to", ""));
}

static int
decide_host(const struct cairn_value *secret, const struct cairn_value *args, char **value, struct cairn_error *err)
{
    enum urlhost_state state = URLHOST_NONE;
    char *url = NULL;
    int rc = look_at_host(secret, args, &url, &state, err);

    if (rc == 0 && state == URLHOST_FROM)
        *value = urlhost_replace(url, cairn_get_str(args, "from", ""), cairn_get_str(args, "to", ""));
    else if (rc == 0 && state != URLHOST_TO)
        rc = refuse_host(args, url, err);
    text_wipe(url);
    return rc;
}

int
secret_replace_host(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                    struct cairn_error *err)
{
    return change(call, args, decide_host, 0, out, err);
}

int
secret_plan_host(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err)
{
    return change(call, args, decide_host, 1, out, err);
}

int
secret_observe_host(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                    struct cairn_error *err)
{
    enum urlhost_state state = URLHOST_NONE;
    struct cairn_value *secret = NULL;
    char *url = NULL;
    int seen = -1;

    if (fetch(call, args, &secret, err) == 0 && look_at_host(secret, args, &url, &state, err) == 0) {
        seen = state == URLHOST_TO ? CAIRN_SEEN_DONE : state == URLHOST_FROM ? CAIRN_SEEN_ABSENT : CAIRN_SEEN_CONFLICT;
        if (seen == CAIRN_SEEN_DONE)
            report(out, secret, 1);
        if (seen == CAIRN_SEEN_CONFLICT)
            refuse_host(args, url, err);
    }
    text_wipe(url);
    cairn_free(secret);
    return seen;
}
