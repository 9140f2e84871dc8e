/*
 * print.c: texts for people and machines: spans, times, tables, JSON; used by the commands.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/print.h"

#include "common/alloc.h"
#include "common/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND 1000
#define MINUTE (60 * (int64_t)SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

char *
print_clean(const char *text)
{
    char *copy = alloc_str(text ? text : "");

    for (unsigned char *c = (unsigned char *)copy; *c; c++) {
        if (*c == '\n' || *c == '\t')
            *c = ' ';
        else if (*c < 0x20 || *c == 0x7f)
            *c = '?';
        else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) /* the second set of controls, in UTF-8 */
            c[0] = c[1] = '?';
    }
    return copy;
}

char *
print_span(int64_t ms)
{
    if (ms < SECOND)
        return alloc_printf("%lld ms", (long long)(ms < 0 ? 0 : ms));
    if (ms < MINUTE)
        return alloc_printf("%lld s", (long long)(ms / SECOND));
    if (ms < HOUR)
        return alloc_printf("%lld min %02lld s", (long long)(ms / MINUTE), (long long)(ms % MINUTE / SECOND));
    if (ms < DAY)
        return alloc_printf("%lld h %02lld min", (long long)(ms / HOUR), (long long)(ms % HOUR / MINUTE));
    return alloc_printf("%lld d %lld h", (long long)(ms / DAY), (long long)(ms % DAY / HOUR));
}

void
print_time(char out[21], int64_t ms)
{
    char full[25];

    out[0] = '\0';
    if (ms <= 0)
        return;
    clock_format(full, ms);
    snprintf(out, 21, "%.19sZ", full);
}

/* A copy in which a person sees *** where a secret is. */
static json_t *
hide(const json_t *value)
{
    const char *key;
    size_t i;
    json_t *item;
    json_t *copy;

    if (json_object_get(value, "$sealed") || json_object_get(value, "$secret"))
        return json_string("***");
    if (json_object_get(value, "$ref"))
        return json_sprintf("<secret %s>", json_string_value(json_object_get(value, "$ref")));
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, item)
            json_array_append_new(copy, hide(item));
        return copy;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    copy = json_object();
    json_object_foreach((json_t *)value, key, item)
        json_object_set_new(copy, key, hide(item));
    return copy;
}

char *
print_value(const json_t *value)
{
    json_t *shown = hide(value);
    char *dump = json_is_string(shown) ? NULL : json_dumps(shown, JSON_ENCODE_ANY | JSON_COMPACT);
    char *text = print_clean(dump ? dump : json_string_value(shown));

    free(dump);
    json_decref(shown);
    return text;
}

/* What a step is done to, for people: the first of the members that usually name it. */
static char *
target_of(const json_t *args)
{
    static const char *const names[] = { "id",       "name",    "instance", "database", "proxy",
                                         "function", "pattern", "source",   "arn",      "key" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (json_is_string(json_object_get(args, names[i])))
            return print_clean(json_string_value(json_object_get(args, names[i])));
    return NULL;
}

char *
print_command(const json_t *intent)
{
    const char *op = json_string_value(json_object_get(intent, "op"));
    const char *title = json_string_value(json_object_get(intent, "title"));
    char *target;
    char *text;

    if (op && strcmp(op, "signal") == 0)
        return print_clean(json_string_value(json_object_get(intent, "name")));
    if (!op || strcmp(op, "step") != 0)
        return print_clean(title ? title : op);
    target = target_of(json_object_get(intent, "args"));
    text = alloc_printf("%s.%s%s%s", json_string_value(json_object_get(intent, "plugin")),
                        json_string_value(json_object_get(intent, "action")), target ? " " : "", target ? target : "");
    free(target);
    return text;
}

size_t
print_width(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

int
print_colors(FILE *to)
{
    const char *term = getenv("TERM");
    const char *no = getenv("NO_COLOR");

    return isatty(fileno(to)) && (!no || !*no) && term && strcmp(term, "dumb") != 0;
}

void
print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2));
    putchar('\n');
}

/* ---- tables ---- */

static const char *
cell(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

static void
print_cell(const char *text, size_t width, int last)
{
    fputs(text, stdout);
    for (size_t n = print_width(text); !last && n < width + 2; n++)
        putchar(' ');
}

void
print_table(const json_t *rows, const char *const *keys)
{
    size_t widths[16] = { 0 };
    size_t i;
    json_t *row;

    for (size_t k = 0; keys[k]; k++) {
        widths[k] = strlen(keys[k]);
        json_array_foreach(rows, i, row)
            if (print_width(cell(row, keys[k])) > widths[k])
                widths[k] = print_width(cell(row, keys[k]));
    }
    for (size_t k = 0; keys[k]; k++) {
        char *heading = alloc_str(keys[k]);

        for (char *c = heading; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        print_cell(heading, widths[k], !keys[k + 1]);
        free(heading);
    }
    putchar('\n');
    json_array_foreach(rows, i, row) {
        for (size_t k = 0; keys[k]; k++) {
            char *text = print_clean(cell(row, keys[k]));

            print_cell(text, widths[k], !keys[k + 1]);
            free(text);
        }
        putchar('\n');
    }
}

void
print_pair(const char *name, const char *value)
{
    char *text;

    if (!value || !*value)
        return;
    text = print_clean(value);
    printf("%-12s %s\n", name, text);
    free(text);
}
