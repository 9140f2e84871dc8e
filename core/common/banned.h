/*
 * banned.h: functions that must not be called are compile errors; included by the compiler's command line.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_BANNED_H
#define CAIRN_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef strtok
#undef sprintf
#undef vsprintf
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#undef mktemp
#undef tmpnam
#undef system
#undef popen
#define strcpy(a, b) banned_use_alloc_str(a, b)
#define strcat(a, b) banned_use_alloc_printf(a, b)
#define strncpy(a, b, n) banned_use_snprintf(a, b, n)
#define strncat(a, b, n) banned_use_snprintf(a, b, n)
#define strtok(a, b) banned_use_strcspn(a, b)
#define sprintf(...) banned_use_snprintf(__VA_ARGS__)
#define vsprintf(...) banned_use_vsnprintf(__VA_ARGS__)
#define gmtime(t) banned_use_gmtime_r(t)
#define localtime(t) banned_use_localtime_r(t)
#define ctime(t) banned_use_clock_format(t)
#define asctime(t) banned_use_clock_format(t)
#define mktemp(t) banned_use_mkstemp(t)
#define tmpnam(t) banned_use_mkstemp(t)
#define system(c) banned_use_process_start(c)
#define popen(c, m) banned_use_process_start(c, m)

#endif
