/*
 * tables.h: parameters and results of the actions; part of postgres.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef POSTGRES_TABLES_H
#define POSTGRES_TABLES_H

#include "connection.h"

#define TIMEOUT_ARG(text)                                                                                              \
    {                                                                                                                  \
        "timeout", CAIRN_INT, 0, text, 0                                                                               \
    }

static const struct cairn_param where_params[] = {
    CONNECTION_ARGS,
    TIMEOUT_ARG("seconds (up to 100) until the server breaks it off; 60 if left out"),
    { 0 },
};
static const struct cairn_param only_where_params[] = { CONNECTION_ARGS, { 0 } };
static const struct cairn_param query_params[] = {
    CONNECTION_ARGS,
    { "sql", CAIRN_STR, CAIRN_REQUIRED, "one statement that changes nothing; $1, $2 stand for params", 0 },
    { "params", CAIRN_LIST, 0, "texts, numbers, booleans, nulls", 0 },
    { "max_rows", CAIRN_INT, 0, "rows that are returned at most", "1000" },
    { "max_bytes", CAIRN_INT, 0, "bytes of their values at most", "1048576" },
    TIMEOUT_ARG("seconds (up to 100) until the server breaks it off; 60 if left out"),
    { 0 },
};
static const struct cairn_param query_results[] = {
    { "count", CAIRN_INT, CAIRN_REQUIRED, "how many rows are returned", 0 },
    { "truncated", CAIRN_BOOL, CAIRN_REQUIRED, "there were more", 0 },
    { "columns", CAIRN_LIST, CAIRN_REQUIRED, "their names, in order; a second `id` is id_2", 0 },
    { "rows", CAIRN_LIST, CAIRN_REQUIRED, "a map for each; numeric and all types without a kind of their own are text",
      0 },
    { 0 },
};
static const struct cairn_param writable_results[] = {
    { "writable", CAIRN_BOOL, CAIRN_REQUIRED, "neither in recovery nor read-only", 0 },
    { "in_recovery", CAIRN_BOOL, CAIRN_REQUIRED, "it is a standby", 0 },
    { "read_only", CAIRN_BOOL, CAIRN_REQUIRED, "default_transaction_read_only is on", 0 },
    { "version", CAIRN_STR, CAIRN_REQUIRED, "server_version", 0 },
    { "version_num", CAIRN_INT, CAIRN_REQUIRED, "server_version_num, 150008", 0 },
    { "started", CAIRN_INT, CAIRN_REQUIRED, "when the server started, ms since 1970 by its own clock", 0 },
    { "database", CAIRN_STR, CAIRN_REQUIRED, "the database connected to", 0 },
    { "user", CAIRN_STR, CAIRN_REQUIRED, "as whom", 0 },
    { 0 },
};
static const struct cairn_param servers_results[] = {
    { "seen", CAIRN_STR, CAIRN_REQUIRED, "all that was seen, for people", 0 },
    { "servers", CAIRN_LIST, CAIRN_REQUIRED, "of each what `writable` says, its connection, and tls", 0 },
    { "problems", CAIRN_LIST, CAIRN_REQUIRED, "connections that don't lead to a server, each with the reason", 0 },
    { 0 },
};
static const struct cairn_param databases_results[] = {
    { "databases", CAIRN_LIST, CAIRN_REQUIRED, "of each name, encoding, bytes; neither templates nor rdsadmin", 0 },
    { 0 },
};
static const struct cairn_param counts_params[] = {
    CONNECTION_ARGS,
    { "exact", CAIRN_BOOL, 0, "count the rows; else the planner's estimate", "false" },
    { "tables", CAIRN_LIST, 0, "schema.table of those that are wanted; all if left out", 0 },
    { "max_tables", CAIRN_INT, 0, "the largest so many", "200" },
    TIMEOUT_ARG("seconds (up to 100) for each count; 60 if left out"),
    { 0 },
};
static const struct cairn_param counts_results[] = {
    { "exact", CAIRN_BOOL, CAIRN_REQUIRED, "as asked for", 0 },
    { "tables", CAIRN_LIST, CAIRN_REQUIRED, "of each schema, table, rows; the largest first", 0 },
    { 0 },
};
static const struct cairn_param sequences_results[] = {
    { "behind", CAIRN_INT, CAIRN_REQUIRED, "how many would give a number that its column has already", 0 },
    { "sequences", CAIRN_LIST, CAIRN_REQUIRED,
      "of each that feeds a column: schema, sequence, table_schema, table, column, "
      "last_value, step, max, behind",
      0 },
    { 0 },
};
static const struct cairn_param lag_results[] = {
    { "max_lag_bytes", CAIRN_INT, CAIRN_REQUIRED, "of the logical slot that is furthest behind; 0 without any", 0 },
    { "slots", CAIRN_LIST, CAIRN_REQUIRED, "of each name, type, database, active, lag_bytes, wal_status", 0 },
    { 0 },
};
static const struct cairn_param checks_params[] = {
    CONNECTION_ARGS,
    { "upgrade", CAIRN_STR, CAIRN_REQUIRED, "blue_green or in_place", 0 },
    { "cluster", CAIRN_BOOL, 0, "look at what all databases share as well", "true" },
    TIMEOUT_ARG("seconds (up to 100) for all of them; 60 if left out"),
    { 0 },
};
static const struct cairn_param checks_results[] = {
    { "version", CAIRN_STR, CAIRN_REQUIRED, "server_version", 0 },
    { "checks", CAIRN_INT, CAIRN_REQUIRED, "how many were made", 0 },
    { "findings", CAIRN_LIST, CAIRN_REQUIRED, "of each check, severity (error, warning), text, hint", 0 },
    { 0 },
};
static const struct cairn_param explain_params[] = {
    CONNECTION_ARGS,
    { "queries", CAIRN_LIST, CAIRN_REQUIRED, "statements, each a text or {name, sql}", 0 },
    { "analyze", CAIRN_BOOL, 0, "run them, in a read-only transaction", "true" },
    TIMEOUT_ARG("seconds until the server breaks one off; 30 if left out"),
    { 0 },
};
static const struct cairn_param explain_results[] = {
    { "plans", CAIRN_LIST, CAIRN_REQUIRED,
      "of each name, total_cost, plan_rows, rows, time_ms, planning_ms, hit_blocks, "
      "read_blocks, nodes (kind -> number), seq_scans (tables); or name, error {code, text}",
      0 },
    { 0 },
};
static const struct cairn_param extensions_results[] = {
    { "outdated", CAIRN_INT, CAIRN_REQUIRED, "how many aren't of the server's default version", 0 },
    { "extensions", CAIRN_LIST, CAIRN_REQUIRED, "of each name, version, default_version, outdated, schema", 0 },
    { 0 },
};
static const struct cairn_param update_params[] = {
    CONNECTION_ARGS,
    { "name", CAIRN_STR, CAIRN_REQUIRED, "the extension", 0 },
    { "version", CAIRN_STR, 0, "to which version; the server's default if left out", 0 },
    { 0 },
};
static const struct cairn_param update_results[] = {
    { "name", CAIRN_STR, CAIRN_REQUIRED, "the extension", 0 },
    { "from", CAIRN_STR, CAIRN_REQUIRED, "its version before", 0 },
    { "version", CAIRN_STR, CAIRN_REQUIRED, "its version now", 0 },
    { "changed", CAIRN_BOOL, CAIRN_REQUIRED, "false: it had that version already", 0 },
    { 0 },
};
static const struct cairn_param analyze_params[] = {
    CONNECTION_ARGS,
    { "since", CAIRN_STR, 0, "a time of the server: what was analyzed since is left out", 0 },
    { 0 },
};
static const struct cairn_param analyze_results[] = {
    { "analyzed", CAIRN_INT, CAIRN_REQUIRED, "tables, parents of partitions among them", 0 },
    { "left", CAIRN_INT, CAIRN_REQUIRED, "those for which there was no time: call it again, with since", 0 },
    { "since", CAIRN_STR, CAIRN_REQUIRED, "the server's time when it began", 0 },
    { 0 },
};
static const struct cairn_param execute_params[] = {
    CONNECTION_ARGS,
    { "name", CAIRN_STR, CAIRN_REQUIRED, "what it is recorded as in cairn.applied; once and for all in a database", 0 },
    { "sql", CAIRN_STR, 0, "the statements", 0 },
    { "file", CAIRN_STR, 0, "or a file that holds them; a relative path starts from the folder of the configuration", 0 },
    { "checksum", CAIRN_STR, 0, "SHA-256 in hex that they must have, as checksum_files gives it", 0 },
    { "transaction", CAIRN_BOOL, 0, "false: one statement that can't be in one, CREATE INDEX CONCURRENTLY", "true" },
    { "lock_timeout", CAIRN_INT, 0, "seconds that a lock is waited for, before all is taken back and tried again later",
      "5" },
    TIMEOUT_ARG("seconds until the server breaks a statement off; 840 in a transaction, else none if left out"),
    { 0 },
};
static const struct cairn_param execute_results[] = {
    { "name", CAIRN_STR, CAIRN_REQUIRED, "as given", 0 },
    { "checksum", CAIRN_STR, CAIRN_REQUIRED, "SHA-256 of the statements", 0 },
    { "already", CAIRN_BOOL, CAIRN_REQUIRED, "another step had applied the same before", 0 },
    { "statements", CAIRN_INT, CAIRN_REQUIRED, "how many there are", 0 },
    { "rows", CAIRN_INT, 0, "how many they changed; left out when that isn't known any more", 0 },
    { "at", CAIRN_STR, 0, "when they were applied, when that was looked up", 0 },
    { 0 },
};
static const struct cairn_param applied_params[] = {
    CONNECTION_ARGS,
    { "name", CAIRN_STR, 0, "only that one", 0 },
    { 0 },
};
static const struct cairn_param applied_results[] = {
    { "applied", CAIRN_LIST, CAIRN_REQUIRED,
      "of each name, checksum, state (done, begun), run, step, at (ms since 1970)", 0 },
    { 0 },
};
static const struct cairn_param invalid_results[] = {
    { "indexes", CAIRN_LIST, CAIRN_REQUIRED, "of each schema, name, oid, table, building (a session is at work on it)",
      0 },
    { 0 },
};
static const struct cairn_param drop_params[] = {
    CONNECTION_ARGS,
    { "name", CAIRN_STR, CAIRN_REQUIRED, "the index, for people", 0 },
    { "oid", CAIRN_INT, CAIRN_REQUIRED, "which it is, as invalid_indexes gives it", 0 },
    { 0 },
};
static const struct cairn_param drop_results[] = {
    { "name", CAIRN_STR, CAIRN_REQUIRED, "the index", 0 },
    { 0 },
};
static const struct cairn_param probe_params[] = {
    CONNECTION_ARGS,
    { "seconds", CAIRN_FLOAT, 0, "how long; 0 is a single write", "5" },
    { "every_ms", CAIRN_INT, 0, "pause between two writes", "200" },
    { "last_success", CAIRN_INT, 0, "that of the probe before this one, so that a gap goes on", 0 },
    { "looked_until", CAIRN_INT, 0, "`ended` of the probe before this one", 0 },
    { 0 },
};
static const struct cairn_param probe_results[] = {
    { "attempts", CAIRN_INT, CAIRN_REQUIRED, "writes that were tried", 0 },
    { "ok", CAIRN_INT, CAIRN_REQUIRED, "those that succeeded", 0 },
    { "failed", CAIRN_INT, CAIRN_REQUIRED, "those that didn't", 0 },
    { "began", CAIRN_INT, CAIRN_REQUIRED, "ms since 1970 on the run's clock, as all times here", 0 },
    { "ended", CAIRN_INT, CAIRN_REQUIRED, "when it stopped looking", 0 },
    { "first_success", CAIRN_INT, 0, "left out when there was none", 0 },
    { "last_success", CAIRN_INT, 0, "this probe's, else the one that was given, moved on by blind_ms", 0 },
    { "longest_gap_ms", CAIRN_INT, CAIRN_REQUIRED, "between two successes; 0 when there weren't two", 0 },
    { "gap_began", CAIRN_INT, 0, "the success before it", 0 },
    { "blind_ms", CAIRN_INT, CAIRN_REQUIRED, "time before it in which no probe looked", 0 },
    { "last_error", CAIRN_STR, 0, "of the last write that failed", 0 },
    { "last_error_code", CAIRN_STR, 0, "its SQLSTATE", 0 },
    { 0 },
};
static const struct cairn_param no_results[] = { { 0 } };
static const struct cairn_param files_params[] = {
    { "files", CAIRN_LIST, CAIRN_REQUIRED, "paths", 0 },
    { 0 },
};
static const struct cairn_param files_results[] = {
    { "checksum", CAIRN_STR, CAIRN_REQUIRED, "SHA-256 over the digests of all, in their order", 0 },
    { "files", CAIRN_LIST, CAIRN_REQUIRED, "of each path, bytes, checksum", 0 },
    { 0 },
};
static const struct cairn_param config[] = {
    { "connections", CAIRN_MAP, 0,
      "NAME -> {user, password, database, sslmode, sslrootcert, host, port}; password may be {secret: NAME}; sslmode is "
      "verify-full if left out",
      0 },
    { "through", CAIRN_MAP, 0, "\"HOST:PORT\", HOST or \"*.DOMAIN\" -> \"127.0.0.1:PORT\": the tunnel that leads there",
      0 },
    { 0 },
};

#endif
