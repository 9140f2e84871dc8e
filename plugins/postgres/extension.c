/*
 * extension.c: extensions and their versions; used by postgres.c.
 * SPDX-License-Identifier: MIT
 */
#include "actions.h"

#include "rows.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

int
extension_list(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    struct connection_options options = {
        .what = "extensions", .reads = 1, .timeout_ms = READ_MS, .statement_ms = READ_MS
    };
    struct cairn_value *list = NULL;
    struct connection c = { 0 };
    int64_t outdated = 0;

    if (connection_open(&c, call, args, &options, err) < 0)
        return -1;
    if (connection_begin(&c, err) == 0)
        list =
            rows_all(&c,
                     "select e.extname::text as name, e.extversion as version, a.default_version as default_version, "
                     "a.default_version is not null and a.default_version <> e.extversion as outdated, "
                     "n.nspname::text as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace "
                     "left join pg_available_extensions a on a.name = e.extname order by 1",
                     0, NULL, err);
    connection_close(&c);
    if (!list)
        return -1;
    for (size_t i = 0; i < cairn_count(list); i++)
        outdated += cairn_get_bool(cairn_at(list, i), "outdated", 0);
    cairn_put(out, "extensions", list);
    cairn_put(out, "outdated", cairn_int(outdated));
    return 0;
}

/* The installed version and the one that is wanted; NOT_FOUND when it isn't installed. */
static int
versions(struct connection *c, const struct cairn_value *args, char **now, char **wanted, struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    const char *version = cairn_get_str(args, "version", NULL);

    *wanted = NULL;
    if (connection_text(c, now, "select extversion from pg_extension where extname = $1", 1, &name, err) < 0)
        return -1;
    if (!*now)
        return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "update_extension %s: it isn't installed in this database", name);
    if (version)
        *wanted = alloc_str(version);
    else if (connection_text(c, wanted, "select default_version from pg_available_extensions where name = $1", 1, &name,
                             err)
             < 0)
        return -1;
    if (!*wanted)
        return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "update_extension %s: the server has no files of it", name);
    return 0;
}

static void
fill(struct cairn_value *out, const struct cairn_value *args, const char *before, const char *after)
{
    cairn_put(out, "name", cairn_str(cairn_get_str(args, "name", "")));
    cairn_put(out, "from", cairn_str(before));
    cairn_put(out, "version", cairn_str(after));
    cairn_put(out, "changed", cairn_bool(strcmp(before, after) != 0));
}

static int
alter(struct connection *c, const char *name, const char *version, struct cairn_error *err)
{
    char *quoted = PQescapeIdentifier(c->pg, name, strlen(name));
    char *to = PQescapeLiteral(c->pg, version, strlen(version));
    char *sql = alloc_printf("alter extension %s update to %s", quoted, to);
    int rc;

    c->changing = 1;
    rc = connection_do(c, sql, err);
    free(sql);
    PQfreemem(to);
    PQfreemem(quoted);
    return rc;
}

int
extension_update(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err)
{
    struct connection_options options = { .what = "update_extension", .timeout_ms = SLOW_MS };
    struct connection c = { 0 };
    char *now = NULL;
    char *wanted = NULL;
    int rc;

    if (connection_open(&c, call, args, &options, err) < 0)
        return -1;
    rc = versions(&c, args, &now, &wanted, err);
    if (rc == 0 && strcmp(now, wanted) != 0)
        rc = alter(&c, cairn_get_str(args, "name", ""), wanted, err);
    if (rc == 0)
        fill(out, args, now, wanted);
    free(now);
    free(wanted);
    connection_close(&c);
    return rc;
}

int
extension_observe_update(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                         struct cairn_error *err)
{
    struct connection_options options = { .what = "update_extension", .reads = 1, .timeout_ms = READ_MS };
    struct connection c = { 0 };
    char *now = NULL;
    char *wanted = NULL;
    int seen = -1;

    if (connection_open(&c, call, args, &options, err) < 0)
        return -1;
    if (versions(&c, args, &now, &wanted, err) == 0)
        seen = strcmp(now, wanted) == 0 ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
    else if (err->kind == CAIRN_ERR_NOT_FOUND)
        seen = CAIRN_SEEN_ABSENT; /* run() says so */
    if (seen == CAIRN_SEEN_DONE)
        fill(out, args, now, wanted);
    free(now);
    free(wanted);
    connection_close(&c);
    return seen;
}
