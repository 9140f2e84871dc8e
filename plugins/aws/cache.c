/*
 * cache.c: keys that end, kept in the worker until they have to be got anew; used by the providers.
 * SPDX-License-Identifier: MIT
 */
#include "cache.h"

#include "common/alloc.h"
#include "skew.h"

#include <stdlib.h>
#include <string.h>

#define TRY_MS (15 * 60 * 1000)
#define MUST_MS (10 * 60 * 1000)
#define PAUSE_MS 30000 /* between two tries while the old ones are good */

struct entry {
    char *key;
    struct credentials credentials;
    int64_t got, tried; /* ms on the services' clock */
    struct entry *next;
};

static struct entry *entries;

static struct entry *
find(const char *key)
{
    struct entry *entry = entries;

    while (entry && strcmp(entry->key, key) != 0)
        entry = entry->next;
    return entry;
}

static void
keep(const char *key, const struct credentials *credentials, int64_t now)
{
    struct entry *entry = find(key);

    if (!entry) {
        entry = alloc_zero(1, sizeof(*entry));
        entry->key = alloc_str(key);
        entry->next = entries;
        entries = entry;
    }
    credentials_release(&entry->credentials);
    credentials_copy(&entry->credentials, credentials);
    entry->got = entry->tried = now;
}

void
cache_forget(void)
{
    while (entries) {
        struct entry *next = entries->next;

        credentials_release(&entries->credentials);
        free(entries->key);
        free(entries);
        entries = next;
    }
}

/* `span` for keys that live an hour or longer, less for others. */
static int64_t
before_end(const struct entry *entry, int64_t span)
{
    int64_t share = (entry->credentials.expires - entry->got) / (3600000 / span);

    return share < span ? share : span;
}

static int
has_time(const struct entry *entry, int64_t span, int64_t now)
{
    return !entry->credentials.expires || now < entry->credentials.expires - before_end(entry, span);
}

static int
take(struct credentials *out, const struct entry *entry)
{
    credentials_copy(out, &entry->credentials);
    return 1;
}

int
cache_through(struct credentials *out, const char *key, const struct search *search, provider_fn *fetch,
              struct cairn_error *err)
{
    int64_t now = skew_now(search->call);
    struct entry *entry = find(key);
    int good = entry && has_time(entry, MUST_MS, now);
    struct cairn_error why = { 0 };
    int rc;

    if (entry && (has_time(entry, TRY_MS, now) || (good && now - entry->tried < PAUSE_MS)))
        return take(out, entry);
    rc = fetch(out, search, &why);
    if (rc > 0) {
        keep(key, out, now);
        return 1;
    }
    if (good && rc < 0) {
        entry->tried = now;
        cairn_log(search->call, "%s; the old ones are good for another %lld min", why.text,
                  (long long)(entry->credentials.expires - now) / 60000);
        return take(out, entry);
    }
    if (rc < 0)
        cairn_fail_code(err, why.kind, why.code, "%s", why.text);
    return rc;
}
