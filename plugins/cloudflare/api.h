/*
 * api.h: requests to the Cloudflare API and what its envelope means; used by cloudflare.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_CLOUDFLARE_API_H
#define CAIRN_CLOUDFLARE_API_H

#include "cairn/plugin.h"

#define API_ENV "CLOUDFLARE_API_TOKEN CLOUDFLARE_API_KEY CLOUDFLARE_EMAIL CLOUDFLARE_API_BASE_URL"

/* Codes of the service that the actions care for. */
#define API_DUPLICATE_ROUTE "10020"
#define API_SCRIPT_MISSING "10019"

/*
 * One request; `path` begins behind /client/v4 and is encoded, `body` is borrowed and may be NULL. *envelope is the
 * whole answer and the caller's; it is successful. A refusal is an error whose code is the first one of the envelope.
 */
int api_request(struct cairn_call *call, const char *method, const char *path, const struct cairn_value *body,
                struct cairn_value **envelope, struct cairn_error *err);
/* The path "/zones/ZONE" of the configuration and what follows; NULL with `err` without a zone. free() it. */
char *api_zone_path(struct cairn_call *call, const char *rest, struct cairn_error *err);
int api_uses_token(struct cairn_call *call); /* or the older pair of key and address */

/* What an answer means: fills `err` unless it is a success. `envelope` may be NULL: the body wasn't JSON. */
int api_judge(int status, const struct cairn_value *envelope, const char *retry_after, const char *what, int reads,
              struct cairn_error *err);

#endif
