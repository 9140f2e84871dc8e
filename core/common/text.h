/*
 * text.h: texts in JSON objects; used by the engine and the commands.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_TEXT_H
#define CAIRN_TEXT_H

#include <jansson.h>

const char *text_member(const json_t *object, const char *name); /* "" when it is missing or no text; borrowed */

#endif
