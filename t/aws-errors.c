/*
 * aws-errors.c: what each refusal of AWS is called in the plugin contract, in either protocol.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../plugins/aws/errors.h"
#include "common/alloc.h"
#include "common/error.h"

struct expectation {
    const char *code;
    int status;
    enum cairn_error_kind change, read;
};

#define SAME(kind) CAIRN_ERR_##kind, CAIRN_ERR_##kind
#define LOST CAIRN_ERR_IN_DOUBT, CAIRN_ERR_UNAVAILABLE

static const struct expectation expectations[] = {
    { "Throttling", 400, SAME(THROTTLED) },
    { "ThrottlingException", 400, SAME(THROTTLED) },
    { "RequestLimitExceeded", 503, SAME(THROTTLED) },
    { "RequestThrottled", 400, SAME(THROTTLED) },
    { "TooManyRequestsException", 429, SAME(THROTTLED) },
    { "PriorRequestNotComplete", 400, SAME(THROTTLED) },
    { "InternalFailure", 500, LOST },
    { "InternalFailure", 400, LOST },
    { "ServiceUnavailable", 503, LOST },
    { "ServiceException", 500, LOST },
    { "RequestTimeout", 400, LOST },
    { "SomethingNew", 502, LOST },
    { "DBInstanceNotFound", 500, LOST },
    { "ExpiredToken", 403, SAME(DENIED) },
    { "ExpiredTokenException", 403, SAME(DENIED) },
    { "RequestExpired", 400, SAME(DENIED) },
    { "RequestTimeTooSkewed", 403, SAME(DENIED) },
    { "InvalidSignatureException", 403, SAME(DENIED) },
    { "SignatureDoesNotMatch", 403, SAME(DENIED) },
    { "InvalidClientTokenId", 403, SAME(DENIED) },
    { "AccessDenied", 403, SAME(DENIED) },
    { "AccessDeniedException", 403, SAME(DENIED) },
    { "UnauthorizedOperation", 403, SAME(DENIED) },
    { "OptInRequired", 403, SAME(DENIED) },
    { "SomethingNew", 403, SAME(DENIED) },
    { "InvalidDBInstanceState", 400, SAME(NOT_YET) },
    { "InvalidDBClusterStateFault", 400, SAME(NOT_YET) },
    { "InvalidDBSnapshotState", 400, SAME(NOT_YET) },
    { "InvalidDBProxyStateFault", 400, SAME(NOT_YET) },
    { "InvalidDBProxyEndpointStateFault", 400, SAME(NOT_YET) },
    { "InvalidBlueGreenDeploymentStateFault", 400, SAME(NOT_YET) },
    { "InvalidDBParameterGroupState", 400, SAME(NOT_YET) },
    { "DBInstanceNotReady", 400, SAME(NOT_YET) },
    { "DBUpgradeDependencyFailure", 400, SAME(NOT_YET) },
    { "InsufficientDBInstanceCapacity", 400, SAME(NOT_YET) },
    { "ResourceConflictException", 409, SAME(NOT_YET) },
    { "ResourceInUseException", 400, SAME(NOT_YET) },
    { "PreconditionFailedException", 412, SAME(NOT_YET) },
    { "DBInstanceAlreadyExists", 400, SAME(CONFLICT) },
    { "DBSnapshotAlreadyExists", 400, SAME(CONFLICT) },
    { "BlueGreenDeploymentAlreadyExistsFault", 400, SAME(CONFLICT) },
    { "DBProxyTargetAlreadyRegisteredFault", 400, SAME(CONFLICT) },
    { "DBInstanceNotFound", 404, SAME(NOT_FOUND) },
    { "DBClusterNotFoundFault", 404, SAME(NOT_FOUND) },
    { "BlueGreenDeploymentNotFoundFault", 404, SAME(NOT_FOUND) },
    { "ResourceNotFoundException", 404, SAME(NOT_FOUND) },
    { "InvalidParameterValue", 400, SAME(INVALID) },
    { "InvalidParameterCombination", 400, SAME(INVALID) },
    { "InvalidParameterValueException", 400, SAME(INVALID) },
    { "ValidationError", 400, SAME(INVALID) },
    { "MissingParameter", 400, SAME(INVALID) },
    { "SnapshotQuotaExceeded", 400, SAME(FAILED) },
    { "SourceDatabaseNotSupportedFault", 400, SAME(FAILED) },
    { "KMSKeyNotAccessibleFault", 400, SAME(FAILED) },
    { "SomethingNew", 400, SAME(FAILED) },
};

static void
check_kind(const struct aws_refusal *refusal, int reads, enum cairn_error_kind want)
{
    enum cairn_error_kind got = errors_kind(refusal, reads);

    if (got != want)
        fail_msg("%s with status %d, %s: %s and not %s", refusal->code, refusal->status, reads ? "read" : "change",
                 error_kind_name(got), error_kind_name(want));
}

static void
kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        const struct expectation *e = &expectations[i];
        char *xml = alloc_printf(
            "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type>"
            "<Code>%s</Code><Message>no &amp; no</Message></Error><RequestId>1</RequestId></ErrorResponse>",
            e->code);
        struct aws_refusal refusal;

        errors_read(&refusal, e->status, NULL, xml, strlen(xml));
        assert_true(refusal.readable);
        assert_string_equal(refusal.code, e->code);
        assert_string_equal(refusal.message, "no & no");
        check_kind(&refusal, 0, e->change);
        check_kind(&refusal, 1, e->read);
        free(xml);
    }
}

struct form {
    const char *type, *body;    /* header and body */
    const char *code, *message; /* code "": unreadable */
};

