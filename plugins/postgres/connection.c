/*
 * connection.c: connections of the configuration, opened and closed, and single statements on them; used by all files
 * here.
 * SPDX-License-Identifier: MIT
 */
#include "connection.h"

#include "address.h"
#include "errors.h"

#include "common/alloc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 100 /* between two looks whether the engine still wants the answer */
#define CONNECT_MS 15000

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* The connection is gone, or no answer came: what that means depends on what was sent. */
static int
lost(struct connection *c, enum cairn_error_kind reading, const char *why, struct cairn_error *err)
{
    char *line = errors_one_line(why);

    cairn_fail(err,
               c->changing ? CAIRN_ERR_IN_DOUBT
               : c->reads  ? reading
                           : CAIRN_ERR_UNAVAILABLE,
               "%s (%s): %s%s", c->what, c->where, *line ? line : "the connection was lost",
               c->changing ? "; whether it was done is not known" : "");
    free(line);
    return -1;
}

static int
refused(struct connection *c, const PGresult *result, struct cairn_error *err)
{
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    /* FATAL is the server's goodbye, not its answer: it may come in the middle of anything. */
    if (!code || PQstatus(c->pg) == CONNECTION_BAD || (severity && strcmp(severity, "ERROR") != 0))
        return lost(c, CAIRN_ERR_UNAVAILABLE, text ? text : PQerrorMessage(c->pg), err);
    return cairn_fail_code(err, errors_kind(code, c->reads), code, "%s (%s): %s%s%s%s%s (SQLSTATE %s)", c->what,
                           c->where, text ? text : "refused", detail ? "; " : "", detail ? detail : "",
                           hint ? "; " : "", hint ? hint : "", code);
}

