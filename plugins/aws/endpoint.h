/*
 * endpoint.h: the region and the address of a service; used by the client.
 * SPDX-License-Identifier: MIT
 */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "cairn/plugin.h"

/* `settings` are those of the profile, or NULL. Results are freed with free(). */
int endpoint_region(char **out, struct cairn_call *call, const struct cairn_value *settings, struct cairn_error *err);
/* `service` is the host's prefix, "rds"; `variable` the end of AWS_ENDPOINT_URL_..., "RDS". No slash at the end. */
int endpoint_url(char **out, struct cairn_call *call, const struct cairn_value *settings, const char *service,
                 const char *variable, const char *region, struct cairn_error *err);
char *endpoint_host(const char *url);               /* as in the Host header: without the scheme's own port */
const char *endpoint_partition(const char *region); /* "aws", "aws-cn", ... as in an ARN */

#endif
