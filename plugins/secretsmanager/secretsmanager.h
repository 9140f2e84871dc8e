/*
 * secretsmanager.h: what the files of the plugin secretsmanager share.
 * SPDX-License-Identifier: MIT
 */
#ifndef SECRETSMANAGER_H
#define SECRETSMANAGER_H

#include <cairn/plugin.h>

/* A request; takes the body. The reply is freed by the caller. */
int secret_request(struct cairn_value **reply, struct cairn_call *call, const char *action,
                   struct cairn_value *owned_body, int reads, struct cairn_error *err);
struct cairn_value *secret_body(const struct cairn_value *args); /* with the id of the secret */
/* Make the text the current version, whose id is made of the call's token; the id goes to out.version. */
int secret_put(struct cairn_call *call, const struct cairn_value *args, const char *text, struct cairn_value *out,
               struct cairn_error *err);
/* Is there a version of this call's token? Its id goes to out.version. */
int secret_put_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                       struct cairn_error *err);

/* host.c: the actions find_host and replace_host. */
int host_find(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err);
int host_replace(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err);
int host_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err);

#endif
