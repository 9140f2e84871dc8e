/*
 * yaml.h: YAML text as a JSON tree that knows its lines; used for config, worlds and by plugins.
 * SPDX-License-Identifier: MIT
 *
 * One document, the core schema: plain null/~/empty, true/false, decimal integers and floats are typed, all else and
 * everything quoted is a string. Refused, with line and column: a second document, duplicate keys, keys that aren't
 * scalars, aliases, merge keys and tags.
 */
#ifndef CAIRN_YAML_H
#define CAIRN_YAML_H

#include "cairn/plugin.h"

#include <jansson.h>
#include <stddef.h>

/* `name` stands in messages. *lines, if wanted, is an object from path ("/aws/region", "/list/0") to line; the root is
 * "". */
int yaml_parse(json_t **out, json_t **lines, const char *name, const char *text, size_t len, struct cairn_error *err);
/* a file; missing is NOT_FOUND */
int yaml_load(json_t **out, json_t **lines, const char *path, struct cairn_error *err);
int yaml_line(const json_t *lines, const char *path); /* of the nearest known ancestor; 0 when there is none */

#endif
