/*
 * error.h: the names of error kinds, effects and types as they stand in messages and records; used by everything.
 * SPDX-License-Identifier: MIT
 *
 * Errors are `struct cairn_error` of the plugin header, on the caller's stack, passed last. cairn_fail() is in error.c.
 */
#ifndef CAIRN_ERROR_H
#define CAIRN_ERROR_H

#include "cairn/plugin.h"

#include <jansson.h>

const char *error_kind_name(enum cairn_error_kind kind); /* "not_found" */
enum cairn_error_kind error_kind_of(const char *name); /* CAIRN_ERR_INTERNAL for what isn't one */
const char *effect_name(enum cairn_effect effect); /* "create" */
enum cairn_effect effect_of(const char *name); /* 0 for what isn't one */
const char *type_name(enum cairn_type type); /* "string", "integer", "number", "boolean", "list", "map", "any" */
enum cairn_type type_of(const char *name); /* CAIRN_NULL for what isn't one */

json_t *error_to_json(const struct cairn_error *err); /* {"kind","code"?,"text"}; a new reference */
/* whatever it holds; missing members read as internal */
void error_from_json(struct cairn_error *err, const json_t *json);

#endif
