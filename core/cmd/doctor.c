/*
 * doctor.c: the command `doctor`: is all that a run needs there, and as whom would it act?
 * SPDX-License-Identifier: MIT
 *
 * What cairn needs itself is looked at here; what plugins need they say, by their actions with the flag CAIRN_DOCTOR.
 */
#include "cmd/command.h"
#include "cmd/print.h"
#include "cmd/status.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/text.h"
#include "engine/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_SECONDS 30
#define LIMIT_MOST 3600

struct doctor {
    struct context *context;
    json_t *checks; /* in the order of their making */
    int problems;
    int64_t limit; /* ms of wall time for an answer */
};

struct patient { /* a plugin that is asked */
    const char *name;
};

/* ---- checks ---- */

static void
add(struct doctor *d, const char *name, const char *status, char *owned_text, json_t *owned_problems,
    json_t *owned_details)
{
    json_t *check = json_pack("{s:s, s:s, s:s}", "name", name, "status", status, "text", owned_text);

    if (owned_problems)
        json_object_set_new(check, "problems", owned_problems);
    if (owned_details)
        json_object_set_new(check, "details", owned_details);
    json_array_append_new(d->checks, check);
    d->problems += strcmp(status, "problem") == 0;
    free(owned_text);
}

/* One of cairn's own: fine with `owned_text`, unless `err` says something else. */
static void
add_own(struct doctor *d, const char *name, char *owned_text, const struct cairn_error *err)
{
    if (err->kind == CAIRN_ERR_NONE) {
        add(d, name, "ok", owned_text, NULL, NULL);
    } else {
        free(owned_text);
        add(d, name, "problem", alloc_str(err->text), NULL, NULL);
    }
}

/* ---- the store ---- */

/* What a run does to its journal, on a file beside it. */
static int
write_durably(const char *folder, struct cairn_error *err)
{
    char *path = alloc_printf("%s/doctor.XXXXXX", folder);
    int fd = mkstemp(path);
    int why = fd < 0 || write(fd, "cairn\n", 6) != 6 || fsync(fd) < 0 ? errno : 0;

    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(path);
    return why ? cairn_fail(err, CAIRN_ERR_FAILED, "write to %s: %s", folder, strerror(why)) : 0;
}

static void
check_store(struct doctor *d)
{
    struct context *context = d->context;
    struct cairn_error err = { 0 };
    struct store_run *runs = NULL;
    size_t count = 0;
    int64_t began;
    char *text = NULL;

    if (command_open(context, &err) == 0 && store_runs(context->store, &runs, &count, &err) == 0) {
        began = clock_wall();
        if (write_durably(context->config->state, &err) == 0)
            text = alloc_printf("%s, %zu run%s; a write was on the disk after %lld ms", context->config->state, count,
                                count == 1 ? "" : "s", (long long)(clock_wall() - began));
    }
    store_runs_free(runs, count);
    add_own(d, "store", text, &err);
}

/* ---- the configuration and the plugins ---- */

static void
check_configuration(struct doctor *d, const struct cairn_error *err)
{
    const struct config *config = d->context->config;

    add_own(d, "configuration",
            config->path ? alloc_printf("%s, environment %s", config->path, config->environment)
                         : alloc_str("there is no file, so all is as by default"),
            err);
}

static int
load_plugins(struct doctor *d, struct cairn_error *config_err, struct cairn_error *err)
{
    struct context *context = d->context;
    json_t *descriptions;

    if (plugins_load(&context->plugins, context->config, context->store, err) < 0)
        return -1;
    descriptions = plugins_descriptions(context->plugins);
    config_check(context->config, descriptions, config_err);
    for (size_t i = 0; config_err->kind == CAIRN_ERR_NONE && i < context->plugins->count; i++)
        config_check_plugin(context->config, context->plugins->entries[i].description, config_err);
    json_decref(descriptions);
    return 0;
}

static char *
list_plugins(const struct plugins *plugins)
{
    char *text = alloc_printf("%zu:", plugins->count);

    for (size_t i = 0; i < plugins->count; i++) {
        char *longer = alloc_printf("%s %s", text, plugins->entries[i].name);

        free(text);
        text = longer;
    }
    return text;
}

/* ---- what plugins say ---- */

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

/* The name of the action that is for this command, or NULL. */
static const char *
action_of(const struct plugins_entry *plugin)
{
    size_t i;
    json_t *action;

    json_array_foreach(json_object_get(plugin->description, "actions"), i, action)
        if (has_flag(action, "doctor"))
            return text_member(action, "name");
    return NULL;
}

static int
is_asked_for(const struct doctor *d, const struct plugins_entry *plugin)
{
    const json_t *words = d->context->words;
    const char *section = json_string_value(json_object_get(plugin->description, "section"));
    size_t i;
    json_t *word;

    json_array_foreach(words, i, word)
        if (strcmp(json_string_value(word), plugin->name) == 0)
            return 1;
    return json_array_size(words) == 0 && (!section || json_object_get(d->context->config->sections, section));
}

/* "account 1234, region x": the members that are texts, numbers or truths. */
static char *
evidence_of(const json_t *value)
{
    char *text = alloc_str("");
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)value, name, member) {
        char *shown = print_value(member);
        char *longer;

        if (!json_is_array(member) && (!json_is_object(member) || strcmp(shown, "***") == 0)) {
            longer = alloc_printf("%s%s%s %s", text, *text ? ", " : "", name, shown);
            free(text);
            text = longer;
        }
        free(shown);
    }
    return text;
}

