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

void checksum_hex(char hex[CHECKSUM_SIZE], const char *bytes, size_t len);

#endif
