/*
 * address.h: where a call's connection leads, out of the configuration and the call's arguments; used by connection.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef POSTGRES_ADDRESS_H
#define POSTGRES_ADDRESS_H

#include "cairn/plugin.h"

#define ADDRESS_MAX 24

struct address { /* in the form of PQconnectStartParams(): names and values, ended by NULL */
    const char *names[ADDRESS_MAX];
    const char *values[ADDRESS_MAX];
    size_t count;
    char *host; /* the logical one, that the certificate must bear */
    char *port;
    char *tunnel; /* where it leads instead, host and port in one piece of memory; NULL: nowhere else */
    char *application;
    char *where; /* host:port/database, for people */
};

/* `what` begins the errors. */
int address_find(struct address *a, struct cairn_call *call, const struct cairn_value *args, const char *what,
                 struct cairn_error *err);
void address_release(struct address *a);

/* Check the section of the configuration: connections and through. */
int address_check_config(struct cairn_call *call, struct cairn_error *err);

#endif
