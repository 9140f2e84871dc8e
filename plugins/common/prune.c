/*
 * prune.c: only the wanted members of a JSON document; used by plugins whose results are recorded.
 * SPDX-License-Identifier: MIT
 */
#include "prune.h"

#include <string.h>

static int
is_wanted(const struct cairn_value *names, const char *key)
{
    for (size_t i = 0; i < cairn_count(names); i++)
        if (strcmp(cairn_as_str(cairn_at(names, i), ""), key) == 0)
            return 1;
    return 0;
}

struct cairn_value *
prune(const struct cairn_value *value, const struct cairn_value *names)
{
    struct cairn_value *out;

    if (!names || (cairn_type(value) != CAIRN_MAP && cairn_type(value) != CAIRN_LIST))
        return cairn_copy(value);
    if (cairn_type(value) == CAIRN_LIST) {
        out = cairn_list();
        for (size_t i = 0; i < cairn_count(value); i++)
            cairn_add(out, prune(cairn_at(value, i), names));
        return out;
    }
    out = cairn_map();
    for (size_t i = 0; i < cairn_count(value); i++)
        if (is_wanted(names, cairn_key(value, i)))
            cairn_put(out, cairn_key(value, i), prune(cairn_at(value, i), names));
    return out;
}
