/*
 * connection.h: connections of the configuration, opened and closed; used by all files here.
 * SPDX-License-Identifier: MIT
 *
 * A connection belongs to one call: opened by it, closed at its end. Every wait on the server is bounded by a deadline
 * on the wall clock, and a reading call also ends when the engine has no more use for the answer.
 *
 *     struct connection c;
 *     if (connection_open(&c, call, args, &options, err) < 0)   nothing to close
 *         return -1;
 *     connection_begin(&c, err); ... connection_exec() ...      a transaction with the options' timeouts
 *     connection_close(&c);                                     which takes back what was not committed
 *
 * What a failure means is decided here, once: as long as `changing` isn't set, nothing that a lost connection leaves
 * behind could have been changed (UNAVAILABLE); from then on it is IN_DOUBT. A transaction whose COMMIT was not sent
 * yet changes nothing, so it sets `changing` just before it sends that.
 */
#ifndef POSTGRES_CONNECTION_H
#define POSTGRES_CONNECTION_H

#include "cairn/plugin.h"

#include <libpq-fe.h>

#define CONNECTION_ARGS                                                                                                \
    { "connection", CAIRN_STR, CAIRN_REQUIRED, "a name among postgres.connections of the configuration", 0 },          \
        { "host", CAIRN_STR, 0, "address to connect to; the connection's own if left out", 0 },                        \
        { "port", CAIRN_INT, 0, "port; the connection's own, else 5432", 0 },                                          \
    {                                                                                                                  \
        "database", CAIRN_STR, 0, "database; the connection's own if left out", 0                                      \
    }

struct connection {
    struct cairn_call *call;
    PGconn *pg;
    const char *what;              /* the beginning of its errors: "query main" */
    char *where;                   /* "host:port/database", for errors */
    int64_t deadline;              /* ms on the wall clock */
    int reads;                     /* this call changes nothing: it may be broken off */
    int changing;                  /* something was sent whose effect can't be known without an answer */
    int64_t statement_ms, lock_ms; /* for transactions */
};

struct connection_options {
    const char *what;     /* of errors: "query" */
    int reads;            /* transactions are READ ONLY */
    int64_t timeout_ms;   /* of the whole call, on the wall clock */
    int64_t statement_ms; /* statement_timeout; 0: none */
    int64_t lock_ms;      /* lock_timeout; 0: none */
};

int connection_open(struct connection *c, struct cairn_call *call, const struct cairn_value *args,
                    const struct connection_options *options, struct cairn_error *err);
void connection_close(struct connection *c); /* takes one that was never opened, if it is zeroed */

/* A transaction with these timeouts. They are local to it: a pooler in between may give the session to others. */
int connection_begin(struct connection *c, struct cairn_error *err);

/* One statement with text parameters (NULL: null). *out is the last result, cleared by PQclear(); may be NULL. */
int connection_exec(struct connection *c, PGresult **out, const char *sql, int count, const char *const *values,
                    struct cairn_error *err);
int connection_do(struct connection *c, const char *sql, struct cairn_error *err);
/* The first column of the first row, freed with free(); NULL without err when there is no row or it is null. */
int connection_text(struct connection *c, char **out, const char *sql, int count, const char *const *values,
                    struct cairn_error *err);

/* As connection_exec(), but row by row: `row` gets results of one row each; not 0 ends the statement. The result that
 * ends the rows, with the columns, goes to *last. */
int connection_each(struct connection *c, const char *sql, int count, const char *const *values,
                    int (*row)(void *data, const PGresult *result), void *data, PGresult **last,
                    struct cairn_error *err);

#endif
