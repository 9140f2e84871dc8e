/*
 * text.h: base64, digests, files and times as Kubernetes writes them; used by the plugin kubernetes.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_KUBERNETES_TEXT_H
#define CAIRN_KUBERNETES_TEXT_H

#include "cairn/plugin.h"

#define TEXT_MISSING "ENOENT"
#define TEXT_SHA256 65 /* 64 hex digits and the end */

char *text_base64(const char *bytes, size_t len); /* free() it */
/* The bytes, with a NUL behind them, and their number; NULL when it isn't base64. Freed with text_wipe(). */
char *text_unbase64(const char *text, size_t *len);
int text_sha256(char hex[TEXT_SHA256], const char *bytes, size_t len, struct cairn_error *err);
void text_wipe(char *owned); /* clears a string before it frees it; takes NULL */

/* A whole file of at most `max` bytes, NUL-terminated. A missing one has the code TEXT_MISSING; `what` stands in
 * messages. */
int text_read_file(char **out, const char *path, const char *what, size_t max, struct cairn_error *err);

int64_t text_time(const char *rfc3339); /* ms since 1970; -1 when it isn't a time */
void text_format_time(char out[32], int64_t ms); /* "2026-11-20T13:36:57.123Z" */

#endif
