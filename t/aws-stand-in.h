/*
 * aws-stand-in.h: a call that no worker serves: its environment, configuration and shared files; used by tests.
 * SPDX-License-Identifier: MIT
 */
#ifndef T_AWS_STAND_IN_H
#define T_AWS_STAND_IN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cairn/plugin.h"

#define NOW 1789998400000ll /* 2026-09-21T13:46:40Z */
#define ENV(...) (const char *const[]){ __VA_ARGS__, NULL }

struct cairn_call {
    struct cairn_value *env, *config;
};

extern struct cairn_call call;
extern int64_t wall; /* the time; NOW until a test puts it forward */
extern char home[64]; /* a folder of the test's own */

/* A world: variables and configuration as pairs, and the two files (NULL: missing). */
void world(const char *const *env, const char *const *config, const char *config_file, const char *credentials_file);
int set_up(void **state);
int tear_down(void **state);

#endif
