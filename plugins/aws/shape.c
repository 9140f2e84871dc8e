/*
 * shape.c: from the elements of a reply to the members of a result; used by the Query plugins.
 * SPDX-License-Identifier: MIT
 */
#include "shape.h"

#include "buffer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void
shape_copy(struct cairn_value *out, const struct xml_node *node, const struct shape *table)
{
    for (; table->from; table++) {
        const char *text = xml_text(node, table->from, NULL);

        if (!text)
            continue;
        if (table->type == CAIRN_BOOL && xml_bool(node, table->from, -1) >= 0)
            cairn_put(out, table->to, cairn_bool(xml_bool(node, table->from, 0)));
        else if (table->type == CAIRN_INT && xml_int(node, table->from, INT64_MIN) != INT64_MIN)
            cairn_put(out, table->to, cairn_int(xml_int(node, table->from, 0)));
        else if (table->type == CAIRN_STR && *text)
            cairn_put(out, table->to, cairn_str(text));
    }
}

struct cairn_value *
shape_list(const struct xml_node *node, const char *path, const char *member)
{
    struct cairn_value *list = cairn_list();

    for (const struct xml_node *at = xml_get(node, path); at; at = xml_next(at)) {
        const char *text = xml_text(at, member ? member : "", NULL);

        if (text)
            cairn_add(list, cairn_str(text));
    }
    return list;
}

struct cairn_value *
shape_maps(const struct xml_node *node, const char *path, const struct shape *table)
{
    struct cairn_value *list = cairn_list();

    for (const struct xml_node *at = xml_get(node, path); at; at = xml_next(at)) {
        struct cairn_value *map = cairn_map();

        shape_copy(map, at, table);
        cairn_add(list, map);
    }
    return list;
}

/* "DBInstanceClass" becomes "db_instance_class", "CACertificateIdentifier" "ca_certificate_identifier". */
static char *
lower_case(const char *name)
{
    struct buffer out = { 0 };

    for (const char *c = name; *c; c++) {
        char low = (char)tolower((unsigned char)*c);
        int begins = isupper((unsigned char)*c) && c > name
                     && (!isupper((unsigned char)c[-1]) || (c[1] && islower((unsigned char)c[1])));

        if (begins)
            buffer_str(&out, "_");
        buffer_add(&out, &low, 1);
    }
    return buffer_take(&out);
}

struct cairn_value *
shape_any(const struct xml_node *node)
{
    struct cairn_value *map = cairn_map();

    for (const struct xml_node *at = node ? node->first : NULL; at; at = at->next) {
        int is_list =
            at->first && (at->first == at->last || !strcmp(at->first->name, at->last->name)) && at->first->text;
        char *key = lower_case(at->name);

        if (at->text)
            cairn_put(map, key, cairn_str(at->text));
        else
            cairn_put(map, key, is_list ? shape_list(at, at->first->name, NULL) : shape_any(at));
        free(key);
    }
    return map;
}
