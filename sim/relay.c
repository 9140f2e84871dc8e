/*
 * relay.c: addresses on loopback that lead to whatever server has their name now; used by the simulator's keeper.
 * SPDX-License-Identifier: MIT
 */
#include "relay.h"

#include "common/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUFFER 65536

/* One direction of a connection. */
struct stream {
    char bytes[BUFFER];
    size_t from, to; /* bytes[from..to) are read and not written yet */
    int ended; /* nothing more comes */
    int closed; /* and the other side was told so */
};

struct link {
    struct link *next;
    int fds[2]; /* the client's and the server's */
    struct stream streams[2]; /* what came from fds[0], and from fds[1] */
    int broken;
    size_t watched; /* where its two are in the list of poll(); SIZE_MAX: not in it yet */
};

struct name {
    struct name *next;
    char *text;
    char *path; /* NULL: nowhere */
    int fd; /* that listens */
    unsigned port;
    struct link *links;
    size_t watched;
};

struct relay {
    struct name *names;
};

struct relay *
relay_new(void)
{
    return alloc_zero(1, sizeof(struct relay));
}

static void
link_free(struct link *l)
{
    close(l->fds[0]);
    close(l->fds[1]);
    free(l);
}

static void
cut_links(struct name *n)
{
    while (n->links) {
        struct link *l = n->links;

        n->links = l->next;
        link_free(l);
    }
}

static struct name *
find(const struct relay *relay, const char *text)
{
    struct name *n = relay->names;

    while (n && strcmp(n->text, text) != 0)
        n = n->next;
    return n;
}

static int
listen_anywhere(unsigned *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0
        || getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

int
relay_port(struct relay *relay, const char *name, unsigned *port, struct cairn_error *err)
{
    struct name *n = find(relay, name);
    int fd;

    if (!n) {
        fd = listen_anywhere(port);
        if (fd < 0)
            return cairn_fail(err, CAIRN_ERR_FAILED, "listen for %s: %s", name, strerror(errno));
        n = alloc_zero(1, sizeof(*n));
        n->text = alloc_str(name);
        n->fd = fd;
        n->port = *port;
        n->watched = SIZE_MAX;
        n->next = relay->names;
        relay->names = n;
    }
    *port = n->port;
    return 0;
}

void
relay_lead(struct relay *relay, const char *name, const char *path)
{
    struct name *n = find(relay, name);

    if (!n)
        return;
    cut_links(n);
    free(n->path);
    n->path = path ? alloc_str(path) : NULL;
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

size_t
relay_count(const struct relay *relay)
{
    size_t count = 0;

    for (const struct name *n = relay->names; n; n = n->next) {
        count++;
        for (const struct link *l = n->links; l; l = l->next)
            count += 2;
    }
    return count;
}

/* A side is read while its buffer is empty, and written while the other's isn't. */
static short
wanted(const struct link *l, int side)
{
    const struct stream *in = &l->streams[side];
    const struct stream *out = &l->streams[!side];

    return (short)((!in->ended && in->from == in->to ? POLLIN : 0) | (out->from < out->to ? POLLOUT : 0));
}

void
relay_watch(struct relay *relay, struct pollfd *fds)
{
    size_t count = 0;

    for (struct name *n = relay->names; n; n = n->next) {
        n->watched = count;
        fds[count++] = (struct pollfd){ .fd = n->fd, .events = POLLIN };
        for (struct link *l = n->links; l; l = l->next) {
            l->watched = count;
            for (int side = 0; side < 2; side++) {
                short events = wanted(l, side);

                fds[count++] = (struct pollfd){ .fd = events ? l->fds[side] : -1, .events = events };
            }
        }
    }
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static int
connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void
take_client(struct name *n)
{
    int on = 1;
    int client = accept4(n->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int server = client >= 0 && n->path ? connect_to(n->path) : -1;
    struct link *l;

    if (server < 0) {
        if (client >= 0)
            close(client);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    l = alloc_zero(1, sizeof(*l));
    l->fds[0] = client;
    l->fds[1] = server;
    l->watched = SIZE_MAX;
    l->next = n->links;
    n->links = l;
}

static void
take_bytes(struct link *l, int side)
{
    struct stream *s = &l->streams[side];
    ssize_t n = recv(l->fds[side], s->bytes, sizeof(s->bytes), 0);

    if (n > 0) {
        s->from = 0;
        s->to = (size_t)n;
    } else if (n == 0) {
        s->ended = 1;
    } else if (errno != EAGAIN && errno != EINTR) {
        l->broken = 1;
    }
}

static void
give_bytes(struct link *l, int side)
{
    struct stream *s = &l->streams[!side];
    ssize_t n = s->from < s->to ? send(l->fds[side], s->bytes + s->from, s->to - s->from, MSG_NOSIGNAL) : 0;

    if (n > 0)
        s->from += (size_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        l->broken = 1;
    if (s->ended && !s->closed && s->from == s->to) {
        s->closed = 1;
        shutdown(l->fds[side], SHUT_WR);
    }
}

static void
run_link(struct link *l, const struct pollfd *fds)
{
    for (int side = 0; side < 2; side++)
        if (fds[side].fd >= 0 && (fds[side].revents & (POLLIN | POLLHUP | POLLERR)) && !l->streams[side].ended
            && l->streams[side].from == l->streams[side].to)
            take_bytes(l, side);
    for (int side = 0; side < 2; side++)
        give_bytes(l, side);
    if (l->streams[0].closed && l->streams[1].closed)
        l->broken = 1;
}

static void
run_links(struct name *n, const struct pollfd *fds)
{
    struct link **at = &n->links;

    while (*at) {
        struct link *l = *at;

        if (l->watched != SIZE_MAX)
            run_link(l, fds + l->watched);
        if (!l->broken) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        link_free(l);
    }
}

void
relay_run(struct relay *relay, const struct pollfd *fds)
{
    for (struct name *n = relay->names; n; n = n->next) {
        run_links(n, fds);
        if (n->watched != SIZE_MAX && fds[n->watched].revents)
            take_client(n);
    }
}

void
relay_free(struct relay *relay)
{
    while (relay && relay->names) {
        struct name *n = relay->names;

        relay->names = n->next;
        cut_links(n);
        close(n->fd);
        free(n->text);
        free(n->path);
        free(n);
    }
    free(relay);
}
