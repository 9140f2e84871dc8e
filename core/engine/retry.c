/*
 * retry.c: whether and when a call that was refused for a passing reason is made again; used by step.c.
 * SPDX-License-Identifier: MIT
 */
#include "engine/retry.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define TOKENS 500
#define COST 5
#define COST_TIMEOUT 10
#define FIRST_MS 1000
#define CAP_MS 20000

struct retry {
    char *plugin;
    int tokens;
    struct retry *next;
};

static struct retry *
find(struct retry **list, const char *plugin)
{
    struct retry *retry = *list;

    while (retry && strcmp(retry->plugin, plugin) != 0)
        retry = retry->next;
    if (!retry) {
        retry = alloc_zero(1, sizeof(*retry));
        retry->plugin = alloc_str(plugin);
        retry->tokens = TOKENS;
        retry->next = *list;
        *list = retry;
    }
    return retry;
}

int
retry_take(struct retry **list, const char *plugin, enum cairn_error_kind kind)
{
    struct retry *retry = find(list, plugin);
    int cost = kind == CAIRN_ERR_TIMEOUT ? COST_TIMEOUT : COST;

    if (retry->tokens < cost)
        return 0;
    retry->tokens -= cost;
    return cost;
}

void
retry_give_back(struct retry **list, const char *plugin, int cost)
{
    struct retry *retry = find(list, plugin);

    retry->tokens += cost ? cost : 1;
    if (retry->tokens > TOKENS)
        retry->tokens = TOKENS;
}

int64_t
retry_pause(int tries)
{
    int64_t ms = tries > 0 && tries < 6 ? (int64_t)FIRST_MS << (tries - 1) : CAP_MS;

    return (int64_t)arc4random_uniform((uint32_t)(ms < CAP_MS ? ms : CAP_MS)) + 1;
}

void
retry_free(struct retry **list)
{
    while (*list) {
        struct retry *next = (*list)->next;

        free((*list)->plugin);
        free(*list);
        *list = next;
    }
}
