/*
 * identity.h: is this the account that the configuration names? Used by every AWS plugin, before its first call and
 * whenever the credentials are others.
 * SPDX-License-Identifier: MIT
 */
#ifndef AWS_IDENTITY_H
#define AWS_IDENTITY_H

#include "client.h"

struct identity {
    char *account, *arn, *user_id;
};

int identity_guard(struct cairn_call *call, struct cairn_error *err); /* the plugins' guard() */
int identity_ask(struct identity *out, struct cairn_call *call, struct client_session *session,
                 struct cairn_error *err);
void identity_release(struct identity *identity);

/* DENIED with both accounts when they differ. Credentials that were found right aren't asked about again. A change also
 * needs an account in the configuration. */
int identity_check(struct cairn_call *call, struct client_session *session, int changes, struct cairn_error *err);

#endif
