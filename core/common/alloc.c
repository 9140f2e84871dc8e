/*
 * alloc.c: memory that is there or ends the process; used by everything.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
alloc_failed(void)
{
    static const char line[] = "cairn: out of memory; nothing recorded is lost: resume the run\n";

    if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
        _exit(1);
    _exit(1);
}

void *
alloc_zero(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);

    if (!p)
        alloc_failed();
    return p;
}

static void *
alloc_bytes(size_t size)
{
    void *p = malloc(size ? size : 1);

    if (!p)
        alloc_failed();
    return p;
}

void
alloc_for_json(void)
{
    json_set_alloc_funcs(alloc_bytes, free);
}

void *
alloc_grow(void *owned, size_t count, size_t size)
{
    void *p = reallocarray(owned, count ? count : 1, size ? size : 1);

    if (!p)
        alloc_failed();
    return p;
}

char *
alloc_str(const char *text)
{
    return text ? alloc_strn(text, strlen(text)) : NULL;
}

char *
alloc_strn(const char *text, size_t len)
{
    char *copy = alloc_zero(len + 1, 1);

    if (len)
        memcpy(copy, text, len);
    return copy;
}

char *
alloc_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        alloc_failed();
    return text;
}
