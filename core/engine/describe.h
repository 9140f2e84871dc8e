/*
 * describe.h: ask a worker what a plugin says of itself; used by plugins.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_DESCRIBE_H
#define CAIRN_DESCRIBE_H

#include "cairn/plugin.h"

#include <jansson.h>

/* Start a worker on the file, take its hello (doc/PROTOCOL.md), end it. *out is a new reference. Blocks, for at most
 * ten seconds. */
int describe_plugin_file(json_t **out, const char *path, struct cairn_error *err);

#endif
