/*
 * task.h: what an execute step is about, and its record in the table cairn.applied; used by execute.c and doubt.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef POSTGRES_TASK_H
#define POSTGRES_TASK_H

#include "checksum.h"
#include "connection.h"
#include "script.h"

struct task { /* what an execute step is about */
    struct connection c;
    const struct cairn_value *args;
    const char *name;
    const char *token;
    char *sql;
    char checksum[CHECKSUM_SIZE];
    struct script script;
    int transaction;
    char *index, *table; /* of CREATE INDEX CONCURRENTLY; NULL: another statement */
    char *dropped;       /* of DROP INDEX CONCURRENTLY */
};

struct applied { /* a row of cairn.applied */
    int there;
    int done;
    int mine; /* of this step */
    char *checksum, *at, *run, *step;
};

/* The key of the advisory lock that a session of a step holds while it is at work; $1 is the step's token. */
#define TASK_LOCK_KEY "hashtextextended('cairn:' || $1, 0)"

/* task.c: out of the arguments. task_release() in any case; task_open() connects. */
int task_init(struct task *t, struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err);
int task_open(struct task *t, struct cairn_call *call, int reads, struct cairn_error *err);
void task_release(struct task *t);

/* applied.c. The row of the task's name; none while there is no table. */
int applied_find(struct task *t, struct applied *row, struct cairn_error *err);
void applied_release(struct applied *row);
int applied_make_table(struct connection *c, struct cairn_error *err);
/* Insert the row; *written is 0 when there is one of that name. Waits for a transaction that is inserting it. */
int applied_write(struct task *t, const char *state, int *written, struct cairn_error *err);
/* SQL about the row; $1 to $5 are name, token, checksum, run, step, and each has to occur. */
int applied_change(struct task *t, const char *sql, struct cairn_error *err);
/* The name is taken: by this same SQL, which fills the result, or by other, which is a conflict. */
int applied_adopt(struct task *t, const struct applied *row, struct cairn_value *out, struct cairn_error *err);
/* The result. `rows` below 0: not known. */
void applied_fill(const struct task *t, const struct applied *row, int64_t rows, struct cairn_value *out);

#endif
