/*
 * record.h: the shape of a journal record and its hash chain; used by the engine, `cairn verify` and `cairn show`.
 * SPDX-License-Identifier: MIT
 *
 * A record is a JSON object with `n` (from 1), `t` (ms on the run's clock), `epoch`, `kind` and the members of its
 * kind. Its hash is SHA-256 over the previous record's hash (64 hex digits; 64 zeros before the first), a newline, and
 * the body.
 *
 * kind         members
 * started      flow, sources {module: {name, hash}} ("" is the workflow itself), params, seed, by (user@host),
 * environment,
 *              cairn (version)
 * locked       keys
 * plugin       name, version, sha256             first use in the run
 * resumed      by, pid                           a driver took the run over (epoch is the new one)
 * source       sources, by                       from here on the run's source is another; the replay agreed with it
 * intent       id, op (step|wait|sleep|window|gate|signal), the command's members, stage, at;
 *              digest (of all that but at and stage); for a step also effect, token, flags. An id that ends in '?' is
 *              the engine's own question before a destructive step
 * attempt      id, attempt, why                  the step is sent once more, under this epoch
 * doubt        id, error                         sent, and nobody knows what became of it
 * observed     id, seen, look (which one), error what a look at the world showed
 * outcome      id, ok, value | error, how (replied|observed|resolved|answered|elapsed|polled); by and reason if
 * resolved
 * note         id, op (stage|undo|no_return|check|report|log|parallel), the note's members, stage
 * retry        id, failed?, void [ids]           the failed command and what followed it are void; the run goes on at
 * `id`
 * cancel       by, reason                        asked for; the run is winding up
 * rollback     by
 * stopped      state, error?, value?, why?, id?, left?           how the run came to rest; state as in run.h;
 *                                                left: the script ended by itself and did all that it does on the way
 * out
 */
#ifndef CAIRN_RECORD_H
#define CAIRN_RECORD_H

#include "common/canon.h"
#include "engine/store.h"

#define RECORD_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

void record_hash(char out[DIGEST_HEX], const char *previous, const char *body);

/* Check a run's whole chain: numbers, hashes, JSON, and that the last hash is the run's head. -1 names the first bad
 * record. */
int record_verify(const struct store_run *run, const struct store_record *records, size_t count, struct cairn_error *err);

#endif
