/*
 * config.c: read cairn.yaml; used by the engine and the commands. Plugins' sections are in config_section.c.
 * SPDX-License-Identifier: MIT
 */
#include "engine/config.h"

#include "common/alloc.h"
#include "common/yaml.h"
#include "engine/config_place.h"
#include "engine/params.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORKERS_MAX 64
#define ATTEMPTS_MAX 1000

static const char *const own_keys[] = { "environment", "state",     "plugin_path", "lua_path",
                                        "workers",     "heartbeat", "secrets",     "attempts" };

/* ---- messages ---- */

int
config_refuse(const struct config *config, const char *at, struct cairn_error *err, const char *fmt, ...)
{
    char *dotted = alloc_str(*at ? at + 1 : at);
    char why[700];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    for (char *c = dotted; *c; c++)
        if (*c == '/')
            *c = '.';
    if (config->path)
        cairn_fail(err, CAIRN_ERR_INVALID, "%s:%d: %s%s%s", config->path, yaml_line(config->lines, at), dotted,
                   *dotted ? ": " : "", why);
    else
        cairn_fail(err, CAIRN_ERR_INVALID, "config: %s%s%s; there is no cairn.yaml here, and none was named", dotted,
                   *dotted ? ": " : "", why);
    free(dotted);
    return -1;
}

int
config_is_own(const char *key)
{
    for (size_t i = 0; i < sizeof(own_keys) / sizeof(own_keys[0]); i++)
        if (strcmp(own_keys[i], key) == 0)
            return 1;
    return 0;
}

json_t *
config_own_keys(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof(own_keys) / sizeof(own_keys[0]); i++)
        json_array_append_new(list, json_string(own_keys[i]));
    return list;
}

/* ---- paths ---- */

char *
config_absolute(const char *path, const char *folder)
{
    const char *home = getenv("HOME");

    if (path[0] == '/')
        return alloc_str(path);
    if (strncmp(path, "~/", 2) == 0 && home)
        return alloc_printf("%s/%s", home, path + 2);
    return alloc_printf("%s/%s", folder, strncmp(path, "./", 2) == 0 ? path + 2 : path);
}

/* The folder that relative paths start from: the file's, or the current one. A new text. */
static char *
folder_of(const struct config *config, struct cairn_error *err)
{
    char *real = realpath(config->path ? config->path : ".", NULL);
    char *slash;

    if (!real)
        cairn_fail(err, CAIRN_ERR_INVALID, "read config %s: %s", config->path ? config->path : ".", strerror(errno));
    slash = real && config->path ? strrchr(real, '/') : NULL;
    if (slash)
        slash[slash == real] = '\0';
    return real;
}

static int
is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
take_folders(const struct config *config, const json_t *root, const char *key, json_t *list, struct cairn_error *err)
{
    const json_t *value = json_object_get(root, key);
    char *at = alloc_printf("/%s", key);
    const json_t *item;
    size_t i;
    int rc = 0;

    if (value && !json_is_array(value))
        rc = config_refuse(config, at, err, "it must be a list of folders");
    json_array_foreach(value, i, item) {
        char *item_at = alloc_printf("/%s/%zu", key, i);
        char *path = json_is_string(item) ? config_absolute(json_string_value(item), config->folder) : NULL;

        if (rc == 0 && !path)
            rc = config_refuse(config, item_at, err, "it must be a folder");
        else if (rc == 0 && !is_folder(path))
            rc = config_refuse(config, item_at, err, "there is no folder %s", path);
        else if (rc == 0)
            json_array_append_new(list, json_string(path));
        free(path);
        free(item_at);
    }
    free(at);
    return rc;
}

/* Folders of an environment variable, or the installed one. */
static int
add_folders(json_t *list, const char *variable, const char *installed, struct cairn_error *err)
{
    const char *rest = getenv(variable);

    if (!rest) {
        json_array_append_new(list, json_string(installed));
        return 0;
    }
    while (*rest) {
        size_t len = strcspn(rest, ":");
        char *path = alloc_strn(rest, len);

        if (len && *path != '/') {
            cairn_fail(err, CAIRN_ERR_INVALID, "read %s: %s is not an absolute path", variable, path);
            free(path);
            return -1;
        }
        if (len)
            json_array_append_new(list, json_string(path));
        free(path);
        rest += len + (rest[len] == ':');
    }
    return 0;
}

