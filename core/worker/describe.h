/*
 * describe.h: a plugin's table as the engine is told of it; used once in a worker's life.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_DESCRIBE_H
#define CAIRN_DESCRIBE_H

#include "cairn/plugin.h"

#include <jansson.h>

json_t *describe_plugin(const struct cairn_plugin *table); /* DESCRIPTION of doc/PROTOCOL.md; a new reference */

#endif
