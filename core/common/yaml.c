/*
 * yaml.c: YAML text as a JSON tree that knows its lines; used for config, worlds and by plugins.
 * SPDX-License-Identifier: MIT
 */
#include "common/yaml.h"

#include "common/alloc.h"
#include "common/file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 64
#define FILE_MAX (4u << 20)

struct reader {
    yaml_parser_t parser;
    const char *name; /* of the file, for messages */
    json_t *lines; /* borrowed; NULL when nobody wants them */
    struct cairn_error *err;
};

static int
refuse(struct reader *r, const yaml_mark_t *at, const char *why, const char *what)
{
    return cairn_fail(r->err, CAIRN_ERR_INVALID, "%s:%zu:%zu: %s%s", r->name, at->line + 1, at->column + 1, why, what);
}

static int
next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return 0;
    if (r->parser.error == YAML_MEMORY_ERROR)
        alloc_failed();
    return refuse(r, &r->parser.problem_mark, r->parser.problem ? r->parser.problem : "not YAML", "");
}

static json_t *
plain_number(const char *text)
{
    char *end;
    double x;

    if (strspn(text, "+-0123456789") == strlen(text)) {
        long long n;

        errno = 0;
        n = strtoll(text, &end, 10);
        return *end == '\0' && errno == 0 && end != text ? json_integer(n) : NULL;
    }
    if (strspn(text, "+-.0123456789eE") != strlen(text) || !strpbrk(text, "0123456789"))
        return NULL;
    x = strtod(text, &end);
    return *end == '\0' && isfinite(x) ? json_real(x) : NULL;
}

static json_t *
plain_scalar(const char *text)
{
    json_t *number;

    if (strcmp(text, "") == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0)
        return json_null();
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(text[0] == 't');
    number = plain_number(text);
    return number ? number : json_string(text);
}

static json_t *
scalar(struct reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    json_t *value;

    if (strlen(text) != event->data.scalar.length) {
        refuse(r, &event->start_mark, "a NUL byte in a string", "");
        return NULL;
    }
    value = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_scalar(text) : json_string(text);
    if (!value)
        refuse(r, &event->start_mark, "a string that is not UTF-8", "");
    return value;
}

static json_t *value_of(struct reader *r, yaml_event_t *event, const char *path, int depth);

static json_t *
sequence(struct reader *r, const char *path, int depth)
{
    json_t *list = json_array();

    for (;;) {
        yaml_event_t event;
        json_t *item;
        char *at;

        if (next_event(r, &event) < 0)
            break;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return list;
        }
        at = alloc_printf("%s/%zu", path, json_array_size(list));
        item = value_of(r, &event, at, depth);
        free(at);
        if (!item)
            break;
        json_array_append_new(list, item);
    }
    json_decref(list);
    return NULL;
}

/* One key and its value into `map`. */
static int
member(struct reader *r, json_t *map, yaml_event_t *key_event, const char *path, int depth)
{
    const char *text = (const char *)key_event->data.scalar.value;
    size_t line = key_event->start_mark.line + 1;
    yaml_event_t event;
    json_t *value = NULL;
    char *key = NULL;
    char *at = NULL;
    int rc = -1;

    if (key_event->type != YAML_SCALAR_EVENT)
        refuse(r, &key_event->start_mark, "a key that is not a plain word", "");
    else if (strcmp(text, "<<") == 0 && key_event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        refuse(r, &key_event->start_mark, "merge keys are not supported", "");
    else if (json_object_get(map, text))
        refuse(r, &key_event->start_mark, "a second key ", text);
    else
        key = alloc_str(text);
    yaml_event_delete(key_event);
    if (!key || next_event(r, &event) < 0)
        goto out;
    at = alloc_printf("%s/%s", path, key);
    value = value_of(r, &event, at, depth);
    if (!value)
        goto out;
    if (r->lines) /* where people look for it: a map's own line is that of its first key */
        json_object_set_new(r->lines, at, json_integer((json_int_t)line));
    json_object_set_new(map, key, value);
    rc = 0;
out:
    free(at);
    free(key);
    return rc;
}

static json_t *
mapping(struct reader *r, const char *path, int depth)
{
    json_t *map = json_object();

    for (;;) {
        yaml_event_t event;

        if (next_event(r, &event) < 0)
            break;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return map;
        }
        if (member(r, map, &event, path, depth) < 0)
            break;
    }
    json_decref(map);
    return NULL;
}

