/*
 * exhausted.c: lets one allocation of a program fail; loaded before it (LD_PRELOAD) by tests.
 * SPDX-License-Identifier: MIT
 *
 * EXHAUSTED_PROGRAM is the program's name; others that inherit the variables are left alone. EXHAUSTED_AT is the number
 * of the allocation that fails, from 1; 0 for none. EXHAUSTED_COUNT is a file that gets the number of all allocations
 * when the program ends by itself.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

/* What glibc's own functions are called inside of it. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static atomic_long passed;
static long fails_at;
static int counting;

static int
fails(void)
{
    if (!counting || atomic_fetch_add(&passed, 1) + 1 != fails_at)
        return 0;
    errno = ENOMEM;
    return 1;
}

EXPORTED void *
malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

EXPORTED void *
calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

EXPORTED void *
realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

EXPORTED void *
reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, bytes);
}

__attribute__((constructor)) static void
begin(void)
{
    const char *program = getenv("EXHAUSTED_PROGRAM");
    const char *at = getenv("EXHAUSTED_AT");

    counting = program && strcmp(program, program_invocation_short_name) == 0;
    fails_at = at ? strtol(at, NULL, 10) : 0;
}

__attribute__((destructor)) static void
end(void)
{
    const char *path = getenv("EXHAUSTED_COUNT");
    FILE *f;
    long count = atomic_load(&passed);

    if (!counting || !path)
        return;
    counting = 0;
    f = fopen(path, "we");
    if (!f)
        return;
    fprintf(f, "%ld\n", count);
    fclose(f);
}
