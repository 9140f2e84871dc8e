/*
 * ask.h: ask plugins something outside of any run; used by the command `doctor`.
 * SPDX-License-Identifier: MIT
 *
 * Each question is the call of a READ action without arguments, in a worker of its own that is ended afterwards. Nothing
 * is recorded. Log lines of the plugins are handed on.
 */
#ifndef CAIRN_ASK_H
#define CAIRN_ASK_H

#include "engine/config.h"
#include "engine/plugins.h"

struct ask {
    const char *plugin, *action;
    void *data;
    void (*log)(void *data, const char *text); /* may be NULL */
    /* Filled in: */
    json_t *reply; /* as a worker answers (doc/PROTOCOL.md), secrets sealed; the caller's */
    int64_t ms; /* wall time until it came */
};

/* Ask all at once and wait at most `limit_ms` of wall time: who hasn't answered by then has an error of kind timeout.
 * -1 only when nobody could be asked. */
int ask_all(struct ask *asks, size_t count, struct config *config, struct plugins *plugins, int64_t limit_ms,
            struct cairn_error *err);

#endif
