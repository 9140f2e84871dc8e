/*
 * urlhost.h: the host of a URL found and exchanged without touching anything else; used by plugins that repoint URLs.
 * SPDX-License-Identifier: MIT
 *
 * A URL here is SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/...][?...][#...], also with a doubled scheme
 * ("jdbc:postgresql://") and with a list of hosts between commas, as PostgreSQL's drivers take it. What could be read
 * in two ways (an '@' behind the host: a password with an unescaped '/' or '?') counts as no URL, so that a part of a
 * password is never taken for a host.
 *
 * A pattern is HOST or HOST:PORT. Without a port in `from` and in `to` the port of the URL stays and is not compared.
 */
#ifndef CAIRN_URLHOST_H
#define CAIRN_URLHOST_H

#include <stddef.h>

enum urlhost_state {
    URLHOST_NONE, /* not a URL */
    URLHOST_TO, /* it is at `to` already */
    URLHOST_FROM, /* it is at `from` */
    URLHOST_OTHER /* it is somewhere else */
};

int urlhost_find(const char *url, size_t *at, size_t *len); /* 1 and where HOST[:PORT] stands, or 0 */
enum urlhost_state urlhost_state(const char *url, const char *from, const char *to);
char *urlhost_replace(const char *url, const char *from, const char *to); /* of a URL at `from`; free() it */
int urlhost_valid(const char *pattern); /* is it a HOST or HOST:PORT? */

#endif
