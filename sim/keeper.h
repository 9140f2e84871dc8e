/*
 * keeper.h: the process that owns the real servers behind a simulated world, and their scratch folder.
 * SPDX-License-Identifier: MIT
 *
 * It is forked before the simulator has anything, gives up root, and makes the folder. When its socket to the simulator
 * ends, also because that was killed, it ends all programs that it has started, removes the folder, and ends.
 *
 * Messages (frame.h) to it:   {op: "start", id, argv, env?, stdin?, stop?}   a program; see child.h
 *                             {op: "signal", id, signal}
 *                             {op: "write", path, text}    a file of the folder, by the servers' user
 *                             {op: "listen", name}         give a name an address; see relay.h
 *                             {op: "lead", name, to?}      the name leads to that Unix socket now, or nowhere
 * and from it:                {op: "ready", folder} or {op: "failed", text}, once
 *                             {op: "ended", id, status, out, err}
 *                             {op: "listening", name, port}
 */
#ifndef SIM_KEEPER_H
#define SIM_KEEPER_H

#include "cairn/plugin.h"

#include <jansson.h>

struct keeper;

int keeper_open(struct keeper **out, struct cairn_error *err);
const char *keeper_folder(const struct keeper *keeper);
int keeper_fd(const struct keeper *keeper); /* readable when it has something to say */
int keeper_send(struct keeper *keeper, const json_t *message, struct cairn_error *err);
int keeper_read(struct keeper *keeper, json_t **out, struct cairn_error *err); /* 1: a message; 0: none now; -1: it is gone */
void keeper_close(struct keeper *keeper); /* waits until all has ended and the folder is gone */

#endif
