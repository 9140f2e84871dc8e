/*
 * buffer.c: text that grows; used by the signer and the protocols.
 * SPDX-License-Identifier: MIT
 */
#include "buffer.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

void
buffer_add(struct buffer *b, const char *text, size_t len)
{
    if (b->len + len + 1 > b->size) {
        b->size = (b->len + len + 1) * 2;
        b->text = alloc_grow(b->text, b->size, 1);
    }
    if (len)
        memcpy(b->text + b->len, text, len);
    b->len += len;
    b->text[b->len] = '\0';
}

void
buffer_str(struct buffer *b, const char *text)
{
    buffer_add(b, text, strlen(text));
}

void
buffer_encoded(struct buffer *b, const char *text, size_t len, char keep)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.'
                    || c == '_' || c == '~' || (keep && c == (unsigned char)keep);
        char code[3] = { '%', digits[c >> 4], digits[c & 15] };

        buffer_add(b, plain ? &text[i] : code, plain ? 1 : 3);
    }
}

char *
buffer_take(struct buffer *b)
{
    char *text;

    buffer_add(b, "", 0);
    text = b->text;
    *b = (struct buffer){ 0 };
    return text;
}

void
buffer_release(struct buffer *b)
{
    free(b->text);
    *b = (struct buffer){ 0 };
}
