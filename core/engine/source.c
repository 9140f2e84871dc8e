/*
 * source.c: a run's sources: read from files when it begins, stored by content, and taken from the store ever after.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/canon.h"
#include "common/file.h"
#include "engine/live.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_MAX (1u << 20)

static int
read_text(char **text, const char *path, struct cairn_error *err)
{
    size_t len = 0;

    if (file_read(text, &len, path, SOURCE_MAX, err) < 0)
        return -1;
    if (strlen(*text) == len)
        return 0;
    free(*text);
    *text = NULL;
    return cairn_fail(err, CAIRN_ERR_INVALID, "read %s: not a text: it has a NUL byte", path);
}

int
source_read(struct live *live, const char *path, struct cairn_error *err)
{
    if (read_text(&live->main_text, path, err) < 0) {
        if (err->kind == CAIRN_ERR_NOT_FOUND)
            err->kind = CAIRN_ERR_INVALID;
        return -1;
    }
    live->main_name = alloc_str(path);
    return 0;
}

/* FOLDER/a/b.lua for a.b, if there is such a file: 1, 0 or -1. */
static int
try_folder(struct live *live, const char *folder, const char *module, struct cairn_error *err)
{
    char *relative = alloc_str(module);
    struct cairn_error local = { 0 };
    char *text = NULL;
    char *path;
    int rc = 1;

    for (char *c = relative; *c; c++)
        if (*c == '.')
            *c = '/';
    path = alloc_printf("%s/%s.lua", folder, relative);
    if (read_text(&text, path, &local) < 0)
        rc = local.kind == CAIRN_ERR_NOT_FOUND ? 0 : cairn_fail(err, local.kind, "%s", local.text);
    else
        json_object_set_new(live->modules, module, json_pack("{s:s, s:s}", "name", path, "text", text));
    free(text);
    free(path);
    free(relative);
    return rc;
}

int
source_module(struct live *live, const char *module, struct cairn_error *err)
{
    char *copy = alloc_str(live->main_name);
    const char *folder = dirname(copy);
    char *beside = alloc_printf("%s/lua", folder);
    size_t i;
    json_t *path;
    int rc = 0;

    if (strspn(module, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == strlen(module)
        && !strstr(module, "..")) {
        rc = try_folder(live, folder, module, err);
        if (rc == 0)
            rc = try_folder(live, beside, module, err);
        json_array_foreach(live->engine->options.config->lua_path, i, path)
            if (rc == 0)
                rc = try_folder(live, json_string_value(path), module, err);
    }
    free(beside);
    free(copy);
    return rc;
}

static int
store_text(struct live *live, json_t *sources, const char *key, const char *name, const char *text,
           struct cairn_error *err)
{
    char hash[DIGEST_HEX];

    digest_bytes(hash, text, strlen(text));
    json_object_set_new(sources, key, json_pack("{s:s, s:s}", "name", name, "hash", hash));
    return store_put_blob(live->engine->options.store, hash, text, strlen(text), err);
}

json_t *
source_store(struct live *live, struct cairn_error *err)
{
    json_t *sources = json_object();
    const char *module;
    json_t *source;
    int rc = store_text(live, sources, "", live->main_name, live->main_text, err);

    json_object_foreach(live->modules, module, source)
        if (rc == 0)
            rc = store_text(live, sources, module, json_string_value(json_object_get(source, "name")),
                            json_string_value(json_object_get(source, "text")), err);
    if (rc < 0) {
        json_decref(sources);
        return NULL;
    }
    return sources;
}

int
source_restore(struct live *live, struct cairn_error *err)
{
    json_t *sources = live->run->sources;
    const char *module;
    json_t *source;

    json_object_foreach(sources, module, source) {
        const char *name = json_string_value(json_object_get(source, "name"));
        char *text = NULL;
        size_t len = 0;

        if (store_get_blob(live->engine->options.store, json_string_value(json_object_get(source, "hash")), &text, &len,
                           err)
            < 0)
            return -1;
        if (*module) {
            json_object_set_new(live->modules, module, json_pack("{s:s, s:s}", "name", name, "text", text));
            free(text);
        } else {
            live->main_name = alloc_str(name);
            live->main_text = text;
        }
    }
    return live->main_text ? 0
                           : cairn_fail(err, CAIRN_ERR_INVALID, "resume %s: its record names no source", live->run->id);
}
