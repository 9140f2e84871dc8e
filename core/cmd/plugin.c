/*
 * plugin.c: the commands `plugin list` and `plugin describe`, out of what the plugins' tables say.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/command.h"
#include "cmd/print.h"
#include "cmd/status.h"
#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* ---- list ---- */

static json_t *
describe_entry(const struct plugins_entry *entry)
{
    const json_t *actions = json_object_get(entry->description, "actions");

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "name", entry->name, "version",
                     text_of(entry->description, "version"), "help", text_of(entry->description, "help"), "section",
                     text_of(entry->description, "section"), "path", entry->path, "sha256", entry->sha256, "actions",
                     (int)json_array_size(actions));
}

int
plugin_list(struct context *context, struct cairn_error *err)
{
    static const char *const columns[] = { "name", "version", "section", "help", NULL };
    json_t *list;
    json_t *json;

    if (command_plugins(context, err) < 0)
        return -1;
    list = json_array();
    for (size_t i = 0; i < context->plugins->count; i++)
        json_array_append_new(list, describe_entry(&context->plugins->entries[i]));
    json = json_pack("{s:s, s:O}", "schema", "cairn.plugins/1", "plugins", list);
    if (context->json)
        print_json(json);
    else
        print_table(list, columns);
    json_decref(list);
    json_decref(json);
    return STATUS_DONE;
}

/* ---- describe ---- */

static void
print_params(const char *title, const json_t *params)
{
    size_t i;
    json_t *p;

    if (json_array_size(params) > 0)
        printf("  %s\n", title);
    json_array_foreach(params, i, p) {
        const json_t *otherwise = json_object_get(p, "default");
        char *value = otherwise && !json_is_null(otherwise) ? print_value(otherwise) : NULL;

        printf("    %-24s %-8s %s%s%s%s%s\n", text_of(p, "name"), text_of(p, "type"), text_of(p, "help"),
               json_is_true(json_object_get(p, "required")) ? "; required" : "",
               json_is_true(json_object_get(p, "secret")) ? "; secret" : "", value ? "; default " : "",
               value ? value : "");
        free(value);
    }
}

static void
print_action(const char *plugin, const json_t *action)
{
    char *flags = json_array_size(json_object_get(action, "flags")) ? print_value(json_object_get(action, "flags"))
                                                                    : alloc_str("");

    printf("%s.%s  %s%s%s\n  %s\n", plugin, text_of(action, "name"), text_of(action, "effect"), *flags ? " " : "",
           flags, text_of(action, "help"));
    print_params("takes", json_object_get(action, "params"));
    print_params("gives", json_object_get(action, "results"));
    free(flags);
}

static void
print_plugin(const struct plugins_entry *entry)
{
    const json_t *description = entry->description;
    size_t i;
    json_t *action;

    printf("%s %s  %s\n  %s\n", entry->name, text_of(description, "version"), text_of(description, "help"),
           entry->path);
    if (*text_of(description, "section"))
        printf("  section %s of the configuration\n", text_of(description, "section"));
    print_params("is configured by", json_object_get(description, "config"));
    putchar('\n');
    json_array_foreach(json_object_get(description, "actions"), i, action)
        printf("  %-28s %-8s %s\n", text_of(action, "name"), text_of(action, "effect"), text_of(action, "help"));
}

static int
no_such(const struct context *context, const char *name, struct cairn_error *err)
{
    char *names = alloc_str("");
    int rc;

    for (size_t i = 0; i < context->plugins->count; i++) {
        char *longer = alloc_printf("%s%s%s", names, i ? ", " : "", context->plugins->entries[i].name);

        free(names);
        names = longer;
    }
    rc = cairn_fail(err, CAIRN_ERR_NOT_FOUND,
                    "describe plugin %s: there is none of that name; there are: %s; see: cairn plugin list", name,
                    *names ? names : "none");
    free(names);
    return rc;
}

int
plugin_describe(struct context *context, struct cairn_error *err)
{
    char *name = alloc_str(command_word(context, 0));
    char *dot = strchr(name, '.');
    const struct plugins_entry *entry;
    const json_t *action = NULL;
    json_t *json = NULL;
    int rc = -1;

    if (dot)
        *dot = '\0';
    if (command_plugins(context, err) < 0)
        goto out;
    entry = plugins_find(context->plugins, name);
    if (!entry) {
        no_such(context, name, err);
        goto out;
    }
    if (dot && !(action = plugins_action(entry, dot + 1))) {
        cairn_fail(err, CAIRN_ERR_NOT_FOUND,
                   "describe %s: the plugin %s has no such action; see: cairn plugin describe %s",
                   command_word(context, 0), name, name);
        goto out;
    }
    json = json_pack("{s:s, s:O}", "schema", action ? "cairn.action/1" : "cairn.plugin/1", action ? "action" : "plugin",
                     action ? action : entry->description);
    if (context->json)
        print_json(json);
    else if (action)
        print_action(name, action);
    else
        print_plugin(entry);
    rc = STATUS_DONE;
out:
    json_decref(json);
    free(name);
    return rc;
}
