/*
 * wanted.h: is what a reply shows what an argument asks for? Used by the looks of actions that set values.
 * SPDX-License-Identifier: MIT
 */
#ifndef AWS_WANTED_H
#define AWS_WANTED_H

#include "cairn/plugin.h"

int wanted_is(const struct cairn_value *wanted, const char *text); /* as it would be sent; NULL is none */
int wanted_is_name(const struct cairn_value *wanted, const char *text); /* the same, lower and upper case alike */
int wanted_is_list(const struct cairn_value *wanted, const struct cairn_value *list); /* in any order */
/* A scalar or a list, against a member of a result; what isn't there is like an empty text or list. */
int wanted_is_value(const struct cairn_value *wanted, const struct cairn_value *value);

#endif
