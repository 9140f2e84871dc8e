/*
 * clock.h: the run's clock, which a simulator may speed up, and the wall clock; used by everything.
 * SPDX-License-Identifier: MIT
 *
 * All times of the engine and of the simulated world are milliseconds since 1970 on the run's clock. It is the wall
 * clock unless CAIRN_CLOCK says otherwise: "WALL:START:SPEED", three decimal numbers: at wall time WALL (ms) the run's
 * clock showed START (ms), and it runs SPEED times as fast. All processes that share the text share the clock, also
 * those started later. Or it is the path of a file, from `/` on, that one process (a simulator whose work takes real
 * time) makes by clock_publish() and changes: a clock that may become slower and faster, and never goes back.
 * Signatures, credentials and timeouts of requests are on the wall clock.
 *
 * Who sleeps till a time of the run's clock sleeps for clock_nap(), and then looks again.
 */
#ifndef CAIRN_CLOCK_H
#define CAIRN_CLOCK_H

#include "cairn/plugin.h"

#include <stdint.h>

int clock_init(const char *setting); /* CAIRN_CLOCK, or NULL for real time; -1 when it is no clock, nor a clock's file */
int clock_publish(const char *path, struct cairn_error *err); /* this process's clock can be changed, and others see it */
void clock_set_speed(double speed); /* of the clock that this process has published; > 0 */
char *clock_setting(void); /* the text that gives another process the same clock; freed with free() */
int64_t clock_now(void); /* ms on the run's clock */
int64_t clock_wall(void); /* ms on the wall clock */
int64_t clock_to_wall(int64_t ms); /* a span of the run's clock as wall ms, rounded up, at least 0 */
int64_t clock_nap(int64_t ms); /* the same, but short when the clock may change meanwhile */
void clock_format(char out[25], int64_t ms); /* "2026-11-20T13:36:57.123Z" */
int64_t clock_parse(const char *text); /* the same, fraction optional, of any zone; -1 when it isn't a time */

#endif
