/*
 * process_text.c: what a program writes, of which the beginning and the end are kept; used by process.c.
 * SPDX-License-Identifier: MIT
 */
#include "process_text.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define LINE_LOOK 400 /* how far back the last line is looked for */

void
text_store_init(struct text_store *store, size_t keep)
{
    memset(store, 0, sizeof(*store));
    store->keep = keep;
    store->tail_size = keep - keep / 2;
    store->head = alloc_zero(keep / 2 + 1, 1);
    store->tail = alloc_zero(store->tail_size + 1, 1);
}

void
text_store_add(struct text_store *store, const char *bytes, size_t len)
{
    size_t room = store->keep / 2 - store->head_len;
    size_t first = len < room ? len : room;

    store->total += len;
    memcpy(store->head + store->head_len, bytes, first);
    store->head_len += first;
    for (size_t i = first; i < len; i++) {
        store->tail[store->tail_at] = bytes[i];
        store->tail_at = (store->tail_at + 1) % store->tail_size;
        if (store->tail_len < store->tail_size)
            store->tail_len++;
    }
}

/* The tail in its order. */
static void
copy_tail(const struct text_store *store, char *to)
{
    size_t from = store->tail_len < store->tail_size ? 0 : store->tail_at;
    size_t first = store->tail_len - from;

    memcpy(to, store->tail + from, first);
    memcpy(to + first, store->tail, store->tail_len - first);
}

char *
text_store_last_line(const struct text_store *store)
{
    char *all = alloc_zero(store->head_len + store->tail_len + 1, 1);
    char *begin = all, *line, *end;

    memcpy(all, store->head, store->head_len);
    copy_tail(store, all + store->head_len);
    end = all + store->head_len + store->tail_len;
    if (end - all > LINE_LOOK)
        begin = end - LINE_LOOK;
    while (end > begin && (end[-1] == '\n' || end[-1] == '\r'))
        *--end = '\0';
    line = end;
    while (line > begin && line[-1] != '\n')
        line--;
    line = alloc_strn(line, (size_t)(end - line));
    explicit_bzero(all, store->head_len + store->tail_len);
    free(all);
    return line;
}

static void
discard(char *owned, size_t len)
{
    explicit_bzero(owned, len);
    free(owned);
}

void
text_store_finish(struct text_store *store, struct process_text *out)
{
    size_t kept = store->head_len + store->tail_len;
    char *mark = store->total > kept ? alloc_printf("\n[... %zu bytes left out ...]\n", store->total - kept) : NULL;
    size_t mark_len = mark ? strlen(mark) : 0;

    out->text = alloc_zero(kept + mark_len + 1, 1);
    out->len = kept + mark_len;
    out->cut = mark != NULL;
    memcpy(out->text, store->head, store->head_len);
    if (mark)
        memcpy(out->text + store->head_len, mark, mark_len);
    copy_tail(store, out->text + store->head_len + mark_len);
    for (size_t i = 0; i < out->len; i++)
        if (out->text[i] == '\0')
            out->text[i] = '?'; /* a text of a result has none inside */
    discard(store->head, store->head_len);
    discard(store->tail, store->tail_len);
    free(mark);
    memset(store, 0, sizeof(*store));
}
