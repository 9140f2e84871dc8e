/*
 * errors.c: what AWS says when it refuses, as a kind of the plugin contract; used by the protocols.
 * SPDX-License-Identifier: MIT
 */
#include "errors.h"

#include "xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct known {
    const char *pattern; /* a code; '*' stands for any text */
    enum cairn_error_kind kind;
};

/* The first that fits counts. SERVER marks the server's own failure, which says nothing about a change. */
#define SERVER CAIRN_ERR_UNAVAILABLE
static const struct known known[] = {
    { "Throttling*", CAIRN_ERR_THROTTLED },
    { "RequestLimitExceeded", CAIRN_ERR_THROTTLED },
    { "RequestThrottled*", CAIRN_ERR_THROTTLED },
    { "TooManyRequestsException", CAIRN_ERR_THROTTLED },
    { "PriorRequestNotComplete", CAIRN_ERR_THROTTLED },
    { "SlowDown", CAIRN_ERR_THROTTLED },
    { "Kms*Throttl*", CAIRN_ERR_THROTTLED },
    { "RequestTimeout*", SERVER },
    { "InternalFailure", SERVER },
    { "InternalError", SERVER },
    { "InternalService*", SERVER },
    { "InternalException", SERVER },
    { "ServiceException", SERVER },
    { "ServiceUnavailable*", SERVER },
    { "ExpiredToken*", CAIRN_ERR_DENIED },
    { "RequestExpired", CAIRN_ERR_DENIED },
    { "RequestTimeTooSkewed", CAIRN_ERR_DENIED },
    { "InvalidSignatureException", CAIRN_ERR_DENIED },
    { "SignatureDoesNotMatch", CAIRN_ERR_DENIED },
    { "IncompleteSignature*", CAIRN_ERR_DENIED },
    { "InvalidClientTokenId", CAIRN_ERR_DENIED },
    { "UnrecognizedClientException", CAIRN_ERR_DENIED },
    { "MissingAuthenticationToken*", CAIRN_ERR_DENIED },
    { "AccessDenied*", CAIRN_ERR_DENIED },
    { "UnauthorizedOperation", CAIRN_ERR_DENIED },
    { "NotAuthorized", CAIRN_ERR_DENIED },
    { "OptInRequired", CAIRN_ERR_DENIED },
    { "KMSAccessDeniedException", CAIRN_ERR_DENIED },
    { "KmsAccessDenied", CAIRN_ERR_DENIED },
    { "DecryptionFailure", CAIRN_ERR_DENIED }, /* Secrets Manager may not use the key, or it is disabled */
    { "EncryptionFailure", CAIRN_ERR_DENIED },
    { "DBInstanceNotReady", CAIRN_ERR_NOT_YET },
    { "DBUpgradeDependencyFailure", CAIRN_ERR_NOT_YET },
    { "InsufficientDBInstanceCapacity*", CAIRN_ERR_NOT_YET },
    { "ResourceConflictException", CAIRN_ERR_NOT_YET },
    { "ResourceInUseException", CAIRN_ERR_NOT_YET },
    { "ResourceNotReadyException", CAIRN_ERR_NOT_YET },
    { "ConcurrentModificationException", CAIRN_ERR_NOT_YET },
    { "PreconditionFailedException", CAIRN_ERR_NOT_YET }, /* the action reads again when it is repeated */
    { "InvalidDB*State", CAIRN_ERR_NOT_YET },
    { "Invalid*StateFault", CAIRN_ERR_NOT_YET },
    { "*AlreadyExists*", CAIRN_ERR_CONFLICT },
    { "ResourceExistsException", CAIRN_ERR_CONFLICT },
    { "*AlreadyRegistered*", CAIRN_ERR_CONFLICT },
    { "*NotFound*", CAIRN_ERR_NOT_FOUND },
    { "QueueDoesNotExist", CAIRN_ERR_NOT_FOUND },
    { "*.NonExistentQueue", CAIRN_ERR_NOT_FOUND },
    { "*QuotaExceeded*", CAIRN_ERR_FAILED },
    { "*LimitExceeded*", CAIRN_ERR_FAILED },
    { "Invalid*", CAIRN_ERR_INVALID },
    { "Validation*", CAIRN_ERR_INVALID },
    { "Missing*", CAIRN_ERR_INVALID },
    { "Malformed*", CAIRN_ERR_INVALID },
};

static int
fits(const char *pattern, const char *text)
{
    while (*pattern && *pattern != '*') {
        if (*pattern++ != *text++)
            return 0;
    }
    if (!*pattern)
        return !*text;
    for (;; text++) {
        if (fits(pattern + 1, text))
            return 1;
        if (!*text)
            return 0;
    }
}

