/*
 * wanted.c: is what a reply shows what an argument asks for? Used by the looks of actions that set values.
 * SPDX-License-Identifier: MIT
 */
#include "wanted.h"

#include "query.h"

#include <string.h>

static int
matches(const struct cairn_value *wanted, const char *text, int (*compare)(const char *a, const char *b))
{
    struct cairn_value *sent;
    int same;

    if (!text)
        return 0;
    sent = query_text(wanted);
    same = compare(cairn_as_str(sent, ""), text) == 0;
    cairn_free(sent);
    return same;
}

int
wanted_is(const struct cairn_value *wanted, const char *text)
{
    return matches(wanted, text, strcmp);
}

int
wanted_is_name(const struct cairn_value *wanted, const char *text)
{
    return matches(wanted, text, strcasecmp);
}

static int
is_among(const struct cairn_value *value, const struct cairn_value *list)
{
    for (size_t i = 0; i < cairn_count(list); i++)
        if (wanted_is(value, cairn_as_str(cairn_at(list, i), "")))
            return 1;
    return 0;
}

static int
are_among(const struct cairn_value *values, const struct cairn_value *list)
{
    for (size_t i = 0; i < cairn_count(values); i++)
        if (!is_among(cairn_at(values, i), list))
            return 0;
    return 1;
}

int
wanted_is_list(const struct cairn_value *wanted, const struct cairn_value *list)
{
    return are_among(wanted, list) && are_among(list, wanted);
}

int
wanted_is_value(const struct cairn_value *wanted, const struct cairn_value *value)
{
    struct cairn_value *text;
    int same;

    if (cairn_type(wanted) == CAIRN_LIST)
        return wanted_is_list(wanted, value);
    text = cairn_type(value) == CAIRN_NULL ? cairn_str("") : query_text(value);
    same = wanted_is(wanted, cairn_as_str(text, ""));
    cairn_free(text);
    return same;
}
