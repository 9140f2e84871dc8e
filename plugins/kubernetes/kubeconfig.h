/*
 * kubeconfig.h: which cluster to talk to and as whom, as kubectl would find it; used by client.c.
 * SPDX-License-Identifier: MIT
 *
 * Order: the configured file; the files of KUBECONFIG, where the first definition of a name wins and missing files are
 * skipped; ~/.kube/config; the service account of the pod that we run in. Relative paths in a file are relative to it.
 * A context has to be named when there are several, so that a forgotten `kubectl config use-context` never decides.
 */
#ifndef CAIRN_KUBECONFIG_H
#define CAIRN_KUBECONFIG_H

#include "cairn/plugin.h"

#define KUBECONFIG_IN_CLUSTER "in-cluster" /* name of context and cluster when the service account is used */

struct kubeconfig_where {
    const char *path; /* the configured file; NULL or "": none */
    const char *context; /* the configured context; NULL or "": none */
    const char *list; /* KUBECONFIG */
    const char *home; /* HOME */
    const char *service_host; /* KUBERNETES_SERVICE_HOST */
    const char *service_port; /* KUBERNETES_SERVICE_PORT */
    const char *account; /* folder of the service account; NULL: the usual one */
};

/* What to run for a credential. */
struct kubeconfig_exec {
    char *api_version; /* client.authentication.k8s.io/v1 or v1beta1 */
    char *command; /* NULL: no such plugin */
    char **args; /* behind the command, ended by NULL */
    char **env; /* "NAME=value", ended by NULL */
    struct cairn_value *cluster; /* for KUBERNETES_EXEC_INFO; NULL unless asked for */
    char *hint; /* how to install the command; may be NULL */
};

/* The chosen context, with everything that it names. Strings are NULL when not given. */
struct kubeconfig {
    char *context; /* its name */
    char *cluster; /* the cluster's name in the file */
    char *name_space; /* the context's namespace */
    char *server; /* URL without a slash at its end */
    char *ca_file;
    char *ca_pem; /* goes before ca_file */
    int insecure; /* the user's file says so */
    char *server_name; /* the name in the server's certificate */
    char *proxy;
    char *token;
    char *token_file; /* read again for each request; goes before token */
    char *cert_pem; /* client certificate and key */
    char *key_pem;
    struct kubeconfig_exec exec;
};

int kubeconfig_load(struct kubeconfig *out, const struct kubeconfig_where *where, struct cairn_error *err);
void
kubeconfig_release(struct kubeconfig *config); /* clears secrets; takes what kubeconfig_load left, also on failure */

#endif
