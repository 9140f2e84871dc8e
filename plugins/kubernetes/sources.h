/*
 * sources.h: the kubeconfig files as one; used by kubeconfig.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_KUBERNETES_SOURCES_H
#define CAIRN_KUBERNETES_SOURCES_H

#include "kubeconfig.h"

#include <stddef.h>

struct source {
    char *path; /* of the file */
    char *dir; /* what its relative paths are relative to */
    struct cairn_value *doc; /* a map */
};

struct sources {
    struct source *list; /* in the order in which definitions win */
    size_t count;
    char *tried; /* the places that were looked at, for messages */
};

/* An entry of clusters, contexts or users. */
struct entry {
    const struct source *source; /* where it stands */
    const struct cairn_value *body; /* its map */
};

int sources_load(struct sources *out, const struct kubeconfig_where *where, struct cairn_error *err);
void sources_release(struct sources *sources);

/* The first definition of a name: 1, 0 when there is none, -1. `list` is "clusters", `member` "cluster", and so on. */
int sources_find(struct entry *out, const struct sources *sources, const char *list, const char *member,
                 const char *name, struct cairn_error *err);
int sources_current(const char **out, const struct sources *sources, struct cairn_error *err); /* NULL: none is set */
size_t sources_count(const struct sources *sources, const char *list); /* different names */
char *sources_names(const struct sources *sources, const char *list); /* "a, b"; free() it */

/* A member that has to be a string: NULL when it is missing or empty. */
int entry_text(const char **out, const struct entry *entry, const char *key, struct cairn_error *err);
char *entry_path(const struct entry *entry, const char *path); /* relative to the file; free() it */

#endif
