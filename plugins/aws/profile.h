/*
 * profile.h: a profile in the shared files of the AWS tools; used by credentials, region and endpoints.
 * SPDX-License-Identifier: MIT
 *
 * AWS_CONFIG_FILE (~/.aws/config) has sections [default] and [profile NAME], AWS_SHARED_CREDENTIALS_FILE
 * (~/.aws/credentials) has [NAME]; a profile in both is merged, the credentials file wins. Indented lines belong to the
 * key above them and become "key.name". Messages name file and line, never what stands there.
 */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "cairn/plugin.h"

/* The settings of one profile: a map of texts; NULL with 0 when neither file has it. */
int profile_load(struct cairn_value **out, struct cairn_call *call, const char *name, struct cairn_error *err);
/* Are the keys those of the credentials file? The ones of the other file count less. */
int profile_keys_are_in_credentials(const struct cairn_value *settings);
const char *
profile_name(struct cairn_call *call); /* the configuration's, else AWS_PROFILE, AWS_DEFAULT_PROFILE, "default" */

/* Add the section `section` of a file's text to `out`; 1 if it is there, 0 if not, -1. */
int profile_parse(struct cairn_value *out, const char *section, const char *file, const char *text,
                  struct cairn_error *err);

/* The [services NAME] section that `settings` names by its key `services`: a map, or NULL. */
int profile_services(struct cairn_value **out, struct cairn_call *call, const struct cairn_value *settings,
                     struct cairn_error *err);

#endif
