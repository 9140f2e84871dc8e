/*
 * mask.h: known secrets are taken out of every text that leaves the worker for people; used for log, progress, errors.
 * SPDX-License-Identifier: MIT
 *
 * A secret of at least MASK_MIN bytes is known from the moment it comes in (arguments, configuration, variables of the
 * user) or is made by cairn_secret(); so are its forms in base64, in a URL, in JSON, and in one line. Shorter ones
 * would mask ordinary words.
 */
#ifndef CAIRN_MASK_H
#define CAIRN_MASK_H

#define MASK_MIN 6

void mask_new_call(void); /* secrets that are made known from here on belong to this call */
void mask_add(const char *secret);
char *mask_text(const char *text); /* a new text with "***" for each secret; freed with free() */
char *mask_cut_text(const char *text); /* the same for a text that may have been cut off within a secret */
int mask_covers(const char *text); /* a secret of this call or of the configuration is part of it */

#endif
