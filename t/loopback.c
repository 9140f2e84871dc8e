/*
 * loopback.c: a small HTTP server on 127.0.0.1 that misbehaves on demand; used by the worker's tests.
 * SPDX-License-Identifier: MIT
 */
#include "loopback.h"

#include "workerlib.h"

#include "common/alloc.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD_MAX 16384

struct connection {
    int fd, number;
    SSL *tls; /* NULL without */
    char head[HEAD_MAX + 1]; /* of the request */
};

static int log_fd, release_fd; /* the server's ends */
static SSL_CTX *tls_context;
static atomic_int died_once;

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static int
take_byte(struct connection *c, char *byte)
{
    return c->tls ? SSL_read(c->tls, byte, 1) == 1 : read(c->fd, byte, 1) == 1;
}

/* In blocks: a large body byte by byte takes a busy host longer than a request may. 0 at the end of the connection. */
static int
take_body(struct connection *c, long left)
{
    char block[16384];

    while (left > 0) {
        size_t most = left < (long)sizeof(block) ? (size_t)left : sizeof(block);
        ssize_t n = c->tls ? SSL_read(c->tls, block, (int)most) : read(c->fd, block, most);

        if (n <= 0)
            return 0;
        left -= n;
    }
    return 1;
}

static void
give(struct connection *c, const char *bytes, size_t len)
{
    ssize_t n = c->tls ? SSL_write(c->tls, bytes, (int)len) : send(c->fd, bytes, len, MSG_NOSIGNAL);

    (void)n; /* a client that went away is what some tests want */
}

static void
say(struct connection *c, const char *text)
{
    give(c, text, strlen(text));
}

/* The head of a request and its body. 0 at the end of the connection. */
static int
read_request(struct connection *c)
{
    size_t len = 0;
    const char *length;

    c->head[0] = '\0';
    while (len < HEAD_MAX && !strstr(c->head + (len > 4 ? len - 4 : 0), "\r\n\r\n")) {
        if (!take_byte(c, &c->head[len]))
            return 0;
        c->head[++len] = '\0';
    }
    length = strcasestr(c->head, "\r\nContent-Length:");
    return take_body(c, length ? atol(length + 17) : 0);
}

/* ---- what happens ------------------------------------------------------------------------------------------------ */

