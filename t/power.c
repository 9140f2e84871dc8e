/*
 * power.c: what a disk holds when the power fails; for tests that use SQLite.
 * SPDX-License-Identifier: MIT
 */
#include "t/power.h"

#include "t/engine.h"

#include <sqlite3.h>

#define SECTOR 512
#define FILES_MAX 8

enum kind { WRITE, TRUNCATE, SYNC, REMOVE, SYNC_FOLDER };

struct entry {
    enum kind kind;
    size_t file; /* in names */
    int64_t at; /* offset, or the new size */
    size_t len;
    unsigned char *bytes;
};

struct shim { /* a file of SQLite's; the system's own is behind it in the same memory */
    sqlite3_file base;
    size_t file;
    int fresh; /* a journal that was made with it: SQLite's first sync of it syncs the folder too */
    sqlite3_file real[];
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs power_vfs;
static struct entry *history;
static size_t count, room;
static char *names[FILES_MAX];
static int off;

static size_t
file_number(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t i = 0;

    for (; i < FILES_MAX && names[i]; i++)
        if (strcmp(names[i], slash + 1) == 0)
            return i;
    assert_true(i < FILES_MAX);
    names[i] = alloc_str(slash + 1);
    return i;
}

static void
note(enum kind kind, size_t file, int64_t at, const void *bytes, size_t len)
{
    struct entry *entry;

    if (off)
        return;
    if (count == room) {
        room = room ? room * 2 : 1024;
        history = alloc_grow(history, room, sizeof(*history));
    }
    entry = &history[count++];
    *entry = (struct entry){ kind, file, at, len, NULL };
    if (bytes) {
        entry->bytes = alloc_zero(1, len);
        memcpy(entry->bytes, bytes, len);
    }
}

/* ---- the VFS ---- */

static sqlite3_file *
real_of(sqlite3_file *file)
{
    return ((struct shim *)file)->real;
}

static int
shim_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int
shim_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), to, len, at);
}

static int
shim_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    int rc = real_of(file)->pMethods->xWrite(real_of(file), bytes, len, at);

    if (rc == SQLITE_OK)
        note(WRITE, ((struct shim *)file)->file, at, bytes, (size_t)len);
    return rc;
}

static int
shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = real_of(file)->pMethods->xTruncate(real_of(file), size);

    if (rc == SQLITE_OK)
        note(TRUNCATE, ((struct shim *)file)->file, size, NULL, 0);
    return rc;
}

static int
shim_sync(sqlite3_file *file, int flags)
{
    struct shim *shim = (struct shim *)file;
    int rc = off ? SQLITE_OK : shim->real->pMethods->xSync(shim->real, flags);

    if (rc != SQLITE_OK)
        return rc;
    note(SYNC, shim->file, 0, NULL, 0);
    if (shim->fresh)
        note(SYNC_FOLDER, shim->file, 0, NULL, 0);
    shim->fresh = 0;
    return SQLITE_OK;
}

static int
shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
shim_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
shim_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
shim_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int
shim_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

/* No more than the poorest disk has: sectors of 512 bytes, no order, no write that is whole or not at all. */
static int
shim_sector(sqlite3_file *file)
{
    (void)file;
    return SECTOR;
}

static int
shim_characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static int
shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int
shim_shm_lock(sqlite3_file *file, int at, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), at, n, flags);
}

static void
shim_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int
shim_shm_unmap(sqlite3_file *file, int remove_it)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove_it);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* without memory mapped reads and writes of the file itself */
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int
shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
    struct shim *shim = (struct shim *)file;
    int there = access(path, F_OK) == 0;
    int rc = real_vfs->xOpen(real_vfs, path, shim->real, flags, out_flags);

    (void)vfs;
    shim->base.pMethods = NULL;
    if (rc != SQLITE_OK)
        return rc;
    shim->fresh = !there && flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL);
    shim->file = file_number(path);
    shim->base.pMethods = &methods;
    return SQLITE_OK;
}

static int
shim_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    int rc = real_vfs->xDelete(real_vfs, path, sync_folder);

    (void)vfs;
    if (rc == SQLITE_OK) {
        note(REMOVE, file_number(path), 0, NULL, 0);
        if (sync_folder)
            note(SYNC_FOLDER, file_number(path), 0, NULL, 0);
    }
    return rc;
}

