/*
 * text.c: texts in JSON objects; used by the engine and the commands.
 * SPDX-License-Identifier: MIT
 */
#include "common/text.h"

const char *
text_member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}
