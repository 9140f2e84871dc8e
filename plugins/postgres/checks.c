/*
 * checks.c: what stands in the way of a major upgrade, seen from within the database; used by postgres.c.
 * SPDX-License-Identifier: MIT
 *
 * A check is a query whose rows are its findings. Each runs in a read-only transaction of its own, so that one that is
 * refused, for want of a privilege, say, is a finding as well, and hides no other.
 */
#include "actions.h"

#include "checks.h"
#include "rows.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX 25 /* of one check; a schema may have thousands of tables without a key */

static void
add_finding(struct cairn_value *list, const struct check *check, const char *severity, struct cairn_value *text,
            const char *hint)
{
    struct cairn_value *finding = cairn_map();

    cairn_put(finding, "check", cairn_str(check->name));
    cairn_put(finding, "severity", cairn_str(severity));
    cairn_put(finding, "text", text);
    cairn_put(finding, "hint", cairn_str(hint));
    cairn_add(list, finding);
}

static void
add_rows(struct cairn_value *list, const struct check *check, const PGresult *result)
{
    int rows = PQntuples(result);

    for (int i = 0; i < rows && i < FINDINGS_MAX; i++)
        add_finding(list, check, check->severity, cairn_str(PQgetvalue(result, i, 0)), check->hint);
    if (rows > FINDINGS_MAX)
        add_finding(list, check, check->severity, cairn_strf("and %d more of these", rows - FINDINGS_MAX), check->hint);
}

/* -1 only when there is no use in going on. */
static int
run_check(struct connection *c, const struct check *check, struct cairn_value *list, struct cairn_error *err)
{
    struct cairn_error why = { 0 };
    PGresult *result = NULL;

    if (connection_begin(c, &why) == 0 && connection_exec(c, &result, check->sql, 0, NULL, &why) == 0) {
        add_rows(list, check, result);
        PQclear(result);
    } else if (PQstatus(c->pg) != CONNECTION_OK || why.kind == CAIRN_ERR_CANCELLED || why.kind == CAIRN_ERR_TIMEOUT) {
        return cairn_fail_code(err, why.kind, why.code, "%s", why.text);
    } else {
        add_finding(list, check, "warning", cairn_strf("could not look: %s", why.text), "look by hand");
    }
    return connection_do(c, "rollback", err);
}

static int
concerns(const struct check *check, unsigned upgrade, int cluster_too, int version)
{
    return (check->upgrades & upgrade) && (cluster_too || !check->cluster) && version >= check->since
           && (!check->until || version < check->until);
}

int
checks_run(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    int64_t ms = timeout_of(args, READ_MS, READ_MAX_MS);
    struct connection_options options = {
        .what = "checks", .reads = 1, .timeout_ms = ms, .statement_ms = ms, .lock_ms = 5000
    };
    const char *kind = cairn_get_str(args, "upgrade", "");
    unsigned upgrade = strcmp(kind, "blue_green") == 0 ? CHECK_BLUE_GREEN
                       : strcmp(kind, "in_place") == 0 ? CHECK_IN_PLACE
                                                       : 0;
    int cluster_too = cairn_get_bool(args, "cluster", 1);
    struct cairn_value *list = cairn_list();
    struct connection c = { 0 };
    int64_t looked = 0;
    int rc;

    if (!upgrade)
        rc = cairn_fail(err, CAIRN_ERR_INVALID, "checks: upgrade is blue_green or in_place, not %s", kind);
    else
        rc = connection_open(&c, call, args, &options, err);
    for (const struct check *check = checks_list; rc == 0 && check->name; check++) {
        if (!concerns(check, upgrade, cluster_too, PQserverVersion(c.pg)))
            continue;
        rc = run_check(&c, check, list, err);
        looked++;
    }
    if (rc == 0) {
        cairn_put(out, "version", cairn_str(PQparameterStatus(c.pg, "server_version")));
        cairn_put(out, "checks", cairn_int(looked));
        cairn_put(out, "findings", list);
        list = NULL;
    }
    cairn_free(list);
    connection_close(&c);
    return rc;
}
