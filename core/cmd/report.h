/*
 * report.h: a run's report out of its records, for people and machines; used by the commands.
 * SPDX-License-Identifier: MIT
 *
 * The report is the JSON document "cairn.run/1" (see OUTPUT in cairn(1)); the table is printed from it. Times are ISO
 * texts on the run's clock, spans are `ms`.
 */
#ifndef CAIRN_REPORT_H
#define CAIRN_REPORT_H

#include "engine/run.h"

json_t *report_make(const struct run *run, const char *driver); /* who drives it now, or NULL */
void report_print(const json_t *report); /* the table */

#endif
