/*
 * errors.h: what PostgreSQL says when it refuses, as a kind of the plugin contract; used by connection.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef POSTGRES_ERRORS_H
#define POSTGRES_ERRORS_H

#include "cairn/plugin.h"

#include <stddef.h>

/* The kind of a SQLSTATE that the server gave for a statement. `reads`: of a statement that was to change nothing. */
enum cairn_error_kind errors_kind(const char *sqlstate, int reads);
/* The same for a connection that was refused. */
enum cairn_error_kind errors_connect_kind(const char *sqlstate, const char *text);
/* A SQLSTATE within the text of libpq under PQERRORS_VERBOSE ("FATAL:  28P01: ..."); "" if there is none. */
void errors_sqlstate(char code[6], const char *text);
/* One line, without the prefix of severity and code and without LOCATION lines; freed with free(). */
char *errors_one_line(const char *text);

#endif
