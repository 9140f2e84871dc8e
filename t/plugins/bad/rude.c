/*
 * rude.c: a plugin for tests that ends its process while it is being loaded.
 * SPDX-License-Identifier: MIT
 */
#include <cairn/plugin.h>

#include <stdlib.h>

static const struct cairn_action actions[] = { { 0 } };

static void __attribute__((constructor))
crash(void)
{
    abort();
}

CAIRN_PLUGIN(.name = "rude", .version = "1", .help = "Crashes.", .actions = actions);
