/*
 * canon.h: the canonical text of a JSON value and digests; used by engine and workers.
 * SPDX-License-Identifier: MIT
 *
 * Canonical: no spaces, keys in the order of their bytes, integers in decimal, floats as the shortest decimal text that
 * reads back as the same number and that always has a '.' or an exponent, control characters as \u00xx, all other
 * characters as they are. It doesn't depend on the JSON library's version, so a digest holds over years.
 */
#ifndef CAIRN_CANON_H
#define CAIRN_CANON_H

#include <jansson.h>
#include <stddef.h>

#define DIGEST_HEX 65 /* 64 hex digits and the end */

char *canon_text(const json_t *value); /* freed with free() */
void digest_bytes(char hex[DIGEST_HEX], const void *bytes, size_t len); /* SHA-256 */
void digest_json(char hex[DIGEST_HEX], const json_t *value); /* of the canonical text */

#endif
