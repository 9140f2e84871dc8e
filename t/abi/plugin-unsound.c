/*
 * plugin-unsound.c: a plugin with a mistake in its table; which one is chosen by -DCASE_....
 * SPDX-License-Identifier: MIT
 */
#include <cairn/plugin.h>

static int
nothing(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)call;
    (void)args;
    (void)out;
    (void)err;
    return 0;
}

static const struct cairn_param params[] = {
#ifndef PARAM
#define PARAM { "name", CAIRN_STR, CAIRN_REQUIRED, "a name", 0 }
#endif
    PARAM,
    { "count", CAIRN_INT, 0, "a count", 0 },
    { 0 },
};
static const struct cairn_action actions[] = {
#ifndef ACTION
#define ACTION .effect = CAIRN_READ, .run = nothing
#endif
#ifndef ACTION_NAME
#define ACTION_NAME "act"
#endif
    { .name = ACTION_NAME, .help = "Nothing.", .params = params, ACTION },
    { .name = "last", .help = "Nothing.", .effect = CAIRN_READ, .run = nothing },
    { 0 },
};

#ifdef WITHOUT_TABLE
extern CAIRN_API const struct cairn_action *other_table;
const struct cairn_action *other_table = actions;
#elif defined(FUNCTION)
extern CAIRN_API int cairn_plugin(void);
int
cairn_plugin(void)
{
    return actions[0].effect;
}
#else
#ifndef PLUGIN
#define PLUGIN .name = "unsound"
#endif
CAIRN_PLUGIN(.version = "1", .help = "Nothing.", .actions = actions, PLUGIN);
#endif
