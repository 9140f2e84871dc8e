/*
 * loader.c: opens a plugin's file, if it can be trusted, and copies its table into this host's layout.
 * SPDX-License-Identifier: MIT
 */
#include "worker/loader.h"

#include "common/alloc.h"
#include "worker/soundness.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The sizes of ABI 1.0: what any plugin of major 1 has at least. */
#define PLUGIN_SIZE_1_0 (offsetof(struct cairn_plugin, guard) + sizeof(void *))
#define ACTION_SIZE_1_0 (offsetof(struct cairn_action, plan) + sizeof(void *))
#define PARAM_SIZE_1_0 (offsetof(struct cairn_param, otherwise) + sizeof(char *))
#define STRIDE_MAX 4096 /* a larger one is not a table */
#define ROWS_MAX 4096 /* a table without an end */

static const struct cairn_plugin *loaded; /* for the life of the process */

/* The file as a descriptor, so that what was checked is what is loaded. */
static int
open_trusted(const char *path, struct cairn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    if (fd < 0 && errno == ELOOP)
        return cairn_fail(err, CAIRN_ERR_DENIED, "load %s: it is a symbolic link; name the file itself", path);
    if (fd < 0)
        return cairn_fail(err, errno == ENOENT ? CAIRN_ERR_NOT_FOUND : CAIRN_ERR_DENIED, "load %s: %s", path,
                          strerror(errno));
    if (fstat(fd, &st) < 0)
        cairn_fail(err, CAIRN_ERR_FAILED, "load %s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        cairn_fail(err, CAIRN_ERR_DENIED, "load %s: not a regular file", path);
    else if (st.st_uid != 0 && st.st_uid != geteuid())
        cairn_fail(err, CAIRN_ERR_DENIED,
                   "load %s: it belongs to user %u, and only root's and your own plugins are loaded", path,
                   (unsigned)st.st_uid);
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        cairn_fail(err, CAIRN_ERR_DENIED, "load %s: others can write to it (mode %04o); run chmod go-w on it", path,
                   (unsigned)st.st_mode & 07777u);
    else
        return fd;
    close(fd);
    return -1;
}

/* A file that was cut off would end this process by a bus error when its parts are mapped. */
static int
check_whole(int fd, const char *path, struct cairn_error *err)
{
    struct stat st = { 0 };
    ElfW(Ehdr) head = { 0 };
    uint64_t end;

    if (fstat(fd, &st) < 0 || pread(fd, &head, sizeof(head), 0) != sizeof(head)
        || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr)))
        return cairn_fail(err, CAIRN_ERR_INVALID, "load %s: it is not a shared object; build it with cc -shared -fPIC",
                          path);
    end = head.e_shoff ? head.e_shoff + (uint64_t)head.e_shnum * head.e_shentsize : 0;
    for (unsigned i = 0; i < head.e_phnum; i++) {
        ElfW(Phdr) part = { 0 };

        if (pread(fd, &part, sizeof(part), (off_t)(head.e_phoff + i * sizeof(part))) != sizeof(part))
            end = UINT64_MAX;
        else if (part.p_type == PT_LOAD && part.p_offset + part.p_filesz > end)
            end = part.p_offset + part.p_filesz;
    }
    if (end > (uint64_t)st.st_size)
        return cairn_fail(err, CAIRN_ERR_INVALID, "load %s: it was cut off after %lld bytes; copy or build it again", path,
                          (long long)st.st_size);
    return 0;
}

static void *
load(int fd, const char *path, struct cairn_error *err)
{
    char by_fd[32];
    const char *why;
    void *object;

    snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
    object = dlopen(by_fd, RTLD_NOW | RTLD_LOCAL);
    if (object)
        return object;
    why = dlerror();
    if (why && strncmp(why, by_fd, strlen(by_fd)) == 0)
        why += strlen(by_fd) + strspn(why + strlen(by_fd), ": ");
    cairn_fail(err, CAIRN_ERR_INVALID, "load %s: %s", path, why ? why : "not a shared object");
    return NULL;
}

