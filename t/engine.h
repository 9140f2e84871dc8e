/*
 * engine.h: what the tests of the engine's pieces share: a folder of their own, cmocka, and short checks.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_TEST_ENGINE_H
#define CAIRN_TEST_ENGINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cairn/plugin.h"
#include "common/alloc.h"
#include "common/error.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* cmocka's setup and teardown: *state is the path of a fresh folder. */
static int __attribute__((unused))
make_dir(void **state)
{
    const char *base = getenv("TMPDIR");
    char *path = alloc_printf("%s/cairn-test.XXXXXX", base ? base : "/tmp");

    *state = path;
    return mkdtemp(path) ? 0 : -1;
}

static int __attribute__((unused))
drop_dir(void **state)
{
    nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return 0;
}

static void __attribute__((unused))
write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0); /* whatever the umask is */
    close(fd);
}

/* The call failed with this kind, and the text says this. */
static void __attribute__((unused))
assert_error(int rc, struct cairn_error *err, enum cairn_error_kind kind, const char *says)
{
    assert_int_equal(rc, -1);
    assert_string_equal(error_kind_name(err->kind), error_kind_name(kind));
    if (!strstr(err->text, says))
        fail_msg("\"%s\" does not say \"%s\"", err->text, says);
    memset(err, 0, sizeof(*err));
}

static void __attribute__((unused))
assert_fine(int rc, const struct cairn_error *err)
{
    if (rc != 0)
        fail_msg("%d: %s", rc, err->text);
}

#define TEST_IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)

#endif
