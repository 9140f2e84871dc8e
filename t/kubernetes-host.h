/*
 * kubernetes-host.h: a small host for pieces of the plugin kubernetes: a folder, a call, and an HTTP that is scripted.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_TEST_KUBERNETES_HOST_H
#define CAIRN_TEST_KUBERNETES_HOST_H

#include "engine.h"

struct cairn_call {
    struct cairn_value *config; /* owned */
    const char *const *env; /* NAME, VALUE pairs, ended by NULL */
    int64_t started;
    int64_t wall;
};

/* What was asked of cairn_http, and what it is to answer. */
struct host_http {
    int count; /* requests so far */
    int statuses[8]; /* of the replies, in order; 0: as the one before */
    const char *bodies[8];
    char *method, *url, *body, *headers; /* of the last request; headers are lines */
    char *ca_file, *ca_pem, *cert_pem, *key_pem, *server_name, *proxy;
    int insecure, reads;
};

extern struct host_http host_http;

void host_reset(void);
char *host_write(const char *dir, const char *name, const char *text); /* a file; its path, freed with free() */
struct cairn_value *host_json(const char *text); /* with ' for " */

#endif
