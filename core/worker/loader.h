/*
 * loader.h: from a path to a plugin's table that is known to be sound; used once in a worker's life.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_LOADER_H
#define CAIRN_LOADER_H

#include "cairn/plugin.h"

/*
 * The table that comes back is a copy in this host's layout: all tables end with a member without a name and can be
 * walked in the ordinary way, whatever minor version the plugin was compiled for. It is never freed. NULL with err:
 * INVALID for what the plugin's author has to mend, DENIED for a file that isn't trusted, NOT_FOUND.
 */
const struct cairn_plugin *loader_open(const char *path, struct cairn_error *err);

#endif
