/*
 * http.c: the simulator's HTTP server on the loopback address; used by the simulator's main.
 * SPDX-License-Identifier: MIT
 */
#include "http.h"

#include "common/alloc.h"
#include "common/clock.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* A reply that waits for its time; its connection is suspended. */
struct late {
    struct late *next;
    struct MHD_Connection *connection;
    int64_t due; /* wall ms */
};

struct http_server {
    struct MHD_Daemon *daemon;
    http_handler *handle;
    void *context; /* of handle */
    struct late *late; /* unsorted; few */
};

/* What belongs to one request between its first header and its reply. */
struct exchange {
    char *target; /* raw request target */
    char *body;
    size_t body_len;
    int started; /* headers were seen */
    struct http_server *server;
    struct MHD_Connection *connection;
    char *method;
    json_t *headers;
    int64_t since; /* wall ms when the handler ran first */
    int slept; /* of a reply that goes on: the time until its next part is over */
    size_t given; /* of a reply that goes on: bytes of its present part that are sent */
    int answered; /* the handler has run; reply waits for its time */
    struct http_reply reply;
};

/* The bytes of a truncated body. */
struct half {
    char *bytes;
    size_t len; /* where the connection breaks */
};

static void *
begin(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct exchange *x = alloc_zero(1, sizeof(*x));

    (void)context;
    (void)connection;
    x->target = alloc_str(uri);
    return x;
}

static void
finish(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *state;

    (void)context;
    (void)connection;
    (void)why;
    if (!x)
        return;
    free(x->target);
    free(x->body);
    free(x->method);
    json_decref(x->headers);
    free(x->reply.body);
    json_decref(x->reply.headers);
    free(x);
    *state = NULL;
}

static enum MHD_Result
add_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    json_t *headers = context;
    char *key = alloc_str(name);
    const char *before;

    (void)kind;
    for (char *p = key; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    before = json_string_value(json_object_get(headers, key));
    if (before) {
        char *both = alloc_printf("%s,%s", before, value ? value : "");

        json_object_set_new(headers, key, json_string(both));
        free(both);
    } else {
        json_object_set_new(headers, key, json_string(value ? value : ""));
    }
    free(key);
    return MHD_YES;
}

static ssize_t
give_half(void *context, uint64_t pos, char *buf, size_t max)
{
    struct half *h = context;
    size_t left = h->len - (size_t)pos;

    if (left == 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (left < max)
        max = left;
    memcpy(buf, h->bytes + pos, max);
    return (ssize_t)max;
}

static void
free_half(void *context)
{
    struct half *h = context;

    free(h->bytes);
    free(h);
}

static ssize_t give_more(void *context, uint64_t pos, char *buf, size_t max);

/* The reply's body is taken over, unless the reply goes on. */
static struct MHD_Response *
response_of(struct exchange *x)
{
    struct http_reply *reply = &x->reply;
    struct MHD_Response *response;
    struct half *h;

    if (reply->more > 0) {
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, give_more, x, NULL);
    } else if (reply->way == HTTP_TRUNCATE) {
        h = alloc_zero(1, sizeof(*h));
        h->bytes = reply->body;
        h->len = reply->body_len / 2;
        response = MHD_create_response_from_callback(reply->body_len, 4096, give_half, h, free_half);
    } else {
        response = MHD_create_response_from_buffer(reply->body_len, reply->body, MHD_RESPMEM_MUST_FREE);
    }
    if (!response)
        alloc_failed();
    if (reply->more == 0)
        reply->body = NULL;
    return response;
}

static enum MHD_Result
send_reply(struct exchange *x)
{
    struct MHD_Response *response;
    enum MHD_Result result;
    const char *name;
    json_t *value;

    if (x->reply.way == HTTP_CUT)
        return MHD_NO;
    response = response_of(x);
    json_object_foreach(x->reply.headers, name, value)
        MHD_add_response_header(response, name, json_string_value(value));
    result = MHD_queue_response(x->connection, x->reply.status, response);
    MHD_destroy_response(response);
    return result;
}

static void
put_off(struct http_server *server, struct MHD_Connection *connection, int64_t delay)
{
    struct late *l = alloc_zero(1, sizeof(*l));

    l->connection = connection;
    l->due = clock_wall() + delay;
    l->next = server->late;
    server->late = l;
    MHD_suspend_connection(connection);
}

/* Have the request handled. */
static void
ask(struct exchange *x)
{
    struct http_request request = { .method = x->method, .target = x->target, .headers = x->headers,
                                    .cursor = x->reply.cursor };

    request.body = x->body ? x->body : "";
    request.body_len = x->body_len;
    x->since = x->since ? x->since : clock_wall();
    request.waited = clock_wall() - x->since;
    free(x->reply.body);
    json_decref(x->reply.headers);
    memset(&x->reply, 0, sizeof(x->reply));
    x->given = 0;
    x->server->handle(x->server->context, &request, &x->reply);
    if (!x->reply.body)
        x->reply.body_len = 0;
}

