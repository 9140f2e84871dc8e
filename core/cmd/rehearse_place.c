/*
 * rehearse_place.c: where a rehearsal finds its world, and the scratch folder in which it happens; used by rehearse.c
 * and the trials.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/rehearse.h"
#include "common/alloc.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (1u << 20)
#define STORE_MAX (64u << 20)

/* ---- what is rehearsed ---- */

/* The file that is named, else NAME in the folder of --example, else NAME here; NULL when there is none. */
static char *
find(const struct rehearsal *r, const char *named, const char *name)
{
    const char *example = command_text(r->context, "example");
    char *path = named     ? alloc_str(named)
                 : example ? alloc_printf("%s/%s", example, name)
                           : alloc_str(name);
    char *full = realpath(path, NULL);

    if (!full && named)
        return path; /* who opens it says that it isn't there */
    free(path);
    return full;
}

static int
is_given(const json_t *params, const char *pair)
{
    size_t len = strcspn(pair, "=") + 1;
    size_t i;
    json_t *other;

    json_array_foreach(params, i, other)
        if (strncmp(json_string_value(other), pair, len) == 0)
            return 1;
    return 0;
}

/* The example's arguments, a line each; those of the command line win. */
static int
read_arguments(struct rehearsal *r, struct cairn_error *err)
{
    const char *example = command_text(r->context, "example");
    char *path = example ? alloc_printf("%s/arguments", example) : NULL;
    char *text = NULL;
    size_t len = 0;
    int rc = 0;

    if (path && access(path, F_OK) == 0)
        rc = file_read(&text, &len, path, TEXT_MAX, err);
    for (char *line = text; rc == 0 && line && *line;) {
        char *end = line + strcspn(line, "\n");
        int last = *end == '\0';

        *end = '\0';
        if (*line && *line != '#' && !is_given(r->params, line))
            json_array_append_new(r->params, json_string(line));
        line = last ? end : end + 1;
    }
    free(text);
    free(path);
    return rc;
}

int
place_find(struct rehearsal *r, struct cairn_error *err)
{
    const json_t *given = command_list(r->context, "param");

    r->params = given ? json_deep_copy(given) : json_array();
    r->world = find(r, command_text(r->context, "world"), "world.yaml");
    r->config = find(r, command_text(r->context, "config"), "cairn.yaml");
    if (!r->world)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "find the world: no world.yaml in %s; name a file by --world, or a folder by --example",
                          command_text(r->context, "example") ? command_text(r->context, "example") : "this folder");
    return read_arguments(r, err);
}

/* ---- the scratch folder ---- */

int
place_open(struct rehearsal *r, struct cairn_error *err)
{
    const char *tmp = getenv("TMPDIR");

    r->root = alloc_printf("%s/cairn-rehearsal.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (mkdtemp(r->root))
        return 0;
    cairn_fail(err, CAIRN_ERR_FAILED, "make the scratch folder %s: %s", r->root, strerror(errno));
    free(r->root);
    r->root = NULL;
    return -1;
}

static int
remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    remove(path);
    return 0;
}

void
place_remove(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
place_close(struct rehearsal *r)
{
    if (r->root && r->keep)
        fprintf(stderr, "kept: %s\n", r->root);
    else if (r->root)
        place_remove(r->root);
    free(r->root);
    free(r->world);
    free(r->config);
    json_decref(r->params);
}

/* A copy of a small file; one that isn't there is none. */
static int
copy_file(const char *from, const char *to, struct cairn_error *err)
{
    char *bytes = NULL;
    size_t len = 0;
    int fd;
    int rc;

    if (access(from, F_OK) < 0)
        return 0;
    if (file_read(&bytes, &len, from, STORE_MAX, err) < 0)
        return -1;
    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    rc = fd >= 0 && write(fd, bytes, len) == (ssize_t)len ? 0 : -1;
    if (rc < 0)
        cairn_fail(err, CAIRN_ERR_FAILED, "write %s: %s", to, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(bytes);
    return rc;
}

/* The store in which the plugins are described already, so that not every trial has to ask them. */
int
place_copy_state(const struct rehearsal *r, const char *to, struct cairn_error *err)
{
    static const char *const names[] = { "cairn.db", "seal.key" };
    int rc = mkdir(to, 0700) == 0 ? 0 : cairn_fail(err, CAIRN_ERR_FAILED, "make %s: %s", to, strerror(errno));

    for (size_t i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
        char *from = alloc_printf("%s/plugins/state/%s", r->root, names[i]);
        char *copy = alloc_printf("%s/%s", to, names[i]);

        rc = copy_file(from, copy, err);
        free(from);
        free(copy);
    }
    return rc;
}

/* ---- the environment of a trial's processes ---- */

json_t *
place_environment(const char *folder)
{
    static const char *const kept[] = { "PATH",          "USER",           "LANG",          "LC_ALL",
                                        "LC_CTYPE",      "TMPDIR",         "CAIRN_PLUGIN_PATH", "CAIRN_LUA_PATH",
                                        "CAIRN_LIBEXEC", "CAIRN_SIM_MODELS", "ASAN_OPTIONS",  "UBSAN_OPTIONS" };
    /* Requests to any host but this one end at a closed port. */
    static const char *const fixed[] = { "TZ=UTC",
                                         "NO_COLOR=1",
                                         "HTTPS_PROXY=http://127.0.0.1:1",
                                         "HTTP_PROXY=http://127.0.0.1:1",
                                         "https_proxy=http://127.0.0.1:1",
                                         "http_proxy=http://127.0.0.1:1",
                                         "NO_PROXY=127.0.0.1,localhost",
                                         "no_proxy=127.0.0.1,localhost" };
    static const char *const below[] = { "HOME",           "XDG_STATE_HOME",  "XDG_CONFIG_HOME",
                                         "XDG_CACHE_HOME", "XDG_RUNTIME_DIR" };
    json_t *env = json_array();

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (getenv(kept[i]))
            json_array_append_new(env, json_sprintf("%s=%s", kept[i], getenv(kept[i])));
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        json_array_append_new(env, json_string(fixed[i]));
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
        json_array_append_new(env, json_sprintf("%s=%s/home", below[i], folder));
    return env;
}

/* "export NAME='it'\''s'" as NAME=it's, in place; NULL for another line. */
static char *
unquote(char *line)
{
    static const char begin[] = "export ";
    char *from, *to;
    int inside = 0;

    if (strncmp(line, begin, sizeof(begin) - 1) != 0)
        return NULL;
    line += sizeof(begin) - 1;
    for (from = to = line; *from; from++) {
        if (*from == '\'')
            inside = !inside;
        else if (!inside && *from == '\\' && from[1])
            *to++ = *++from;
        else
            *to++ = *from;
    }
    *to = '\0';
    return line;
}

int
place_add_world(json_t *env, const char *path, struct cairn_error *err)
{
    char *text = NULL;
    char *rest = NULL;
    size_t len = 0;

    if (file_read(&text, &len, path, TEXT_MAX, err) < 0)
        return -1;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *pair = unquote(line);

        if (pair)
            json_array_append_new(env, json_string(pair));
    }
    free(text);
    return 0;
}
