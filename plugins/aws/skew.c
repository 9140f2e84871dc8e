/*
 * skew.c: the services' clock, as far as their own Date headers have taught it; used for signatures and for when keys
 * end.
 * SPDX-License-Identifier: MIT
 */
#include "skew.h"

#include <stdlib.h>
#include <time.h>

#define SKEW_MS (4 * 60 * 1000) /* a smaller difference isn't why a signature was refused */

static int64_t offset; /* ms that the services' clock is ahead of ours */

int64_t
skew_now(struct cairn_call *call)
{
    return cairn_wall(call) + offset;
}

int
skew_learn(struct cairn_call *call, const char *date)
{
    struct tm tm = { 0 };
    int64_t ahead;

    if (!date || !strptime(date, "%a, %d %b %Y %H:%M:%S", &tm))
        return 0;
    ahead = (int64_t)timegm(&tm) * 1000 - cairn_wall(call);
    if (llabs(ahead - offset) < SKEW_MS)
        return 0;
    cairn_log(call, "the clock of this host is %lld s %s that of AWS: requests are signed with theirs",
              (long long)llabs(ahead) / 1000, ahead > 0 ? "behind" : "ahead of");
    offset = ahead;
    return 1;
}
