/*
 * sigv4.h: AWS Signature Version 4; used by the AWS plugins. Plain C: it needs no worker.
 * SPDX-License-Identifier: MIT
 *
 * The caller says exactly what goes on the wire, `Host` and `X-Amz-Date` included, and every header given is signed.
 * Path and query are as they are sent, percent-encoded once; the canonical path is encoded once more, as all services
 * but S3 want it.
 */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#define SIGV4_HEX 65  /* 64 hex digits and the end */
#define SIGV4_DATE 17 /* "20150830T123600Z" and the end */

struct sigv4_request {
    const char *method;         /* "POST" */
    const char *path;           /* "/"; without the query */
    const char *query;          /* without the '?'; may be NULL */
    const char *const *headers; /* "Name: value", ended by NULL */
    const void *body;           /* may be NULL */
    size_t body_len;
    const char *date;    /* "20150830T123600Z", the same as in the X-Amz-Date header */
    const char *region;  /* "us-east-1" */
    const char *service; /* the signing name: "rds" */
    int path_as_is;      /* don't resolve ".", ".." and "//" in the path */
};

void sigv4_sha256(char hex[SIGV4_HEX], const void *bytes, size_t len);
void sigv4_date(char out[SIGV4_DATE], int64_t ms);          /* from milliseconds since 1970 on the wall clock */
char *sigv4_canonical(const struct sigv4_request *request); /* the canonical request; freed with free() */
char *sigv4_to_sign(const struct sigv4_request *request);   /* the string to sign; freed with free() */
void sigv4_signature(char hex[SIGV4_HEX], const struct sigv4_request *request, const char *secret);
char *sigv4_authorization(const struct sigv4_request *request, const char *key_id,
                          const char *secret); /* the value of the header; freed with free() */

#endif
