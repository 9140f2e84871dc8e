/*
 * signature.h: the signature that an AWS request must have, computed from the request as it arrived.
 * SPDX-License-Identifier: MIT
 */
#ifndef SIM_SIGNATURE_H
#define SIM_SIGNATURE_H

#include "common/canon.h"

struct signature_request {
    const char *method; /* "POST" */
    const char *target; /* path and query as sent */
    const char *date; /* X-Amz-Date, "20150830T123600Z" */
    const char *region; /* of the scope */
    const char *service; /* of the scope */
    const char *secret; /* the secret access key */
    const char *signed_headers; /* lower-case names joined by ';' */
    const char *payload_hash; /* hex SHA-256 of the body, or what X-Amz-Content-Sha256 says */
};

/* `headers`: lower-case name to value. Writes 64 hex digits. */
void signature_expected(char hex[DIGEST_HEX], const struct signature_request *request, const json_t *headers);

#endif
