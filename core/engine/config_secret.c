/*
 * config_secret.c: what `cairn.secret "NAME"` and {secret: NAME} stand for; used by the engine.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/file.h"
#include "engine/config_place.h"
#include "engine/params.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX (1u << 20)

const char *
config_secret_name(const json_t *value)
{
    return json_object_size(value) == 1 ? json_string_value(json_object_get(value, "secret")) : NULL;
}

static int
refuse(const struct config *config, const char *name, struct cairn_error *err, const char *why)
{
    char *at = alloc_printf("/secrets/%s", name);
    int rc = config_refuse(config, at, err, "%s", why);

    free(at);
    return rc;
}

static int
read_secret(const struct config *config, const char *name, const char *path, char **out, struct cairn_error *err)
{
    char *full = config_absolute(path, config->folder);
    struct cairn_error why = { 0 };
    char *text = NULL;
    size_t len = 0;
    int rc = file_read(&text, &len, full, SECRET_MAX, &why);

    if (rc < 0) {
        refuse(config, name, err, why.text);
    } else if (strlen(text) != len) {
        rc = refuse(config, name, err, "its file holds a NUL byte");
        OPENSSL_cleanse(text, len);
        free(text);
    } else {
        if (len && text[len - 1] == '\n') /* the one that every editor adds */
            text[--len] = '\0';
        *out = text;
    }
    free(full);
    return rc;
}

int
config_secret(const struct config *config, const char *name, char **out, struct cairn_error *err)
{
    const json_t *source = json_object_get(config->secrets, name);
    const char *variable = json_string_value(json_object_get(source, "env"));
    const char *path = json_string_value(json_object_get(source, "file"));
    const char *value = json_string_value(json_object_get(source, "value"));
    char *text = NULL;
    json_t *utf8;

    if (!source) {
        const char *nearest = params_nearest(name, config->secrets);

        return cairn_fail(err, CAIRN_ERR_INVALID, "read secret %s: it is not among `secrets` in %s%s%s%s", name,
                          config->path ? config->path : "the config", nearest ? "; did you mean " : "",
                          nearest ? nearest : "", nearest ? "?" : "");
    }
    if (variable && !getenv(variable)) {
        char *why = alloc_printf("the environment variable %s is not set", variable);
        int rc = refuse(config, name, err, why);

        free(why);
        return rc;
    }
    if (path && read_secret(config, name, path, &text, err) < 0)
        return -1;
    if (!path)
        text = alloc_str(variable ? getenv(variable) : value);
    utf8 = json_string(text);
    if (!*text || !utf8) {
        refuse(config, name, err, *text ? "it is not UTF-8" : "it is empty");
        config_wipe(text);
        text = NULL;
    }
    json_decref(utf8);
    *out = text;
    return text ? 0 : -1;
}

void
config_wipe(char *secret)
{
    if (secret)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}
