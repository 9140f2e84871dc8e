/*
 * limits.h: what the system takes from the script host before foreign text runs; called by main.c only.
 * SPDX-License-Identifier: MIT
 *
 * Calling sequence: limits_begin() first of all, limits_seal() when all libraries are loaded, then limits_turn() before
 * each message is worked on. After limits_seal() the process can read from the socket, write to the socket and to
 * stderr, get and give back memory, and end; every other system call ends it by SIGSYS.
 *
 * How the process ends, for the one who explains it:
 *   exit 0             end-of-file on the socket
 *   LIMITS_EXIT_FAULT  a message that makes no sense, or a limit that could not be set; stderr says which
 *   LIMITS_EXIT_CPU    one turn used more than LIMITS_TURN_MS of processor time
 *   LIMITS_EXIT_MEMORY the script needed more memory than it may have, where no error of Lua could say so
 *   exit 1             the same, while JSON was made of its values
 *   SIGSYS             a system call that isn't allowed: the sandbox was broken into
 *   SIGSEGV and others a crash of the interpreter
 * Memory that runs out within Lua is first of all a Lua error ("not enough memory"), which a script may catch.
 */
#ifndef CAIRN_LIMITS_H
#define CAIRN_LIMITS_H

#include "cairn/plugin.h"

#define LIMITS_EXIT_FAULT 70
#define LIMITS_EXIT_CPU 71
#define LIMITS_EXIT_MEMORY 72

#define LIMITS_TURN_MS 2000 /* processor time between two waits of the script host */
#define LIMITS_TURN_VARIABLE "CAIRN_SCRIPT_TURN_MS" /* another number, for tests; no engine sets it */
#define LIMITS_TOTAL_S 3600 /* seconds of processor time of the whole process */
#define LIMITS_LUA_BYTES ((size_t)128 << 20) /* what Lua may hold */
#define LIMITS_MORE_BYTES ((size_t)384 << 20) /* address space beyond what the program itself needs: Lua and messages */

int limits_begin(struct cairn_error *err);
int limits_seal(struct cairn_error *err);
void limits_turn(void); /* from now on a turn's processor time counts anew */

#endif
