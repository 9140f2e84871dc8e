/*
 * http.h: the simulator's HTTP server on the loopback address; used by the simulator's main.
 * SPDX-License-Identifier: MIT
 *
 * One thread, kept-alive connections. Each request is handed to `handle` when its body has arrived; the reply is sent
 * at once, late, in part or not at all, as the reply says.
 */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include "cairn/plugin.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX (8u << 20)

struct http_request {
    const char *method; /* "POST" */
    const char *target; /* as it stood in the request line, with the query */
    const json_t *headers; /* lower-case name to value; repeated ones joined by ',' */
    const char *body;
    size_t body_len;
    int64_t waited; /* wall ms since it was handled first; 0 but for a reply that goes on */
    int64_t cursor; /* what its last reply said */
};

enum http_way {
    HTTP_SEND, /* the whole reply */
    HTTP_CUT, /* close the connection without a byte */
    HTTP_TRUNCATE /* close the connection half-way through the body */
};

struct http_reply {
    unsigned status;
    json_t *headers; /* name to value; released by the server */
    char *body; /* freed by the server */
    size_t body_len;
    enum http_way way;
    int64_t delay; /* wall ms before the reply goes out */
    int64_t more; /* the reply goes on: handle the request anew in so many wall ms and send that body too; 0: it ends */
    int64_t cursor; /* handed to that handling */
};

typedef void http_handler(void *context, const struct http_request *request, struct http_reply *reply);

struct http_server;

/* What the server looks after besides: `run` is called when `fd` is readable, and at least every `every` ms. */
struct http_besides {
    int fd;
    int every;
    int (*run)(void *context, struct cairn_error *err);
    void *context;
};

/* Port 0 takes any free one. http_serve returns 0 when `stop_fd` becomes readable; `besides` may be NULL. */
int http_open(struct http_server **out, unsigned port, http_handler *handle, void *context, struct cairn_error *err);
unsigned http_port(const struct http_server *server);
int http_serve(struct http_server *server, int stop_fd, const struct http_besides *besides, struct cairn_error *err);
void http_close(struct http_server *server);

#endif
