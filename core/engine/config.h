/*
 * config.h: cairn.yaml, one file per environment; used by the engine and the commands.
 * SPDX-License-Identifier: MIT
 *
 * Keys of cairn itself, all optional:
 *   environment: production          name of the environment, shown and recorded
 *   state: DIR                       where the store is; relative to the file; default
 * $XDG_STATE_HOME/cairn/ENVIRONMENT
 *   plugin_path: [DIR, ...]          searched before the installed plugins; relative to the file
 *   lua_path: [DIR, ...]             where `require` looks after the workflow's folder and its lua/
 *   workers: 4                       per plugin
 *   attempts: 12                     how often a call that is refused for a passing reason is made
 *   heartbeat: 60                    seconds between lines of a long wait without a terminal
 *   secrets: {NAME: {env: VAR} | {file: PATH} | {value: TEXT}}   what cairn.secret "NAME" stands for
 * Every other key is the section of a plugin ("aws", "kubernetes", "cloudflare"); its keys are the plugins' parameters.
 * A value of a plugin's section may be {secret: NAME}.
 * Search: --config, $CAIRN_CONFIG, ./cairn.yaml; none of them is fine: all defaults.
 */
#ifndef CAIRN_CONFIG_H
#define CAIRN_CONFIG_H

#include "cairn/plugin.h"

#include <jansson.h>

struct config {
    char *path; /* the file; NULL when there is none */
    char *folder; /* where relative paths start: the file's folder, absolute */
    char *environment; /* "default" when not named */
    char *state; /* the folder, absolute */
    json_t *plugin_path; /* absolute folders, the configured ones, then $CAIRN_PLUGIN_PATH or the installed one */
    json_t *lua_path; /* absolute folders, the configured ones, then $CAIRN_LUA_PATH or the installed one */
    int workers;
    int attempts;
    int64_t heartbeat; /* ms */
    json_t *secrets; /* NAME -> source */
    json_t *sections; /* section -> keys as they stand */
    json_t *lines; /* path -> line, for messages */
};

/* Errors are INVALID with "FILE:LINE: path: why", and the nearest known key for an unknown one. */
int config_load(struct config **out, const char *path, struct cairn_error *err);
void config_free(struct config *config);
/* in clear; wiped and freed by the caller with config_wipe */
int config_secret(const struct config *config, const char *name, char **out, struct cairn_error *err);
void config_wipe(char *secret);
/* keys that `params` knows, checked, with defaults, secrets as {"$secret":TEXT}; unknown keys are not looked at */
int config_section(const struct config *config, const char *section, const json_t *params, json_t **out, struct cairn_error *err);
/* A plugin's section, if there is one, is as config_section would give it. */
int config_check_plugin(const struct config *config, const json_t *description, struct cairn_error *err);
/* every section and key is known to some plugin of the list */
int config_check(const struct config *config, const json_t *descriptions, struct cairn_error *err);

#endif
