/*
 * xml.c: the XML of AWS' replies as a tree; used by the Query protocol.
 * SPDX-License-Identifier: MIT
 */
#include "xml.h"

#include "buffer.h"
#include "common/alloc.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What the callbacks of the parser share. */
struct building {
    XML_Parser parser;
    struct xml_node *open[XML_MAX_DEPTH]; /* outermost first */
    struct buffer text;                   /* since the last tag */
    struct xml_node *root;
    const char *refused; /* why the parser was stopped, or NULL */
    size_t depth, elements;
};

static void
refuse(struct building *b, const char *why)
{
    if (!b->refused)
        b->refused = why;
    XML_StopParser(b->parser, XML_FALSE);
}

static void XMLCALL
start_element(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct building *b = data;
    const char *colon = strrchr(name, ':');
    struct xml_node *node;

    (void)attributes;
    if (b->refused)
        return;
    if (b->depth == XML_MAX_DEPTH || ++b->elements > XML_MAX_ELEMENTS) {
        refuse(b, b->depth == XML_MAX_DEPTH ? "nested too deeply" : "too many elements");
        return;
    }
    node = alloc_zero(1, sizeof(*node));
    node->name = alloc_str(colon ? colon + 1 : name);
    if (b->depth > 0) {
        struct xml_node *parent = b->open[b->depth - 1];

        if (parent->last)
            parent->last->next = node;
        else
            parent->first = node;
        parent->last = node;
    } else {
        b->root = node;
    }
    b->open[b->depth++] = node;
    buffer_release(&b->text);
}

static void XMLCALL
end_element(void *data, const XML_Char *name)
{
    struct building *b = data;
    struct xml_node *node;

    (void)name;
    if (b->refused || b->depth == 0)
        return;
    node = b->open[--b->depth];
    if (!node->first)
        node->text = buffer_take(&b->text);
    buffer_release(&b->text);
}

static void XMLCALL
characters(void *data, const XML_Char *text, int len)
{
    struct building *b = data;

    if (!b->refused)
        buffer_add(&b->text, text, (size_t)len);
}

static void XMLCALL
start_doctype(void *data, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    refuse(data, "it has a document type declaration");
}

int
xml_parse(struct xml_node **out, const char *text, size_t len, struct cairn_error *err)
{
    struct building b = { .parser = XML_ParserCreate(NULL) };
    int rc = -1;

    if (!b.parser)
        alloc_failed();
    XML_SetUserData(b.parser, &b);
    XML_SetElementHandler(b.parser, start_element, end_element);
    XML_SetCharacterDataHandler(b.parser, characters);
    XML_SetStartDoctypeDeclHandler(b.parser, start_doctype);
    if (len > XML_MAX_TEXT) {
        cairn_fail(err, CAIRN_ERR_INVALID, "read XML: %zu bytes are more than %u", len, XML_MAX_TEXT);
        goto out;
    }
    if (XML_Parse(b.parser, text, (int)len, XML_TRUE) != XML_STATUS_OK) {
        cairn_fail(err, CAIRN_ERR_INVALID, "read XML: line %lu, column %lu: %s",
                   (unsigned long)XML_GetCurrentLineNumber(b.parser),
                   (unsigned long)XML_GetCurrentColumnNumber(b.parser),
                   b.refused ? b.refused : XML_ErrorString(XML_GetErrorCode(b.parser)));
        goto out;
    }
    *out = b.root;
    b.root = NULL; /* handed over */
    rc = 0;
out:
    xml_free(b.root);
    buffer_release(&b.text);
    XML_ParserFree(b.parser);
    return rc;
}

struct xml_node *
xml_copy(const struct xml_node *node)
{
    struct xml_node *copy = alloc_zero(1, sizeof(*copy));

    copy->name = alloc_str(node->name);
    copy->text = alloc_str(node->text);
    for (const struct xml_node *child = node->first; child; child = child->next) {
        struct xml_node *twin = xml_copy(child);

        if (copy->last)
            copy->last->next = twin;
        else
            copy->first = twin;
        copy->last = twin;
    }
    return copy;
}

/* Recursion is as deep as the document, which is bounded. */
void
xml_free(struct xml_node *root)
{
    if (!root)
        return;
    for (struct xml_node *child = root->first, *next; child; child = next) {
        next = child->next;
        xml_free(child);
    }
    free(root->name);
    free(root->text);
    free(root);
}

static int
is_named(const struct xml_node *node, const char *name, size_t len)
{
    return !strncmp(node->name, name, len) && node->name[len] == '\0';
}

const struct xml_node *
xml_get(const struct xml_node *node, const char *path)
{
    while (node && *path) {
        size_t len = strcspn(path, "/");
        const struct xml_node *child = node->first;

        while (child && !is_named(child, path, len))
            child = child->next;
        node = child;
        path += len + (path[len] == '/');
    }
    return node;
}

const char *
xml_text(const struct xml_node *node, const char *path, const char *otherwise)
{
    const struct xml_node *found = xml_get(node, path);

    return found && found->text ? found->text : otherwise;
}

const struct xml_node *
xml_next(const struct xml_node *node)
{
    const struct xml_node *next = node ? node->next : NULL;

    while (next && strcmp(next->name, node->name) != 0)
        next = next->next;
    return next;
}

int64_t
xml_int(const struct xml_node *node, const char *path, int64_t otherwise)
{
    const char *text = xml_text(node, path, "");
    char *end;
    long long n;

    errno = 0;
    n = strtoll(text, &end, 10);
    return *text && !*end && !errno ? n : otherwise;
}

int
xml_bool(const struct xml_node *node, const char *path, int otherwise)
{
    const char *text = xml_text(node, path, "");

    return !strcmp(text, "true") ? 1 : !strcmp(text, "false") ? 0 : otherwise;
}
