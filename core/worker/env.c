/*
 * env.c: the variables of the user that were handed to this worker; used by cairn_env and for proxies.
 * SPDX-License-Identifier: MIT
 */
#include "worker/env.h"

#include "worker/mask.h"
#include "worker/value.h"

#include <string.h>

static void
mask_password_of(const char *url)
{
    const char *at = strrchr(url, '@');
    const char *user = strstr(url, "://");
    const char *colon = at ? memchr(user ? user + 3 : url, ':', (size_t)(at - (user ? user + 3 : url))) : NULL;

    if (colon) {
        struct cairn_value *password = cairn_strn(colon + 1, (size_t)(at - colon) - 1);

        mask_add(cairn_as_str(password, ""));
        cairn_free(password);
    }
}

static void
mask_variable(const char *name, const char *value)
{
    static const char *const words[] = { "SECRET", "TOKEN", "PASSWORD", "PASSWD", "PRIVATE" };

    /* AWS_WEB_IDENTITY_TOKEN_FILE and the like are paths */
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(name, words[i]) && !strstr(name, "_FILE"))
            mask_add(value);
    if (strcasestr(name, "_PROXY"))
        mask_password_of(value);
}

void
env_take(struct cairn_call *call, const json_t *env)
{
    const json_t *value;
    const char *name;

    json_decref(call->env);
    call->env = value_reveal(env, "env", NULL);
    if (!call->env)
        call->env = value_json(cairn_map());
    json_object_foreach(call->env, name, value)
        if (json_is_string(value))
            mask_variable(name, json_string_value(value));
}

const char *
env_get(const struct cairn_call *call, const char *name)
{
    return json_string_value(json_object_get(call->env, name));
}

static int
lists(const json_t *names, const char *name)
{
    const json_t *each;
    size_t i;

    json_array_foreach(names, i, each)
        if (json_is_string(each) && strcmp(json_string_value(each), name) == 0)
            return 1;
    return 0;
}

static int
declared(const struct cairn_call *call, const char *name)
{
    const char *env = call->plugin->env;

    for (const char *s = env ? env + strspn(env, " ") : ""; *s; s += strspn(s, " ")) {
        size_t len = strcspn(s, " ");

        if (*s == '@' && lists(json_object_getn(call->config, s + 1, len - 1), name))
            return 1;
        if (s[len - 1] == '*' ? strncmp(s, name, len - 1) == 0 : strlen(name) == len && memcmp(s, name, len) == 0)
            return 1;
        s += len;
    }
    return 0;
}

const char *
cairn_env(const struct cairn_call *call, const char *name)
{
    return declared(call, name) ? env_get(call, name) : NULL;
}
