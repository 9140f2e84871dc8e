/*
 * frame.h: length-prefixed JSON messages over a socket; used between engine, script host and worker.
 * SPDX-License-Identifier: MIT
 *
 * A frame is four bytes, the length of the text in network order, and then one JSON object. FRAME_MAX bounds it on both
 * sides: a longer one is an error before it is sent, and the end of the connection when it arrives.
 */
#ifndef CAIRN_FRAME_H
#define CAIRN_FRAME_H

#include "cairn/plugin.h"

#include <jansson.h>
#include <stddef.h>

#define FRAME_MAX (64u << 20)
#define FRAME_FD 3 /* the descriptor under which a script host or worker finds its socket */

/* Blocking, for script host and worker. 0, or -1 with err. frame_read gives a new reference; at a clean end-of-file
 * it returns 0 with *out NULL. */
int frame_write(int fd, const json_t *message, struct cairn_error *err);
int frame_read(int fd, json_t **out, struct cairn_error *err);

/* For the engine: one frame as bytes to write; *out is freed with free(). */
int frame_pack(const json_t *message, char **out, size_t *len, struct cairn_error *err);

/* For the engine: bytes as they arrive. frame_take gives 1 and a new reference for a whole frame, 0 when more bytes are
 * needed, -1 with err when what came is not a frame. */
struct frame_buffer {
    char *bytes; /* what has arrived and is not taken yet */
    size_t len, size;
};
void frame_feed(struct frame_buffer *buffer, const char *bytes, size_t len);
int frame_take(struct frame_buffer *buffer, json_t **out, struct cairn_error *err);
void frame_release(struct frame_buffer *buffer);

#endif