static int
take_state(struct config *config, const json_t *root, struct cairn_error *err)
{
    const json_t *value = json_object_get(root, "state");
    const char *base = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (value && (!json_is_string(value) || !*json_string_value(value)))
        return config_refuse(config, "/state", err, "it must be a folder");
    if (value)
        config->state = config_absolute(json_string_value(value), config->folder);
    else if (base && *base == '/')
        config->state = alloc_printf("%s/cairn/%s", base, config->environment);
    else if (home && *home == '/')
        config->state = alloc_printf("%s/.local/state/cairn/%s", home, config->environment);
    else
        return config_refuse(config, "/state", err, "it is missing, and neither XDG_STATE_HOME nor HOME is set");
    return 0;
}

/* ---- cairn's own keys ---- */

static int
take_environment(struct config *config, const json_t *root, struct cairn_error *err)
{
    const json_t *value = json_object_get(root, "environment");
    const char *name = value ? json_string_value(value) : "default";
    static const char *const good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (!name || !*name || *name == '.' || name[strspn(name, good)])
        return config_refuse(config, "/environment", err, "it must be a name of letters, digits, '.', '_' and '-'");
    config->environment = alloc_str(name);
    return 0;
}

static int
take_numbers(struct config *config, const json_t *root, struct cairn_error *err)
{
    const json_t *workers = json_object_get(root, "workers");
    const json_t *heartbeat = json_object_get(root, "heartbeat");
    const json_t *attempts = json_object_get(root, "attempts");

    config->attempts = attempts ? (int)json_integer_value(attempts) : 12;
    if (attempts
        && (!json_is_integer(attempts) || json_integer_value(attempts) < 1 || json_integer_value(attempts) > ATTEMPTS_MAX))
        return config_refuse(config, "/attempts", err, "it must be a number from 1 to %d", ATTEMPTS_MAX);
    config->workers = workers ? (int)json_integer_value(workers) : 4;
    config->heartbeat = (int64_t)(heartbeat ? json_number_value(heartbeat) * 1000 : 60000);
    if (workers
        && (!json_is_integer(workers) || json_integer_value(workers) < 1 || json_integer_value(workers) > WORKERS_MAX))
        return config_refuse(config, "/workers", err, "it must be a number from 1 to %d", WORKERS_MAX);
    if (heartbeat && (!json_is_number(heartbeat) || config->heartbeat < 1 || json_number_value(heartbeat) > 86400))
        return config_refuse(config, "/heartbeat", err, "it must be a number of seconds above 0, at most a day");
    return 0;
}

static int
check_source(const struct config *config, const char *name, const json_t *source, struct cairn_error *err)
{
    json_t *known = json_pack("[s, s, s]", "env", "file", "value");
    char *at = alloc_printf("/secrets/%s", name);
    const char *key = json_object_iter_key(json_object_iter((json_t *)source));
    const char *nearest = key ? params_nearest(key, known) : NULL;
    int rc = 0;

    if (json_object_size(source) != 1)
        rc = config_refuse(config, at, err, "it must be one of {env: VARIABLE}, {file: PATH} and {value: TEXT}");
    else if (!nearest || strcmp(nearest, key) != 0)
        rc = config_refuse(config, at, err, "unknown source %s; it must be env, file or value", key);
    else if (!json_is_string(json_object_get(source, key)) || !*json_string_value(json_object_get(source, key)))
        rc = config_refuse(config, at, err, "its %s must be a string that is not empty%s", key,
                           strcmp(key, "value") == 0 ? "; put it in quotes" : "");
    free(at);
    json_decref(known);
    return rc;
}

static int
take_secrets(struct config *config, const json_t *root, struct cairn_error *err)
{
    json_t *value = json_object_get(root, "secrets");
    const char *name;
    json_t *source;

    if (value && !json_is_object(value))
        return config_refuse(config, "/secrets", err, "it must be a map from names to sources");
    config->secrets = value ? json_incref(value) : json_object();
    json_object_foreach(config->secrets, name, source)
        if (check_source(config, name, source, err) < 0)
            return -1;
    return 0;
}

