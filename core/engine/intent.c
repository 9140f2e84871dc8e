/*
 * intent.c: the intent of a new command: what is checked before it is recorded, and what is recorded; called by
 * command.c.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/canon.h"
#include "common/error.h"
#include "common/text.h"
#include "engine/live.h"
#include "engine/params.h"

#include <stdlib.h>
#include <string.h>

/* Told when the plugin is first used, which may be hours before the first change. */
static void
tell_what_lacks(struct live *live, const struct plugins_entry *plugin)
{
    const char *section = text_member(plugin->description, "section");
    const json_t *keys = json_object_get(live->engine->options.config->sections, section);
    size_t i;
    json_t *param;

    json_array_foreach(json_object_get(plugin->description, "config"), i, param) {
        char *text;

        if (!json_is_true(json_object_get(param, "to_change")) || json_object_get(keys, text_member(param, "name")))
            continue;
        text = alloc_printf("the configuration has no %s.%s: reads will work, and the first change will be refused",
                            section, text_member(param, "name"));
        if (!json_object_get(live->plugins, text)) /* once for all plugins of the section */
            live_log(live, text);
        json_object_set_new(live->plugins, text, json_true());
        free(text);
    }
}

static void
record_plugin(struct live *live, const struct plugins_entry *plugin)
{
    if (json_object_get(live->plugins, plugin->name))
        return;
    tell_what_lacks(live, plugin);
    json_object_set_new(live->plugins, plugin->name, json_true());
    turn_append(live,
                json_pack("{s:s, s:s, s:O, s:s}", "kind", "plugin", "name", plugin->name, "version",
                          json_object_get(plugin->description, "version"), "sha256", plugin->sha256),
                TURN_LATER);
}

/* The token: the same over every attempt of one step, different for every other step of every store. */
static void
token_of(char token[33], const struct live *live, const char *id)
{
    char *text = alloc_printf("%s|%s|%s", store_lineage(live->engine->options.store), live->run->id, id);
    char hex[DIGEST_HEX];

    digest_bytes(hex, text, strlen(text));
    free(text);
    memcpy(token, hex, 32);
    token[32] = '\0';
}

static int
has_flag(const json_t *action, const char *name)
{
    size_t i;
    json_t *flag;

    json_array_foreach(json_object_get(action, "flags"), i, flag)
        if (strcmp(json_string_value(flag), name) == 0)
            return 1;
    return 0;
}

/* What is secret must not be in the journal in clear: a script passes a handle, and has nothing else to pass. */
static int
check_secrets(const json_t *args, const json_t *params, const char *where, struct cairn_error *err)
{
    size_t i;
    json_t *param;

    json_array_foreach(params, i, param) {
        const char *name = text_member(param, "name");

        if (json_is_true(json_object_get(param, "secret")) && json_is_string(json_object_get(args, name)))
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "%s: %s: it is a secret: pass cairn.secret(NAME), or a secret that an action returned",
                              where, name);
    }
    return 0;
}

/* Find the action and check the arguments; defaults stay out of the record and are filled in by the worker. */
static const json_t *
find_action(const struct live *live, const json_t *message, const struct plugins_entry **plugin,
            struct cairn_error *err)
{
    const json_t *action = NULL;
    json_t *args = json_object_get(message, "args");
    json_t *copy;
    char *where;
    int rc;

    *plugin = plugins_find(live->engine->options.plugins, text_member(message, "plugin"));
    if (*plugin)
        action = plugins_action(*plugin, text_member(message, "action"));
    if (!action) {
        cairn_fail(err, CAIRN_ERR_INVALID, "call %s.%s: there is no such action; see: cairn plugin list",
                   text_member(message, "plugin"), text_member(message, "action"));
        return NULL;
    }
    copy = args ? json_deep_copy(args) : json_object();
    where = alloc_printf("%s%s%s.%s", text_member(message, "at"), *text_member(message, "at") ? ": " : "",
                         text_member(message, "plugin"), text_member(message, "action"));
    rc = params_check(copy, json_object_get(action, "params"), where, err);
    if (rc == 0)
        rc = check_secrets(copy, json_object_get(action, "params"), where, err);
    if (rc < 0)
        snprintf(err->code, sizeof(err->code), "arguments");
    free(where);
    json_decref(copy);
    return rc < 0 ? NULL : action;
}

struct run_command *
intent_append(struct live *live, json_t *owned_record, const char *id, enum turn_need need)
{
    json_object_set_new(owned_record, "kind", json_string("intent"));
    turn_append(live, owned_record, need);
    return run_command(live->run, id);
}

/* A step that can't be given to a plugin: its intent and its error are recorded, like those of any other. */
static void
refuse_step(struct live *live, json_t *owned_record, const char *id, const struct cairn_error *err)
{
    json_object_set_new(owned_record, "effect", json_string("read"));
    intent_append(live, owned_record, id, TURN_LATER);
    command_outcome(live, id, 0, error_to_json(err), "replied", TURN_LATER);
}

void
intent_step(struct live *live, const json_t *message, json_t *owned_record)
{
    const char *id = text_member(message, "id");
    const struct plugins_entry *plugin;
    struct cairn_error err = { 0 };
    const json_t *action = find_action(live, message, &plugin, &err);
    struct run_command *command;
    int changes, confirmed = 1;
    char token[33];

    if (action && has_flag(action, "destructive"))
        confirmed = gate_confirmed(live, message, json_string_value(json_object_get(action, "target")), &err);
    if (!action || confirmed < 0) {
        refuse_step(live, owned_record, id, &err);
        return;
    }
    if (confirmed == 0) {
        json_decref(owned_record);
        return;
    }
    changes = strcmp(text_member(action, "effect"), "read") != 0;
    token_of(token, live, id);
    record_plugin(live, plugin);
    json_object_set(owned_record, "effect", json_object_get(action, "effect"));
    json_object_set(owned_record, "flags", json_object_get(action, "flags"));
    json_object_set_new(owned_record, "token", json_string(token));
    command = intent_append(live, owned_record, id, changes ? TURN_NOW : TURN_LATER);
    step_begin(job_new(live, command, JOB_STEP), 1);
}
