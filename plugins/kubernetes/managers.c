/*
 * managers.c: who may revert an edit of an object: its managers, owners, and the marks of known tools; used by
 * secret.c. SPDX-License-Identifier: MIT
 */
#include "secret.h"

#include "client.h"

#include <string.h>

/* Annotations and labels that start so are the marks of a tool that keeps an object as it is somewhere else. */
static const struct mark {
    const char *prefix;
    const char *tool;
} marks[] = {
    { "argocd.argoproj.io/", "argocd" },
    { "kustomize.toolkit.fluxcd.io/", "flux" },
    { "helm.toolkit.fluxcd.io/", "flux" },
    { "fluxcd.io/", "flux" },
    { "sealedsecrets.bitnami.com/", "sealed-secrets" },
    { "reconcile.external-secrets.io/", "external-secrets" },
    { "secrets-store.csi.k8s.io/", "secrets-store-csi" },
    { "meta.helm.sh/", "helm" },
};

/* Owners whose controllers are better known by the tool's name. */
static const struct mark owners[] = {
    { "SealedSecret", "sealed-secrets" },
    { "ExternalSecret", "external-secrets" },
};

static void
add_once(struct cairn_value *list, const char *name)
{
    for (size_t i = 0; i < cairn_count(list); i++)
        if (strcmp(cairn_as_str(cairn_at(list, i), ""), name) == 0)
            return;
    cairn_add(list, cairn_str(name));
}

static void
add_marks(struct cairn_value *list, const struct cairn_value *map)
{
    for (size_t i = 0; i < cairn_count(map); i++)
        for (size_t m = 0; m < sizeof(marks) / sizeof(*marks); m++)
            if (strncmp(cairn_key(map, i), marks[m].prefix, strlen(marks[m].prefix)) == 0)
                add_once(list, marks[m].tool);
}

void
managers_list(struct cairn_value *list, const struct cairn_value *metadata)
{
    const struct cairn_value *fields = cairn_get(metadata, "managedFields");
    const struct cairn_value *references = cairn_get(metadata, "ownerReferences");

    for (size_t i = 0; i < cairn_count(fields); i++) {
        const char *manager = cairn_get_str(cairn_at(fields, i), "manager", CLIENT_MANAGER);

        if (strcmp(manager, CLIENT_MANAGER) != 0)
            add_once(list, manager);
    }
    for (size_t i = 0; i < cairn_count(references); i++) {
        const char *kind = cairn_get_str(cairn_at(references, i), "kind", "");

        for (size_t o = 0; o < sizeof(owners) / sizeof(*owners); o++)
            if (strcmp(kind, owners[o].prefix) == 0)
                add_once(list, owners[o].tool);
        if (*kind)
            add_once(list, kind);
    }
    add_marks(list, cairn_get(metadata, "annotations"));
    add_marks(list, cairn_get(metadata, "labels"));
}
