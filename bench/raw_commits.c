/*
 * raw_commits.c: the baseline of the benchmark: one small row per SQLite transaction, with the store's settings.
 * SPDX-License-Identifier: MIT
 *
 * raw_commits FILE COUNT prints the seconds that COUNT commits took.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void
run(sqlite3 *db, const char *sql)
{
    char *why = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fprintf(stderr, "raw_commits: %s: %s\n", sql, why);
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    struct timespec from, to;
    sqlite3 *db = NULL;
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

    if (count < 1 || sqlite3_open(argv[1], &db) != SQLITE_OK) {
        fprintf(stderr, "usage: raw_commits FILE COUNT\n");
        return 2;
    }
    run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE r (n INTEGER PRIMARY KEY, body TEXT)");
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < count; i++)
        run(db, "BEGIN IMMEDIATE; INSERT INTO r (body) VALUES (hex(randomblob(250))); COMMIT");
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.6f\n", (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    sqlite3_close(db);
    return 0;
}