static int
has_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.tag != NULL || event->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.tag != NULL || event->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.tag != NULL || event->data.mapping_start.anchor != NULL;
    default:
        return event->type == YAML_ALIAS_EVENT;
    }
}

/* The value that begins with `event`, which is released. NULL with err. */
static json_t *
value_of(struct reader *r, yaml_event_t *event, const char *path, int depth)
{
    yaml_event_type_t type = event->type;
    json_t *value = NULL;

    if (r->lines)
        json_object_set_new(r->lines, path, json_integer((json_int_t)event->start_mark.line + 1));
    if (has_tag(event))
        refuse(r, &event->start_mark, "anchors, aliases and tags are not supported", "");
    else if (depth > DEPTH_MAX)
        refuse(r, &event->start_mark, "nested too deeply", "");
    else if (type == YAML_SCALAR_EVENT)
        value = scalar(r, event);
    yaml_event_delete(event);
    if (r->err->kind != CAIRN_ERR_NONE || type == YAML_SCALAR_EVENT)
        return value;
    return type == YAML_SEQUENCE_START_EVENT ? sequence(r, path, depth + 1) : mapping(r, path, depth + 1);
}

/* Read one event and require its type. */
static int
expect(struct reader *r, yaml_event_type_t type, const char *why)
{
    yaml_event_t event;
    int rc = 0;

    if (next_event(r, &event) < 0)
        return -1;
    if (event.type != type)
        rc = refuse(r, &event.start_mark, why, "");
    yaml_event_delete(&event);
    return rc;
}

static json_t *
document(struct reader *r)
{
    yaml_event_t event;
    json_t *root;

    if (expect(r, YAML_STREAM_START_EVENT, "not YAML") < 0 || next_event(r, &event) < 0)
        return NULL;
    if (event.type == YAML_STREAM_END_EVENT) {
        yaml_event_delete(&event);
        return json_object();
    }
    yaml_event_delete(&event);
    if (next_event(r, &event) < 0)
        return NULL;
    root = value_of(r, &event, "", 0);
    if (root && (expect(r, YAML_DOCUMENT_END_EVENT, "more than one value") < 0
                 || expect(r, YAML_STREAM_END_EVENT, "more than one document") < 0)) {
        json_decref(root);
        root = NULL;
    }
    return root;
}

int
yaml_parse(json_t **out, json_t **lines, const char *name, const char *text, size_t len, struct cairn_error *err)
{
    struct cairn_error local = { 0 };
    struct reader r = { .name = name, .err = &local };
    json_t *places = lines ? json_object() : NULL;

    if (!yaml_parser_initialize(&r.parser))
        alloc_failed();
    r.lines = places;
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    *out = document(&r);
    yaml_parser_delete(&r.parser);
    if (!*out) {
        json_decref(places);
        return cairn_fail_code(err, local.kind, local.code, "%s", local.text);
    }
    if (lines)
        *lines = places;
    return 0;
}

int
yaml_load(json_t **out, json_t **lines, const char *path, struct cairn_error *err)
{
    char *text = NULL;
    size_t len = 0;
    int rc;

    if (file_read(&text, &len, path, FILE_MAX, err) < 0)
        return -1;
    rc = yaml_parse(out, lines, path, text, len, err);
    free(text);
    return rc;
}

int
yaml_line(const json_t *lines, const char *path)
{
    char *at = alloc_str(path);
    json_t *line = NULL;

    for (;;) {
        char *slash;

        line = json_object_get(lines, at);
        slash = strrchr(at, '/');
        if (line || !slash)
            break;
        *slash = '\0';
    }
    free(at);
    return (int)json_integer_value(line);
}
