/*
 * checksum.h: digests of texts and files; used by execute.c and by the action checksum_files.
 * SPDX-License-Identifier: MIT
 */
#ifndef POSTGRES_CHECKSUM_H
#define POSTGRES_CHECKSUM_H

#include "cairn/plugin.h"

#include <stddef.h>

#define CHECKSUM_SIZE 65 /* hex digits of SHA-256, and the end */
#define CHECKSUM_FILE_MAX (16u << 20)

/* A file of the arguments: relative paths start from the configuration's folder. Read whole; freed with free(). */
int checksum_read(char **text, size_t *len, struct cairn_call *call, const char *path, struct cairn_error *err);
void checksum_hex(char hex[CHECKSUM_SIZE], const char *bytes, size_t len);

#endif
