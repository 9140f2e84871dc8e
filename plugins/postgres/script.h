/*
 * script.h: the single statements of an SQL text; used by execute.c.
 * SPDX-License-Identifier: MIT
 *
 * The text is cut at semicolons outside of strings, quoted names, comments, dollar quotes, parentheses and SQL bodies
 * (BEGIN ATOMIC ... END). Each statement is then sent by itself in a form in which PostgreSQL takes only one, so a text
 * that was cut wrongly is refused, and nothing else runs than what was cut.
 */
#ifndef POSTGRES_SCRIPT_H
#define POSTGRES_SCRIPT_H

#include "cairn/plugin.h"

#include <stddef.h>

struct script {
    char **statements; /* without the semicolon */
    size_t count;
};

/* INVALID when a quote isn't closed, when there is no statement, or when one would end the transaction around them. */
int script_cut(struct script *s, const char *sql, int in_transaction, struct cairn_error *err);
void script_release(struct script *s);

/* Of CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] NAME ON [ONLY] TABLE: name and table as they are written,
 * free() them. 0: it is no such statement, or has no name of its own. */
int script_index(const char *statement, char **index, char **table);
/* The same for DROP INDEX CONCURRENTLY [IF EXISTS] NAME. */
int script_drop_index(const char *statement, char **index);

#endif
