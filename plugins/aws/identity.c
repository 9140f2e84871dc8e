/*
 * identity.c: is this the account that the configuration names? Used by every AWS plugin.
 * SPDX-License-Identifier: MIT
 */
#include "identity.h"

#include "common/alloc.h"
#include "endpoint.h"
#include "query.h"

#include <stdlib.h>
#include <string.h>

static const struct aws_service sts = { "sts", "STS", "2011-06-15" };

static char checked[SIGV4_HEX]; /* the credentials that were found right */
static int asking;              /* the question itself is a request */

int
identity_ask(struct identity *out, struct cairn_call *call, struct client_session *session, struct cairn_error *err)
{
    struct query query = { .service = &sts, .action = "GetCallerIdentity", .reads = 1 };
    struct xml_node *reply;
    const struct xml_node *result;

    *out = (struct identity){ 0 };
    if (query_exchange(&reply, call, session, &query, err) < 0)
        return -1;
    result = xml_get(reply, "GetCallerIdentityResult");
    out->account = alloc_str(xml_text(result, "Account", ""));
    out->arn = alloc_str(xml_text(result, "Arn", ""));
    out->user_id = alloc_str(xml_text(result, "UserId", ""));
    xml_free(reply);
    if (!*out->account) {
        identity_release(out);
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "GetCallerIdentity: the reply names no account");
    }
    return 0;
}

void
identity_release(struct identity *identity)
{
    free(identity->account);
    free(identity->arn);
    free(identity->user_id);
    *identity = (struct identity){ 0 };
}

static int
compare(const struct identity *who, const struct client_session *session, const char *wanted, struct cairn_error *err)
{
    const char *partition = endpoint_partition(session->region);
    size_t len = strlen(partition);

    if (strcmp(who->account, wanted) != 0)
        return cairn_fail_code(
            err, CAIRN_ERR_DENIED, "WrongAccount",
            "check the account: the configuration says %s, and the credentials of %s belong to %s (%s)", wanted,
            session->credentials.source, who->account, who->arn);
    if (!strncmp(who->arn, "arn:", 4) && (strncmp(who->arn + 4, partition, len) != 0 || who->arn[4 + len] != ':'))
        return cairn_fail_code(err, CAIRN_ERR_DENIED, "WrongPartition",
                               "check the region: %s lies in partition %s, and the caller is %s", session->region,
                               partition, who->arn);
    return 0;
}

int
identity_check(struct cairn_call *call, struct client_session *session, int changes, struct cairn_error *err)
{
    const char *wanted = cairn_get_str(cairn_config(call), "account", NULL);
    char digest[SIGV4_HEX];
    struct identity who;
    int rc;

    if (asking)
        return 0;
    if (!wanted && changes)
        return cairn_fail(
            err, CAIRN_ERR_INVALID,
            "check the account: set account in section aws of the configuration, before anything is changed");
    if (!wanted)
        return 0;
    credentials_digest(digest, &session->credentials);
    if (!strcmp(digest, checked))
        return 0;
    asking = 1;
    rc = identity_ask(&who, call, session, err);
    asking = 0;
    if (rc < 0)
        return -1;
    rc = compare(&who, session, wanted, err);
    if (rc == 0) { /* those that the answer was signed with: they may have been renewed on the way */
        credentials_digest(checked, &session->credentials);
        cairn_log(call, "using the credentials of %s: %s, region %s", session->credentials.source, who.arn,
                  session->region);
    }
    identity_release(&who);
    return rc;
}

int
identity_guard(struct cairn_call *call, struct cairn_error *err)
{
    struct client_session session;
    int rc;

    if (client_open(&session, call, err) < 0)
        return -1;
    rc = identity_check(call, &session, 0, err);
    client_close(&session);
    return rc;
}
