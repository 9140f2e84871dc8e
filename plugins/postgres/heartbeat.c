/*
 * heartbeat.c: a row that is written again and again, to see for how long writes were down; used by postgres.c.
 * SPDX-License-Identifier: MIT
 *
 * A probe behaves as an application does: it keeps its connection, and when a write fails or takes too long it connects
 * anew. All its times are on the run's clock. A gap is the time between two writes that succeeded; the last success of
 * an earlier probe is handed over by the workflow, so that a gap across steps is measured too. Time in which no probe
 * looked at all, because the engine was dead, say, is told apart and is no part of a gap: the earlier success is moved
 * on by it.
 */
#include "actions.h"

#include "connection.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPT_MS 2000 /* a write, or a connection, that takes longer has failed; wall clock */
#define BLIND_MS 3000   /* more than this between two probes is time in which nobody looked */

static const char beat_sql[] = "insert into cairn.heartbeat as h (run, beats, at) values ($1, 1, clock_timestamp()) "
                               "on conflict (run) do update set beats = h.beats + 1, at = clock_timestamp()";

struct probe {
    struct cairn_call *call;
    const struct cairn_value *args;
    struct connection c;
    int open;
    int64_t attempts, ok;
    int64_t first, last;        /* successes; 0: none yet */
    int64_t gap, gap_began;     /* the longest */
    int64_t blind;              /* time in which nobody looked */
    struct cairn_error failure; /* the last one */
};

static int
change(struct cairn_call *call, const struct cairn_value *args, const char *what, const char *const *sql,
       struct cairn_error *err)
{
    struct connection_options options = {
        .what = what, .timeout_ms = READ_MS, .statement_ms = READ_MS, .lock_ms = 10000
    };
    struct connection c = { 0 };
    int rc = -1;

    if (connection_open(&c, call, args, &options, err) < 0)
        return -1;
    if (connection_begin(&c, err) == 0)
        rc = 0;
    for (; rc == 0 && *sql; sql++)
        rc = connection_do(&c, *sql, err);
    if (rc == 0) {
        c.changing = 1;
        rc = connection_do(&c, "commit", err);
    }
    connection_close(&c);
    return rc;
}

int
heartbeat_prepare(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    static const char *const sql[] = {
        "select pg_advisory_xact_lock(hashtextextended('cairn.applied', 0))", /* whoever makes the schema */
        "create schema if not exists cairn",
        "create table if not exists cairn.heartbeat (run text primary key, beats bigint not null, at timestamptz not null)",
        NULL,
    };

    (void)out;
    return change(call, args, "prepare_probe", sql, err);
}

int
heartbeat_drop(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    static const char *const sql[] = { "drop table if exists cairn.heartbeat", NULL };

    (void)out;
    return change(call, args, "drop_probe", sql, err);
}

/* ---- probing ----------------------------------------------------------------------------------------------------- */

static int
attempt(struct probe *p, struct cairn_error *err)
{
    struct connection_options options = { .what = "probe", .timeout_ms = ATTEMPT_MS };
    const char *run = cairn_call_run(p->call);

    if (!p->open && connection_open(&p->c, p->call, p->args, &options, err) < 0)
        return -1;
    p->open = 1;
    p->c.deadline = cairn_wall(p->call) + ATTEMPT_MS;
    if (connection_exec(&p->c, NULL, beat_sql, 1, &run, err) == 0)
        return 0;
    connection_close(&p->c);
    p->open = 0;
    return -1;
}

static void
succeeded(struct probe *p)
{
    int64_t now = cairn_now(p->call);

    p->ok++;
    if (p->last && now - p->last > p->gap) {
        p->gap = now - p->last;
        p->gap_began = p->last;
    }
    if (!p->first)
        p->first = now;
    p->last = now;
}

/* A mistake in the configuration, or a table that isn't there, doesn't pass by itself. */
static int
is_lasting(const struct cairn_error *err)
{
    return err->kind == CAIRN_ERR_INVALID || err->kind == CAIRN_ERR_NOT_FOUND || err->kind == CAIRN_ERR_DENIED;
}

static void
fill(const struct probe *p, int64_t began, struct cairn_value *out)
{
    cairn_put(out, "attempts", cairn_int(p->attempts));
    cairn_put(out, "ok", cairn_int(p->ok));
    cairn_put(out, "failed", cairn_int(p->attempts - p->ok));
    cairn_put(out, "began", cairn_int(began));
    cairn_put(out, "ended", cairn_int(cairn_now(p->call)));
    if (p->first)
        cairn_put(out, "first_success", cairn_int(p->first));
    if (p->last)
        cairn_put(out, "last_success", cairn_int(p->last));
    cairn_put(out, "longest_gap_ms", cairn_int(p->gap));
    if (p->gap)
        cairn_put(out, "gap_began", cairn_int(p->gap_began));
    cairn_put(out, "blind_ms", cairn_int(p->blind));
    if (p->failure.kind != CAIRN_ERR_NONE) {
        cairn_put(out, "last_error", cairn_str(p->failure.text));
        cairn_put(out, "last_error_code", cairn_str(p->failure.code));
    }
}

int
heartbeat_probe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct probe p = { .call = call, .args = args, .last = cairn_get_int(args, "last_success", 0) };
    int64_t every = cairn_get_int(args, "every_ms", 0);
    int64_t looked = cairn_get_int(args, "looked_until", 0);
    int64_t began = cairn_now(call);
    int64_t end = began + (int64_t)(cairn_get_float(args, "seconds", 0) * 1000);
    int64_t wall_end = cairn_wall(call) + READ_MAX_MS;

    if (looked && began - looked > BLIND_MS)
        p.blind = began - looked;
    if (p.last)
        p.last += p.blind;
    do {
        struct cairn_error why = { 0 };

        p.attempts++;
        if (attempt(&p, &why) == 0)
            succeeded(&p);
        else
            p.failure = why;
        if (why.kind != CAIRN_ERR_NONE && is_lasting(&why) && p.ok == 0 && !cairn_get_int(args, "last_success", 0)) {
            connection_close(&p.c);
            return cairn_fail_code(err, why.kind, why.code, "%s", why.text);
        }
        if (cairn_now(call) < end)
            cairn_sleep(call, every > 0 ? every : 1);
    } while (cairn_now(call) < end && cairn_wall(call) < wall_end && !cairn_cancelled(call));
    fill(&p, began, out);
    connection_close(&p.c);
    return 0;
}
