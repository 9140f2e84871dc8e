/*
 * prune.h: only the wanted members of a JSON document; used by plugins whose results are recorded.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_PRUNE_H
#define CAIRN_PRUNE_H

#include "cairn/plugin.h"

/* A copy of `value` in which maps have only the members that `names` (a list of texts) holds, at any depth; lists keep
 * all their members. The whole when `names` is NULL. What isn't wanted may be secret, and results are recorded. */
struct cairn_value *prune(const struct cairn_value *value, const struct cairn_value *names);

#endif
