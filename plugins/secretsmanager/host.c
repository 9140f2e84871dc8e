/*
 * host.c: the host that a secret leads to; used by secretsmanager.c.
 * SPDX-License-Identifier: MIT
 *
 * The text of a secret is a URL, or a JSON document with a member that is a URL or a bare host. What isn't at a host
 * that the caller names is never shown: it may be anything.
 */
#include "secretsmanager.h"

#include "urlhost.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

struct content {
    struct cairn_value *reply;
    struct cairn_value *doc; /* NULL: the text itself is the URL */
    const char *text;        /* the URL or bare host; borrowed */
    int bare;                /* it is a HOST or HOST:PORT, and no URL */
};

static void
release(struct content *c)
{
    cairn_free(c->doc);
    cairn_free(c->reply);
}

static int
fetch(struct content *c, struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", ""), *member = cairn_get_str(args, "member", NULL);
    struct cairn_error ignored = { 0 }; /* says where, and might say what */
    size_t at, len;

    if (secret_request(&c->reply, call, "GetSecretValue", secret_body(args), 1, err) < 0)
        return -1;
    c->text = cairn_get_str(c->reply, "SecretString", NULL);
    if (c->text && member) {
        c->doc = cairn_parse_json(c->text, strlen(c->text), &ignored);
        c->text = cairn_type(c->doc) == CAIRN_MAP ? cairn_get_str(c->doc, member, NULL) : NULL;
    }
    if (!c->text)
        return cairn_fail(err, CAIRN_ERR_CONFLICT, "look for the host in secret %s: it holds no text%s%s", id,
                          member ? " in a JSON member " : "", member ? member : "");
    c->bare = member && !urlhost_find(c->text, &at, &len) && urlhost_valid(c->text);
    return 0;
}

/* The HOST[:PORT] of the text; NULL when there is none. */
static char *
host_of(const struct content *c)
{
    size_t at = 0, len = strlen(c->text);

    if (!c->bare && !urlhost_find(c->text, &at, &len))
        return NULL;
    return alloc_printf("%.*s", (int)len, c->text + at);
}

/* HOST is found at any port, HOST:PORT at that one. */
static int
is_host(const char *found, const char *host)
{
    size_t len = strchr(host, ':') ? strlen(found) : strcspn(found, ":");

    return len == strlen(host) && strncmp(found, host, len) == 0;
}

int
host_find(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const struct cairn_value *hosts = cairn_get(args, "hosts");
    struct content c = { 0 };
    char *found = NULL;
    int rc = fetch(&c, call, args, err);

    if (rc == 0)
        found = host_of(&c);
    for (size_t i = 0; found && i < cairn_count(hosts); i++)
        if (is_host(found, cairn_as_str(cairn_at(hosts, i), "")))
            cairn_put(out, "host", cairn_str(found));
    free(found);
    release(&c);
    return rc;
}

/* A bare host without a port has its port elsewhere: that of the pattern plays no role. */
static char *
pattern_for(const struct content *c, const char *pattern)
{
    size_t len = c->bare && !strchr(c->text, ':') ? strcspn(pattern, ":") : strlen(pattern);

    return alloc_printf("%.*s", (int)len, pattern);
}

static enum urlhost_state
state_of(const struct content *c, const char *from, const char *to)
{
    if (!c->bare)
        return urlhost_state(c->text, from, to);
    return strcmp(c->text, to) == 0 ? URLHOST_TO : strcmp(c->text, from) == 0 ? URLHOST_FROM : URLHOST_OTHER;
}

/* The secret's whole text with the host exchanged. */
static char *
exchanged(struct content *c, const struct cairn_value *args, const char *from, const char *to)
{
    char *text = c->bare ? alloc_str(to) : urlhost_replace(c->text, from, to);

    if (c->doc) {
        cairn_put(c->doc, cairn_get_str(args, "member", ""), cairn_str(text));
        explicit_bzero(text, strlen(text));
        free(text);
        text = cairn_format_json(c->doc);
    }
    return text;
}

static int
lead(struct content *c, struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
     struct cairn_error *err)
{
    char *from = pattern_for(c, cairn_get_str(args, "from", "")), *to = pattern_for(c, cairn_get_str(args, "to", ""));
    enum urlhost_state state = state_of(c, from, to);
    int rc = 0;

    if (state == URLHOST_TO) {
        cairn_put(out, "version", cairn_str(cairn_get_str(c->reply, "VersionId", "")));
    } else if (state == URLHOST_FROM) {
        char *text = exchanged(c, args, from, to);

        rc = secret_put(call, args, text, out, err);
        explicit_bzero(text, strlen(text));
        free(text);
    } else {
        rc = cairn_fail(err, CAIRN_ERR_CONFLICT, "replace host in secret %s: it leads neither to %s nor to %s",
                        cairn_get_str(args, "id", ""), from, to);
    }
    if (rc == 0)
        cairn_put(out, "changed", cairn_bool(state == URLHOST_FROM));
    free(from);
    free(to);
    return rc;
}

/* Only a request that changes something leaves a version with our id. */
int
host_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    int seen = secret_put_observe(call, args, out, err);

    if (seen == CAIRN_SEEN_DONE)
        cairn_put(out, "changed", cairn_bool(1));
    return seen;
}

int
host_replace(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const char *from = cairn_get_str(args, "from", ""), *to = cairn_get_str(args, "to", "");
    struct content c = { 0 };
    int rc = -1;

    if (!urlhost_valid(from) || !urlhost_valid(to))
        return cairn_fail(err, CAIRN_ERR_INVALID, "replace host %.100s by %.100s: both must be HOST or HOST:PORT", from,
                          to);
    if (fetch(&c, call, args, err) == 0)
        rc = lead(&c, call, args, out, err);
    release(&c);
    return rc;
}