static void
add_reply(struct doctor *d, const struct ask *ask)
{
    json_t *value = json_object_get(ask->reply, "value");
    json_t *problems = json_object_get(value, "problems");
    int sick = json_array_size(problems) > 0;

    if (!json_is_true(json_object_get(ask->reply, "ok")))
        add(d, ask->plugin, "problem", alloc_str(text_member(json_object_get(ask->reply, "error"), "text")), NULL,
            NULL);
    else
        add(d, ask->plugin, sick ? "problem" : "ok", evidence_of(value), sick ? json_incref(problems) : NULL,
            json_incref(value));
}

static void
on_log(void *data, const char *text)
{
    char *clean = print_clean(text);

    fprintf(stderr, "%s: %s\n", ((const struct patient *)data)->name, clean);
    free(clean);
}

static int
ask_plugins(struct doctor *d, struct cairn_error *err)
{
    const struct plugins *plugins = d->context->plugins;
    struct patient *patients = alloc_zero(plugins->count + 1, sizeof(*patients));
    struct ask *asks = alloc_zero(plugins->count + 1, sizeof(*asks));
    size_t count = 0;
    int rc;

    for (size_t i = 0; i < plugins->count; i++) {
        const struct plugins_entry *plugin = &plugins->entries[i];

        if (!action_of(plugin) || !is_asked_for(d, plugin))
            continue;
        patients[count].name = plugin->name;
        asks[count] = (struct ask){ plugin->name, action_of(plugin), &patients[count], on_log, NULL, 0 };
        count++;
    }
    rc = ask_all(asks, count, d->context->config, d->context->plugins, d->limit, err);
    for (size_t i = 0; i < count; i++) {
        if (rc == 0)
            add_reply(d, &asks[i]);
        json_decref(asks[i].reply);
    }
    free(asks);
    free(patients);
    return rc;
}

static void
add_unused(struct doctor *d)
{
    const struct plugins *plugins = d->context->plugins;

    for (size_t i = 0; json_array_size(d->context->words) == 0 && i < plugins->count; i++)
        if (action_of(&plugins->entries[i]) && !is_asked_for(d, &plugins->entries[i]))
            add(d, plugins->entries[i].name, "unused",
                alloc_printf("the configuration has no section %s; cairn doctor %s asks it all the same",
                             text_member(plugins->entries[i].description, "section"), plugins->entries[i].name),
                NULL, NULL);
}

/* ---- the command ---- */

static int
check_words(const struct context *context, struct cairn_error *err)
{
    size_t i;
    json_t *word;

    json_array_foreach(context->words, i, word) {
        const struct plugins_entry *plugin = plugins_find(context->plugins, json_string_value(word));

        if (!plugin || !action_of(plugin))
            return cairn_fail(err, CAIRN_ERR_INVALID, "look at plugin %s: %s; see: cairn plugin list",
                              json_string_value(word), plugin ? "it has nothing to say of its state" : "there is none of that name");
    }
    return 0;
}

static int
read_limit(struct doctor *d, struct cairn_error *err)
{
    const char *text = command_text(d->context, "limit");
    char *end = NULL;
    long seconds = text ? strtol(text, &end, 10) : LIMIT_SECONDS;

    if (text && (end == text || *end || seconds < 1 || seconds > LIMIT_MOST))
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: --limit is a number of seconds up to %d, not %s",
                          LIMIT_MOST, text);
    d->limit = seconds * 1000;
    return 0;
}

static void
print_check(const json_t *check)
{
    char *text = print_clean(text_member(check, "text"));
    size_t i;
    json_t *problem;

    printf("%-8s %-14s %s\n", text_member(check, "status"), text_member(check, "name"), text);
    free(text);
    json_array_foreach(json_object_get(check, "problems"), i, problem) {
        text = print_clean(json_string_value(problem));
        printf("%-23s %s\n", "", text);
        free(text);
    }
}

static int
print_all(const struct doctor *d)
{
    json_t *json = json_pack("{s:s, s:b, s:O}", "schema", "cairn.doctor/1", "ok", d->problems == 0, "checks", d->checks);
    size_t i;
    json_t *check;

    if (d->context->json)
        print_json(json);
    else
        json_array_foreach(d->checks, i, check)
            print_check(check);
    json_decref(json);
    fflush(stdout);
    if (!d->problems)
        return STATUS_DONE;
    fprintf(stderr, "cairn: %d of %zu checks found a problem\n", d->problems, json_array_size(d->checks));
    status_print_next("mend the cause, then once more: cairn doctor");
    return STATUS_FAILED;
}

int
doctor_run(struct context *context, struct cairn_error *err)
{
    struct doctor d = { context, json_array(), 0, 0 };
    struct cairn_error config_err = { 0 };
    struct cairn_error plugins_err = { 0 };
    struct cairn_error ask_err = { 0 };
    int loaded;
    int rc = -1;

    if (read_limit(&d, err) < 0)
        goto out;
    check_store(&d);
    loaded = load_plugins(&d, &config_err, &plugins_err) == 0;
    check_configuration(&d, &config_err);
    add_own(&d, "plugins", loaded ? list_plugins(context->plugins) : NULL, &plugins_err);
    if (loaded && check_words(context, err) < 0)
        goto out;
    if (loaded && d.problems == 0) { /* workers need the store's key and the configuration */
        if (ask_plugins(&d, &ask_err) < 0)
            add_own(&d, "workers", NULL, &ask_err);
        add_unused(&d);
    }
    rc = print_all(&d);
out:
    json_decref(d.checks);
    return rc;
}
