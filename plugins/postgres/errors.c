/*
 * errors.c: what PostgreSQL says when it refuses, as a kind of the plugin contract; used by connection.c.
 * SPDX-License-Identifier: MIT
 */
#include "errors.h"

#include "common/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct rule {
    const char *code; /* a SQLSTATE, or the class that begins it */
    enum cairn_error_kind kind;
};

/* The first that fits counts. A statement that the server refused was rolled back: none of these leaves a doubt. */
static const struct rule rules[] = {
    { "40001", CAIRN_ERR_NOT_YET }, /* serialization failure */
    { "40P01", CAIRN_ERR_NOT_YET }, /* deadlock */
    { "55P03", CAIRN_ERR_NOT_YET }, /* lock timeout */
    { "55006", CAIRN_ERR_NOT_YET }, /* object in use */
    { "57014", CAIRN_ERR_FAILED }, /* cancelled by statement_timeout, or by a person: a repeat would end the same way */
    { "57P01", CAIRN_ERR_UNAVAILABLE },                                     /* the server is being shut down */
    { "57P02", CAIRN_ERR_UNAVAILABLE }, { "57P03", CAIRN_ERR_UNAVAILABLE }, /* it is starting up */
    { "57P05", CAIRN_ERR_UNAVAILABLE },                                     /* idle too long */
    { "53300", CAIRN_ERR_THROTTLED },                                       /* too many connections */
    { "28", CAIRN_ERR_DENIED },                                             /* authentication */
    { "42501", CAIRN_ERR_DENIED },                                          /* permission */
    { "3D", CAIRN_ERR_NOT_FOUND },                                          /* database */
    { "3F", CAIRN_ERR_NOT_FOUND },                                          /* schema */
    { "42P01", CAIRN_ERR_NOT_FOUND },                                       /* table */
    { "42704", CAIRN_ERR_NOT_FOUND },                                       /* any other object */
    { "42P07", CAIRN_ERR_CONFLICT },                                        /* exists already */
    { "42710", CAIRN_ERR_CONFLICT },    { "08", CAIRN_ERR_IN_DOUBT },       { "0A", CAIRN_ERR_INVALID },
    { "22", CAIRN_ERR_INVALID },        { "25001", CAIRN_ERR_INVALID }, /* can't be within a transaction */
    { "26", CAIRN_ERR_INVALID },        { "42", CAIRN_ERR_INVALID },        { "XX", CAIRN_ERR_FAILED },
};

enum cairn_error_kind
errors_kind(const char *sqlstate, int reads)
{
    if (strcmp(sqlstate, "25006") == 0) /* a change in a read-only transaction, or on a read-only server */
        return reads ? CAIRN_ERR_INVALID : CAIRN_ERR_FAILED;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (strncmp(sqlstate, rules[i].code, strlen(rules[i].code)) == 0)
            return rules[i].kind;
    return CAIRN_ERR_FAILED;
}

/* What libpq says itself, without a code: the file is missing, the certificate is of somebody else. A repeat would end
 * the same way, until a person changes something. */
static int
is_lasting(const char *text)
{
    static const char *const lasting[] = { "root certificate file",
                                           "certificate verify failed",
                                           "server certificate for",
                                           "server does not support SSL",
                                           "SSL was required",
                                           "no password supplied",
                                           "SCRAM",
                                           "invalid sslmode",
                                           "invalid port",
                                           "tlsv1 alert",
                                           "sslv3 alert" };

    for (size_t i = 0; i < sizeof(lasting) / sizeof(*lasting); i++)
        if (strstr(text, lasting[i]))
            return 1;
    return 0;
}

enum cairn_error_kind
errors_connect_kind(const char *sqlstate, const char *text)
{
    enum cairn_error_kind kind;

    if (!*sqlstate)
        return is_lasting(text) ? CAIRN_ERR_DENIED : CAIRN_ERR_UNAVAILABLE;
    kind = errors_kind(sqlstate, 0);
    return kind == CAIRN_ERR_IN_DOUBT || kind == CAIRN_ERR_FAILED ? CAIRN_ERR_UNAVAILABLE : kind;
}

/* ":  28P01: " */
static const char *
code_at(const char *text)
{
    for (const char *at = strstr(text, ":  "); at; at = strstr(at + 1, ":  ")) {
        size_t n = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        if (n == 5 && at[8] == ':')
            return at + 3;
    }
    return NULL;
}

void
errors_sqlstate(char code[6], const char *text)
{
    const char *at = code_at(text);

    memset(code, 0, 6);
    if (at)
        memcpy(code, at, 5);
}

char *
errors_one_line(const char *text)
{
    const char *at = code_at(text);
    const char *body = at ? at + 6 : text;
    const char *end = strstr(body, "\nLOCATION:");
    size_t len = end ? (size_t)(end - body) : strlen(body);
    char *line;
    size_t n = 0;

    while (len && isspace((unsigned char)*body)) {
        body++;
        len--;
    }
    line = alloc_strn(body, len);
    for (char *c = line; *c; c++) { /* any space is one blank */
        if (isspace((unsigned char)*c))
            *c = ' ';
        if (*c != ' ' || (n && line[n - 1] != ' '))
            line[n++] = *c;
    }
    while (n && (line[n - 1] == ' ' || line[n - 1] == '.'))
        n--;
    line[n] = '\0';
    return line;
}