static const struct form forms[] = {
    { "ResourceConflictException", "{\"message\":\"an update is in progress\"}", "ResourceConflictException",
      "an update is in progress" },
    { "InvalidParameterValueException:http://internal.amazon.com/x/", "{\"Message\":\"m\"}",
      "InvalidParameterValueException", "m" },
    { NULL, "{\"__type\":\"com.amazonaws.x#ThrottlingException\",\"message\":\"m\"}", "ThrottlingException", "m" },
    { NULL, "{\"__type\":\"a#Code:http://x\"}", "Code", "" },
    { "AccessDeniedException", "", "AccessDeniedException", "" },
    { "AccessDeniedException", "{\"mess", "AccessDeniedException", "" },
    { NULL, "<ErrorResponse><Error><Code>A</Code><Message>one\ntwo</Message></Error></ErrorResponse>", "A", "one two" },
    { NULL, "<Response><Errors><Error><Code>B</Code><Message>m</Message></Error></Errors></Response>", "B", "m" },
    { NULL, "<ErrorResponse><Error><Code></Code></Error></ErrorResponse>", "", "" },
    { NULL, "<ErrorResponse><Error><Code>A</Code>", "", "" },
    { NULL, "<html><body>502 Bad Gateway</body></html>", "", "" },
    { NULL, "<!DOCTYPE html><html><body>Sign in</body></html>", "", "" },
    { NULL, "Bad Gateway", "", "" },
    { NULL, "", "", "" },
    { NULL, "{}", "", "" },
    { NULL, "{\"__type\":7}", "", "" },
};

static void
shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct aws_refusal refusal;

        errors_read(&refusal, 400, forms[i].type, forms[i].body, strlen(forms[i].body));
        if (strcmp(refusal.code, forms[i].code) != 0 || strcmp(refusal.message, forms[i].message) != 0)
            fail_msg("%s: code \"%s\", message \"%s\"", forms[i].body, refusal.code, refusal.message);
        assert_int_equal(refusal.readable, *forms[i].code != '\0');
    }
}

static void
unreadable(void **state)
{
    static const int statuses[] = { 301, 400, 403, 404, 429, 500, 502, 503 };

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct aws_refusal refusal;
        struct cairn_error err = { 0 };

        errors_read(&refusal, statuses[i], NULL, "<html>", 6);
        check_kind(&refusal, 0, CAIRN_ERR_IN_DOUBT);
        check_kind(&refusal, 1, CAIRN_ERR_UNAVAILABLE);
        assert_int_equal(errors_fail(&err, "DeleteDBInstance", &refusal, 0), -1);
        assert_int_equal(err.kind, CAIRN_ERR_IN_DOUBT);
        assert_string_equal(err.code, "");
    }
}

static void
names(void **state)
{
    struct cairn_error err = { .code = "DBClusterNotFoundFault" };

    (void)state;
    assert_true(errors_is(&err, "DBClusterNotFound"));
    assert_true(errors_is(&err, "DBClusterNotFoundFault"));
    assert_false(errors_is(&err, "DBCluster"));
    assert_false(errors_is(&err, "DBInstanceNotFound"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        { "each code has its kind, for a change and for a read", kinds, NULL, NULL, NULL },
        { "both protocols' errors are read, and what isn't one is told apart", shapes, NULL, NULL, NULL },
        { "an unreadable reply leaves a change in doubt, whatever its status", unreadable, NULL, NULL, NULL },
        { "codes are the same with and without Fault at the end", names, NULL, NULL, NULL },
    };

    return cmocka_run_group_tests_name("aws-errors", tests, NULL, NULL);
}
