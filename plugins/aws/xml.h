/*
 * xml.h: the XML of AWS' replies as a tree; used by the Query protocol.
 * SPDX-License-Identifier: MIT
 *
 * Names are without their namespace prefix; attributes are left out. A document type declaration is refused, so that
 * there are no entities but the five of XML itself; depth, number of elements and size are bounded.
 */
#ifndef AWS_XML_H
#define AWS_XML_H

#include "cairn/plugin.h"

#include <stddef.h>

#define XML_MAX_DEPTH 64
#define XML_MAX_ELEMENTS 500000
#define XML_MAX_TEXT (16u << 20)

struct xml_node {
    char *name;
    char *text;             /* of an element without elements in it, else NULL; "" for an empty one */
    struct xml_node *first; /* what lies in it, in order */
    struct xml_node *last;
    struct xml_node *next; /* beside it */
};

int xml_parse(struct xml_node **out, const char *text, size_t len, struct cairn_error *err); /* INVALID if malformed */
struct xml_node *xml_copy(const struct xml_node *node); /* with all in it, without what is beside it */
void xml_free(struct xml_node *root);                   /* takes NULL */

/* Look: NULL-tolerant. A path is names between slashes, "Endpoint/Address"; the first of each name counts. */
const struct xml_node *xml_get(const struct xml_node *node, const char *path);
const char *xml_text(const struct xml_node *node, const char *path, const char *otherwise); /* an empty element is "" */
const struct xml_node *xml_next(const struct xml_node *node); /* the next one beside it that has the same name */
int64_t xml_int(const struct xml_node *node, const char *path, int64_t otherwise);
int xml_bool(const struct xml_node *node, const char *path, int otherwise);

#endif
