/*
 * checks.h: the checks before a major upgrade; defined in checks_list.c, used by checks.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef POSTGRES_CHECKS_H
#define POSTGRES_CHECKS_H

#define CHECK_BLUE_GREEN 1u /* an upgrade by logical replication into a second database */
#define CHECK_IN_PLACE 2u   /* an upgrade by pg_upgrade */

struct check {
    const char *name;
    unsigned upgrades;    /* for which it counts */
    int cluster;          /* it looks at all databases at once; the others only at the one that is connected to */
    int since, until;     /* server_version_num: from this on, and below this one; 0: any */
    const char *severity; /* error: it can't go well; warning: somebody has to look */
    const char *sql;      /* its rows are the findings: one column of text */
    const char *hint;     /* what to do */
};

extern const struct check checks_list[]; /* ended by one without a name */

#endif
