/*
 * text.c: base64, digests, files and times as Kubernetes writes them; used by the plugin kubernetes.
 * SPDX-License-Identifier: MIT
 */
#include "text.h"

#include "common/alloc.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

char *
text_base64(const char *bytes, size_t len)
{
    char *out = alloc_zero(4 * ((len + 2) / 3) + 1, 1);

    if (len > INT_MAX / 2)
        alloc_failed();
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)bytes, (int)len);
    return out;
}

char *
text_unbase64(const char *text, size_t *len)
{
    size_t n = strlen(text);
    size_t pad = 0;
    char *out;
    int got;

    while (pad < n && pad < 2 && text[n - 1 - pad] == '=')
        pad++;
    if (n % 4 != 0 || n > INT_MAX / 2 || strspn(text, ALPHABET) != n - pad)
        return NULL;
    out = alloc_zero(n / 4 * 3 + 1, 1);
    got = n ? EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)text, (int)n) : 0;
    if (got < 0 || (size_t)got != n / 4 * 3) {
        free(out);
        return NULL;
    }
    *len = (size_t)got - pad;
    out[*len] = '\0';
    return out;
}

int
text_sha256(char hex[TEXT_SHA256], const char *bytes, size_t len, struct cairn_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    if (!EVP_Digest(bytes, len, digest, &size, EVP_sha256(), NULL) || size != 32)
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "compute SHA-256: OpenSSL refused");
    for (unsigned i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

void
text_wipe(char *owned)
{
    if (owned)
        explicit_bzero(owned, strlen(owned));
    free(owned);
}

int
text_read_file(char **out, const char *path, const char *what, size_t max, struct cairn_error *err)
{
    FILE *f = fopen(path, "rbe");
    char *text;
    size_t n;

    if (!f)
        return cairn_fail_code(err, CAIRN_ERR_INVALID, errno == ENOENT ? TEXT_MISSING : "", "read %s %s: %s", what, path,
                               strerror(errno));
    text = alloc_zero(max + 2, 1);
    n = fread(text, 1, max + 1, f);
    if (ferror(f))
        cairn_fail(err, CAIRN_ERR_INVALID, "read %s %s: %s", what, path, strerror(errno));
    else if (n > max)
        cairn_fail(err, CAIRN_ERR_INVALID, "read %s %s: larger than %zu bytes", what, path, max);
    else if (memchr(text, '\0', n))
        cairn_fail(err, CAIRN_ERR_INVALID, "read %s %s: it isn't text", what, path);
    else
        *out = alloc_str(text);
    fclose(f);
    explicit_bzero(text, max + 1);
    free(text);
    return err->kind ? -1 : 0;
}

/* "+02:00" or "Z" at the end of a time, as seconds; -1 in *ok when it is neither. */
static int64_t
zone_offset(const char *text, int *ok)
{
    int hours = 0, minutes = 0, used = 0;

    *ok = 1;
    if ((text[0] == 'Z' || text[0] == 'z') && !text[1])
        return 0;
    if ((text[0] == '+' || text[0] == '-') && sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) == 2
        && !text[1 + used])
        return (text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    *ok = 0;
    return 0;
}

int64_t
text_time(const char *rfc3339)
{
    struct tm tm = { 0 };
    int64_t ms = 0, offset;
    int used = 0, digits = 0, ok;
    const char *p;

    if (sscanf(rfc3339, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &used)
            != 6
        || !used)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    p = rfc3339 + used;
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9'; p++, digits++)
            if (digits < 3)
                ms = ms * 10 + (*p - '0');
        for (; digits < 3; digits++)
            ms *= 10;
    }
    offset = zone_offset(p, &ok);
    return ok ? ((int64_t)timegm(&tm) - offset) * 1000 + ms : -1;
}

void
text_format_time(char out[32], int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char date[24] = "";
    struct tm tm;

    if (gmtime_r(&seconds, &tm))
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 32, "%s.%03dZ", date, (int)(ms % 1000));
}
