/*
 * shape.h: from the elements of a reply to the members of a result; used by the Query plugins.
 * SPDX-License-Identifier: MIT
 *
 * What AWS leaves out is left out, but lists and maps are always there.
 */
#ifndef AWS_SHAPE_H
#define AWS_SHAPE_H

#include "xml.h"

/* One member: a path in the reply, its name in the result, its type (CAIRN_STR, CAIRN_INT, CAIRN_BOOL). */
struct shape {
    const char *from;
    const char *to;
    enum cairn_type type;
};

void shape_copy(struct cairn_value *out, const struct xml_node *node, const struct shape *table); /* ended by { 0 } */
/* A list of texts: of `member` in each element at `path`, "Groups/Group"; NULL: of the element's own text. */
struct cairn_value *shape_list(const struct xml_node *node, const char *path, const char *member);
struct cairn_value *shape_maps(const struct xml_node *node, const char *path,
                               const struct shape *table);  /* a list of maps */
struct cairn_value *shape_any(const struct xml_node *node); /* whatever is there, names in lower_case; a map at least */

#endif
