/*
 * alloc.h: memory that is there or ends the process; used by everything.
 * SPDX-License-Identifier: MIT
 *
 * Memory exhaustion ends the process with one line and status 1: the journal is the recovery.
 */
#ifndef CAIRN_ALLOC_H
#define CAIRN_ALLOC_H

#include <stddef.h>

void *alloc_zero(size_t count, size_t size);
void *alloc_grow(void *owned, size_t count, size_t size); /* realloc; what is added is not cleared */
char *alloc_str(const char *text); /* NULL gives NULL */
char *alloc_strn(const char *text, size_t len);
char *alloc_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* JSON values are there or end the process as well: jansson would leave out what it has no memory for. Call it first. */
void alloc_for_json(void);
void alloc_failed(void) __attribute__((noreturn)); /* for libraries that report exhaustion themselves */

#endif
