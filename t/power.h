/*
 * power.h: what a disk holds when the power fails; for tests that use SQLite.
 * SPDX-License-Identifier: MIT
 *
 * After power_on() SQLite's default VFS is one that passes everything on to the system's and keeps a history of it:
 * each write, truncation, removal, and sync of a file or of the folder. power_state() then builds what a disk may hold if the power failed behind
 * the k-th entry: everything up to a file's last sync, and of what was written since then, each sector of 512 bytes on
 * its own: kept or lost, whatever came before or after it (so writes are dropped, torn and reordered). A file that was
 * never synced may be gone; a removal may not have happened, unless the folder was synced since.
 */
#ifndef CAIRN_TEST_POWER_H
#define CAIRN_TEST_POWER_H

#include <stddef.h>
#include <stdint.h>

void power_on(void);
void power_off(void); /* the history ends here; nor is anything synced any more, so that looking at states is fast */
void power_free(void);

size_t power_count(void); /* entries by now */

/* The files that were touched, by their last names, in this folder. The seed decides what is kept: the same one, the same
 * state. */
void power_state(size_t k, uint64_t seed, const char *folder);

#endif
