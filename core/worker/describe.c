/*
 * describe.c: a plugin's table as the engine is told of it; used once in a worker's life.
 * SPDX-License-Identifier: MIT
 */
#include "worker/describe.h"

#include "common/error.h"
#include "worker/value.h"

#include <string.h>

static void
put_text(json_t *map, const char *key, const char *text)
{
    if (text)
        json_object_set_new(map, key, value_json(cairn_str(text)));
}

static json_t *
describe_params(const struct cairn_param *params)
{
    json_t *list = value_json(cairn_list());

    for (const struct cairn_param *p = params; p && p->name; p++) {
        json_t *param = value_json(cairn_map());

        put_text(param, "name", p->name);
        put_text(param, "type", type_name(p->type));
        json_object_set_new(param, "required", json_boolean(p->flags & CAIRN_REQUIRED));
        json_object_set_new(param, "secret", json_boolean(p->flags & CAIRN_SECRET));
        if (p->flags & CAIRN_TO_CHANGE)
            json_object_set_new(param, "to_change", json_true());
        put_text(param, "help", p->help);
        if (p->otherwise)
            json_object_set_new(param, "default",
                                value_json(cairn_parse_json(p->otherwise, strlen(p->otherwise), NULL)));
        json_array_append_new(list, param);
    }
    return list;
}

static json_t *
describe_flags(unsigned flags)
{
    json_t *list = value_json(cairn_list());

    if (flags & CAIRN_DESTRUCTIVE)
        json_array_append_new(list, json_string("destructive"));
    if (flags & CAIRN_IRREVERSIBLE)
        json_array_append_new(list, json_string("irreversible"));
    if (flags & CAIRN_SLOW)
        json_array_append_new(list, json_string("slow"));
    if (flags & CAIRN_DOCTOR)
        json_array_append_new(list, json_string("doctor"));
    return list;
}

static json_t *
describe_action(const struct cairn_action *a)
{
    json_t *action = value_json(cairn_map());

    put_text(action, "name", a->name);
    put_text(action, "help", a->help);
    put_text(action, "effect", effect_name(a->effect));
    json_object_set_new(action, "flags", describe_flags(a->flags));
    put_text(action, "target", a->target);
    json_object_set_new(action, "params", describe_params(a->params));
    json_object_set_new(action, "results", describe_params(a->results));
    json_object_set_new(action, "observe", json_boolean(a->observe != NULL));
    json_object_set_new(action, "plan", json_boolean(a->plan != NULL));
    return action;
}

static json_t *
describe_env(const char *env)
{
    json_t *list = value_json(cairn_list());

    for (const char *s = env ? env + strspn(env, " ") : ""; *s; s += strspn(s, " ")) {
        size_t len = strcspn(s, " ");

        json_array_append_new(list, value_json(cairn_strn(s, len)));
        s += len;
    }
    return list;
}

json_t *
describe_plugin(const struct cairn_plugin *table)
{
    json_t *plugin = value_json(cairn_map());
    json_t *actions = value_json(cairn_list());

    put_text(plugin, "name", table->name);
    put_text(plugin, "version", table->version);
    put_text(plugin, "help", table->help);
    put_text(plugin, "section", table->section);
    json_object_set_new(plugin, "env", describe_env(table->env));
    json_object_set_new(plugin, "abi", json_pack("[ii]", (int)table->abi_major, (int)table->abi_minor));
    json_object_set_new(plugin, "guard", json_boolean(table->guard != NULL));
    json_object_set_new(plugin, "config", describe_params(table->config));
    for (const struct cairn_action *a = table->actions; a->name; a++)
        json_array_append_new(actions, describe_action(a));
    json_object_set_new(plugin, "actions", actions);
    return plugin;
}
