/*
 * provider_process.c: keys that a program answers, the setting credential_process; called by credentials.c.
 * SPDX-License-Identifier: MIT
 */
#include "buffer.h"
#include "cache.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "program.h"
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT_MS 60000
#define WORDS_MAX 64

/* Variables of the user that the program gets besides those of the worker; none of them is a secret. */
static const char *const passed_on[] = {
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS",
    "AWS_EC2_METADATA_DISABLED", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
    "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK",
};

/* ---- the command line ---- */

/* One word as a shell would read it, but for variables, patterns and other commands: quotes and backslashes. NULL when
 * a quote stays open. */
static char *
next_word(const char **at)
{
    struct buffer word = { 0 };
    char quote = 0;

    for (; **at && (quote || !strchr(" \t\r\n", **at)); (*at)++) {
        const char *c = *at;

        if (quote && *c == quote) {
            quote = 0;
        } else if (!quote && (*c == '"' || *c == '\'')) {
            quote = *c;
        } else if (*c == '\\' && c[1] && quote != '\'' && (!quote || c[1] == '"' || c[1] == '\\')) {
            buffer_add(&word, c + 1, 1);
            (*at)++;
        } else {
            buffer_add(&word, c, 1);
        }
    }
    if (!quote)
        return buffer_take(&word);
    buffer_release(&word);
    return NULL;
}

static void
free_words(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

/* A list ended by NULL, or NULL when it isn't a command. */
static char **
split(const char *line)
{
    char **words = alloc_zero(WORDS_MAX + 1, sizeof(*words));
    size_t count = 0;

    for (line += strspn(line, " \t\r\n"); *line; line += strspn(line, " \t\r\n")) {
        char *word = count < WORDS_MAX ? next_word(&line) : NULL;

        if (!word) {
            free_words(words);
            return NULL;
        }
        words[count++] = word;
    }
    if (count)
        return words;
    free_words(words);
    return NULL;
}

/* ---- its answer ---- */

static int
refuse(const char *source, const char *what, struct cairn_error *err)
{
    return cairn_fail(err, CAIRN_ERR_DENIED, "get credentials from %s: its answer %s", source, what);
}

int
provider_read_json(struct credentials *out, const char *source, const char *json, size_t len, const char *token,
                   struct cairn_error *err)
{
    struct cairn_error ignored = { 0 };
    struct cairn_value *doc = cairn_parse_json(json, len, &ignored);
    const char *id = cairn_get_str(doc, "AccessKeyId", "");
    const char *secret = cairn_get_str(doc, "SecretAccessKey", "");
    const char *expires = cairn_get_str(doc, "Expiration", NULL);
    int rc = -1;

    if (!doc)
        refuse(source, "isn't JSON", err);
    else if (!*id || !*secret)
        refuse(source, "has no AccessKeyId or no SecretAccessKey", err);
    else if (expires && clock_parse(expires) <= 0)
        refuse(source, "has an Expiration that isn't a time", err);
    else
        rc = 0;
    if (rc == 0)
        *out = (struct credentials){
            .key_id = alloc_str(id),
            .secret = alloc_str(secret),
            .token = alloc_str(cairn_get_str(doc, token, NULL)),
            .source = alloc_str(source),
            .expires = expires ? clock_parse(expires) : 0,
        };
    cairn_free(doc);
    return rc;
}

/* Of a program's answer, and only of it. */
static int
check_version(const char *source, const char *answer, struct cairn_error *err)
{
    struct cairn_error ignored = { 0 };
    struct cairn_value *doc = cairn_parse_json(answer, strlen(answer), &ignored);
    int64_t version = cairn_get_int(doc, "Version", -1);
    int is_json = doc != NULL;

    cairn_free(doc);
    return !is_json || version == 1 ? 0 : refuse(source, "isn't of Version 1", err);
}

/* ---- the program ---- */

static char **
environment(const struct search *search)
{
    char **list = alloc_zero(sizeof(passed_on) / sizeof(passed_on[0]) + 1, sizeof(*list));
    size_t count = 0;

    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
        const char *value = cairn_env(search->call, passed_on[i]);

        if (value)
            list[count++] = alloc_printf("%s=%s", passed_on[i], value);
    }
    return list;
}

static int
fetch(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    char *source = alloc_printf("the credential_process of profile %s", search->profile);
    char **words = split(provider_setting(search, "credential_process"));
    char **own = environment(search);
    char **env = program_env(own, NULL);
    char *what = alloc_printf("get credentials from %s, %s", source, words ? words[0] : "");
    char *answer = NULL;
    int rc = -1;

    if (!words) {
        cairn_fail(err, CAIRN_ERR_DENIED, "get credentials from %s: it isn't a command: a quote stays open, or it is too long", source);
    } else {
        struct program program = { what, words[0], words + 1, env, NULL, LIMIT_MS };

        rc = program_run(&answer, &program, err);
    }
    if (rc == 0 && (rc = check_version(source, answer, err)) == 0)
        rc = provider_read_json(out, source, answer, strlen(answer), "SessionToken", err);
    program_wipe(answer);
    free(what);
    free(env);
    free_words(own);
    free_words(words);
    free(source);
    return rc == 0 ? 1 : -1;
}

int
provider_process(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    const char *line = provider_setting(search, "credential_process");
    char *key;
    int rc;

    if (!line)
        return 0;
    key = alloc_printf("process\n%s\n%s", search->profile, line);
    rc = cache_through(out, key, search, fetch, err);
    free(key);
    return rc;
}
