/*
 * client.c: what a person at a terminal asks of a simulator that runs: one request to it, and its answer as it comes.
 * SPDX-License-Identifier: MIT
 */
#include "client.h"

#include "common/alloc.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2
#define TIMEOUT_S 20L

static const struct command {
    const char *name;
    const char *method;
    const char *path;
    const char *word; /* the query member that the first word is; NULL: it takes none */
    bool needed; /* the first word has to be there */
    bool pairs; /* NAME=VALUE words may follow */
} commands[] = {
    { "faults", "GET", "/_sim/fault/kinds", "only", false, false },
    { "fault", "POST", "/_sim/fault", "do", true, true },
    { "mend", "DELETE", "/_sim/fault", "which", false, false },
    { "operations", "GET", "/_sim/operations", "service", false, false },
};

static const struct command *
find(const char *word)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, word) == 0)
            return &commands[i];
    return NULL;
}

bool
client_knows(const char *word)
{
    return find(word) != NULL;
}

static int
usage(const char *why, const char *what)
{
    fprintf(stderr, "cairn-sim: %s%s; see cairn sim --help\n", why, what);
    return EXIT_USAGE;
}

/* The address with name=value behind it; takes `url`. */
static char *
add_pair(CURL *curl, char *url, const char *name, size_t name_len, const char *value)
{
    char *n = curl_easy_escape(curl, name, (int)name_len);
    char *v = curl_easy_escape(curl, value, (int)strlen(value));
    char *longer;

    if (!n || !v)
        alloc_failed();
    longer = alloc_printf("%s%c%s=%s", url, strchr(url, '?') ? '&' : '?', n, v);
    curl_free(n);
    curl_free(v);
    free(url);
    return longer;
}

/* The address that the words ask for; NULL, and said why, when they are wrong. */
static char *
address(CURL *curl, const struct command *command, const char *base, char **words, int count)
{
    char *url = alloc_printf("%s%s", base, command->path);

    for (int i = 1; i < count; i++) {
        const char *equals = strchr(words[i], '=');

        if (i == 1) {
            url = add_pair(curl, url, command->word, strlen(command->word), words[i]);
        } else if (command->pairs && equals && equals != words[i]) {
            url = add_pair(curl, url, words[i], (size_t)(equals - words[i]), equals + 1);
        } else {
            usage(command->pairs ? "expected PARAM=VALUE, not " : "unexpected argument ", words[i]);
            free(url);
            return NULL;
        }
    }
    return url;
}

static int
ask(CURL *curl, const struct command *command, const char *url, FILE *answer)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: text/plain");
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    CURLcode rc;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, command->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    if (rc != CURLE_OK) {
        fprintf(stderr, "cairn-sim: ask the simulator at %s: %s; does it still run?\n", getenv("CAIRN_SIM_URL"),
                *why ? why : curl_easy_strerror(rc));
        return 1;
    }
    return status == 200 ? 0 : EXIT_USAGE;
}

/* An answer is for stdout, a refusal for stderr, with who says so before it. */
static void
tell(int rc, const char *text)
{
    if (rc == EXIT_USAGE)
        fprintf(stderr, "cairn-sim: %s", text);
    else
        fputs(text, stdout);
}

int
client_run(char **words, int count)
{
    const struct command *command = find(words[0]);
    const char *base = getenv("CAIRN_SIM_URL");
    char *url = NULL;
    char *text = NULL;
    size_t len = 0;
    FILE *answer;
    CURL *curl;
    int rc = EXIT_USAGE;

    if (!base || !*base)
        return usage("CAIRN_SIM_URL is not set: read the simulator's environment file (--env FILE) by `. FILE` first", "");
    if (command->needed && count < 2)
        return usage("a word is missing behind ", words[0]);
    curl = curl_easy_init();
    answer = open_memstream(&text, &len);
    if (!curl || !answer)
        alloc_failed();
    url = address(curl, command, base, words, count);
    if (url)
        rc = ask(curl, command, url, answer);
    fclose(answer);
    if (url)
        tell(rc, text);
    curl_easy_cleanup(curl);
    free(text);
    free(url);
    return rc;
}
