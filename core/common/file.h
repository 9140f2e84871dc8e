/*
 * file.h: whole small files; used by engine, simulator and commands.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_FILE_H
#define CAIRN_FILE_H

#include "cairn/plugin.h"

#include <stddef.h>

/* Read a regular file of at most `max` bytes; *out is NUL-terminated and freed with free(). Missing is NOT_FOUND. */
int file_read(char **out, size_t *len, const char *path, size_t max, struct cairn_error *err);

#endif
