/*
 * config_section.c: the sections of cairn.yaml that belong to plugins; used by the engine and the commands.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/error.h"
#include "engine/config_place.h"
#include "engine/params.h"

#include <stdlib.h>
#include <string.h>

static json_t *
secret_text(const char *text)
{
    return json_pack("{s:s}", "$secret", text);
}

static json_t *
named_secret(const struct config *config, const char *name, struct cairn_error *err)
{
    char *text = NULL;
    json_t *secret;

    if (config_secret(config, name, &text, err) < 0)
        return NULL;
    secret = secret_text(text);
    config_wipe(text);
    return secret;
}

/* What a plugin gets for a value, however deep it lies: a secret in clear, marked, or the value itself. `secret`: a text
 * here is one. A new reference, or NULL with err. */
static json_t *
resolve(const struct config *config, json_t *value, int secret, struct cairn_error *err)
{
    const char *name = config_secret_name(value);
    json_t *copy;
    json_t *member;
    const char *key;
    size_t i;

    if (name)
        return named_secret(config, name, err);
    if (secret && json_is_string(value))
        return secret_text(json_string_value(value));
    if (!json_is_object(value) && !json_is_array(value))
        return json_incref(value);
    copy = json_is_object(value) ? json_object() : json_array();
    json_object_foreach(value, key, member) {
        json_t *resolved = resolve(config, member, strcmp(key, "password") == 0, err);

        if (!resolved)
            goto failed;
        json_object_set_new(copy, key, resolved);
    }
    json_array_foreach(value, i, member) {
        json_t *resolved = resolve(config, member, secret, err);

        if (!resolved)
            goto failed;
        json_array_append_new(copy, resolved);
    }
    return copy;
failed:
    json_decref(copy);
    return NULL;
}

/* Type and place are told by the file: the same table without defaults and needs, for one key. */
static int
check_key(const struct config *config, const char *section, const json_t *param, json_t *value, struct cairn_error *err)
{
    const char *name = json_string_value(json_object_get(param, "name"));
    const char *type = json_string_value(json_object_get(param, "type"));
    json_t *one = json_pack("{s:O}", name, value);
    json_t *table = json_pack("[{s:s, s:s}]", "name", name, "type", type);
    struct cairn_error why = { 0 };
    int rc = 0;

    if (params_check(one, table, section, &why) < 0) {
        int unquoted = strcmp(type, "string") == 0 && (json_is_number(value) || json_is_boolean(value));
        char *at = alloc_printf("/%s/%s", section, name);

        rc = config_refuse(config, at, err, "it must be of type %s%s", type, unquoted ? "; put it in quotes" : "");
        free(at);
    }
    json_decref(one);
    json_decref(table);
    return rc;
}

static int
take_key(const struct config *config, const char *section, const json_t *param, json_t *out, struct cairn_error *err)
{
    const char *name = json_string_value(json_object_get(param, "name"));
    const char *help = json_string_value(json_object_get(param, "help"));
    json_t *given = json_object_get(json_object_get(config->sections, section), name);
    json_t *otherwise = json_object_get(param, "default");
    json_t *value;
    char *at;

    if (given && !json_is_null(given)) {
        value = resolve(config, given, json_is_true(json_object_get(param, "secret")), err);
        if (!value)
            return -1;
        json_object_set_new(out, name, value);
        return check_key(config, section, param, value, err);
    }
    if (otherwise) {
        json_object_set_new(out, name, json_deep_copy(otherwise));
        return 0;
    }
    if (!json_is_true(json_object_get(param, "required")))
        return 0;
    at = alloc_printf("/%s/%s", section, name);
    config_refuse(config, at, err, "it is missing%s%s", help && *help ? ": " : "", help ? help : "");
    free(at);
    return -1;
}

int
config_section(const struct config *config, const char *section, const json_t *params, json_t **out,
               struct cairn_error *err)
{
    json_t *values = json_object();
    const json_t *param;
    size_t i;

    json_array_foreach(params, i, param) {
        if (take_key(config, section ? section : "", param, values, err) < 0) {
            json_decref(values);
            return -1;
        }
    }
    *out = values;
    return 0;
}

int
config_check_plugin(const struct config *config, const json_t *description, struct cairn_error *err)
{
    const char *section = json_string_value(json_object_get(description, "section"));
    json_t *values = NULL;

    if (!section || !json_object_get(config->sections, section))
        return 0;
    if (config_section(config, section, json_object_get(description, "config"), &values, err) < 0)
        return -1;
    json_decref(values);
    return 0;
}

/* section -> {key: true}, of all plugins; a new reference. */
static json_t *
known_keys(const json_t *descriptions)
{
    json_t *sections = json_object();
    const json_t *description;
    size_t i;

    json_array_foreach(descriptions, i, description) {
        const char *name = json_string_value(json_object_get(description, "section"));
        const json_t *param;
        size_t k;

        if (!name)
            continue;
        if (!json_object_get(sections, name))
            json_object_set_new(sections, name, json_object());
        json_array_foreach(json_object_get(description, "config"), k, param)
            json_object_set_new(json_object_get(sections, name), json_string_value(json_object_get(param, "name")),
                                json_true());
    }
    return sections;
}

static int
check_section(const struct config *config, const char *section, const json_t *keys, const json_t *known,
              struct cairn_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)keys, key, value) {
        const char *nearest;
        char *at;

        if (json_object_get(known, key))
            continue;
        nearest = params_nearest(key, known);
        at = alloc_printf("/%s/%s", section, key);
        config_refuse(config, at, err, "unknown key%s%s%s", nearest ? ", did you mean " : "", nearest ? nearest : "",
                      nearest ? "?" : "");
        free(at);
        return -1;
    }
    return 0;
}

static int
unknown_section(const struct config *config, const char *section, const json_t *known, struct cairn_error *err)
{
    json_t *names = config_own_keys();
    char *at = alloc_printf("/%s", section);
    const char *nearest;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)known, key, value)
        json_array_append_new(names, json_string(key));
    nearest = params_nearest(section, names);
    config_refuse(config, at, err, "unknown key, and no plugin has a section of that name%s%s%s",
                  nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    free(at);
    json_decref(names);
    return -1;
}

int
config_check(const struct config *config, const json_t *descriptions, struct cairn_error *err)
{
    json_t *known = known_keys(descriptions);
    const char *section;
    json_t *keys;
    int rc = 0;

    json_object_foreach(config->sections, section, keys) {
        const json_t *of_section = json_object_get(known, section);

        rc = of_section ? check_section(config, section, keys, of_section, err)
                        : unknown_section(config, section, known, err);
        if (rc < 0)
            break;
    }
    json_decref(known);
    return rc;
}
