/*
 * progress.h: what a person sees on stderr while runs are driven; used by run.c.
 * SPDX-License-Identifier: MIT
 *
 * On a terminal, what changes is a line each, and below them a live line for each open step, wait and timer, drawn anew
 * several times a second. Anywhere else there are only lines, and a heartbeat when nothing has changed for long. Times
 * are on the run's clock.
 */
#ifndef CAIRN_PROGRESS_H
#define CAIRN_PROGRESS_H

#include "engine/run.h"

struct progress;

struct progress *progress_new(int64_t heartbeat); /* ms of wall time */
void progress_free(struct progress *progress);
void progress_elsewhere(struct progress *progress); /* say with each question how another terminal answers it */
void progress_hush(struct progress *progress, int hush); /* no live lines and no heartbeat while a person types */

void progress_record(struct progress *progress, const struct run *run, const json_t *record);
/* What a step or wait says of itself. */
void progress_note(struct progress *progress, const struct run *run, const char *id, const char *text);
void progress_log(struct progress *progress, const char *text);
void progress_tick(struct progress *progress, const struct run *const *runs, size_t count);
/* A line with the time before it. */
void progress_line(struct progress *progress, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void progress_end(struct progress *progress); /* no live line stays behind */

#endif
