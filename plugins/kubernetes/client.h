/*
 * client.h: requests to the Kubernetes API and what their refusals mean; used by all actions of the plugin kubernetes.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_KUBERNETES_CLIENT_H
#define CAIRN_KUBERNETES_CLIENT_H

#include "cairn/plugin.h"

#define CLIENT_MANAGER "cairn" /* our name in managedFields */

/* Variables of the user that find the cluster, and those that programs for credentials read. */
#define CLIENT_ENV "KUBECONFIG HOME KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT " CLIENT_EXEC_ENV
#define CLIENT_EXEC_ENV \
    "AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY " \
    "AWS_SESSION_TOKEN AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME " \
    "AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI " \
    "AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_STS_REGIONAL_ENDPOINTS " \
    "AWS_CA_BUNDLE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_STS AWS_EC2_METADATA_DISABLED GOOGLE_APPLICATION_CREDENTIALS " \
    "CLOUDSDK_CONFIG CLOUDSDK_ACTIVE_CONFIG_NAME AZURE_CONFIG_DIR AZURE_CLIENT_ID AZURE_TENANT_ID " \
    "AZURE_FEDERATED_TOKEN_FILE AZURE_AUTHORITY_HOST SSL_CERT_FILE SSL_CERT_DIR XDG_CONFIG_HOME XDG_CACHE_HOME " \
    "HTTPS_PROXY HTTP_PROXY NO_PROXY https_proxy http_proxy no_proxy"

struct client_request {
    const char *method; /* "GET" when NULL */
    const char *path; /* "/api/v1/...", encoded */
    const char *type; /* of the body */
    const char *body; /* JSON text; NULL: none */
    int reads; /* it changes nothing although it isn't a GET: a dry run */
};

/* One request; *reply is the object that came back, and the caller's. A refusal is an error of the kind it deserves. */
int client_request(struct cairn_call *call, const struct client_request *request, struct cairn_value **reply,
                   struct cairn_error *err);
int client_guard(struct cairn_call *call, struct cairn_error *err); /* is this the cluster of the configuration? */

cairn_run_fn client_whoami; /* the cluster, and who we are in it */

/* "PREFIX/namespaces/NS/KIND/NAME"; NS and NAME come from `args`. NULL with `err` when they aren't names. free() it. */
char *client_path(struct cairn_call *call, const struct cairn_value *args, const char *prefix, const char *kind,
                  struct cairn_error *err);

/* What an answer means: fills `err` for all but 2xx. `what` is "GET /api/...", `reads` as in the request. */
int client_judge(int status, const struct cairn_value *body, const char *what, int reads, struct cairn_error *err);

#endif
