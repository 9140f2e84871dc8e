/*
 * plugins.c: which plugins there are, and what they say of themselves; used by the engine and `cairn plugin`.
 * SPDX-License-Identifier: MIT
 */
#include "engine/plugins.h"

#include "common/alloc.h"
#include "common/canon.h"
#include "common/file.h"
#include "engine/describe.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (256u << 20)

/* ---- trust ---- */

static int
check_owner(const char *what, const char *path, const struct stat *st, struct cairn_error *err)
{
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return cairn_fail(err, CAIRN_ERR_DENIED, "trust %s %s: it belongs to user %u, neither to root nor to you", what,
                          path, (unsigned)st->st_uid);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return cairn_fail(err, CAIRN_ERR_DENIED, "trust %s %s: others may write to it (mode %04o); run `chmod go-w %s`",
                          what, path, (unsigned)(st->st_mode & 07777), path);
    return 0;
}

static int
check_file(const char *path, struct cairn_error *err)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "look at plugin %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return cairn_fail(err, CAIRN_ERR_DENIED, "trust plugin %s: it is not a regular file%s", path,
                          S_ISLNK(st.st_mode) ? " but a link" : "");
    return check_owner("plugin", path, &st, err);
}

/* ---- one file ---- */

/* "rds" for "rds.so"; a new text, or NULL for a file of another name. */
static char *
name_of(const char *file)
{
    size_t good = strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return good && strcmp(file + good, ".so") == 0 && !isdigit((unsigned char)*file) ? alloc_strn(file, good) : NULL;
}

static void
release(struct plugins_entry *entry)
{
    free(entry->name);
    free(entry->path);
    json_decref(entry->description);
}

/* By the worker that this version of cairn has; a newer one may say more. */
static char *
cache_key(const struct plugins_entry *entry)
{
    return alloc_printf("plugin %s %u.%u %s", VERSION_TEXT, CAIRN_ABI_MAJOR, CAIRN_ABI_MINOR, entry->sha256);
}

static int
describe(struct plugins_entry *entry, struct store *store, struct cairn_error *err)
{
    char *key = cache_key(entry);
    int rc = -1;

    if (store && store_cache_get(store, key, &entry->description, err) < 0)
        goto out;
    if (!entry->description) {
        if (describe_plugin_file(&entry->description, entry->path, err) < 0)
            goto out;
        if (store && store_cache_put(store, key, entry->description, err) < 0)
            goto out;
    }
    rc = 0;
out:
    free(key);
    return rc;
}

static int
load(struct plugins_entry *entry, struct store *store, struct cairn_error *err)
{
    const char *says;
    char *bytes = NULL;
    size_t len = 0;

    if (check_file(entry->path, err) < 0 || file_read(&bytes, &len, entry->path, FILE_MAX, err) < 0)
        return -1;
    digest_bytes(entry->sha256, bytes, len);
    free(bytes);
    if (describe(entry, store, err) < 0)
        return -1;
    says = json_string_value(json_object_get(entry->description, "name"));
    if (!says || strcmp(says, entry->name) != 0)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "load plugin %s: it calls itself %s: file and plugin must have the same name", entry->path,
                          says ? says : "nothing");
    return 0;
}

/* ---- all folders ---- */

static int
is_plugin_name(const struct dirent *entry)
{
    char *name = name_of(entry->d_name);
    int yes = name != NULL;

    free(name);
    return yes;
}

/* The first folder that has a name wins. */
static int
add(struct plugins *plugins, const char *folder, const char *file, struct store *store, struct cairn_error *err)
{
    struct plugins_entry entry = { .name = name_of(file) };
    int rc = 0;

    if (plugins_find(plugins, entry.name))
        goto out;
    entry.path = alloc_printf("%s/%s", folder, file);
    rc = load(&entry, store, err);
    if (rc < 0)
        goto out;
    plugins->entries = alloc_grow(plugins->entries, plugins->count + 1, sizeof(entry));
    plugins->entries[plugins->count++] = entry;
    memset(&entry, 0, sizeof(entry)); /* handed over */
out:
    release(&entry);
    return rc;
}

static int
scan(struct plugins *plugins, const char *folder, struct store *store, struct cairn_error *err)
{
    struct dirent **files = NULL;
    struct stat st;
    int count;
    int rc = 0;

    if (stat(folder, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0; /* nothing is installed there; the config's own folders were checked when it was read */
    if (stat(folder, &st) < 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "look for plugins in %s: %s", folder, strerror(errno));
    if (check_owner("plugin folder", folder, &st, err) < 0)
        return -1;
    count = scandir(folder, &files, is_plugin_name, alphasort);
    if (count < 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "look for plugins in %s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (rc == 0)
            rc = add(plugins, folder, files[i]->d_name, store, err);
        free(files[i]);
    }
    free(files);
    return rc;
}

static int
compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct plugins_entry *)a)->name, ((const struct plugins_entry *)b)->name);
}

int
plugins_load(struct plugins **out, const struct config *config, struct store *store, struct cairn_error *err)
{
    struct plugins *plugins = alloc_zero(1, sizeof(*plugins));
    const json_t *folder;
    size_t i;

    json_array_foreach(config->plugin_path, i, folder) {
        if (scan(plugins, json_string_value(folder), store, err) < 0) {
            plugins_free(plugins);
            return -1;
        }
    }
    if (plugins->count)
        qsort(plugins->entries, plugins->count, sizeof(*plugins->entries), compare_entries);
    *out = plugins;
    return 0;
}

void
plugins_free(struct plugins *plugins)
{
    if (!plugins)
        return;
    for (size_t i = 0; i < plugins->count; i++)
        release(&plugins->entries[i]);
    free(plugins->entries);
    free(plugins);
}

const struct plugins_entry *
plugins_find(const struct plugins *plugins, const char *name)
{
    for (size_t i = 0; name && i < plugins->count; i++)
        if (strcmp(plugins->entries[i].name, name) == 0)
            return &plugins->entries[i];
    return NULL;
}

const json_t *
plugins_action(const struct plugins_entry *entry, const char *action)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(entry->description, "actions"), i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));

        if (name && action && strcmp(name, action) == 0)
            return item;
    }
    return NULL;
}

json_t *
plugins_descriptions(const struct plugins *plugins)
{
    json_t *list = json_array();

    for (size_t i = 0; i < plugins->count; i++)
        json_array_append(list, plugins->entries[i].description);
    return list;
}
