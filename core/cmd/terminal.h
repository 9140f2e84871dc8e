/*
 * terminal.h: ask the person at the terminal the questions of the runs that are being driven; used by run.c.
 * SPDX-License-Identifier: MIT
 *
 * Nothing blocks: the engine goes on while the person thinks, and an answer that comes from elsewhere ends the
 * question.
 */
#ifndef CAIRN_TERMINAL_H
#define CAIRN_TERMINAL_H

#include "cmd/progress.h"
#include "engine/engine.h"

struct terminal;

int terminal_there(void); /* stdin and stderr are terminals */
struct terminal *terminal_new(struct progress *progress, const char *by);
void terminal_free(struct terminal *terminal); /* takes NULL */
void terminal_tick(struct terminal *terminal, struct engine *engine, const struct run *const *runs, size_t count);

#endif
