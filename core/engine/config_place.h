/*
 * config_place.h: what the files that read the config share; included by config*.c only.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_CONFIG_PLACE_H
#define CAIRN_CONFIG_PLACE_H

#include "engine/config.h"

/* INVALID with "FILE:LINE: path: why"; `at` is a path like "/aws/region". Returns -1. */
int config_refuse(const struct config *config, const char *at, struct cairn_error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int config_is_own(const char *key); /* a key of cairn itself */
json_t *config_own_keys(void); /* list; a new reference */
char *config_absolute(const char *path, const char *folder); /* "~/" is home; a new text */
const char *config_secret_name(const json_t *value); /* of {secret: NAME}; NULL for all else */

#endif
