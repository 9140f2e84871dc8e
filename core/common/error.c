/*
 * error.c: failures and the names of kinds, effects and types; used by everything.
 * SPDX-License-Identifier: MIT
 */
#include "common/error.h"

#include "common/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const kind_names[] = {
    "none",    "invalid", "not_found", "denied", "conflict", "throttled", "unavailable",
    "timeout", "not_yet", "failed",    "in_doubt", "internal", "cancelled",
};
static const char *const effect_names[] = { "", "read", "create", "guarded", "set", "trigger" };
static const char *const type_names[] = { "null", "boolean", "integer", "number", "string", "list", "map", "any" };

static size_t
index_of(const char *const *names, size_t count, const char *name, size_t otherwise)
{
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return otherwise;
}

const char *
error_kind_name(enum cairn_error_kind kind)
{
    return (size_t)kind < COUNT(kind_names) ? kind_names[kind] : "internal";
}

enum cairn_error_kind
error_kind_of(const char *name)
{
    return (enum cairn_error_kind)index_of(kind_names, COUNT(kind_names), name, CAIRN_ERR_INTERNAL);
}

const char *
effect_name(enum cairn_effect effect)
{
    return (size_t)effect < COUNT(effect_names) ? effect_names[effect] : "";
}

enum cairn_effect
effect_of(const char *name)
{
    return (enum cairn_effect)index_of(effect_names, COUNT(effect_names), name, 0);
}

const char *
type_name(enum cairn_type type)
{
    return (size_t)type < COUNT(type_names) ? type_names[type] : "any";
}

enum cairn_type
type_of(const char *name)
{
    return (enum cairn_type)index_of(type_names, COUNT(type_names), name, CAIRN_NULL);
}

/* Cut at the end of a whole UTF-8 character, and keep it to one line. */
static void
tidy(char *text, size_t size)
{
    size_t len = strlen(text);

    if (len + 1 == size) {
        while (len && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
            len--;
        if (len && (unsigned char)text[len - 1] >= 0xc0)
            len--;
        text[len] = '\0';
    }
    for (char *c = text; *c; c++)
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
}

static void __attribute__((format(printf, 4, 0)))
fill(struct cairn_error *err, enum cairn_error_kind kind, const char *code, const char *fmt, va_list ap)
{
    if (!err || err->kind != CAIRN_ERR_NONE)
        return;
    err->kind = kind;
    snprintf(err->code, sizeof(err->code), "%s", code ? code : "");
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    tidy(err->code, sizeof(err->code));
    tidy(err->text, sizeof(err->text));
}

int
cairn_fail(struct cairn_error *err, enum cairn_error_kind kind, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fill(err, kind, NULL, fmt, ap);
    va_end(ap);
    return -1;
}

int
cairn_fail_code(struct cairn_error *err, enum cairn_error_kind kind, const char *code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fill(err, kind, code, fmt, ap);
    va_end(ap);
    return -1;
}

json_t *
error_to_json(const struct cairn_error *err)
{
    json_t *json = json_object();
    json_t *text = json_string(err->text);

    if (!json)
        alloc_failed();
    json_object_set_new(json, "kind", json_string(error_kind_name(err->kind)));
    if (err->code[0])
        json_object_set_new(json, "code", json_string(err->code));
    json_object_set_new(json, "text", text ? text : json_string("(text that is not UTF-8)"));
    return json;
}

void
error_from_json(struct cairn_error *err, const json_t *json)
{
    const char *code = json_string_value(json_object_get(json, "code"));
    const char *text = json_string_value(json_object_get(json, "text"));
    struct cairn_error fresh = { 0 };

    cairn_fail_code(&fresh, error_kind_of(json_string_value(json_object_get(json, "kind"))), code, "%s",
                    text ? text : "no text");
    if (err->kind == CAIRN_ERR_NONE)
        *err = fresh;
}
