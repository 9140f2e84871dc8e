/*
 * client.h: what a person at a terminal asks of a simulator that runs: `cairn sim faults` and its like; used by main.
 * SPDX-License-Identifier: MIT
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include <stdbool.h>

/* Is this first word of the command line a command for a simulator that runs? */
bool client_knows(const char *word);

/* The command words[0] with the words that follow it. Prints the answer; returns the exit status. */
int client_run(char **words, int count);

#endif
