/*
 * foreign.c: a plugin for tests that was compiled for another major ABI.
 * SPDX-License-Identifier: MIT
 */
#include <cairn/plugin.h>

static const struct cairn_action actions[] = { { 0 } };

extern CAIRN_API const struct cairn_plugin cairn_plugin;
const struct cairn_plugin cairn_plugin = {
    .abi_major = CAIRN_ABI_MAJOR + 1,
    .abi_minor = 5,
    .plugin_size = sizeof(struct cairn_plugin),
    .action_size = sizeof(struct cairn_action),
    .param_size = sizeof(struct cairn_param),
    .name = "foreign",
    .version = "1",
    .help = "Of another time.",
    .actions = actions,
};