void
power_on(void)
{
    off = 0;
    if (real_vfs)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    power_vfs = *real_vfs;
    power_vfs.zName = "power";
    power_vfs.szOsFile = (int)sizeof(struct shim) + real_vfs->szOsFile;
    power_vfs.xOpen = shim_open;
    power_vfs.xDelete = shim_delete;
    assert_int_equal(sqlite3_vfs_register(&power_vfs, 1), SQLITE_OK);
}

void
power_off(void)
{
    off = 1;
}

void
power_free(void)
{
    for (size_t i = 0; i < count; i++)
        free(history[i].bytes);
    free(history);
    for (size_t i = 0; i < FILES_MAX; i++) {
        free(names[i]);
        names[i] = NULL;
    }
    history = NULL;
    count = room = 0;
}

size_t
power_count(void)
{
    return count;
}

/* ---- what the disk holds ---- */

struct image { /* of one file */
    unsigned char *bytes;
    size_t size, room;
    int there;
};

/* splitmix64 */
static uint64_t
next(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* How many of 256 unsynced sectors reach the disk: all, none, or some in between. */
static unsigned
share(uint64_t *seed)
{
    static const unsigned shares[] = { 0, 16, 128, 240, 256 };

    return shares[next(seed) % (sizeof(shares) / sizeof(shares[0]))];
}

static int
kept(uint64_t *seed, unsigned of_256)
{
    return next(seed) % 256 < of_256;
}

static void
put(struct image *image, size_t at, const unsigned char *bytes, size_t len)
{
    if (at + len > image->room) {
        size_t more = (at + len) * 2;

        image->bytes = alloc_grow(image->bytes, more, 1);
        memset(image->bytes + image->room, 0, more - image->room);
        image->room = more;
    }
    memcpy(image->bytes + at, bytes, len);
    if (at + len > image->size)
        image->size = at + len;
    image->there = 1;
}

static void
put_sectors(struct image *image, const struct entry *entry, uint64_t *seed, unsigned of_256)
{
    for (size_t from = 0; from < entry->len;) {
        size_t at = (size_t)entry->at + from;
        size_t len = SECTOR - at % SECTOR;

        if (len > entry->len - from)
            len = entry->len - from;
        if (kept(seed, of_256))
            put(image, at, entry->bytes + from, len);
        from += len;
    }
}

static void
resize(struct image *image, size_t size)
{
    if (size < image->size)
        memset(image->bytes + size, 0, image->size - size);
    image->size = size;
}

static void
apply(struct image *image, const struct entry *entry, uint64_t *seed, unsigned of_256)
{
    if (entry->kind == WRITE) {
        put_sectors(image, entry, seed, of_256);
    } else if (entry->kind == TRUNCATE && kept(seed, of_256)) {
        resize(image, (size_t)entry->at);
    } else if (entry->kind == REMOVE && kept(seed, of_256)) {
        resize(image, 0);
        image->there = 0;
    }
}

/* How much of the first k entries is sure to be on the disk, as far as this file's content or, with SYNC_FOLDER, the
 * removal of any file goes. */
static size_t
last_sync(enum kind kind, size_t file, size_t k)
{
    for (; k > 0; k--)
        if (history[k - 1].kind == kind && (kind == SYNC_FOLDER || history[k - 1].file == file))
            return k;
    return 0;
}

static void
save(const struct image *image, const char *folder, const char *name)
{
    char *path = alloc_printf("%s/%s", folder, name);
    FILE *f;

    unlink(path);
    f = image->there ? fopen(path, "we") : NULL;
    if (f) {
        assert_int_equal(fwrite(image->bytes, 1, image->size, f), image->size);
        assert_int_equal(fclose(f), 0);
        chmod(path, 0600);
    }
    free(path);
}

void
power_state(size_t k, uint64_t seed, const char *folder)
{
    for (size_t file = 0; file < FILES_MAX && names[file]; file++) {
        struct image image = { 0 };
        size_t synced = last_sync(SYNC, file, k);
        size_t removed = last_sync(SYNC_FOLDER, file, k);
        unsigned of_256 = share(&seed);

        for (size_t i = 0; i < k; i++)
            if (history[i].file == file)
                apply(&image, &history[i], &seed, i < (history[i].kind == REMOVE ? removed : synced) ? 256 : of_256);
        save(&image, folder, names[file]);
        free(image.bytes);
    }
}
