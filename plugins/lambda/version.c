/*
 * version.c: published versions of a function; used by the plugin lambda.
 * SPDX-License-Identifier: MIT
 *
 * A version has no tags: our mark stands at the end of its description. AWS answers with the version that is there when
 * nothing has changed since it was published; that one bears no mark of ours, and asking again gives it again.
 */
#include "function.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define DESCRIPTION_MAX 256 /* of Lambda */
#define PAGES_MAX 200

/* " [cairn TOKEN]" */
static char *
mark_of(const struct cairn_call *call)
{
    return alloc_printf(" [cairn %s]", cairn_call_token(call));
}

/* The description with the mark, cut where a character ends. */
static char *
marked(const struct cairn_call *call, const char *description)
{
    char *mark = mark_of(call);
    size_t room = DESCRIPTION_MAX - strlen(mark);
    size_t len = strlen(description);
    char *text;

    if (len > room)
        for (len = room; len > 0 && ((unsigned char)description[len] & 0xc0) == 0x80;)
            len--;
    text = alloc_printf("%.*s%s", (int)len, description, mark);
    free(mark);
    return text;
}

static int
bears(const struct cairn_value *version, const char *mark)
{
    return strstr(cairn_get_str(version, "Description", ""), mark) != NULL;
}

static void
put_version(struct cairn_value *out, const struct cairn_value *version, int ours)
{
    static const char *const names[][2] = {
        { "Version", "version" },
        { "Description", "description" },
        { "CodeSha256", "code_sha256" },
        { "RevisionId", "revision_id" },
        { "State", "state" },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cairn_get_str(version, names[i][0], NULL))
            cairn_put(out, names[i][1], cairn_copy(cairn_get(version, names[i][0])));
    cairn_put(out, "published", cairn_bool(ours));
}

int
version_publish(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct cairn_value *body = cairn_map(), *reply;
    char *text = marked(call, cairn_get_str(args, "description", ""));
    char *mark = mark_of(call);
    int rc;

    cairn_put(body, "Description", cairn_str(text));
    rc = function_send(&reply, call, "PublishVersion", "POST", function_path(args, "/versions", NULL), NULL, body, err);
    if (rc == 0)
        put_version(out, reply, bears(reply, mark));
    cairn_free(reply);
    free(text);
    free(mark);
    return rc;
}

/* One page of the versions; *marker becomes the next one, or NULL. 1 if ours is there and `out` filled, 0, -1. */
static int
look_at_page(struct cairn_call *call, const struct cairn_value *args, char **marker, const char *mark,
             struct cairn_value *out, struct cairn_error *err)
{
    char *encoded = *marker ? cairn_url_encode(*marker, NULL) : NULL;
    char *query = encoded ? alloc_printf("MaxItems=50&Marker=%s", encoded) : alloc_str("MaxItems=50");
    const struct cairn_value *versions;
    struct cairn_value *reply;
    int rc = function_send(&reply, call, "ListVersionsByFunction", "GET", function_path(args, "/versions", NULL), query,
                           NULL, err);

    free(encoded);
    free(query);
    free(*marker);
    *marker = NULL;
    versions = cairn_get(reply, "Versions");
    for (size_t i = 0; rc == 0 && i < cairn_count(versions); i++) {
        const struct cairn_value *version = cairn_at(versions, i);

        if (!bears(version, mark) || !strcmp(cairn_get_str(version, "Version", ""), "$LATEST"))
            continue;
        put_version(out, version, 1);
        rc = 1;
    }
    if (rc == 0 && *cairn_get_str(reply, "NextMarker", ""))
        *marker = alloc_str(cairn_get_str(reply, "NextMarker", ""));
    cairn_free(reply);
    return rc;
}

int
version_publish_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    char *mark = mark_of(call);
    char *marker = NULL;
    int rc = 0;

    for (int n = 0; rc == 0 && (n == 0 || marker); n++)
        rc = n < PAGES_MAX ? look_at_page(call, args, &marker, mark, out, err)
                           : cairn_fail(err, CAIRN_ERR_FAILED, "list the versions of function %s: more than %d pages",
                                        cairn_get_str(args, "function", ""), PAGES_MAX);
    free(marker);
    free(mark);
    return rc < 0 ? -1 : rc ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}
