/*
 * tls-front.c: TLS in front of a plain server on 127.0.0.1, so that certificates can be tried; used by tests.
 * SPDX-License-Identifier: MIT
 *
 *     tls-front BACKEND_PORT CERT.pem KEY.pem [CLIENT_CA.pem]
 *
 * Prints its port on a line of its own, then serves until it is ended. With CLIENT_CA.pem only clients whose
 * certificate that authority has signed are let through. A client that takes it for its proxy is let through as well:
 * a CONNECT is answered by 200, and what follows is for the server, whatever host was named.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void
give_up(const char *what)
{
    fprintf(stderr, "tls-front: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct sockaddr_in
loopback(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int
listen_somewhere(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 16) < 0
        || getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        give_up("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static SSL_CTX *
make_context(const char *cert, const char *key, const char *client_ca)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (!context || SSL_CTX_use_certificate_file(context, cert, SSL_FILETYPE_PEM) != 1
        || SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        give_up("read certificate and key");
    if (client_ca && SSL_CTX_load_verify_locations(context, client_ca, NULL) != 1)
        give_up("read the authority of clients");
    if (client_ca)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); /* so that a refusal comes within the handshake */
    return context;
}

/* Move bytes both ways until one side ends. */
static void
relay(SSL *tls, int front, int back)
{
    struct pollfd fds[2] = { { front, POLLIN, 0 }, { back, POLLIN, 0 } };
    char bytes[16384];
    ssize_t n;

    for (;;) {
        if (SSL_pending(tls) == 0 && poll(fds, 2, 60000) <= 0)
            return;
        if (SSL_pending(tls) > 0 || fds[0].revents) {
            n = SSL_read(tls, bytes, sizeof(bytes));
            if (n <= 0 || send(back, bytes, (size_t)n, MSG_NOSIGNAL) != n)
                return;
        }
        if (fds[1].revents) {
            n = read(back, bytes, sizeof(bytes));
            if (n <= 0 || SSL_write(tls, bytes, (int)n) != n)
                return;
        }
    }
}

/* A client that speaks to a proxy first says CONNECT and a few headers, and then waits. */
static void
answer_connect(int front)
{
    char head[4096];
    ssize_t n = recv(front, head, 8, MSG_PEEK);
    size_t len = 0;

    if (n < 8 || memcmp(head, "CONNECT ", 8) != 0)
        return;
    while (len < sizeof(head) - 1 && (n = read(front, head + len, 1)) == 1) {
        head[++len] = '\0';
        if (len >= 4 && strcmp(head + len - 4, "\r\n\r\n") == 0)
            break;
    }
    dprintf(front, "HTTP/1.1 200 Connected\r\n\r\n");
}

static void
serve(SSL_CTX *context, int front, int backend_port)
{
    struct sockaddr_in address = loopback(backend_port);
    int back = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *tls = SSL_new(context);

    answer_connect(front);
    if (tls && SSL_set_fd(tls, front) == 1 && SSL_accept(tls) == 1 && back >= 0
        && connect(back, (struct sockaddr *)&address, sizeof(address)) == 0) {
        relay(tls, front, back);
        SSL_shutdown(tls);
    }
    SSL_free(tls);
    close(back);
    close(front);
}

int
main(int argc, char **argv)
{
    SSL_CTX *context;
    int fd;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: tls-front BACKEND_PORT CERT.pem KEY.pem [CLIENT_CA.pem]\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    context = make_context(argv[2], argv[3], argc > 4 ? argv[4] : NULL);
    fd = listen_somewhere();
    for (;;) {
        int front = accept(fd, NULL, NULL);

        if (front < 0)
            give_up("accept");
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(fd);
            serve(context, front, atoi(argv[1]));
            SSL_CTX_free(context);
            _exit(0);
        }
        close(front);
    }
}