/* The table, once it is certain that as much memory as it claims to have is there. */
static const struct cairn_plugin *
find_table(void *object, const char *path, struct cairn_error *err)
{
    const struct cairn_plugin *table = dlsym(object, "cairn_plugin");
    const ElfW(Sym) *symbol = NULL;
    Dl_info info;

    if (!table) {
        cairn_fail(err, CAIRN_ERR_INVALID, "load %s: it exports no cairn_plugin; a plugin ends with CAIRN_PLUGIN(...)",
                   path);
        return NULL;
    }
    if (!dladdr1(table, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol
        || ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT || symbol->st_size < 2 * sizeof(uint32_t)) {
        cairn_fail(err, CAIRN_ERR_INVALID, "load %s: its cairn_plugin isn't a table", path);
        return NULL;
    }
    if (table->abi_major != CAIRN_ABI_MAJOR) {
        cairn_fail(err, CAIRN_ERR_INVALID,
                   "load %s: it was built for plugin ABI %u.%u, and this cairn has %u.%u; build it again", path,
                   (unsigned)table->abi_major, (unsigned)table->abi_minor, CAIRN_ABI_MAJOR, CAIRN_ABI_MINOR);
        return NULL;
    }
    if (symbol->st_size < PLUGIN_SIZE_1_0 || table->plugin_size < PLUGIN_SIZE_1_0
        || table->plugin_size > symbol->st_size || table->action_size < ACTION_SIZE_1_0
        || table->action_size > STRIDE_MAX || table->param_size < PARAM_SIZE_1_0 || table->param_size > STRIDE_MAX
        || table->action_size % sizeof(void *) || table->param_size % sizeof(void *)) {
        cairn_fail(err, CAIRN_ERR_INVALID, "load %s: its tables have sizes that ABI %u.%u doesn't have (%zu, %zu, %zu)",
                   path, (unsigned)table->abi_major, (unsigned)table->abi_minor, table->plugin_size, table->action_size,
                   table->param_size);
        return NULL;
    }
    return table;
}

/* A table with the plugin's stride as one with ours, and an empty row at its end. NULL stays NULL. A row begins with
 * its name. */
static void *
copy_rows(const void *table, size_t stride, size_t ours)
{
    size_t rows = 0;
    char *copy;

    if (!table)
        return NULL;
    while (rows < ROWS_MAX && *(const char *const *)(const void *)((const char *)table + rows * stride))
        rows++;
    copy = alloc_zero(rows + 1, ours);
    for (size_t i = 0; i < rows; i++)
        memcpy(copy + i * ours, (const char *)table + i * stride, stride < ours ? stride : ours);
    return copy;
}

static const struct cairn_plugin *
copy_table(const struct cairn_plugin *theirs)
{
    struct cairn_plugin *ours = alloc_zero(1, sizeof(*ours));
    struct cairn_action *actions;

    memcpy(ours, theirs, theirs->plugin_size < sizeof(*ours) ? theirs->plugin_size : sizeof(*ours));
    actions = copy_rows(theirs->actions, theirs->action_size, sizeof(*actions));
    for (struct cairn_action *a = actions; a && a->name; a++) {
        a->params = copy_rows(a->params, theirs->param_size, sizeof(*a->params));
        a->results = copy_rows(a->results, theirs->param_size, sizeof(*a->results));
    }
    ours->actions = actions;
    ours->config = copy_rows(theirs->config, theirs->param_size, sizeof(*ours->config));
    return ours;
}

const struct cairn_plugin *
loader_open(const char *path, struct cairn_error *err)
{
    const struct cairn_plugin *table = NULL;
    int fd = open_trusted(path, err);
    void *object;

    if (fd < 0)
        return NULL;
    object = check_whole(fd, path, err) == 0 ? load(fd, path, err) : NULL;
    if (object)
        table = find_table(object, path, err);
    if (table)
        loaded = copy_table(table);
    close(fd);
    return table && soundness_check(loaded, path, err) == 0 ? loaded : NULL;
}
