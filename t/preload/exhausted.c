/*
 * exhausted.c: lets one allocation of a program fail; loaded before it (LD_PRELOAD) by tests.
 * SPDX-License-Identifier: MIT
 *
 * EXHAUSTED_PROGRAM is the program's name; others that inherit the variables are left alone. EXHAUSTED_AT is the number
 * of the allocation that fails, from 1; 0 for none. EXHAUSTED_COUNT is a file of eight bytes that always holds how many
 * there have been, as a long: a program may be killed at its end.
 */
#include <errno.h>
#include <stdatomic.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* What glibc's own functions are called inside of it. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static atomic_long passed;
static long fails_at;
static int counting;
static atomic_long *shown;

static int
fails(void)
{
    long number;

    if (!counting)
        return 0;
    number = atomic_fetch_add(&passed, 1) + 1;
    if (shown && number > atomic_load(shown))
        atomic_store(shown, number);
    if (number != fails_at)
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

static void
show_in(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (map != MAP_FAILED)
        shown = map;
    if (fd >= 0)
        close(fd);
}

__attribute__((constructor)) static void
begin(void)
{
    const char *program = getenv("EXHAUSTED_PROGRAM");
    const char *at = getenv("EXHAUSTED_AT");
    const char *path = getenv("EXHAUSTED_COUNT");

    counting = program && strcmp(program, program_invocation_short_name) == 0;
    fails_at = at ? strtol(at, NULL, 10) : 0;
    if (counting && path)
        show_in(path);
}
