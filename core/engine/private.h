/*
 * private.h: folders and files that only their owner may read; used by the store, the seal's key and the locks.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_PRIVATE_H
#define CAIRN_PRIVATE_H

#include "cairn/plugin.h"

/* Make the folder and what is missing above it, mode 0700, durable. One that is there must belong to the user or root
 * and must not be writable by others: DENIED. */
int private_folder(const char *path, struct cairn_error *err);

/* Keep other processes out of what this folder's owner does under the same lock, for as long as the descriptor that is
 * returned is open. -1 with err: UNAVAILABLE when somebody else has it for ten seconds. */
int private_lock(const char *folder, struct cairn_error *err);

/* Open a file for reading and writing; made with mode 0600, durable, when it is missing. One that is there must be a
 * regular file (no link) and loses the rights of others. Returns the descriptor, or -1 with err. */
int private_file(const char *path, struct cairn_error *err);

#endif
