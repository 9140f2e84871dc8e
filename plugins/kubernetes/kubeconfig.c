/*
 * kubeconfig.c: which cluster to talk to and as whom, as kubectl would find it; used by client.c.
 * SPDX-License-Identifier: MIT
 */
#include "kubeconfig.h"

#include "sources.h"
#include "text.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define EXEC_EXTENSION "client.authentication.k8s.io/exec"
#define MAX_PEM (1024u * 1024)

static int
copy_text(char **out, const struct entry *entry, const char *key, struct cairn_error *err)
{
    const char *text;

    if (entry_text(&text, entry, key, err) < 0)
        return -1;
    *out = alloc_str(text);
    return 0;
}

/* The PEM text of `KEY-data` (base64) or else of the file `KEY`. */
static int
copy_pem(char **out, const struct entry *entry, const char *key, struct cairn_error *err)
{
    char *data_key = alloc_printf("%s-data", key);
    const char *text;
    char *path;
    size_t len;
    int rc;

    rc = entry_text(&text, entry, data_key, err);
    free(data_key);
    if (rc < 0)
        return -1;
    if (text) {
        *out = text_unbase64(text, &len);
        if (!*out || strlen(*out) != len)
            return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: %s-data is not base64 of a PEM text",
                              entry->source->path, key);
        return 0;
    }
    if (entry_text(&text, entry, key, err) < 0)
        return -1;
    if (!text)
        return 0;
    path = entry_path(entry, text);
    rc = text_read_file(out, path, key, MAX_PEM, err);
    free(path);
    return rc;
}

static int
read_ca(struct kubeconfig *out, const struct entry *cluster, struct cairn_error *err)
{
    const char *data;
    const char *file;

    if (entry_text(&data, cluster, "certificate-authority-data", err) < 0
        || entry_text(&file, cluster, "certificate-authority", err) < 0)
        return -1;
    if (data)
        return copy_pem(&out->ca_pem, cluster, "certificate-authority", err);
    if (file)
        out->ca_file = entry_path(cluster, file);
    return 0;
}

static int
read_cluster(struct kubeconfig *out, const struct entry *cluster, struct cairn_error *err)
{
    const struct cairn_value *insecure = cairn_get(cluster->body, "insecure-skip-tls-verify");
    size_t len;

    if (copy_text(&out->server, cluster, "server", err) < 0 || read_ca(out, cluster, err) < 0
        || copy_text(&out->server_name, cluster, "tls-server-name", err) < 0
        || copy_text(&out->proxy, cluster, "proxy-url", err) < 0)
        return -1;
    if (!out->server || (strncmp(out->server, "https://", 8) != 0 && strncmp(out->server, "http://", 7) != 0))
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read kubeconfig %s: server of cluster %s must be an http or https URL",
                          cluster->source->path, out->cluster);
    for (len = strlen(out->server); out->server[len - 1] == '/'; len--)
        out->server[len - 1] = '\0';
    if (cairn_type(insecure) != CAIRN_NULL && cairn_type(insecure) != CAIRN_BOOL)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: insecure-skip-tls-verify must be true or false",
                          cluster->source->path);
    out->insecure = cairn_get_bool(cluster->body, "insecure-skip-tls-verify", 0);
    if (out->insecure && (out->ca_file || out->ca_pem))
        return cairn_fail(
            err, CAIRN_ERR_INVALID,
            "read kubeconfig %s: cluster %s has both insecure-skip-tls-verify and a certificate authority",
            cluster->source->path, out->cluster);
    return 0;
}

/* What a credential plugin is told about the cluster. */
static struct cairn_value *
describe_cluster(const struct kubeconfig *config, const struct entry *cluster)
{
    const struct cairn_value *extensions = cairn_get(cluster->body, "extensions");
    struct cairn_value *info = cairn_map();

    cairn_put(info, "server", cairn_str(config->server));
    if (config->server_name)
        cairn_put(info, "tls-server-name", cairn_str(config->server_name));
    if (config->insecure)
        cairn_put(info, "insecure-skip-tls-verify", cairn_bool(1));
    if (cairn_get_str(cluster->body, "certificate-authority-data", NULL))
        cairn_put(info, "certificate-authority-data",
                  cairn_str(cairn_get_str(cluster->body, "certificate-authority-data", "")));
    if (config->proxy)
        cairn_put(info, "proxy-url", cairn_str(config->proxy));
    for (size_t i = 0; i < cairn_count(extensions); i++) {
        const struct cairn_value *extension = cairn_at(extensions, i);

        if (strcmp(cairn_get_str(extension, "name", ""), EXEC_EXTENSION) == 0)
            cairn_put(info, "config", cairn_copy(cairn_get(extension, "extension")));
    }
    return info;
}

