/*
 * kubernetes.c: the plugin kubernetes: secrets and rollouts of one cluster.
 * SPDX-License-Identifier: MIT
 */
#include "client.h"
#include "rollout.h"
#include "secret.h"

#define NAMESPACE \
    { \
        "namespace", CAIRN_STR, 0, "namespace; by default that of the configuration, then that of the context", 0 \
    }
#define NAME(help) \
    { \
        "name", CAIRN_STR, CAIRN_REQUIRED, help, 0 \
    }
#define KEY \
    { \
        "key", CAIRN_STR, CAIRN_REQUIRED, "key of the value", 0 \
    }
#define KIND \
    { \
        "kind", CAIRN_STR, 0, "deployment, statefulset or daemonset", "\"deployment\"" \
    }

static const struct cairn_param secret_params[] = { NAMESPACE, NAME("name of the secret"), { 0 } };
static const struct cairn_param key_params[] = { NAMESPACE, NAME("name of the secret"), KEY, { 0 } };
static const struct cairn_param set_params[] = {
    NAMESPACE, NAME("name of the secret"),
    KEY,       { "value", CAIRN_STR, CAIRN_REQUIRED | CAIRN_SECRET, "the new value", 0 },
    { 0 },
};
static const struct cairn_param host_params[] = {
    NAMESPACE,
    NAME("name of the secret"),
    KEY,
    { "from", CAIRN_STR, CAIRN_REQUIRED, "HOST or HOST:PORT that the URL has now", 0 },
    { "to", CAIRN_STR, CAIRN_REQUIRED, "HOST or HOST:PORT that it gets; without a port the URL keeps its own", 0 },
    { 0 },
};
static const struct cairn_param workload_params[] = { NAMESPACE, KIND, NAME("name of the workload"), { 0 } };

static const struct cairn_param read_results[] = {
    { "resource_version", CAIRN_STR, CAIRN_REQUIRED, "changes with every edit of the secret", 0 },
    { "keys", CAIRN_LIST, CAIRN_REQUIRED, "its keys", 0 },
    { "sha256", CAIRN_MAP, CAIRN_REQUIRED, "digest of each value, as evidence", 0 },
    { "hosts", CAIRN_MAP, CAIRN_REQUIRED, "HOST[:PORT] of each value that is a URL", 0 },
    { "managers", CAIRN_LIST, CAIRN_REQUIRED, "field managers, owner kinds and GitOps tools that may revert an edit",
      0 },
    { "immutable", CAIRN_BOOL, CAIRN_REQUIRED, "whether the cluster refuses every edit", 0 },
    { 0 },
};
static const struct cairn_param value_results[] = {
    { "value", CAIRN_STR, CAIRN_REQUIRED | CAIRN_SECRET, "the value", 0 },
    { 0 },
};
static const struct cairn_param change_results[] = {
    { "resource_version", CAIRN_STR, CAIRN_REQUIRED, "of the secret as it is then", 0 },
    { "changed", CAIRN_BOOL, CAIRN_REQUIRED, "false: it was so already", 0 },
    { 0 },
};
static const struct cairn_param restart_results[] = {
    { "restarted_at", CAIRN_STR, CAIRN_REQUIRED, "the mark that the pods now bear", 0 },
    { "changed", CAIRN_BOOL, CAIRN_REQUIRED, "false: this step had marked them already", 0 },
    { 0 },
};
static const struct cairn_param rollout_results[] = {
    { "done", CAIRN_BOOL, CAIRN_REQUIRED, "all pods are new and available, and no old one is left", 0 },
    { "replicas", CAIRN_INT, CAIRN_REQUIRED, "pods wanted", 0 },
    { "updated", CAIRN_INT, CAIRN_REQUIRED, "pods of the newest kind", 0 },
    { "available", CAIRN_INT, CAIRN_REQUIRED, "pods that serve", 0 },
    { "ending", CAIRN_INT, 0, "old pods that were told to end and still run; -1: this user may not list pods", 0 },
    { "note", CAIRN_STR, CAIRN_REQUIRED, "what is waited for", 0 },
    { 0 },
};

static const struct cairn_param whoami_results[] = {
    { "cluster", CAIRN_STR, CAIRN_REQUIRED, "the cluster's name in the kubeconfig", 0 },
    { "context", CAIRN_STR, CAIRN_REQUIRED, "the context", 0 },
    { "server", CAIRN_STR, CAIRN_REQUIRED, "its address", 0 },
    { "version", CAIRN_STR, CAIRN_REQUIRED, "of the server", 0 },
    { "user", CAIRN_STR, 0, "who asks; left out where the cluster doesn't say (before Kubernetes 1.28)", 0 },
    { 0 },
};

static const struct cairn_action actions[] = {
    { .name = "whoami",
      .help = "Say which cluster it is, and who asks: cluster, context, server, version, user.",
      .results = whoami_results,
      .effect = CAIRN_READ,
      .flags = CAIRN_DOCTOR,
      .run = client_whoami },
    { .name = "read_secret",
      .help = "Look at a secret without its values: resource_version, keys, sha256, hosts, managers, immutable.",
      .params = secret_params,
      .results = read_results,
      .effect = CAIRN_READ,
      .run = secret_read },
    { .name = "get_secret_value",
      .help = "Read one value of a secret: value, sealed.",
      .params = key_params,
      .results = value_results,
      .effect = CAIRN_READ,
      .run = secret_get_value },
    { .name = "set_secret_value",
      .help = "Set one value of a secret that nobody changes meanwhile: resource_version, changed.",
      .params = set_params,
      .results = change_results,
      .effect = CAIRN_GUARDED,
      .run = secret_set_value,
      .observe = secret_observe_value,
      .plan = secret_plan_value },
    { .name = "replace_host",
      .help = "Exchange the host of the URL in a secret, and nothing else of it: resource_version, changed.",
      .params = host_params,
      .results = change_results,
      .effect = CAIRN_GUARDED,
      .run = secret_replace_host,
      .observe = secret_observe_host,
      .plan = secret_plan_host },
    { .name = "restart",
      .help = "Replace the pods of a workload, as kubectl rollout restart does: restarted_at, changed.",
      .params = workload_params,
      .results = restart_results,
      .effect = CAIRN_SET,
      .run = rollout_restart,
      .observe = rollout_observe_restart,
      .plan = rollout_plan_restart },
    { .name = "rollout",
      .help = "How far the rollout of a workload is: done, replicas, updated, available, ending, note.",
      .params = workload_params,
      .results = rollout_results,
      .effect = CAIRN_READ,
      .run = rollout_status },
    { 0 },
};

static const struct cairn_param config[] = {
    { "cluster", CAIRN_STR, 0, "the cluster's name in the kubeconfig; any other is refused; in-cluster in a pod", 0 },
    { "kubeconfig", CAIRN_STR, 0, "path of a kubeconfig; by default KUBECONFIG, ~/.kube/config, the pod's own account",
      0 },
    { "context", CAIRN_STR, 0, "context; must be given when the kubeconfig has several", 0 },
    { "namespace", CAIRN_STR, 0, "namespace of actions that name none; by default the context's", 0 },
    { 0 },
};

CAIRN_PLUGIN(.name = "kubernetes", .version = "1", .help = "Secrets and rollouts of a Kubernetes cluster.",
             .actions = actions, .section = "kubernetes", .config = config, .env = CLIENT_ENV, .guard = client_guard);
