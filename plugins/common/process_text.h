/*
 * process_text.h: what a program writes, of which the beginning and the end are kept; used by process.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_PROCESS_TEXT_H
#define CAIRN_PROCESS_TEXT_H

#include "process.h"

struct text_store {
    size_t keep; /* bytes of the whole */
    char *head; /* the first keep/2 */
    size_t head_len;
    char *tail; /* a ring of the last keep - keep/2 */
    size_t tail_size, tail_at, tail_len; /* its room, where the next byte goes, how many there are */
    size_t total; /* bytes that came */
};

void text_store_init(struct text_store *store, size_t keep);
void text_store_add(struct text_store *store, const char *bytes, size_t len);
char *text_store_last_line(const struct text_store *store); /* a new text; "" if there is none */
void text_store_finish(struct text_store *store, struct process_text *out); /* takes all that the store has */

#endif
