/*
 * soundness.c: checks that a plugin's table says all that its effect classes need; used by the loader.
 * SPDX-License-Identifier: MIT
 */
#include "worker/soundness.h"

#include "worker/value.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#define PARAM_FLAGS (CAIRN_REQUIRED | CAIRN_SECRET | CAIRN_TO_CHANGE)
#define ACTION_FLAGS (CAIRN_DESTRUCTIVE | CAIRN_IRREVERSIBLE | CAIRN_SLOW | CAIRN_DOCTOR)

struct check {
    const char *path; /* of the plugin */
    const struct cairn_plugin *table;
    struct cairn_error *err;
};

static int __attribute__((format(printf, 2, 3)))
unsound(const struct check *c, const char *fmt, ...)
{
    char why[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    return cairn_fail(c->err, CAIRN_ERR_INVALID, "load %s: %s", c->path, why);
}

static int
is_name(const char *name)
{
    if (!name || !islower((unsigned char)name[0]) || strlen(name) > 64)
        return 0;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* Flags that a newer minor version may know are left alone; unknown ones of ours are a mistake. */
static int
known_flags(const struct check *c, unsigned flags, unsigned known)
{
    return (flags & ~known) == 0 || c->table->abi_minor > CAIRN_ABI_MINOR;
}

static int
check_default(const struct check *c, const char *where, const struct cairn_param *p)
{
    json_t *value;
    int rc = 0;

    if (!p->otherwise)
        return 0;
    if (p->flags & CAIRN_REQUIRED)
        return unsound(c, "%s%s is required and has a default", where, p->name);
    value = value_json(cairn_parse_json(p->otherwise, strlen(p->otherwise), NULL));
    if (!value_matches(value, p->type) || !value)
        rc = unsound(c, "%s%s has a default that isn't JSON of its type: %s", where, p->name, p->otherwise);
    json_decref(value);
    return rc;
}

static int
check_params(const struct check *c, const char *where, const struct cairn_param *params)
{
    for (const struct cairn_param *p = params; p && p->name; p++) {
        if (!is_name(p->name))
            return unsound(c, "%s%s is not a name of lower case letters, digits and _", where, p->name);
        for (const struct cairn_param *q = params; q < p; q++)
            if (strcmp(q->name, p->name) == 0)
                return unsound(c, "%s%s is there twice", where, p->name);
        if (p->type <= CAIRN_NULL || p->type > CAIRN_ANY)
            return unsound(c, "%s%s has no type", where, p->name);
        if (!p->help || !*p->help)
            return unsound(c, "%s%s has no help", where, p->name);
        if (!known_flags(c, p->flags, PARAM_FLAGS))
            return unsound(c, "%s%s has unknown flags", where, p->name);
        if ((p->flags & CAIRN_SECRET) && p->type != CAIRN_STR && p->type != CAIRN_ANY)
            return unsound(c, "%s%s is secret and not a string", where, p->name);
        if (check_default(c, where, p) < 0)
            return -1;
    }
    return 0;
}

static int
check_target(const struct check *c, const struct cairn_action *a)
{
    if (!a->target)
        return a->flags & CAIRN_DESTRUCTIVE ? unsound(c, "action %s is destructive and names no target", a->name) : 0;
    for (const struct cairn_param *p = a->params; p && p->name; p++)
        if (strcmp(p->name, a->target) == 0)
            return p->type == CAIRN_STR ? 0
                                        : unsound(c, "action %s: its target %s is not a string", a->name, a->target);
    return unsound(c, "action %s: its target %s is not one of its parameters", a->name, a->target);
}

/* It is called without arguments, by somebody who only wants to know. */
static int
check_doctor(const struct check *c, const struct cairn_action *a)
{
    if (!(a->flags & CAIRN_DOCTOR))
        return 0;
    if (a->effect != CAIRN_READ)
        return unsound(c, "action %s is for cairn doctor and doesn't only read", a->name);
    for (const struct cairn_param *p = a->params; p && p->name; p++)
        if (p->flags & CAIRN_REQUIRED)
            return unsound(c, "action %s is for cairn doctor and needs %s", a->name, p->name);
    return 0;
}

static int
check_action(const struct check *c, const struct cairn_action *a)
{
    char where[128];

    if (!is_name(a->name))
        return unsound(c, "action %s is not a name of lower case letters, digits and _", a->name);
    for (const struct cairn_action *b = c->table->actions; b < a; b++)
        if (strcmp(b->name, a->name) == 0)
            return unsound(c, "action %s is there twice", a->name);
    if (!a->help || !*a->help)
        return unsound(c, "action %s has no help", a->name);
    if (!a->run)
        return unsound(c, "action %s has no run function", a->name);
    if (a->effect < CAIRN_READ || a->effect > CAIRN_TRIGGER)
        return unsound(c, "action %s has no effect class", a->name);
    if ((a->effect == CAIRN_CREATE || a->effect == CAIRN_GUARDED) && !a->observe)
        return unsound(c, "action %s needs an observe function, because its class is %s", a->name,
                       a->effect == CAIRN_CREATE ? "create" : "guarded");
    if (!known_flags(c, a->flags, ACTION_FLAGS))
        return unsound(c, "action %s has unknown flags", a->name);
    if (a->effect == CAIRN_READ && (a->flags & (CAIRN_DESTRUCTIVE | CAIRN_IRREVERSIBLE)))
        return unsound(c, "action %s reads, and can't be destructive or irreversible", a->name);
    snprintf(where, sizeof(where), "action %s: parameter ", a->name);
    if (check_params(c, where, a->params) < 0)
        return -1;
    snprintf(where, sizeof(where), "action %s: result ", a->name);
    if (check_params(c, where, a->results) < 0)
        return -1;
    if (check_doctor(c, a) < 0)
        return -1;
    return check_target(c, a);
}

/* "@KEY": the names in a list of the configuration. */
static int
is_list_of_config(const struct check *c, const char *s, size_t len)
{
    for (const struct cairn_param *p = *s == '@' ? c->table->config : NULL; p && p->name; p++)
        if (strlen(p->name) == len - 1 && memcmp(p->name, s + 1, len - 1) == 0)
            return p->type == CAIRN_LIST;
    return 0;
}

static int
check_env(const struct check *c, const char *env)
{
    for (const char *s = env ? env + strspn(env, " ") : ""; *s; s += strspn(s, " ")) {
        size_t len = strcspn(s, " ");
        size_t name = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

        if (*s == '@' && !is_list_of_config(c, s, len))
            return unsound(c, "env names \"%.*s\", and the configuration has no list of that name",
                           (int)(len > 64 ? 64 : len), s);
        if (*s != '@' && (name == 0 || (name != len && !(name + 1 == len && s[name] == '*'))))
            return unsound(c, "env names \"%.*s\", which is neither a variable nor a prefix with a *",
                           (int)(len > 64 ? 64 : len), s);
        s += len;
    }
    return 0;
}

static int
check_file_name(const struct check *c)
{
    const char *slash = strrchr(c->path, '/');
    const char *file = slash ? slash + 1 : c->path;
    size_t len = strlen(c->table->name);

    if (strncmp(file, c->table->name, len) != 0 || strcmp(file + len, ".so") != 0)
        return unsound(c, "it calls itself %s, so its file must be %s.so", c->table->name, c->table->name);
    return 0;
}

int
soundness_check(const struct cairn_plugin *table, const char *path, struct cairn_error *err)
{
    struct check c = { path, table, err };

    if (!is_name(table->name))
        return unsound(&c, "its name \"%.64s\" is not one of lower case letters, digits and _",
                       table->name ? table->name : "");
    if (check_file_name(&c) < 0)
        return -1;
    if (!table->version || !*table->version || !table->help || !*table->help)
        return unsound(&c, "it has no version or no help");
    if (table->section ? !is_name(table->section) : table->config && table->config->name)
        return unsound(&c, "it has configuration and no section with a proper name");
    if (!table->actions || !table->actions->name)
        return unsound(&c, "it has no actions");
    if (check_params(&c, "configuration key ", table->config) < 0 || check_env(&c, table->env) < 0)
        return -1;
    for (const struct cairn_action *a = table->actions; a->name; a++)
        if (check_action(&c, a) < 0)
            return -1;
    return 0;
}
