/*
 * params.h: check values against a table of parameters; for workflow params, arguments of actions, and sections.
 * SPDX-License-Identifier: MIT
 *
 * A table is a JSON list of {"name","type","required","secret","help","default"} (doc/PROTOCOL.md, PARAM).
 */
#ifndef CAIRN_PARAMS_H
#define CAIRN_PARAMS_H

#include "cairn/plugin.h"

#include <jansson.h>

/* Check and complete: defaults are put into `values`. `where` begins the message ("rds.create_snapshot: name: ..."). An
 * unknown name is INVALID and names the nearest known one. {"$secret"}, {"$sealed"} and {"$ref"} pass as strings. An
 * integer passes as a number. */
int params_check(json_t *values, const json_t *table, const char *where, struct cairn_error *err);

/* "key=value" of the command line by the table's type: "true", "42", "[1,2]" for lists and maps, else the text as it
 * is. */
int params_from_text(json_t *values, const json_t *table, const char *text, struct cairn_error *err);

/* What `params = {...}` of a workflow says ({NAME: {type=..., required=..., help=..., default=...}}) as a table, in the
 * order of names. */
int params_from_spec(json_t **table, const json_t *spec, struct cairn_error *err);

/* The candidate (an iterator's keys in a JSON object, or strings of a list) nearest to `word`, or NULL if none is near.
 * */
const char *params_nearest(const char *word, const json_t *candidates);

#endif
