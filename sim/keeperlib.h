/*
 * keeperlib.h: what the simulator's Lua files can do with its keeper and its clock, as the module "keeper"; used by its
 * Lua host.
 * SPDX-License-Identifier: MIT
 *
 *   keeper.folder             the scratch folder of the servers
 *   keeper.send(message)      a message to the keeper, see keeper.h
 *   keeper.publish(path)      from now on the world's clock is that file, and can be changed
 *   keeper.set_speed(x)       of that clock
 */
#ifndef SIM_KEEPERLIB_H
#define SIM_KEEPERLIB_H

#include "keeper.h"

#include <lua.h>

void keeperlib_open(lua_State *L, struct keeper *keeper);

#endif
