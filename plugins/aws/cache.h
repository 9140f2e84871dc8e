/*
 * cache.h: keys that end, kept in the worker until they have to be got anew; used by the providers.
 * SPDX-License-Identifier: MIT
 *
 * New keys are tried for 15 minutes before the old ones end, and have to be there 10 minutes before it. Of keys that
 * live for less than an hour it is the last quarter and the last sixth of their time.
 */
#ifndef AWS_CACHE_H
#define AWS_CACHE_H

#include "provider.h"

/* Keys known by `key`, which says all that they depend on, or those that `fetch` gets. 1 or -1, as a provider. */
int cache_through(struct credentials *out, const char *key, const struct search *search, provider_fn *fetch,
                  struct cairn_error *err);
void cache_forget(void); /* AWS refused some of them as expired: all are got anew */

#endif