/* "aws.protocol#InvalidAction:http://..." is InvalidAction. */
static void
take_code(struct aws_refusal *out, const char *text)
{
    const char *hash = strchr(text, '#');

    text = hash ? hash + 1 : text;
    snprintf(out->code, sizeof(out->code), "%.*s", (int)strcspn(text, ":; \t\r\n"), text);
    out->readable = out->code[0] != '\0';
}

/* One line, without control characters. */
static void
take_message(struct aws_refusal *out, const char *text)
{
    snprintf(out->message, sizeof(out->message), "%s", text);
    for (char *c = out->message; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

static void
read_xml(struct aws_refusal *out, const char *body, size_t len)
{
    struct cairn_error ignored = { 0 };
    struct xml_node *root = NULL;
    const struct xml_node *error;

    if (xml_parse(&root, body, len, &ignored) < 0)
        return;
    if (!strcmp(root->name, "ErrorResponse") || !strcmp(root->name, "Response")) {
        error = xml_get(root, "Error") ? xml_get(root, "Error") : xml_get(root, "Errors/Error");
        take_code(out, xml_text(error, "Code", ""));
        take_message(out, xml_text(error, "Message", ""));
    }
    xml_free(root);
}

static void
read_json(struct aws_refusal *out, const char *type, const char *body, size_t len)
{
    struct cairn_error ignored = { 0 };
    struct cairn_value *json = cairn_parse_json(body, len, &ignored);

    if (type)
        take_code(out, type);
    else
        take_code(out, cairn_get_str(json, "__type", cairn_get_str(json, "code", "")));
    take_message(out, cairn_get_str(json, "message", cairn_get_str(json, "Message", "")));
    cairn_free(json);
}

void
errors_read(struct aws_refusal *out, int status, const char *type, const char *body, size_t len)
{
    *out = (struct aws_refusal){ .status = status };
    if (type || (len > 0 && body[strspn(body, " \t\r\n")] == '{'))
        read_json(out, type, body, len);
    else
        read_xml(out, body, len);
}

static enum cairn_error_kind
kind_by_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return CAIRN_ERR_DENIED;
    case 404:
        return CAIRN_ERR_NOT_FOUND;
    case 409:
    case 412:
        return CAIRN_ERR_NOT_YET;
    case 429:
        return CAIRN_ERR_THROTTLED;
    default:
        return CAIRN_ERR_FAILED;
    }
}

enum cairn_error_kind
errors_kind(const struct aws_refusal *refusal, int reads)
{
    enum cairn_error_kind kind = kind_by_status(refusal->status);

    if (!refusal->readable)
        return reads ? CAIRN_ERR_UNAVAILABLE : CAIRN_ERR_IN_DOUBT;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (fits(known[i].pattern, refusal->code)) {
            kind = known[i].kind;
            break;
        }
    }
    if (kind != CAIRN_ERR_THROTTLED && (kind == SERVER || refusal->status >= 500))
        return reads ? CAIRN_ERR_UNAVAILABLE : CAIRN_ERR_IN_DOUBT;
    return kind;
}

int
errors_fail(struct cairn_error *err, const char *action, const struct aws_refusal *refusal, int reads)
{
    enum cairn_error_kind kind = errors_kind(refusal, reads);

    if (!refusal->readable)
        return cairn_fail(err, kind, "%s: the reply with status %d is not one of AWS; is there a proxy in between?",
                          action, refusal->status);
    return cairn_fail_code(err, kind, refusal->code, "%s: %s: %s", action, refusal->code,
                           refusal->message[0] ? refusal->message : "no reason given");
}

const char *
errors_page(const char *body, size_t len, const char *otherwise)
{
    static const char *const begins[] = { "<!doctype html", "<html" };
    size_t blank = 0;

    while (blank < len && body[blank] && strchr(" \t\r\n", body[blank]))
        blank++;
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
        if (len - blank >= strlen(begins[i]) && strncasecmp(body + blank, begins[i], strlen(begins[i])) == 0)
            return "it is a page in HTML; is there a proxy or a sign-in in between?";
    return otherwise;
}

int
errors_unreadable(struct cairn_error *err, const char *action, int reads, const char *why)
{
    return cairn_fail(err, reads ? CAIRN_ERR_UNAVAILABLE : CAIRN_ERR_IN_DOUBT, "%s: the reply can't be read: %s",
                      action, why);
}

int
errors_is(const struct cairn_error *err, const char *code)
{
    size_t len = strlen(code);

    return !strncmp(err->code, code, len) && (!err->code[len] || !strcmp(err->code + len, "Fault"));
}
