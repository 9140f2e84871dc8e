/*
 * checksum.c: digests of texts and files; used by execute.c and by postgres.c.
 * SPDX-License-Identifier: MIT
 */
#include "checksum.h"

#include "actions.h"

#include "common/alloc.h"
#include "common/file.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
hex_of(char hex[CHECKSUM_SIZE], const unsigned char digest[32])
{
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void
checksum_hex(char hex[CHECKSUM_SIZE], const char *bytes, size_t len)
{
    unsigned char digest[32];

    if (!EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL))
        alloc_failed();
    hex_of(hex, digest);
}

int
checksum_read(char **text, size_t *len, struct cairn_call *call, const char *path, struct cairn_error *err)
{
    const char *folder = cairn_env(call, "CAIRN_FOLDER");
    char *whole = *path == '/' || !folder ? alloc_str(path) : alloc_printf("%s/%s", folder, path);
    int rc = file_read(text, len, whole, CHECKSUM_FILE_MAX, err);

    free(whole);
    return rc;
}

/* One file: its entry of the result, and its digest into the one of all. */
static int
take_file(struct cairn_call *call, struct cairn_value *list, EVP_MD_CTX *all, const char *path, struct cairn_error *err)
{
    struct cairn_value *entry;
    char hex[CHECKSUM_SIZE];
    char *text = NULL;
    size_t len = 0;

    if (!path)
        return cairn_fail(err, CAIRN_ERR_INVALID, "checksum_files: files is a list of paths");
    if (checksum_read(&text, &len, call, path, err) < 0)
        return -1;
    checksum_hex(hex, text, len);
    entry = cairn_map();
    cairn_put(entry, "path", cairn_str(path));
    cairn_put(entry, "bytes", cairn_int((int64_t)len));
    cairn_put(entry, "checksum", cairn_str(hex));
    cairn_add(list, entry);
    EVP_DigestUpdate(all, hex, strlen(hex));
    free(text);
    return 0;
}

int
checksum_files(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    const struct cairn_value *files = cairn_get(args, "files");
    struct cairn_value *list = cairn_list();
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    unsigned char digest[32];
    char hex[CHECKSUM_SIZE];
    int rc = 0;

    if (!all || !EVP_DigestInit_ex(all, EVP_sha256(), NULL))
        alloc_failed();
    for (size_t i = 0; rc == 0 && i < cairn_count(files); i++)
        rc = take_file(call, list, all, cairn_as_str(cairn_at(files, i), NULL), err);
    if (rc == 0) {
        EVP_DigestFinal_ex(all, digest, NULL);
        hex_of(hex, digest);
        cairn_put(out, "checksum", cairn_str(hex));
        cairn_put(out, "files", list);
        list = NULL;
    }
    cairn_free(list);
    EVP_MD_CTX_free(all);
    return rc;
}
