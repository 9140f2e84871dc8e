/*
 * plugins.h: which plugins there are, and what they say of themselves; used by the engine and `cairn plugin`.
 * SPDX-License-Identifier: MIT
 *
 * The engine runs no plugin code: a description is what a worker's hello says, cached in the store by the file's hash.
 * Trusted are regular files (not links) named NAME.so, owned by root or the user, not writable by group or others, in
 * folders of which the same holds; never the current directory as such.
 */
#ifndef CAIRN_PLUGINS_H
#define CAIRN_PLUGINS_H

#include "engine/config.h"
#include "engine/store.h"

struct plugins_entry {
    char *name;
    char *path;
    char sha256[65];
    json_t *description; /* doc/PROTOCOL.md, DESCRIPTION */
};

struct plugins {
    struct plugins_entry *entries; /* in the order of names; the first folder that has a name wins */
    size_t count;
};

/* A plugin that is not trusted or that the worker refuses is an error that names the file. `store` may be NULL: no
 * cache. */
int plugins_load(struct plugins **out, const struct config *config, struct store *store, struct cairn_error *err);
void plugins_free(struct plugins *plugins);
const struct plugins_entry *plugins_find(const struct plugins *plugins, const char *name);
const json_t *plugins_action(const struct plugins_entry *entry, const char *action);
json_t *plugins_descriptions(const struct plugins *plugins); /* list, for config_check; a new reference */

#endif
