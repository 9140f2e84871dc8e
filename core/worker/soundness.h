/*
 * soundness.h: what a plugin's table must hold before any function of it is called; used by the loader.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_SOUNDNESS_H
#define CAIRN_SOUNDNESS_H

#include "cairn/plugin.h"

/* `table` is in this host's layout. -1 with INVALID, which names the place: "load FILE: action create: ...". */
int soundness_check(const struct cairn_plugin *table, const char *path, struct cairn_error *err);

#endif
