/*
 * seal.h: secret values as they may be recorded; used by the engine only.
 * SPDX-License-Identifier: MIT
 *
 * {"$secret":TEXT} is a secret in clear: it exists between engine and worker only. {"$sealed":BASE64} is the same,
 * encrypted by AES-256-GCM under the store's key (seal.key beside the store, mode 0600, made on first use): this is
 * what records and scripts hold. {"$ref":NAME} names a secret of the config: what cairn.secret "NAME" is in a script.
 */
#ifndef CAIRN_SEAL_H
#define CAIRN_SEAL_H

#include "engine/config.h"

struct seal;

int seal_open(struct seal **out, const char *state_dir, struct cairn_error *err);
void seal_close(struct seal *seal); /* wipes the key */
int seal_value(struct seal *seal, json_t **value, struct cairn_error *err); /* every $secret inside becomes $sealed */
/* a copy in which every $sealed and $ref is a $secret */
int seal_reveal(struct seal *seal, const struct config *config, const json_t *value, json_t **out, struct cairn_error *err);

#endif
