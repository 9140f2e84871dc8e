/*
 * exec.c: credentials from the program that a kubeconfig names; used by client.c.
 * SPDX-License-Identifier: MIT
 */
#include "exec.h"

#include "program.h"
#include "text.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

static char *
exec_info(const struct kubeconfig_exec *exec)
{
    struct cairn_value *info = cairn_map();
    struct cairn_value *spec = cairn_map();
    char *json, *text;

    cairn_put(spec, "interactive", cairn_bool(0));
    if (exec->cluster)
        cairn_put(spec, "cluster", cairn_copy(exec->cluster));
    cairn_put(info, "apiVersion", cairn_str(exec->api_version));
    cairn_put(info, "kind", cairn_str("ExecCredential"));
    cairn_put(info, "spec", spec);
    json = cairn_format_json(info);
    text = alloc_printf("KUBERNETES_EXEC_INFO=%s", json);
    free(json);
    cairn_free(info);
    return text;
}

static int
refuse(const struct kubeconfig_exec *exec, const char *what, struct cairn_error *err)
{
    return cairn_fail(err, CAIRN_ERR_DENIED, "get credentials from %s: its answer %s", exec->command, what);
}

int
exec_parse(struct credential *out, const struct kubeconfig_exec *exec, const char *answer, struct cairn_error *err)
{
    struct cairn_error ignored = { 0 };
    struct cairn_value *doc = cairn_parse_json(answer, strlen(answer), &ignored);
    const struct cairn_value *status = cairn_get(doc, "status");
    const char *expires = cairn_get_str(status, "expirationTimestamp", NULL);
    int rc = -1;

    credential_release(out);
    if (!doc)
        refuse(exec, "isn't JSON", err);
    else if (strcmp(cairn_get_str(doc, "kind", ""), "ExecCredential") != 0)
        refuse(exec, "isn't an ExecCredential", err);
    else if (strcmp(cairn_get_str(doc, "apiVersion", ""), exec->api_version) != 0)
        refuse(exec, "has another apiVersion than the kubeconfig asks for", err);
    else if (!cairn_get_str(status, "token", NULL) && !cairn_get_str(status, "clientCertificateData", NULL))
        refuse(exec, "has neither a token nor a client certificate", err);
    else if (!cairn_get_str(status, "clientCertificateData", NULL) != !cairn_get_str(status, "clientKeyData", NULL))
        refuse(exec, "has a client certificate or a key without the other", err);
    else if (expires && text_time(expires) < 0)
        refuse(exec, "has an expirationTimestamp that isn't a time", err);
    else
        rc = 0;
    if (rc == 0) {
        out->token = alloc_str(cairn_get_str(status, "token", NULL));
        out->cert_pem = alloc_str(cairn_get_str(status, "clientCertificateData", NULL));
        out->key_pem = alloc_str(cairn_get_str(status, "clientKeyData", NULL));
        out->expires = expires ? text_time(expires) : 0;
    }
    cairn_free(doc);
    return rc;
}

/* What the kubeconfig says, and KUBERNETES_EXEC_INFO: a list of borrowed texts, freed with free(). */
static char **
own_env(const struct kubeconfig_exec *exec, char *info)
{
    size_t count = 0;
    char **env;

    while (exec->env && exec->env[count])
        count++;
    env = alloc_zero(count + 2, sizeof(char *));
    for (size_t i = 0; i < count; i++)
        env[i] = exec->env[i];
    env[count] = info;
    return env;
}

int
exec_credential(struct credential *out, const struct kubeconfig_exec *exec, char *const *extra, int64_t limit_ms,
                struct cairn_error *err)
{
    char *what = alloc_printf("get credentials from %s", exec->command);
    char *info = exec_info(exec);
    char **own = own_env(exec, info);
    char **env = program_env(extra, own);
    struct program program = { what, exec->command, exec->args, env, exec->hint, limit_ms };
    char *answer;
    int rc = program_run(&answer, &program, err);

    if (rc == 0)
        rc = exec_parse(out, exec, answer, err);
    program_wipe(answer);
    free(env);
    free(own);
    free(info);
    free(what);
    return rc;
}

void
credential_release(struct credential *credential)
{
    text_wipe(credential->token);
    free(credential->cert_pem);
    text_wipe(credential->key_pem);
    memset(credential, 0, sizeof(*credential));
    credential->expires = -1;
}