static void
reset(struct connection *c)
{
    struct linger hard = { 1, 0 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

static void
echo(struct connection *c)
{
    char head[64];

    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(c->head));
    say(c, head);
    say(c, c->head);
}

static void
many_heads(struct connection *c)
{
    char line[1024];

    memset(line, 'x', sizeof(line));
    memcpy(line, "X-Long: ", 8);
    memcpy(line + sizeof(line) - 2, "\r\n", 2);
    say(c, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 1024; i++)
        give(c, line, sizeof(line));
}

static void
big(struct connection *c)
{
    char body[1000];

    memset(body, 'x', sizeof(body));
    say(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    give(c, body, sizeof(body));
}

static void
wait_for_release(void)
{
    char byte;
    ssize_t n = read(release_fd, &byte, 1);

    (void)n;
}

/* 1 when the connection goes on. */
static int
answer(struct connection *c, const char *what)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok";

    if (strcmp(what, "echo") == 0)
        return echo(c), 1;
    if (strcmp(what, "redirect") == 0)
        return say(c, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n"), 1;
    if (strcmp(what, "500") == 0)
        return say(c, "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"), 1;
    if (strcmp(what, "big") == 0)
        return big(c), 1;
    if (strcmp(what, "cut") == 0)
        return say(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"), 0;
    if (strcmp(what, "cut-chunks") == 0)
        return say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), 0;
    if (strcmp(what, "garbage") == 0)
        return say(c, "Who is there? There is nobody here that speaks this language.\r\n\r\n"), 0;
    if (strcmp(what, "heads") == 0)
        return many_heads(c), 0;
    if (strcmp(what, "reset") == 0)
        return reset(c), 0;
    if (strcmp(what, "die") == 0 || (strcmp(what, "die-once") == 0 && atomic_fetch_add(&died_once, 1) == 0))
        return 0;
    if (strcmp(what, "hang") == 0)
        for (;;)
            pause();
    if (strcmp(what, "wait") == 0)
        wait_for_release();
    return say(c, ok), strcmp(what, "last") != 0;
}

static int
serve_request(struct connection *c)
{
    char method[16] = "", target[256] = "", line[320];
    const char *slash;
    int len;

    sscanf(c->head, "%15s %255s", method, target);
    len = snprintf(line, sizeof(line), "%d %s %s\n", c->number, method, target);
    if (write(log_fd, line, (size_t)len) != len)
        _exit(1);
    if (strcmp(method, "CONNECT") == 0) {
        say(c, strncmp(target, "refused", 7) == 0 ? "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
                                                  : "HTTP/1.1 200 Yes\r\nX-Of: the-proxy\r\n\r\n");
        return 0;
    }
    slash = strrchr(target, '/');
    return answer(c, slash ? slash + 1 : target);
}

static void *
serve(void *context)
{
    struct connection *c = context;

    if (tls_context) {
        c->tls = SSL_new(tls_context);
        SSL_set_fd(c->tls, c->fd);
    }
    if (!c->tls || SSL_accept(c->tls) == 1)
        while (read_request(c) && serve_request(c))
            continue;
    SSL_free(c->tls);
    close(c->fd);
    free(c);
    return NULL;
}

static void __attribute__((noreturn))
accept_all(int listener)
{
    for (int number = 1;; number++) {
        struct connection *c = alloc_zero(1, sizeof(*c));
        pthread_t thread;

        c->fd = accept(listener, NULL, NULL);
        c->number = number;
        if (c->fd < 0 || pthread_create(&thread, NULL, serve, c) != 0)
            _exit(1);
        pthread_detach(thread);
    }
}

/* Nothing of the test stays open here: a worker ends when the last copy of its socket is closed. */
static void
keep_only(int a, int b, int c)
{
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
        if (fd != a && fd != b && fd != c)
            close(fd);
}

/* ---- for the tests ----------------------------------------------------------------------------------------------- */

void
loopback_start(struct loopback *l)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(address);
    int log[2], release[2];

    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(pipe2(log, O_CLOEXEC) | pipe2(release, O_CLOEXEC), 0);
    l->port = ntohs(address.sin_port);
    l->pid = fork();
    assert_true(l->pid >= 0);
    if (l->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        keep_only(listener, log[1], release[0]);
        log_fd = log[1];
        release_fd = release[0];
        accept_all(listener);
    }
    close(listener);
    close(log[1]);
    close(release[0]);
    l->log = log[0];
    l->release = release[1];
}

void
loopback_end(struct loopback *l)
{
    kill(l->pid, SIGKILL);
    waitpid(l->pid, NULL, 0);
    close(l->log);
    close(l->release);
}

void
loopback_await(struct loopback *l)
{
    struct pollfd ready = { .fd = l->log, .events = POLLIN };

    assert_int_equal(poll(&ready, 1, 30000), 1);
}

char *
loopback_log(struct loopback *l)
{
    struct pollfd ready = { .fd = l->log, .events = POLLIN };
    char *text = alloc_zero(65536, 1);
    size_t len = 0;
    ssize_t n;

    while (poll(&ready, 1, 0) == 1 && (n = read(l->log, text + len, 65535 - len)) > 0)
        len += (size_t)n;
    return text;
}

void
loopback_release(struct loopback *l)
{
    assert_int_equal(write(l->release, "x", 1), 1);
}

/* ---- TLS --------------------------------------------------------------------------------------------------------- */

static X509 *
certificate_for(const char *name, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    char *alternative = alloc_printf("DNS:%s", name);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_add_ext(cert, names, -1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    X509_EXTENSION_free(names);
    free(alternative);
    return cert;
}

static char *
text_of(BIO *bio)
{
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    char *text = alloc_strn(bytes, (size_t)len);

    BIO_free(bio);
    return text;
}

static void
trust_clients_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    X509_STORE_add_cert(SSL_CTX_get_cert_store(tls_context), ca);
    SSL_CTX_set_verify(tls_context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_max_proto_version(tls_context, TLS1_2_VERSION); /* so that a refusal comes within the handshake */
    X509_free(ca);
    BIO_free(bio);
}

void
loopback_start_tls(struct loopback *l, const char *name, char **cert_pem, char **key_pem, const char *client_ca_pem)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = certificate_for(name, key);
    BIO *cert_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_mem());

    PEM_write_bio_X509(cert_bio, cert);
    PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
    *cert_pem = text_of(cert_bio);
    *key_pem = text_of(key_bio);
    tls_context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(tls_context, cert);
    SSL_CTX_use_PrivateKey(tls_context, key);
    if (client_ca_pem)
        trust_clients_of(client_ca_pem);
    loopback_start(l);
    SSL_CTX_free(tls_context); /* the server has its own */
    tls_context = NULL;
    X509_free(cert);
    EVP_PKEY_free(key);
}
