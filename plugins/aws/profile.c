/*
 * profile.c: a profile in the shared files of the AWS tools; used by credentials, region and endpoints.
 * SPDX-License-Identifier: MIT
 */
#include "profile.h"

#include "common/alloc.h"
#include "common/file.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1u << 20)
#define BLANK " \t\r"

/* Where the reader of a file is. */
struct reading {
    struct cairn_value *out; /* the settings found */
    const char *section;     /* the wanted one */
    const char *file;
    char *parent; /* the key that indented lines belong to, or NULL */
    int line, inside, found;
};

/* Cut what is blank off both ends of a line, and a comment that follows a blank. */
static char *
tidy(const char *text, size_t len)
{
    char *line, *end;

    while (len > 0 && strchr(BLANK, *text)) {
        text++;
        len--;
    }
    line = alloc_strn(text, len);
    for (char *c = line; *c; c++) {
        if ((*c == '#' || *c == ';') && (c == line || strchr(BLANK, c[-1]))) {
            *c = '\0';
            break;
        }
    }
    end = line + strlen(line);
    while (end > line && strchr(BLANK, end[-1]))
        *--end = '\0';
    return line;
}

static int
malformed(const struct reading *r, const char *why, struct cairn_error *err)
{
    return cairn_fail(err, CAIRN_ERR_INVALID, "read %s: line %d: %s", r->file, r->line, why);
}

/* "[profile  name]" has the name "profile name". */
static int
take_section(struct reading *r, char *line, struct cairn_error *err)
{
    char *close = strchr(line, ']');
    char *name;
    size_t at = 0;

    if (!close || close[1])
        return malformed(r, "a section is [NAME]", err);
    *close = '\0';
    name = tidy(line + 1, strlen(line + 1));
    for (const char *c = name; *c; c++)
        if (!strchr(BLANK, *c) || !strchr(BLANK, c[1]))
            name[at++] = *c == '\t' ? ' ' : *c;
    name[at] = '\0';
    r->inside = !strcmp(name, r->section);
    r->found |= r->inside;
    free(name);
    free(r->parent);
    r->parent = NULL;
    return 0;
}

static int
take_setting(struct reading *r, const char *line, int indented, struct cairn_error *err)
{
    const char *equals = strchr(line, '=');
    char *key, *value, *path;

    if (!equals || equals == line)
        return indented && r->parent ? 0 : malformed(r, "a setting is KEY = VALUE", err);
    key = tidy(line, (size_t)(equals - line));
    value = tidy(equals + 1, strlen(equals + 1));
    for (char *c = key; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    path = indented && r->parent ? alloc_printf("%s.%s", r->parent, key) : alloc_str(key);
    if (r->inside)
        cairn_put(r->out, path, cairn_str(value));
    if (!indented || !r->parent) {
        free(r->parent);
        r->parent = *value ? NULL : alloc_str(key);
    }
    explicit_bzero(value, strlen(value));
    free(value);
    free(path);
    free(key);
    return 0;
}

static int
take_line(struct reading *r, const char *text, size_t len, struct cairn_error *err)
{
    int indented = len > 0 && strchr(BLANK, *text) != NULL;
    char *line = tidy(text, len);
    int rc = 0;

    if (*line == '[')
        rc = take_section(r, line, err);
    else if (*line)
        rc = take_setting(r, line, indented, err);
    explicit_bzero(line, strlen(line));
    free(line);
    return rc;
}

int
profile_parse(struct cairn_value *out, const char *section, const char *file, const char *text, struct cairn_error *err)
{
    struct reading r = { .out = out, .section = section, .file = file };
    int rc = 0;

    if (!strncmp(text, "\xef\xbb\xbf", 3))
        text += 3;
    while (*text && rc == 0) {
        size_t len = strcspn(text, "\n");

        r.line++;
        rc = take_line(&r, text, len, err);
        text += len + (text[len] == '\n');
    }
    free(r.parent);
    return rc < 0 ? -1 : r.found;
}

/* Add a section of one of the files; a missing file has none. */
static int
add_from(struct cairn_value *out, struct cairn_call *call, const char *variable, const char *in_home,
         const char *section, struct cairn_error *err)
{
    const char *set = cairn_env(call, variable);
    const char *home = cairn_env(call, "HOME");
    struct cairn_error problem = { 0 };
    char *path, *text = NULL;
    size_t len;
    int found = 0;

    if (set && *set)
        path = !strncmp(set, "~/", 2) && home ? alloc_printf("%s%s", home, set + 1) : alloc_str(set);
    else if (home && *home)
        path = alloc_printf("%s/%s", home, in_home);
    else
        return 0;
    if (file_read(&text, &len, path, FILE_MAX, &problem) == 0) {
        found = profile_parse(out, section, path, text, err);
        explicit_bzero(text, len);
    } else if (problem.kind != CAIRN_ERR_NOT_FOUND) {
        found = cairn_fail(err, CAIRN_ERR_DENIED, "%s", problem.text);
    }
    free(text);
    free(path);
    return found;
}

const char *
profile_name(struct cairn_call *call)
{
    const char *name = cairn_get_str(cairn_config(call), "profile", NULL);

    if (!name)
        name = cairn_env(call, "AWS_PROFILE");
    if (!name || !*name)
        name = cairn_env(call, "AWS_DEFAULT_PROFILE");
    return name && *name ? name : "default";
}

static void
put_all(struct cairn_value *to, const struct cairn_value *from)
{
    for (size_t i = 0; i < cairn_count(from); i++)
        cairn_put(to, cairn_key(from, i), cairn_copy(cairn_at(from, i)));
}

/* No line of a file can be read as this one: a name of ours in it would be cut off as a comment. */
#define KEYS_FROM "#keys_from"

int
profile_keys_are_in_credentials(const struct cairn_value *settings)
{
    return cairn_get_bool(settings, KEYS_FROM, 0);
}

int
profile_load(struct cairn_value **out, struct cairn_call *call, const char *name, struct cairn_error *err)
{
    struct cairn_value *settings = cairn_map();
    char *section = strcmp(name, "default") != 0 ? alloc_printf("profile %s", name) : alloc_str(name);
    struct cairn_value *secret = cairn_map();
    int in_config = add_from(settings, call, "AWS_CONFIG_FILE", ".aws/config", section, err);
    int in_credentials =
        in_config < 0 ? -1 : add_from(secret, call, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", name, err);

    free(section);
    *out = NULL;
    if (in_credentials >= 0 && (in_config > 0 || in_credentials > 0)) {
        put_all(settings, secret);
        cairn_put(settings, KEYS_FROM,
                  cairn_bool(cairn_get(secret, "aws_access_key_id") || cairn_get(secret, "aws_secret_access_key")));
        *out = settings;
        settings = NULL; /* handed over */
    }
    cairn_free(settings);
    cairn_free(secret);
    return in_credentials < 0 ? -1 : 0;
}

int
profile_services(struct cairn_value **out, struct cairn_call *call, const struct cairn_value *settings,
                 struct cairn_error *err)
{
    const char *name = cairn_get_str(settings, "services", NULL);
    char *section;
    int rc;

    *out = NULL;
    if (!name)
        return 0;
    section = alloc_printf("services %s", name);
    *out = cairn_map();
    rc = add_from(*out, call, "AWS_CONFIG_FILE", ".aws/config", section, err);
    free(section);
    return rc < 0 ? -1 : 0;
}
