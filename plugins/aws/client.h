/*
 * client.h: one signed request to a service of AWS; used by the protocols.
 * SPDX-License-Identifier: MIT
 *
 * Signs with the wall clock, corrected by what the service's own Date header taught. A request that was refused because
 * of the clock or of expired credentials is repeated once, with the right ones; nothing else is repeated here.
 */
#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include "cairn/plugin.h"
#include "credentials.h"

struct aws_service {
    const char *name;     /* the host's prefix and the signing name: "rds" */
    const char *variable; /* of AWS_ENDPOINT_URL_...: "RDS" */
    const char *version;  /* of the API: "2014-10-31" */
};

struct client_request {
    const struct aws_service *service;
    const char *action;       /* stands in messages: "DescribeDBInstances" */
    const char *method;       /* "POST" */
    const char *path;         /* "/", percent-encoded */
    const char *query;        /* without the '?'; may be NULL */
    const char *content_type; /* NULL without a body */
    const char *body;
    const char *extra;  /* one more header line, or NULL */
    int64_t timeout_ms; /* 0: the host's default */
    int reads;          /* changes nothing */
};

/* What every request needs and that may change between two of them. */
struct client_session {
    const struct cairn_value *settings; /* of the profile, or NULL */
    struct cairn_value *own_settings;   /* the same, if they are the session's own */
    struct credentials credentials;
    char *region;
    int for_keys; /* it gets credentials: they aren't renewed, and nobody asks whose they are */
};

extern const struct cairn_param client_config[]; /* section aws */
#define CLIENT_SECTION "aws"
#define CLIENT_ENV \
    "AWS_* HOME HTTPS_PROXY HTTP_PROXY NO_PROXY https_proxy http_proxy no_proxy XDG_RUNTIME_DIR XDG_CONFIG_HOME " \
    "XDG_CACHE_HOME DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK"

int client_open(struct client_session *session, struct cairn_call *call, struct cairn_error *err);
void client_close(struct client_session *session);

/* 0 only for a 2xx reply; else the error is that of the service. client_send makes sure of the account first. */
int client_send(struct cairn_call *call, const struct client_request *request, struct cairn_http_reply **reply,
                struct cairn_error *err);
int client_exchange(struct cairn_call *call, struct client_session *session, const struct client_request *request,
                    struct cairn_http_reply **reply, struct cairn_error *err);

#endif
