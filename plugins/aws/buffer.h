/*
 * buffer.h: text that grows; used by the signer and the protocols.
 * SPDX-License-Identifier: MIT
 */
#ifndef AWS_BUFFER_H
#define AWS_BUFFER_H

#include <stddef.h>

struct buffer {
    char *text;  /* NUL-terminated; NULL while empty */
    size_t len;  /* without the NUL */
    size_t size; /* allocated */
};

void buffer_add(struct buffer *b, const char *text, size_t len);
void buffer_str(struct buffer *b, const char *text);
void buffer_encoded(struct buffer *b, const char *text, size_t len,
                    char keep);      /* percent-encoded; `keep` stays, 0: none */
char *buffer_take(struct buffer *b); /* the text, never NULL; freed with free() */
void buffer_release(struct buffer *b);

#endif
