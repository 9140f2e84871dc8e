/*
 * offers.h: what RDS offers: versions and classes; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_OFFERS_H
#define RDS_OFFERS_H

#include "rds.h"

RDS_ACTION(offers_version);
RDS_ACTION(offers_orderable);

#endif