static int
read_exec_args(struct kubeconfig_exec *out, const struct entry *exec, struct cairn_error *err)
{
    const struct cairn_value *args = cairn_get(exec->body, "args");
    const struct cairn_value *env = cairn_get(exec->body, "env");

    out->args = alloc_zero(cairn_count(args) + 1, sizeof(char *));
    for (size_t i = 0; i < cairn_count(args); i++) {
        if (cairn_type(cairn_at(args, i)) != CAIRN_STR)
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "read kubeconfig %s: exec args[%zu] must be a string; put it in quotes",
                              exec->source->path, i);
        out->args[i] = alloc_str(cairn_as_str(cairn_at(args, i), ""));
    }
    out->env = alloc_zero(cairn_count(env) + 1, sizeof(char *));
    for (size_t i = 0; i < cairn_count(env); i++) {
        const char *name = cairn_get_str(cairn_at(env, i), "name", NULL);
        const char *value = cairn_get_str(cairn_at(env, i), "value", NULL);

        if (!name || !*name || strchr(name, '=') || !value)
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "read kubeconfig %s: exec env[%zu] needs a name and a value, both strings",
                              exec->source->path, i);
        out->env[i] = alloc_printf("%s=%s", name, value);
    }
    return 0;
}

static int
read_exec(struct kubeconfig *out, const struct entry *user, const struct entry *cluster, struct cairn_error *err)
{
    struct entry exec = { user->source, cairn_get(user->body, "exec") };
    struct kubeconfig_exec *to = &out->exec;
    const char *command;
    const char *mode;

    if (entry_text(&command, &exec, "command", err) < 0 || copy_text(&to->api_version, &exec, "apiVersion", err) < 0
        || copy_text(&to->hint, &exec, "installHint", err) < 0 || entry_text(&mode, &exec, "interactiveMode", err) < 0)
        return -1;
    if (!command)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: exec has no command", exec.source->path);
    if (!to->api_version
        || (strcmp(to->api_version, "client.authentication.k8s.io/v1") != 0
            && strcmp(to->api_version, "client.authentication.k8s.io/v1beta1") != 0))
        return cairn_fail(
            err, CAIRN_ERR_INVALID,
            "read kubeconfig %s: exec apiVersion is %s; client.authentication.k8s.io/v1 and v1beta1 are known",
            exec.source->path, to->api_version ? to->api_version : "missing");
    if (mode && strcmp(mode, "Always") == 0)
        return cairn_fail(
            err, CAIRN_ERR_INVALID,
            "read kubeconfig %s: exec command %s needs a terminal (interactiveMode: Always), and there is none",
            exec.source->path, command);
    to->command = strchr(command, '/') ? entry_path(&exec, command) : alloc_str(command);
    if (cairn_get_bool(exec.body, "provideClusterInfo", 0))
        to->cluster = describe_cluster(out, cluster);
    return read_exec_args(to, &exec, err);
}

static int
read_user(struct kubeconfig *out, const struct entry *user, const struct entry *cluster, struct cairn_error *err)
{
    const char *token_file;

    if (cairn_get(user->body, "username") || cairn_get(user->body, "password"))
        return cairn_fail(
            err, CAIRN_ERR_INVALID,
            "read kubeconfig %s: the user has a username and password, which Kubernetes no longer takes; use a token, a client certificate or exec",
            user->source->path);
    if (cairn_get(user->body, "auth-provider"))
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read kubeconfig %s: the user has an auth-provider, which Kubernetes has removed; use exec",
                          user->source->path);
    if (copy_text(&out->token, user, "token", err) < 0 || entry_text(&token_file, user, "tokenFile", err) < 0
        || copy_pem(&out->cert_pem, user, "client-certificate", err) < 0
        || copy_pem(&out->key_pem, user, "client-key", err) < 0)
        return -1;
    if (token_file)
        out->token_file = entry_path(user, token_file);
    if (!out->cert_pem != !out->key_pem)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: the user has a client-%s without a client-%s",
                          user->source->path, out->cert_pem ? "certificate" : "key",
                          out->cert_pem ? "key" : "certificate");
    if (cairn_type(cairn_get(user->body, "exec")) == CAIRN_MAP)
        return read_exec(out, user, cluster, err);
    return 0;
}

static int
is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0
           || (strncmp(host, "localhost", 9) == 0 && strchr(":/", host[9]));
}

/* Credentials go over TLS, or don't leave this machine. */
static int
check_transport(const struct kubeconfig *config, struct cairn_error *err)
{
    int secret = config->token || config->token_file || config->cert_pem || config->exec.command;

    if (secret && strncmp(config->server, "http://", 7) == 0 && !is_loopback(config->server + 7))
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read kubeconfig: cluster %s is at %s: credentials are not sent without TLS; use https",
                          config->cluster, config->server);
    return 0;
}

/* Fill in what the context names. */
static int
read_context(struct kubeconfig *out, const struct sources *sources, const struct entry *context,
             struct cairn_error *err)
{
    struct entry cluster, user;
    const char *name;
    int found;

