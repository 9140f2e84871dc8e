/*
 * proxy.h: what the files of the plugin rds_proxy share, and the actions that rds_proxy.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_PROXY_H
#define RDS_PROXY_H

#include "rds/rds.h"

RDS_ACTION(proxy_describe);
RDS_ACTION(proxy_create);
RDS_ACTION(proxy_create_observe);
RDS_ACTION(proxy_delete);
RDS_ACTION(proxy_delete_observe);

RDS_ACTION(targets_describe);
RDS_ACTION(targets_register);
RDS_ACTION(targets_register_observe);
RDS_ACTION(targets_deregister);
RDS_ACTION(targets_deregister_observe);

RDS_ACTION(endpoint_describe);
RDS_ACTION(endpoint_create);
RDS_ACTION(endpoint_create_observe);
RDS_ACTION(endpoint_delete);
RDS_ACTION(endpoint_delete_observe);

RDS_ACTION(pool_modify);
RDS_ACTION(pool_modify_observe);
RDS_ACTION(capture);

/* Parts of a capture: each puts what belongs to the proxy `name` into `out`. 0, or -1. */
int proxy_put(struct cairn_call *call, const char *name, struct cairn_value *out, struct cairn_error *err);
int targets_put_ids(struct cairn_call *call, const char *name, struct cairn_value *out, struct cairn_error *err);
int endpoint_put_all(struct cairn_call *call, const char *name, struct cairn_value *list, struct cairn_error *err);
int pool_put(struct cairn_call *call, const char *name, struct cairn_value *out, struct cairn_error *err);

#endif
