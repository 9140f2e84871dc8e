/*
 * settings.c: settings of a database: as parameters of a request, and whether a describe shows them; used by modify.c.
 * SPDX-License-Identifier: MIT
 */
#include "settings.h"

#include "common/alloc.h"
#include "wanted.h"

#include <stdlib.h>
#include <string.h>

#define ENGINE_VERSION "EngineVersion"

void
settings_put(struct cairn_value *params, const struct cairn_value *args, const struct setting *table)
{
    for (; table->arg; table++)
        if (table->param)
            query_put(params, table->param, cairn_get(args, table->arg));
}

static int
is_listed(const struct cairn_value *list, const char *text)
{
    for (size_t i = 0; i < cairn_count(list); i++)
        if (!strcmp(cairn_as_str(cairn_at(list, i), ""), text))
            return 1;
    return 0;
}

static void
put_missing(struct cairn_value *params, const char *name, const struct cairn_value *wanted,
            const struct cairn_value *there)
{
    struct cairn_value *list = cairn_list();

    for (size_t i = 0; i < cairn_count(wanted); i++)
        if (!is_listed(there, cairn_as_str(cairn_at(wanted, i), "")))
            cairn_add(list, cairn_copy(cairn_at(wanted, i)));
    query_put(params, name, list);
    cairn_free(list);
}

void
settings_put_logs(struct cairn_value *params, const struct cairn_value *args, const struct xml_node *found)
{
    const struct cairn_value *wanted = cairn_get(args, "log_exports");
    struct cairn_value *there = shape_list(found, "EnabledCloudwatchLogsExports/member", NULL);

    if (wanted) {
        put_missing(params, "CloudwatchLogsExportConfiguration.EnableLogTypes.member", wanted, there);
        put_missing(params, "CloudwatchLogsExportConfiguration.DisableLogTypes.member", there, wanted);
    }
    cairn_free(there);
}

/* May what was accepted be pending? Applied immediately it may while the database is at work. */
static int
may_wait(const struct xml_node *database, const char *status, const struct cairn_value *args)
{
    return !cairn_get_bool(args, "apply_immediately", 0) || strcmp(xml_text(database, status, ""), "available") != 0;
}

static const char *
pending(const struct xml_node *database, const char *name)
{
    char *path = alloc_printf("PendingModifiedValues/%s", name);
    const char *text = xml_text(database, path, NULL);

    free(path);
    return text;
}

int
settings_upgrade_waits(const struct xml_node *database, const char *status, const struct cairn_value *args)
{
    const struct cairn_value *version = cairn_get(args, "engine_version");

    return version && may_wait(database, status, args) && wanted_is(version, pending(database, ENGINE_VERSION));
}

static int
shows_list(const struct xml_node *database, const struct setting *setting, const struct cairn_value *wanted)
{
    struct cairn_value *list = shape_list(database, setting->shown, setting->member);
    int shows = cairn_count(list) == 1 && wanted_is_name(wanted, cairn_as_str(cairn_at(list, 0), ""));

    if (cairn_type(wanted) == CAIRN_LIST)
        shows = wanted_is_list(wanted, list);
    cairn_free(list);
    return shows;
}

static int
shows(const struct xml_node *database, const struct setting *setting, const struct cairn_value *wanted, int waits)
{
    const char *next;

    if (setting->member)
        return shows_list(database, setting, wanted);
    next = pending(database, setting->shown);
    if (next)
        return waits && wanted_is_name(wanted, next);
    return wanted_is_name(wanted, xml_text(database, setting->shown, NULL));
}

int
settings_hold(const struct xml_node *database, const char *status, const struct cairn_value *args,
              const struct setting *table)
{
    int waits = may_wait(database, status, args);
    int upgrades = settings_upgrade_waits(database, status, args);

    for (; table->arg; table++) {
        const struct cairn_value *wanted = cairn_get(args, table->arg);

        if (!wanted || !table->shown || (upgrades && !strcmp(table->arg, "parameter_group")))
            continue;
        if (!shows(database, table, wanted, waits))
            return 0;
    }
    return 1;
}
