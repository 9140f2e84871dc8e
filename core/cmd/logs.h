/*
 * logs.h: the log lines of a run, in STATE/logs/RUN.jsonl; written by the one who drives it, shown by `cairn logs`.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_LOGS_H
#define CAIRN_LOGS_H

#include <stdint.h>

/* Append {"t","text"}. A log that can't be written is no reason to stop a run: the first failure is told, once. */
void logs_append(const char *state_dir, const char *run, int64_t t, const char *text);

#endif
