/*
 * plugin-newer.c: a plugin of a minor version that doesn't exist yet: each of its tables has a member more, and new
 * flags.
 * SPDX-License-Identifier: MIT
 */
#include <cairn/plugin.h>

struct newer_param {
    struct cairn_param known;
    const char *unit; /* what a later version may append */
};

struct newer_action {
    struct cairn_action known;
    int (*undo)(void);
    const char *more[3];
};

struct newer_plugin {
    struct cairn_plugin known;
    const char *homepage;
    int (*farewell)(void);
};

static int
add(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)call;
    (void)err;
    cairn_put(out, "sum", cairn_int(cairn_get_int(args, "a", 0) + cairn_get_int(args, "b", 0)));
    return 0;
}

static const struct newer_param params[] = {
    { { "a", CAIRN_INT, CAIRN_REQUIRED | 0x100u, "one", 0 }, "apples" },
    { { "b", CAIRN_INT, 0, "another", "40" }, "pears" },
    { { 0 }, 0 },
};
static const struct newer_action actions[] = {
    { { .name = "add",
        .help = "Add: sum.",
        .params = &params[0].known,
        .effect = CAIRN_READ,
        .run = add,
        .flags = 0x100u },
      0,
      { "x", "y", "z" } },
    { { .name = "again", .help = "Add: sum.", .params = &params[0].known, .effect = CAIRN_SET, .run = add },
      0,
      { "x", "y", "z" } },
    { { 0 }, 0, { 0 } },
};

extern CAIRN_API const struct newer_plugin cairn_plugin_newer;
const struct newer_plugin cairn_plugin_newer __asm__("cairn_plugin") = {
    { CAIRN_ABI_MAJOR, CAIRN_ABI_MINOR + 7, sizeof(struct newer_plugin), sizeof(struct newer_action),
      sizeof(struct newer_param), .name = "newer", .version = "1", .help = "A plugin of tomorrow.",
      .actions = &actions[0].known },
    "https://example.org/",
    0,
};