    if (copy_text(&out->name_space, context, "namespace", err) < 0
        || copy_text(&out->cluster, context, "cluster", err) < 0 || entry_text(&name, context, "user", err) < 0)
        return -1;
    if (!out->cluster)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: context %s names no cluster",
                          context->source->path, out->context);
    found = sources_find(&cluster, sources, "clusters", "cluster", out->cluster, err);
    if (found == 0)
        cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: context %s names the cluster %s, which isn't defined",
                   context->source->path, out->context, out->cluster);
    if (found <= 0 || read_cluster(out, &cluster, err) < 0)
        return -1;
    if (!name)
        return 0;
    found = sources_find(&user, sources, "users", "user", name, err);
    if (found == 0)
        cairn_fail(err, CAIRN_ERR_INVALID, "read kubeconfig %s: context %s names the user %s, who isn't defined",
                   context->source->path, out->context, name);
    if (found <= 0 || read_user(out, &user, &cluster, err) < 0)
        return -1;
    return check_transport(out, err);
}

static int
choose_context(struct kubeconfig *out, const struct sources *sources, const char *wanted, struct cairn_error *err)
{
    const char *name = wanted && *wanted ? wanted : NULL;
    struct entry context;
    char *names;
    int found;

    if (!name && sources_current(&name, sources, err) < 0)
        return -1;
    names = sources_names(sources, "contexts");
    if (sources_count(sources, "contexts") > 1 && !(wanted && *wanted)) {
        found = cairn_fail(
            err, CAIRN_ERR_INVALID,
            "choose a context: the kubeconfig has several (%s); set kubernetes.context in the configuration", names);
    } else if (!name) {
        found = cairn_fail(
            err, CAIRN_ERR_INVALID,
            "choose a context: the kubeconfig has no current-context; set kubernetes.context in the configuration");
    } else {
        out->context = alloc_str(name);
        found = sources_find(&context, sources, "contexts", "context", name, err);
        if (found == 0)
            cairn_fail(err, CAIRN_ERR_INVALID,
                       "choose a context: there is no context %s in the kubeconfig (it has: %s)", name, names);
    }
    free(names);
    return found <= 0 ? -1 : read_context(out, sources, &context, err);
}

/* The pod's own account. */
static int
use_service_account(struct kubeconfig *out, const struct kubeconfig_where *where, struct cairn_error *err)
{
    const char *folder = where->account ? where->account : SERVICE_ACCOUNT;
    const char *port = where->service_port && *where->service_port ? where->service_port : "443";
    int ipv6 = strchr(where->service_host, ':') != NULL;
    struct cairn_error ignored = { 0 };
    char *path = alloc_printf("%s/namespace", folder);
    char *token = NULL;
    int rc;

    (void)text_read_file(&out->name_space, path, "namespace", 1024, &ignored);
    free(path);
    out->context = alloc_str(KUBECONFIG_IN_CLUSTER);
    out->cluster = alloc_str(KUBECONFIG_IN_CLUSTER);
    out->server = alloc_printf("https://%s%s%s:%s", ipv6 ? "[" : "", where->service_host, ipv6 ? "]" : "", port);
    out->ca_file = alloc_printf("%s/ca.crt", folder);
    out->token_file = alloc_printf("%s/token", folder);
    rc = text_read_file(&token, out->token_file, "service account token", MAX_PEM, err);
    text_wipe(token);
    return rc;
}

int
kubeconfig_load(struct kubeconfig *out, const struct kubeconfig_where *where, struct cairn_error *err)
{
    struct sources sources;
    int rc = -1;

    memset(out, 0, sizeof(*out));
    if (sources_load(&sources, where, err) < 0)
        goto out;
    if (sources.count)
        rc = choose_context(out, &sources, where->context, err);
    else if (where->service_host && *where->service_host && !(where->path && *where->path))
        rc = use_service_account(out, where, err);
    else
        cairn_fail(err, CAIRN_ERR_INVALID,
                   "find a kubeconfig: there is none at %s; set kubernetes.kubeconfig or KUBECONFIG",
                   sources.tried ? sources.tried : "HOME, which isn't set");
out:
    sources_release(&sources);
    return rc;
}

static void
free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        text_wipe(list[i]);
    free(list);
}

void
kubeconfig_release(struct kubeconfig *config)
{
    free(config->context);
    free(config->cluster);
    free(config->name_space);
    free(config->server);
    free(config->ca_file);
    free(config->ca_pem);
    free(config->server_name);
    free(config->proxy);
    text_wipe(config->token);
    free(config->token_file);
    free(config->cert_pem);
    text_wipe(config->key_pem);
    free(config->exec.api_version);
    free(config->exec.command);
    free_list(config->exec.args);
    free_list(config->exec.env);
    cairn_free(config->exec.cluster);
    free(config->exec.hint);
    memset(config, 0, sizeof(*config));
}
