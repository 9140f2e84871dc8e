/*
 * print.h: texts for people and machines: spans, times, tables, JSON; used by the commands.
 * SPDX-License-Identifier: MIT
 *
 * What comes from outside may hold characters that move a terminal's cursor: everything printed for people passes
 * print_clean.
 */
#ifndef CAIRN_PRINT_H
#define CAIRN_PRINT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

char *print_clean(const char *text); /* a copy without control characters; a newline becomes a blank; NULL gives "" */
char *print_span(int64_t ms); /* "850 ms", "14 s", "3 min 20 s", "2 h 05 min", "1 d 3 h"; a new text */
void print_time(char out[21], int64_t ms); /* "2026-11-20T13:36:57Z"; "" for 0 */
char *print_value(const json_t *value); /* a string as it is, all else as JSON; secrets as ***; a new text */
char *print_command(const json_t *intent); /* "rds.create_snapshot prod-1", or a command's title; a new text */
size_t print_width(const char *text); /* how many columns it takes, near enough */
int print_colors(FILE *to); /* a terminal, and nobody said no */

void print_json(const json_t *value); /* indented, on stdout */

/* Rows are objects of texts; `keys` are their members in the order of the columns, ended by NULL. The headings are the
 * keys in capitals. */
void print_table(const json_t *rows, const char *const *keys);
void print_pair(const char *name, const char *value); /* "name         value"; nothing when the value is NULL or "" */

#endif
