/*
 * sts.c: the plugin sts: who is calling.
 * SPDX-License-Identifier: MIT
 */
#include "client.h"
#include "common/clock.h"
#include "identity.h"
#include "skew.h"

#define SOON_MS (60 * 60 * 1000)

static void
add_problem(struct cairn_value *out, struct cairn_value *owned_text)
{
    struct cairn_value *problems = cairn_list();

    for (size_t i = 0; i < cairn_count(cairn_get(out, "problems")); i++)
        cairn_add(problems, cairn_copy(cairn_at(cairn_get(out, "problems"), i)));
    cairn_add(problems, owned_text);
    cairn_put(out, "problems", problems);
}

/* What the next hours of a run would come upon. Keys that are got anew by themselves don't run out. */
static void
put_problems(struct cairn_value *out, struct cairn_call *call, const struct client_session *session)
{
    const struct credentials *keys = &session->credentials;
    int64_t left = keys->expires - skew_now(call);
    int64_t skew = (skew_now(call) - cairn_wall(call)) / 1000;

    if (!cairn_get_str(cairn_config(call), "account", NULL))
        add_problem(out, cairn_strf("the configuration has no aws.account, and nothing is changed without it; this is account %s",
                                    cairn_get_str(out, "account", "")));
    if (keys->expires && keys->is_final && left < SOON_MS)
        add_problem(out, cairn_strf("the keys of %s end in %lld min, and nothing renews them", keys->source,
                                    (long long)left / 60000));
    if (skew)
        add_problem(out, cairn_strf("the clock of this host is %lld s %s that of AWS", (long long)(skew < 0 ? -skew : skew),
                                    skew > 0 ? "behind" : "ahead of"));
}

static int
caller_identity(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct client_session session;
    struct identity who;
    char when[25];
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
        if (session.credentials.expires) {
            clock_format(when, session.credentials.expires);
            cairn_put(out, "expires", cairn_str(when));
        }
        put_problems(out, call, &session);
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
    { "expires", CAIRN_STR, 0, "when they end, if they do", NULL },
    { "problems", CAIRN_LIST, 0, "what a run would come upon sooner or later", NULL },
    { 0 },
};

static const struct cairn_action actions[] = {
    { .name = "caller_identity",
      .help = "Say whose the credentials are: account, arn, user_id, region, source, expires, problems.",
      .results = identity_results,
      .effect = CAIRN_READ,
      .flags = CAIRN_DOCTOR,
      .run = caller_identity },
    { 0 },
};

CAIRN_PLUGIN(.name = "sts", .version = "1", .help = "AWS Security Token Service: who is calling.", .actions = actions,
             .section = CLIENT_SECTION, .config = client_config, .env = CLIENT_ENV, .guard = identity_guard);