/* A {secret: NAME} in a section must name one that there is. */
static int
check_names(const struct config *config, const char *section, const json_t *keys, struct cairn_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)keys, key, value) {
        const char *name = config_secret_name(value);
        char *at;

        if (!name || json_object_get(config->secrets, name))
            continue;
        at = alloc_printf("/%s/%s", section, key);
        config_refuse(config, at, err, "secret %s is not among `secrets`%s%s%s", name,
                      params_nearest(name, config->secrets) ? "; did you mean " : "",
                      params_nearest(name, config->secrets) ? params_nearest(name, config->secrets) : "",
                      params_nearest(name, config->secrets) ? "?" : "");
        free(at);
        return -1;
    }
    return 0;
}

static int
take_sections(struct config *config, const json_t *root, struct cairn_error *err)
{
    const char *key;
    json_t *value;

    config->sections = json_object();
    json_object_foreach((json_t *)root, key, value) {
        char *at = alloc_printf("/%s", key);
        int rc = 0;

        if (config_is_own(key))
            rc = 0;
        else if (json_is_null(value))
            json_object_set_new(config->sections, key, json_object());
        else if (json_is_object(value)) {
            json_object_set(config->sections, key, value);
            rc = check_names(config, key, value, err);
        } else {
            json_t *own = config_own_keys();
            const char *nearest = params_nearest(key, own);

            if (nearest)
                rc = config_refuse(config, at, err, "unknown key, did you mean %s?", nearest);
            else
                rc = config_refuse(config, at, err, "unknown key; if it is the section of a plugin, it must be a map");
            json_decref(own);
        }
        free(at);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* ---- load and free ---- */

/* Which file to read; NULL in *out when none is named and there is none. */
static int
find_file(char **out, const char *path, struct cairn_error *err)
{
    const char *from_env = getenv("CAIRN_CONFIG");
    const char *named = path ? path : from_env && *from_env ? from_env : NULL;

    *out = NULL;
    if (named && access(named, F_OK) < 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read config %s: %s%s", named, strerror(errno),
                          path ? "" : " (it is named by CAIRN_CONFIG)");
    if (named || access("cairn.yaml", F_OK) == 0)
        *out = alloc_str(named ? named : "cairn.yaml");
    return 0;
}

static int
take_all(struct config *config, const json_t *root, struct cairn_error *err)
{
    if (!json_is_object(root))
        return config_refuse(config, "", err, "it must be a map of keys, like `environment: production`");
    config->folder = folder_of(config, err);
    config->plugin_path = json_array();
    config->lua_path = json_array();
    if (!config->folder || take_environment(config, root, err) < 0 || take_state(config, root, err) < 0
        || take_numbers(config, root, err) < 0 || take_secrets(config, root, err) < 0
        || take_sections(config, root, err) < 0
        || take_folders(config, root, "plugin_path", config->plugin_path, err) < 0
        || take_folders(config, root, "lua_path", config->lua_path, err) < 0
        || add_folders(config->plugin_path, "CAIRN_PLUGIN_PATH", PLUGIN_DIR, err) < 0
        || add_folders(config->lua_path, "CAIRN_LUA_PATH", LUA_DIR, err) < 0)
        return -1;
    return 0;
}

int
config_load(struct config **out, const char *path, struct cairn_error *err)
{
    struct config *config = alloc_zero(1, sizeof(*config));
    json_t *root = NULL;
    int rc = -1;

    if (find_file(&config->path, path, err) < 0)
        goto out;
    if (!config->path)
        root = json_object();
    else if (yaml_load(&root, &config->lines, config->path, err) < 0)
        goto out;
    if (json_is_null(root)) { /* a file of comments */
        json_decref(root);
        root = json_object();
    }
    if (take_all(config, root, err) < 0)
        goto out;
    *out = config;
    config = NULL; /* handed over */
    rc = 0;
out:
    json_decref(root);
    config_free(config);
    return rc;
}

void
config_free(struct config *config)
{
    if (!config)
        return;
    free(config->path);
    free(config->folder);
    free(config->environment);
    free(config->state);
    json_decref(config->plugin_path);
    json_decref(config->lua_path);
    json_decref(config->secrets);
    json_decref(config->sections);
    json_decref(config->lines);
    free(config);
}
