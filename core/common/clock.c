/*
 * clock.c: the run's clock, which a simulator may speed up, and the wall clock; used by everything.
 * SPDX-License-Identifier: MIT
 */
#include "common/clock.h"

#include "common/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t base_wall; /* the wall time at which the run's clock showed base_run */
static int64_t base_run;
static double speed = 1.0;

int
clock_init(const char *setting)
{
    long long wall = 0;
    long long run = 0;
    double factor = 1.0;
    char end;

    if (setting && *setting
        && (sscanf(setting, "%lld:%lld:%lf%c", &wall, &run, &factor, &end) != 3 || !(factor > 0) || factor > 1e9))
        return -1;
    base_wall = wall;
    base_run = run;
    speed = factor;
    return 0;
}

char *
clock_setting(void)
{
    return alloc_printf("%lld:%lld:%.17g", (long long)base_wall, (long long)base_run, speed);
}

int64_t
clock_wall(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_now(void)
{
    struct timespec now;
    double wall_ms;

    if (speed == 1.0)
        return clock_wall() - base_wall + base_run;
    clock_gettime(CLOCK_REALTIME, &now);
    wall_ms = (double)((int64_t)now.tv_sec * 1000 - base_wall) + (double)now.tv_nsec / 1e6;
    return base_run + (int64_t)(wall_ms * speed);
}

int64_t
clock_to_wall(int64_t ms)
{
    return ms <= 0 ? 0 : (int64_t)ceil((double)ms / speed);
}

void
clock_format(char out[25], int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char day[21];

    gmtime_r(&seconds, &utc);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, 25, "%.19s.%03uZ", day, (unsigned)(ms % 1000) % 1000u);
}

/* "Z", "+02:00" */
static int
zone_of(const char *text, int *east)
{
    int hours = 0, minutes = 0, used = 0;

    if (strcmp(text, "Z") == 0)
        return 0;
    if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || text[1 + used])
        return -1;
    *east = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return 0;
}

int64_t
clock_parse(const char *text)
{
    struct tm utc = { 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    double fraction = 0;
    int east = 0;

    if (!rest)
        return -1;
    if (*rest == '.') {
        char *end;

        fraction = strtod(rest, &end);
        rest = end;
    }
    if (zone_of(rest, &east) < 0)
        return -1;
    return ((int64_t)timegm(&utc) - east) * 1000 + (int64_t)(fraction * 1000 + 0.5);
}
