/*
 * relay.h: addresses on loopback that lead to whatever server has their name now; used by the simulator's keeper.
 * SPDX-License-Identifier: MIT
 *
 * Each name has a port of 127.0.0.1, the same for as long as the relay lives. Where it leads, a Unix socket or nowhere,
 * changes with relay_lead(), which ends all connections that the name has: that is what a rename does in RDS, too. A
 * connection to a name that leads nowhere is ended at once.
 */
#ifndef SIM_RELAY_H
#define SIM_RELAY_H

#include "cairn/plugin.h"

#include <poll.h>
#include <stddef.h>

struct relay;

struct relay *relay_new(void);
int relay_port(struct relay *relay, const char *name, unsigned *port, struct cairn_error *err); /* makes it, if need be */
void relay_lead(struct relay *relay, const char *name, const char *path); /* NULL: nowhere */

/* What to wait for: relay_watch fills `fds` from there on, which has room for relay_count() of them; relay_run takes them
 * back after poll(). */
size_t relay_count(const struct relay *relay);
void relay_watch(struct relay *relay, struct pollfd *fds);
void relay_run(struct relay *relay, const struct pollfd *fds);

void relay_free(struct relay *relay);

#endif
