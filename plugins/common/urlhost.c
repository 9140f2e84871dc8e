/*
 * urlhost.c: the host of a URL found and exchanged without touching anything else; used by plugins that repoint URLs.
 * SPDX-License-Identifier: MIT
 */
#include "urlhost.h"

#include "common/alloc.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Length of "scheme://", doubled schemes included; 0 when there is none. */
static size_t
scheme_length(const char *url)
{
    size_t n = 0;

    if (!isalpha((unsigned char)url[0]))
        return 0;
    while (isalnum((unsigned char)url[n]) || (url[n] && strchr("+.-:", url[n])))
        n++;
    if (n < 2 || url[n - 1] != ':' || strncmp(url + n, "//", 2) != 0)
        return 0;
    return n + 2;
}

/* Is text[0..len) one HOST or HOST:PORT? The port's place goes to *colon, len when there is none. */
static int
is_host(const char *text, size_t len, size_t *colon)
{
    size_t i = 0;

    if (len && text[0] == '[') {
        for (i = 1; i < len && (isxdigit((unsigned char)text[i]) || text[i] == ':' || text[i] == '.'); i++)
            ;
        if (i < 3 || i == len || text[i] != ']')
            return 0;
        i++;
    } else {
        while (i < len && (isalnum((unsigned char)text[i]) || strchr(".-_", text[i])))
            i++;
    }
    *colon = i;
    if (i == 0 || (i < len && text[i] != ':'))
        return 0;
    if (i < len && ++i == len)
        return 0;
    while (i < len && isdigit((unsigned char)text[i]))
        i++;
    return i == len;
}

/* Is text[0..len) a list of hosts between commas? */
static int
is_host_list(const char *text, size_t len)
{
    size_t start = 0;
    size_t colon;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != ',')
            continue;
        if (!is_host(text + start, i - start, &colon))
            return 0;
        start = i + 1;
    }
    return 1;
}

int
urlhost_find(const char *url, size_t *at, size_t *len)
{
    size_t start = scheme_length(url);
    size_t end, n;
    int user = 0;

    if (!start)
        return 0;
    end = start + strcspn(url + start, "/?# \t\r\n");
    for (n = end; n > start; n--) {
        if (url[n - 1] != '@')
            continue;
        user = 1;
        start = n;
        break;
    }
    if (!user && strchr(url + end, '@'))
        return 0;
    if (!is_host_list(url + start, end - start))
        return 0;
    *at = start;
    *len = end - start;
    return 1;
}

int
urlhost_valid(const char *pattern)
{
    return *pattern && is_host_list(pattern, strlen(pattern));
}

/* Length without the port. A list of hosts is compared and exchanged whole. */
static size_t
bare_length(const char *host, size_t len)
{
    size_t colon;

    return is_host(host, len, &colon) ? colon : len;
}

static int
same(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

static int
has_port(const char *pattern)
{
    return bare_length(pattern, strlen(pattern)) < strlen(pattern);
}

enum urlhost_state
urlhost_state(const char *url, const char *from, const char *to)
{
    int exact = has_port(from) || has_port(to);
    size_t at, len, bare;

    if (!urlhost_find(url, &at, &len))
        return URLHOST_NONE;
    bare = bare_length(url + at, len);
    if (same(url + at, exact ? len : bare, to, strlen(to)))
        return URLHOST_TO;
    if (same(url + at, has_port(from) ? len : bare, from, strlen(from)))
        return URLHOST_FROM;
    return URLHOST_OTHER;
}

char *
urlhost_replace(const char *url, const char *from, const char *to)
{
    size_t at, len;

    if (!urlhost_find(url, &at, &len))
        return alloc_str(url);
    if (!has_port(from) && !has_port(to))
        len = bare_length(url + at, len);
    return alloc_printf("%.*s%s%s", (int)at, url, to, url + at + len);
}
