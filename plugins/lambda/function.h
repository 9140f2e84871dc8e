/*
 * function.h: what the files of the plugin lambda share, and the actions that lambda.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef LAMBDA_FUNCTION_H
#define LAMBDA_FUNCTION_H

#include "rest_json.h"

#define LAMBDA_ACTION(name)                                                                                            \
    int name(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)

LAMBDA_ACTION(configuration_get);
LAMBDA_ACTION(configuration_replace_host);
LAMBDA_ACTION(configuration_replace_host_observe);
LAMBDA_ACTION(version_publish);
LAMBDA_ACTION(version_publish_observe);
LAMBDA_ACTION(alias_get);
LAMBDA_ACTION(alias_update);
LAMBDA_ACTION(alias_update_observe);
LAMBDA_ACTION(function_invoke);
LAMBDA_ACTION(mapping_list);
LAMBDA_ACTION(mapping_get);
LAMBDA_ACTION(mapping_set);
LAMBDA_ACTION(mapping_set_observe);
LAMBDA_ACTION(concurrency_get);
LAMBDA_ACTION(concurrency_set);
LAMBDA_ACTION(concurrency_set_observe);
LAMBDA_ACTION(concurrency_delete);
LAMBDA_ACTION(concurrency_delete_observe);

extern const struct aws_service lambda_service;

/* "/2015-03-31/functions/F" with `rest` behind it, and `last` encoded behind that (NULL: nothing); freed with free().
 */
char *function_path(const struct cairn_value *args, const char *rest, const char *last);
char *function_query(const struct cairn_value *args); /* "Qualifier=...", or NULL */
/* One request; `body` and `path` are taken. */
int function_send(struct cairn_value **reply, struct cairn_call *call, const char *action, const char *method,
                  char *owned_path, const char *query, struct cairn_value *owned_body, struct cairn_error *err);

#endif
