/*
 * exec.h: credentials from the program that a kubeconfig names; used by client.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_KUBERNETES_EXEC_H
#define CAIRN_KUBERNETES_EXEC_H

#include "kubeconfig.h"

#include <stdint.h>

/* What the program answered. Strings are NULL when not given. */
struct credential {
    char *token;
    char *cert_pem; /* client certificate and key: both or none */
    char *key_pem;
    int64_t expires; /* ms on the wall clock; 0: never, -1: there is no credential */
};

/*
 * Run the program and wait for its answer, at most `limit_ms` of wall time. It is started without a shell, gets the
 * environment of this process, `extra` ("NAME=value", ended by NULL), what the kubeconfig says and
 * KUBERNETES_EXEC_INFO; what it writes to stderr is logged as ours.
 */
int exec_credential(struct credential *out, const struct kubeconfig_exec *exec, char *const *extra, int64_t limit_ms,
                    struct cairn_error *err);
/* The same, from the program's answer on. */
int exec_parse(struct credential *out, const struct kubeconfig_exec *exec, const char *answer, struct cairn_error *err);
void credential_release(struct credential *credential); /* clears it; `expires` is -1 afterwards */

#endif
