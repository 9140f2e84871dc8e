/*
 * mask.c: known secrets are taken out of every text that leaves the worker for people; used for log, progress, errors.
 * SPDX-License-Identifier: MIT
 */
#include "worker/mask.h"

#include "cairn/plugin.h"
#include "common/alloc.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct secret {
    char *text;
    size_t len;
    unsigned long call; /* the last call that had it; 0: the configuration */
};

static struct secret *secrets; /* longest first, so that a secret within a secret leaves no rest */
static size_t count;
static unsigned long call_now;

void
mask_new_call(void)
{
    call_now++;
}

static void
insert(const char *text, size_t len)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        if (secrets[i].len == len && memcmp(secrets[i].text, text, len) == 0) {
            if (secrets[i].call)
                secrets[i].call = call_now;
            return;
        }
        if (secrets[i].len > len)
            at = i + 1;
    }
    secrets = alloc_grow(secrets, count + 1, sizeof(*secrets));
    memmove(secrets + at + 1, secrets + at, (count - at) * sizeof(*secrets));
    secrets[at] = (struct secret){ alloc_strn(text, len), len, call_now };
    count++;
}

static void
insert_text(char *owned, size_t len)
{
    if (len >= MASK_MIN)
        insert(owned, len);
    free(owned);
}

/* As it stands in a request's body or a Kubernetes secret. */
static void
insert_base64(const char *secret, size_t len)
{
    char *text = alloc_zero(len / 3 * 4 + 5, 1);

    EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)secret, (int)len);
    insert_text(text, strcspn(text, "="));
}

/* As cairn_fail() makes one line of it. */
static void
insert_one_line(const char *secret, size_t len)
{
    char *text = alloc_strn(secret, len);

    for (char *c = text; *c; c++)
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
    insert_text(text, len);
}

static void
insert_json(const char *secret)
{
    json_t *json = json_string(secret);
    char *text = json_dumps(json, JSON_ENCODE_ANY);

    json_decref(json);
    if (text) {
        insert_text(alloc_strn(text + 1, strlen(text) - 2), strlen(text) - 2);
        free(text);
    }
}

void
mask_add(const char *secret)
{
    size_t len = secret ? strlen(secret) : 0;
    char *encoded;

    while (len && isspace((unsigned char)secret[len - 1]))
        len--; /* the end of a line in a file isn't part of a password */
    if (len < MASK_MIN)
        return;
    insert(secret, len);
    insert_base64(secret, strlen(secret));
    insert_one_line(secret, len);
    insert_json(secret);
    encoded = cairn_url_encode(secret, "");
    insert_text(encoded, strlen(encoded));
}

static const struct secret *
secret_at(const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(text, secrets[i].text, secrets[i].len) == 0)
            return &secrets[i];
    return NULL;
}

char *
mask_text(const char *text)
{
    char *out = alloc_zero(strlen(text) + 1, 1); /* "***" is shorter than any secret */
    size_t len = 0;

    while (*text) {
        const struct secret *found = secret_at(text);

        if (!found) {
            out[len++] = *text++;
            continue;
        }
        memcpy(out + len, "***", 3);
        len += 3;
        text += found->len;
    }
    return out;
}

/* Where the beginning of a secret ends the text; its length if there is none. Less than half of the shortest is no
 * harm. */
static size_t
half_secret_at(const char *text)
{
    size_t len = strlen(text);

    for (size_t at = 0; at + MASK_MIN / 2 <= len; at++)
        for (size_t i = 0; i < count; i++)
            if (len - at < secrets[i].len && memcmp(text + at, secrets[i].text, len - at) == 0)
                return at;
    return len;
}

char *
mask_cut_text(const char *text)
{
    char *masked = mask_text(text);

    masked[half_secret_at(masked)] = '\0';
    return masked;
}

int
mask_covers(const char *text)
{
    for (size_t i = 0; i < count; i++)
        if ((secrets[i].call == 0 || secrets[i].call == call_now) && strstr(text, secrets[i].text))
            return 1;
    return 0;
}
