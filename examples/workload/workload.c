/*
 * workload.c: an application in small: it writes rows all the time, and can say afterwards whether any was lost.
 * SPDX-License-Identifier: MIT
 *
 *   workload prepare                           make its table; before a deployment that forbids DDL
 *   workload write LOG POOL CLIENTS [EVERY]    so many clients of a pool of that name write a row every so many ms (20)
 *                                              until SIGTERM; what was acknowledged is added to LOG
 *   workload report LOG                        acknowledged, found, lost, twice, and the longest gap of each pool
 *
 * Where: PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, and CAIRN_POSTGRES_THROUGH as for the plugin postgres. A PGHOST of
 * @FILE is what stands in that file, and when that becomes another host the clients go there, as pods of a new rollout do. Each client
 * does what a careful application does: when it doesn't know whether a row was written, because the connection ended in
 * between, it connects anew and looks before it writes again.
 */
#include "common/alloc.h"
#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t over;

static void
on_term(int number)
{
    (void)number;
    over = 1;
}

static void
nap(long ms)
{
    struct timespec t = { ms / 1000, (ms % 1000) * 1000000 };

    nanosleep(&t, NULL);
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

/* The address that the file of a simulated world says for a host, as "ADDRESS:PORT"; free() it. */
static char *
address_of(const char *host)
{
    const char *path = getenv("CAIRN_POSTGRES_THROUGH");
    FILE *file = path && *path ? fopen(path, "re") : NULL;
    char name[256], to[64];
    char *found = NULL;

    while (file && !found && fscanf(file, "%255s %63s", name, to) == 2)
        if (strcmp(name, host) == 0)
            found = alloc_str(to);
    if (file)
        fclose(file);
    return found;
}

static void
find_host(char host[256])
{
    const char *given = getenv("PGHOST");
    FILE *file = given && *given == '@' ? fopen(given + 1, "re") : NULL;

    snprintf(host, 256, "%s", given ? given : "");
    if (file && fscanf(file, "%255s", host) != 1)
        *host = '\0';
    if (file)
        fclose(file);
}

static PGconn *
connect_once(char host[256])
{
    char *to, *port;
    PGconn *c;

    find_host(host);
    to = address_of(host);
    port = to ? strrchr(to, ':') : NULL;
    if (port)
        *port++ = '\0';
    c = PQconnectdbParams((const char *const[]){ "connect_timeout", "application_name", "host", to ? "hostaddr" : NULL,
                                                 "port", NULL },
                          (const char *const[]){ "3", "workload", host, to, port, NULL }, 0);
    free(to);
    return c;
}

static void
ignore_notice(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

/* Rows of a statement with two texts in it; -1: it failed, or nobody knows. */
static int
query(PGconn *c, const char *sql, const char *client, const char *n)
{
    const char *values[] = { client, n };
    PGresult *r = PQexecParams(c, sql, 2, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(r);
    int rows = status == PGRES_TUPLES_OK ? PQntuples(r) : status == PGRES_COMMAND_OK ? 0 : -1;

    PQclear(r);
    return rows;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

struct client {
    char name[64];
    char host[256]; /* of its connection */
    PGconn *c;
    int log;
    long every;
};

static int
connected(struct client *me)
{
    char host[256];

    find_host(host);
    if (me->c && PQstatus(me->c) == CONNECTION_OK && strcmp(host, me->host) == 0)
        return 1;
    PQfinish(me->c);
    me->c = connect_once(me->host);
    PQsetNoticeProcessor(me->c, ignore_notice, NULL);
    if (PQstatus(me->c) == CONNECTION_OK)
        return 1;
    nap(20);
    return 0;
}

static void
acknowledged(const struct client *me, const char *n)
{
    char line[160];
    int len = snprintf(line, sizeof(line), "%s %s %lld %lld\n", me->name, n, (long long)clock_wall(),
                       (long long)clock_now());

    if (write(me->log, line, (size_t)len) != len)
        _exit(1);
}

/* One row, until it is known to be there. */
static void
write_row(struct client *me, long long number)
{
    char n[24];
    int doubt = 0;

    snprintf(n, sizeof(n), "%lld", number);
    while (!over) {
        if (!connected(me))
            continue;
        if (doubt) {
            int there = query(me->c, "select from workload where client = $1 and n = $2::bigint", me->name, n);

            if (there < 0)
                continue;
            if (there > 0) {
                acknowledged(me, n);
                return;
            }
        }
        doubt = 1;
        if (query(me->c, "insert into workload (client, n) values ($1, $2::bigint)", me->name, n) == 0) {
            acknowledged(me, n);
            return;
        }
        PQfinish(me->c); /* read-only, or gone: a pool that keeps it would be stuck */
        me->c = NULL;
        nap(20);
    }
}

static void
be_client(const char *log, const char *pool, int which, long every)
{
    struct client me = { .every = every, .log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) };

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (me.log < 0)
        _exit(1);
    snprintf(me.name, sizeof(me.name), "%s/%d", pool, which);
    for (long long n = 1; !over; n++) {
        write_row(&me, n);
        nap(me.every);
    }
    acknowledged(&me, "0"); /* no row, but the end of the last gap */
    PQfinish(me.c);
    _exit(0);
}

static int
write_rows(const char *log, const char *pool, int clients, long every)
{
    struct sigaction act = { .sa_handler = on_term };
    pid_t pids[64];

    clients = clients < 64 ? clients : 64;
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    for (int i = 0; i < clients; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            be_client(log, pool, i + 1, every);
    }
    while (!over)
        nap(50);
    for (int i = 0; i < clients; i++) {
        kill(pids[i], SIGTERM);
        waitpid(pids[i], NULL, 0);
    }
    return 0;
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

struct pool {
    char name[64];
    long long last_wall, last_world; /* of the acknowledgement before */
    long long rows; /* acknowledged ones */
    long long gap_wall, gap_world; /* the longest on the wall clock, in ms: the world's may be a fast one */
};

struct report {
    struct pool pools[16];
    int count;
    long long acknowledged, found, lost, twice;
};

static struct pool *
pool_of(struct report *r, const char *client)
{
    size_t len = strcspn(client, "/");
    int i = 0;

    while (i < r->count && (strncmp(r->pools[i].name, client, len) != 0 || r->pools[i].name[len]))
        i++;
    if (i == 15)
        return &r->pools[i];
    if (i == r->count) {
        r->count++;
        snprintf(r->pools[i].name, sizeof(r->pools[i].name), "%.*s", (int)len, client);
    }
    return &r->pools[i];
}

static void
add_line(struct report *r, const char *client, long long n, long long wall, long long world)
{
    struct pool *p = pool_of(r, client);

    p->rows += n > 0;
    if (p->last_wall && wall - p->last_wall > p->gap_wall) {
        p->gap_wall = wall - p->last_wall;
        p->gap_world = world - p->last_world;
    }
    p->last_wall = wall > p->last_wall ? wall : p->last_wall;
    p->last_world = world > p->last_world ? world : p->last_world;
}

static long long
number(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);
    long long n = PQresultStatus(r) == PGRES_TUPLES_OK ? atoll(PQgetvalue(r, 0, 0)) : -1;

    PQclear(r);
    return n;
}

/* What was acknowledged goes into a table of the session, to be compared there. */
static int
read_log(struct report *r, PGconn *c, const char *path)
{
    FILE *file = fopen(path, "re");
    char client[64], line[160];
    long long n, wall, world;
    PGresult *copied;
    int rc;

    if (!file)
        return -1;
    PQclear(PQexec(c, "create temporary table acknowledged (client text, n bigint)"));
    PQclear(PQexec(c, "copy acknowledged from stdin"));
    while (fscanf(file, "%63s %lld %lld %lld", client, &n, &wall, &world) == 4) {
        int len = snprintf(line, sizeof(line), "%s\t%lld\n", client, n);

        add_line(r, client, n, wall, world);
        if (n == 0)
            continue;
        r->acknowledged++;
        PQputCopyData(c, line, len);
    }
    fclose(file);
    PQputCopyEnd(c, NULL);
    copied = PQgetResult(c);
    rc = PQresultStatus(copied) == PGRES_COMMAND_OK ? 0 : -1;
    PQclear(copied);
    while ((copied = PQgetResult(c)))
        PQclear(copied);
    return rc;
}

/* A pool that never wrote proves nothing. */
static int
all_wrote(const struct report *r)
{
    for (int i = 0; i < r->count; i++)
        if (r->pools[i].rows == 0)
            return 0;
    return r->count > 0;
}

static int
report(const char *log)
{
    struct report r = { 0 };
    char host[256];
    PGconn *c = connect_once(host);

    if (PQstatus(c) != CONNECTION_OK || read_log(&r, c, log) < 0) {
        fprintf(stderr, "workload: report on %s: %s\n", log, PQerrorMessage(c));
        PQfinish(c);
        return 1;
    }
    r.found = number(c, "select count(*) from workload");
    r.lost = number(c, "select count(*) from acknowledged a where not exists "
                       "(select from workload w where w.client = a.client and w.n = a.n)");
    r.twice = number(c, "select count(*) from (select from workload group by client, n having count(*) > 1) x");
    PQfinish(c);
    printf("rows acknowledged %lld\nrows found %lld\nrows lost %lld\nrows twice %lld\n", r.acknowledged, r.found, r.lost,
           r.twice);
    for (int i = 0; i < r.count; i++)
        printf("longest gap of %s %.1f s, on the wall clock %.1f s%s\n", r.pools[i].name,
               (double)r.pools[i].gap_world / 1000, (double)r.pools[i].gap_wall / 1000,
               r.pools[i].rows ? "" : "; it never wrote a row");
    return all_wrote(&r) && r.lost == 0 && r.twice == 0 && r.found >= r.acknowledged ? 0 : 1;
}

static int
prepare(void)
{
    char host[256];
    PGconn *c = connect_once(host);
    PGresult *r = PQexec(c, "create table workload (id bigserial primary key, client text not null, n bigint not null, "
                            "at timestamptz not null default now()); create index on workload (client, n)");
    int ok = PQresultStatus(r) == PGRES_COMMAND_OK;

    if (!ok)
        fprintf(stderr, "workload: prepare: %s\n", PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
    return ok ? 0 : 1;
}

int
main(int argc, char **argv)
{
    if (clock_init(getenv("CAIRN_CLOCK")) < 0)
        return fprintf(stderr, "workload: CAIRN_CLOCK is not a clock\n"), 2;
    if (argc == 2 && strcmp(argv[1], "prepare") == 0)
        return prepare();
    if ((argc == 5 || argc == 6) && strcmp(argv[1], "write") == 0)
        return write_rows(argv[2], argv[3], atoi(argv[4]), argc == 6 ? atol(argv[5]) : 20);
    if (argc == 3 && strcmp(argv[1], "report") == 0)
        return report(argv[2]);
    fprintf(stderr, "usage: workload prepare | write LOG POOL CLIENTS [EVERY] | report LOG\n");
    return 2;
}
