/*
 * sts.c: the plugin sts: who is calling.
 * SPDX-License-Identifier: MIT
 */
#include "client.h"
#include "identity.h"

static int
caller_identity(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct client_session session;
    struct identity who;
    int rc;

    (void)args;
    if (client_open(&session, call, err) < 0)
        return -1;
    rc = identity_ask(&who, call, &session, err);
    if (rc == 0) {
        cairn_put(out, "account", cairn_str(who.account));
        cairn_put(out, "arn", cairn_str(who.arn));
        cairn_put(out, "user_id", cairn_str(who.user_id));
        cairn_put(out, "region", cairn_str(session.region));
        cairn_put(out, "source", cairn_str(session.credentials.source));
        identity_release(&who);
    }
    client_close(&session);
    return rc;
}

static const struct cairn_param identity_results[] = {
    { "account", CAIRN_STR, 0, "number of the account", NULL },
    { "arn", CAIRN_STR, 0, "ARN of the caller", NULL },
    { "user_id", CAIRN_STR, 0, "id of the caller", NULL },
    { "region", CAIRN_STR, 0, "region that requests go to", NULL },
    { "source", CAIRN_STR, 0, "where the credentials are from", NULL },
    { 0 },
};

static const struct cairn_action actions[] = {
    { .name = "caller_identity",
      .help = "Say whose the credentials are: account, arn, user_id, region, source.",
      .results = identity_results,
      .effect = CAIRN_READ,
      .run = caller_identity },
    { 0 },
};

CAIRN_PLUGIN(.name = "sts", .version = "1", .help = "AWS Security Token Service: who is calling.", .actions = actions,
             .section = CLIENT_SECTION, .config = client_config, .env = CLIENT_ENV, .guard = identity_guard);
