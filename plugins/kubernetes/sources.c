/*
 * sources.c: the kubeconfig files as one; used by kubeconfig.c.
 * SPDX-License-Identifier: MIT
 */
#include "sources.h"

#include "text.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FILE (4u * 1024 * 1024)

static char *
folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return alloc_str(".");
    return alloc_strn(path, slash == path ? 1 : (size_t)(slash - path));
}

static void
note_tried(struct sources *sources, const char *path)
{
    char *old = sources->tried;

    sources->tried = old ? alloc_printf("%s, %s", old, path) : alloc_str(path);
    free(old);
}

static int
check_list(const struct source *source, const char *list, const char *member, struct cairn_error *err)
{
    const struct cairn_value *entries = cairn_get(source->doc, list);

    if (cairn_type(entries) == CAIRN_NULL)
        return 0;
    if (cairn_type(entries) != CAIRN_LIST)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: %s must be a list", source->path, list);
    for (size_t i = 0; i < cairn_count(entries); i++) {
        const struct cairn_value *entry = cairn_at(entries, i);

        if (cairn_type(entry) != CAIRN_MAP || !cairn_get_str(entry, "name", NULL))
            return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: %s[%zu] has no name that is a string",
                              source->path, list, i);
        if (cairn_type(cairn_get(entry, member)) != CAIRN_MAP && cairn_type(cairn_get(entry, member)) != CAIRN_NULL)
            return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: %s of %s must be a map", source->path,
                              member, cairn_get_str(entry, "name", ""));
    }
    return 0;
}

static int
check_document(const struct source *source, struct cairn_error *err)
{
    const char *kind = cairn_get_str(source->doc, "kind", "Config");

    if (cairn_type(source->doc) != CAIRN_MAP)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: it must be a map", source->path);
    if (strcmp(kind, "Config") != 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: its kind is %s, not Config", source->path, kind);
    if (check_list(source, "clusters", "cluster", err) < 0 || check_list(source, "contexts", "context", err) < 0
        || check_list(source, "users", "user", err) < 0)
        return -1;
    return 0;
}

static int
is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* Add a file. A missing one is skipped if `optional`, so is an empty one. */
static int
add_file(struct sources *sources, const char *path, int optional, struct cairn_error *err)
{
    struct cairn_error reading = { 0 };
    struct source *source;
    char *text = NULL;
    int rc = -1;

    note_tried(sources, path);
    if (text_read_file(&text, path, "kubeconfig", MAX_FILE, &reading) < 0) {
        if (optional && strcmp(reading.code, TEXT_MISSING) == 0)
            return 0;
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s", reading.text);
    }
    if (is_blank(text)) {
        text_wipe(text);
        return 0;
    }
    sources->list = alloc_grow(sources->list, sources->count + 1, sizeof(*sources->list));
    source = &sources->list[sources->count++];
    memset(source, 0, sizeof(*source));
    source->path = alloc_str(path);
    source->dir = folder_of(path);
    source->doc = cairn_parse_yaml(text, strlen(text), &reading);
    if (source->doc)
        rc = check_document(source, err);
    else
        cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: %s", path, reading.text);
    text_wipe(text);
    return rc;
}

static int
add_files(struct sources *sources, const char *list, struct cairn_error *err)
{
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ":");
        char *path = alloc_strn(p, len);
        int rc = len ? add_file(sources, path, 1, err) : 0;

        free(path);
        if (rc < 0)
            return -1;
        p += len + (p[len] == ':');
    }
    return 0;
}

int
sources_load(struct sources *out, const struct kubeconfig_where *where, struct cairn_error *err)
{
    char *path;
    int rc;

    memset(out, 0, sizeof(*out));
    if (where->path && strncmp(where->path, "~/", 2) == 0 && where->home)
        path = alloc_printf("%s/%s", where->home, where->path + 2);
    else if (where->path && *where->path)
        path = alloc_str(where->path);
    else if (where->list && *where->list)
        return add_files(out, where->list, err);
    else if (where->home && *where->home)
        path = alloc_printf("%s/.kube/config", where->home);
    else
        return 0;
    rc = add_file(out, path, !(where->path && *where->path), err);
    free(path);
    return rc;
}

void
sources_release(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->list[i].path);
        free(sources->list[i].dir);
        cairn_free(sources->list[i].doc);
    }
    free(sources->list);
    free(sources->tried);
    memset(sources, 0, sizeof(*sources));
}

int
sources_find(struct entry *out, const struct sources *sources, const char *list, const char *member, const char *name,
             struct cairn_error *err)
{
    for (size_t i = 0; i < sources->count; i++) {
        const struct cairn_value *entries = cairn_get(sources->list[i].doc, list);

        for (size_t n = 0; n < cairn_count(entries); n++) {
            const struct cairn_value *entry = cairn_at(entries, n);

            if (strcmp(cairn_get_str(entry, "name", ""), name) != 0)
                continue;
            out->source = &sources->list[i];
            out->body = cairn_get(entry, member);
            if (cairn_type(out->body) != CAIRN_MAP)
                return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: %s %s is empty", out->source->path,
                                  member, name);
            return 1;
        }
    }
    return 0;
}

int
sources_current(const char **out, const struct sources *sources, struct cairn_error *err)
{
    *out = NULL;
    for (size_t i = 0; i < sources->count; i++) {
        struct entry top = { &sources->list[i], sources->list[i].doc };

        if (entry_text(out, &top, "current-context", err) < 0)
            return -1;
        if (*out)
            return 0;
    }
    return 0;
}

/* Calls of visit() for each name that no earlier entry has. */
static void
each_name(const struct sources *sources, const char *list, void (*visit)(void *to, const char *name), void *to)
{
    for (size_t i = 0; i < sources->count; i++) {
        const struct cairn_value *entries = cairn_get(sources->list[i].doc, list);

        for (size_t n = 0; n < cairn_count(entries); n++) {
            const char *name = cairn_get_str(cairn_at(entries, n), "name", "");
            struct sources before = { sources->list, i, NULL };
            struct cairn_error err = { 0 };
            struct entry found;

            if (sources_find(&found, &before, list, "", name, &err) == 0)
                visit(to, name);
        }
    }
}

static void
count_name(void *to, const char *name)
{
    (void)name;
    ++*(size_t *)to;
}

static void
join_name(void *to, const char *name)
{
    char **text = to;
    char *old = *text;

    *text = old ? alloc_printf("%s, %s", old, name) : alloc_str(name);
    free(old);
}

size_t
sources_count(const struct sources *sources, const char *list)
{
    size_t count = 0;

    each_name(sources, list, count_name, &count);
    return count;
}

char *
sources_names(const struct sources *sources, const char *list)
{
    char *text = NULL;

    each_name(sources, list, join_name, &text);
    return text ? text : alloc_str("none");
}

int
entry_text(const char **out, const struct entry *entry, const char *key, struct cairn_error *err)
{
    const struct cairn_value *value = cairn_get(entry->body, key);

    *out = NULL;
    if (cairn_type(value) == CAIRN_NULL)
        return 0;
    if (cairn_type(value) != CAIRN_STR)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: %s must be a string; put it in quotes",
                          entry->source->path, key);
    if (*cairn_as_str(value, ""))
        *out = cairn_as_str(value, NULL);
    return 0;
}

char *
entry_path(const struct entry *entry, const char *path)
{
    if (path[0] == '/')
        return alloc_str(path);
    return alloc_printf("%s/%s", entry->source->dir, path);
}