/* The next bytes of a reply that goes on; while there are none, the connection sleeps. */
static ssize_t
give_more(void *context, uint64_t pos, char *buf, size_t max)
{
    struct exchange *x = context;
    size_t left = x->reply.body_len - x->given;

    (void)pos;
    if (left == 0 && x->reply.more == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (left == 0 && !x->slept) {
        x->slept = 1;
        put_off(x->server, x->connection, x->reply.more);
        return 0;
    }
    if (left == 0) {
        x->slept = 0;
        ask(x);
        return give_more(context, pos, buf, max);
    }
    if (left < max)
        max = left;
    memcpy(buf, x->reply.body + x->given, max);
    x->given += max;
    return (ssize_t)max;
}

static enum MHD_Result
answer(struct exchange *x)
{
    ask(x);
    x->answered = 1;
    if (x->reply.delay > 0) {
        put_off(x->server, x->connection, x->reply.delay);
        return MHD_YES;
    }
    return send_reply(x);
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
           const char *data, size_t *data_len, void **state)
{
    struct exchange *x = *state;

    (void)url;
    (void)version;
    if (x->answered)
        return send_reply(x);
    if (!x->started) {
        x->started = 1;
        x->server = context;
        x->connection = connection;
        x->method = alloc_str(method);
        x->headers = json_object();
        MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, x->headers);
        return MHD_YES;
    }
    if (*data_len > 0) {
        if (x->body_len + *data_len > HTTP_BODY_MAX)
            return MHD_NO;
        x->body = alloc_grow(x->body, x->body_len + *data_len + 1, 1);
        memcpy(x->body + x->body_len, data, *data_len);
        x->body_len += *data_len;
        x->body[x->body_len] = '\0';
        *data_len = 0;
        return MHD_YES;
    }
    return answer(x);
}

static void
resume_late(struct http_server *server)
{
    struct late **at = &server->late;
    int64_t now = clock_wall();

    while (*at) {
        struct late *l = *at;

        if (l->due > now) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        MHD_resume_connection(l->connection);
        free(l);
    }
}

int
http_open(struct http_server **out, unsigned port, http_handler *handle, void *context, struct cairn_error *err)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct http_server *server = alloc_zero(1, sizeof(*server));

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->handle = handle;
    server->context = context;
    errno = 0;
    server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, (uint16_t)port, NULL, NULL, on_request,
                                      server, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_URI_LOG_CALLBACK, begin, NULL,
                                      MHD_OPTION_NOTIFY_COMPLETED, finish, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                      (size_t)262144, MHD_OPTION_END);
    if (!server->daemon) {
        free(server);
        return cairn_fail(err, CAIRN_ERR_FAILED, "listen on 127.0.0.1:%u: %s", port,
                          errno ? strerror(errno) : "cannot start the server");
    }
    *out = server;
    return 0;
}

unsigned
http_port(const struct http_server *server)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);

    assert(info);
    return info->port;
}

/* The wall ms until the server or a late reply has something to do; -1: nothing but to listen. */
static int
wait_time(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG daemon = 0;
    int64_t now = clock_wall();
    int64_t ms = -1;

    for (const struct late *l = server->late; l; l = l->next) {
        int64_t left = l->due > now ? l->due - now : 0;

        ms = ms < 0 || left < ms ? left : ms;
    }
    if (MHD_get_timeout(server->daemon, &daemon) == MHD_YES && (ms < 0 || (int64_t)daemon < ms))
        ms = (int64_t)daemon;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int
shorter(int ms, const struct http_besides *besides)
{
    return besides && (ms < 0 || ms > besides->every) ? besides->every : ms;
}

int
http_serve(struct http_server *server, int stop_fd, const struct http_besides *besides, struct cairn_error *err)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd fds[3] = { { .events = POLLIN }, { .fd = stop_fd, .events = POLLIN }, { .fd = -1, .events = POLLIN } };

    assert(info);
    fds[0].fd = info->epoll_fd;
    fds[2].fd = besides ? besides->fd : -1;
    for (;;) {
        resume_late(server);
        if (MHD_run(server->daemon) != MHD_YES)
            return cairn_fail(err, CAIRN_ERR_FAILED, "serve http: the server library failed");
        if (besides && besides->run(besides->context, err) < 0)
            return -1;
        if (poll(fds, 3, shorter(wait_time(server), besides)) < 0 && errno != EINTR)
            return cairn_fail(err, CAIRN_ERR_FAILED, "serve http: poll: %s", strerror(errno));
        if (fds[1].revents)
            return 0;
    }
}

void
http_close(struct http_server *server)
{
    if (!server)
        return;
    while (server->late) {
        struct late *l = server->late;

        server->late = l->next;
        MHD_resume_connection(l->connection);
        free(l);
    }
    MHD_stop_daemon(server->daemon);
    free(server);
}
