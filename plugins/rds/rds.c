/*
 * rds.c: the plugin rds: databases of AWS RDS, their groups, snapshots and blue/green deployments.
 * SPDX-License-Identifier: MIT
 */
#include "identity.h"
#include "instance.h"

static const struct cairn_param instance_params[] = {
    { "id", CAIRN_STR, 0, "name of the instance; this or resource_id", NULL },
    { "resource_id", CAIRN_STR, 0, "its DbiResourceId, which stays when names move", NULL },
    { 0 },
};

static const struct cairn_action actions[] = {
    { .name = "describe_instance", .help = "Look at an instance: see results.", .params = instance_params, .effect = CAIRN_READ,
      .run = instance_describe },
    { 0 },
};

CAIRN_PLUGIN(.name = "rds", .version = "1", .help = "AWS RDS: databases, their groups, snapshots and blue/green deployments.",
             .actions = actions, .section = CLIENT_SECTION, .config = client_config, .env = CLIENT_ENV, .guard = identity_guard);