static int
refused_connection(struct connection *c, struct cairn_error *err)
{
    const char *said = PQerrorMessage(c->pg);
    char code[6];
    char *line;

    errors_sqlstate(code, said);
    line = errors_one_line(said);
    cairn_fail_code(err, errors_connect_kind(code, said), code, "%s (%s): connect: %s%s%s%s", c->what, c->where, line,
                    *code ? " (SQLSTATE " : "", code, *code ? ")" : "");
    free(line);
    return -1;
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

/* Wait until the socket is ready. 1: it is; 0: the deadline has passed; -1 with err: not wanted any more. */
static int
wait_socket(struct connection *c, short events, int64_t deadline, struct cairn_error *err)
{
    struct pollfd fd = { .fd = PQsocket(c->pg), .events = events };

    for (;;) {
        int64_t left = deadline - cairn_wall(c->call);
        int rc;

        if (left <= 0)
            return 0;
        rc = poll(&fd, 1, (int)(left < LOOK_MS ? left : LOOK_MS));
        if (rc > 0 || (rc < 0 && errno != EINTR))
            return 1;
        if (c->reads && cairn_cancelled(c->call))
            return cairn_fail(err, CAIRN_ERR_CANCELLED, "%s (%s): the answer isn't wanted any more", c->what, c->where);
    }
}

/* End what the server is doing for us; the connection is not used afterwards. */
static void
break_off(struct connection *c)
{
    PGcancel *cancel = PQgetCancel(c->pg);
    char ignored[256];

    if (cancel)
        PQcancel(cancel, ignored, sizeof(ignored));
    PQfreeCancel(cancel);
}

/* Until a result can be had without waiting. */
static int
wait_result(struct connection *c, struct cairn_error *err)
{
    while (PQisBusy(c->pg)) {
        int rc = wait_socket(c, POLLIN, c->deadline, err);

        if (rc <= 0)
            break_off(c);
        if (rc < 0)
            return -1;
        if (rc == 0)
            return lost(c, CAIRN_ERR_TIMEOUT, "no answer in time", err);
        if (!PQconsumeInput(c->pg))
            return lost(c, CAIRN_ERR_UNAVAILABLE, PQerrorMessage(c->pg), err);
    }
    return 0;
}

static int
flush(struct connection *c, struct cairn_error *err)
{
    for (;;) {
        int rc = PQflush(c->pg);

        if (rc == 0)
            return 0;
        if (rc < 0)
            return lost(c, CAIRN_ERR_UNAVAILABLE, PQerrorMessage(c->pg), err);
        rc = wait_socket(c, POLLIN | POLLOUT, c->deadline, err);
        if (rc < 0)
            return -1;
        if (rc == 0)
            return lost(c, CAIRN_ERR_TIMEOUT, "the server takes no more", err);
        if (!PQconsumeInput(c->pg))
            return lost(c, CAIRN_ERR_UNAVAILABLE, PQerrorMessage(c->pg), err);
    }
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* What is left of a statement that was refused. */
static void
drain(struct connection *c)
{
    struct cairn_error ignored = { 0 };
    PGresult *result;

    while (wait_result(c, &ignored) == 0 && (result = PQgetResult(c->pg)))
        PQclear(result);
}

/* One result of a statement, kept in *last or freed. 0: go on; 1: no more is wanted; -1. */
static int
take_result(struct connection *c, PGresult *result, int (*row)(void *data, const PGresult *result), void *data,
            PGresult **last, struct cairn_error *err)
{
    ExecStatusType status = PQresultStatus(result);
    int rc = 0;

    if (status == PGRES_SINGLE_TUPLE)
        rc = row(data, result) ? 1 : 0;
    if (rc == 1 || status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) {
        PQclear(*last);
        *last = result;
        return rc;
    }
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
        rc = cairn_fail(err, CAIRN_ERR_INVALID, "%s (%s): COPY to or from the client isn't possible here", c->what,
                        c->where);
    } else if (status != PGRES_SINGLE_TUPLE) {
        rc = refused(c, result, err);
        drain(c);
    }
    PQclear(result);
    return rc;
}

int
connection_each(struct connection *c, const char *sql, int count, const char *const *values,
                int (*row)(void *data, const PGresult *result), void *data, PGresult **last, struct cairn_error *err)
{
    PGresult *kept = NULL;
    int rc = 0;

    if (!PQsendQueryParams(c->pg, sql, count, NULL, values, NULL, NULL, 0))
        return lost(c, CAIRN_ERR_UNAVAILABLE, PQerrorMessage(c->pg), err);
    if (row)
        PQsetSingleRowMode(c->pg);
    if (flush(c, err) < 0)
        return -1;
    while (rc == 0 && (rc = wait_result(c, err)) == 0) {
        PGresult *result = PQgetResult(c->pg);

        if (!result)
            break;
        rc = take_result(c, result, row, data, &kept, err);
    }
    if (rc == 1) {
        break_off(c); /* what would come now isn't wanted, and the connection isn't used any more */
        rc = 0;
    }
    if (rc == 0 && last)
        *last = kept;
    else
        PQclear(kept);
    return rc;
}

int
connection_exec(struct connection *c, PGresult **out, const char *sql, int count, const char *const *values,
                struct cairn_error *err)
{
    return connection_each(c, sql, count, values, NULL, NULL, out, err);
}

int
connection_do(struct connection *c, const char *sql, struct cairn_error *err)
{
    return connection_each(c, sql, 0, NULL, NULL, NULL, NULL, err);
}

int
connection_text(struct connection *c, char **out, const char *sql, int count, const char *const *values,
                struct cairn_error *err)
{
    PGresult *result = NULL;

    *out = NULL;
    if (connection_exec(c, &result, sql, count, values, err) < 0)
        return -1;
    if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
        *out = alloc_str(PQgetvalue(result, 0, 0));
    PQclear(result);
    return 0;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* Run by libpq for notices: they belong into the log. */
static void
on_notice(void *data, const PGresult *result)
{
    struct connection *c = data;
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (text && c->call)
        cairn_log(c->call, "%s: %s: %s", c->what, severity ? severity : "NOTICE", text);
}

static int
connect_now(struct connection *c, struct cairn_error *err)
{
    int64_t deadline = cairn_wall(c->call) + CONNECT_MS;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    if (deadline > c->deadline)
        deadline = c->deadline;
    while (state != PGRES_POLLING_OK) {
        int rc;

        if (state == PGRES_POLLING_FAILED || PQstatus(c->pg) == CONNECTION_BAD)
            return refused_connection(c, err);
        rc = wait_socket(c, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, err);
        if (rc < 0)
            return -1;
        if (rc == 0)
            return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "%s (%s): connect: no answer in time", c->what, c->where);
        state = PQconnectPoll(c->pg);
    }
    return 0;
}

int
connection_begin(struct connection *c, struct cairn_error *err)
{
    /* The last one: a client that vanished without a word must not hold its locks for hours. */
    char *sql = alloc_printf("select set_config('statement_timeout', '%lld', true), set_config('lock_timeout', '%lld', "
                             "true), set_config('idle_in_transaction_session_timeout', '60000', true)",
                             (long long)c->statement_ms, (long long)c->lock_ms);
    int rc = connection_do(c, c->reads ? "begin read only" : "begin", err);

    if (rc == 0)
        rc = connection_do(c, sql, err);
    free(sql);
    return rc;
}

int
connection_open(struct connection *c, struct cairn_call *call, const struct cairn_value *args,
                const struct connection_options *options, struct cairn_error *err)
{
    struct address address = { 0 };
    int rc = -1;

    memset(c, 0, sizeof(*c));
    c->call = call;
    c->what = options->what;
    c->reads = options->reads;
    c->statement_ms = options->statement_ms;
    c->lock_ms = options->lock_ms;
    c->deadline = cairn_wall(call) + options->timeout_ms;
    if (address_find(&address, call, args, options->what, err) < 0)
        goto out;
    c->where = alloc_str(address.where);
    c->pg = PQconnectStartParams(address.names, address.values, 0);
    if (!c->pg)
        alloc_failed();
    PQsetNoticeReceiver(c->pg, on_notice, c);
    PQsetErrorVerbosity(c->pg, PQERRORS_VERBOSE); /* so that refusals of the connection bear their SQLSTATE */
    if (connect_now(c, err) < 0)
        goto out;
    PQsetnonblocking(c->pg, 1);
    rc = 0;
out:
    address_release(&address);
    if (rc < 0)
        connection_close(c);
    return rc;
}

void
connection_close(struct connection *c)
{
    PQfinish(c->pg);
    c->pg = NULL;
    free(c->where);
    c->where = NULL;
}
