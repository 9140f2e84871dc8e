/*
 * loopback.h: a small HTTP server on 127.0.0.1 that misbehaves on demand; used by the worker's tests.
 * SPDX-License-Identifier: MIT
 *
 * The last part of the path says what happens after a request was read whole:
 *   ok         200 "ok", the connection stays open          echo      200, the request's head as the body
 *   last       200, then the connection is closed           die       closed without a reply
 *   die-once   closed without a reply the first time, ok the second time (as a server does that just closed an idle
 * connection) reset      reset without a reply                        cut       a Content-Length of 100, and 10 bytes
 *   cut-chunks a chunked body without its end               redirect  302 to /ok
 *   big        1000 bytes                                   heads     a megabyte of headers
 *   garbage    not HTTP at all                              hang      nothing, for ever
 *   wait       200 after loopback_release()                 500       status 500
 * CONNECT is answered by 403 if the host begins with "refused", else by 200 and then the connection is closed.
 */
#ifndef CAIRN_LOOPBACK_H
#define CAIRN_LOOPBACK_H

#include <stddef.h>
#include <sys/types.h>

struct loopback {
    pid_t pid;
    int port;
    int log, release; /* pipes */
};

void loopback_start(struct loopback *l);
void loopback_end(struct loopback *l);
char *loopback_log(
    struct loopback *l); /* "CONNECTION METHOD TARGET\n" for each request since the last call; freed with free() */
void loopback_await(struct loopback *l); /* until there is something in the log */
void loopback_release(struct loopback *l); /* one waiting reply */

/* With TLS: `pem` becomes a certificate for `name`, which is its own authority. */
void loopback_start_tls(struct loopback *l, const char *name, char **cert_pem, char **key_pem,
                        const char *client_ca_pem);

#endif
