/*
 * seal.c: secret values as they may be recorded; used by the engine only.
 * SPDX-License-Identifier: MIT
 *
 * A sealed text is base64 of nonce (12 bytes), ciphertext, tag (16 bytes) under AES-256-GCM with a random nonce.
 */
#include "engine/seal.h"

#include "common/alloc.h"
#include "engine/private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_LEN 32
#define NONCE_LEN 12
#define TAG_LEN 16

static const unsigned char context[] = "cairn seal 1"; /* authenticated with each value */

struct seal {
    unsigned char key[KEY_LEN];
    char *path; /* of the key, for messages */
};

/* ---- the key ---- */

static int
failed(struct cairn_error *err, const char *verb, const char *path)
{
    return cairn_fail(err, CAIRN_ERR_FAILED, "%s %s: %s", verb, path, strerror(errno));
}

/* Under another name first: whoever sees the key sees all of it, and of two processes one is first. */
static int
make_key(const char *path, struct cairn_error *err)
{
    char *draft = alloc_printf("%s.%d", path, (int)getpid());
    unsigned char key[KEY_LEN];
    int fd = -1;
    int rc = -1;

    unlink(draft);
    fd = private_file(draft, err);
    if (fd < 0)
        goto out;
    if (RAND_bytes(key, sizeof(key)) != 1)
        cairn_fail(err, CAIRN_ERR_FAILED, "make %s: no random bytes", path);
    else if (write(fd, key, sizeof(key)) != (ssize_t)sizeof(key) || fsync(fd) < 0)
        failed(err, "write", draft);
    else if (link(draft, path) < 0 && errno != EEXIST)
        failed(err, "make", path);
    else
        rc = 0;
    unlink(draft);
out:
    if (fd >= 0)
        close(fd);
    OPENSSL_cleanse(key, sizeof(key));
    free(draft);
    return rc;
}

static int
read_key(struct seal *seal, struct cairn_error *err)
{
    int fd = open(seal->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    int rc = -1;

    if (fd < 0)
        return failed(err, "open", seal->path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != KEY_LEN)
        cairn_fail(err, CAIRN_ERR_INVALID,
                   "read %s: it is not a key of %d bytes; put the right one back, or what was sealed is lost",
                   seal->path, KEY_LEN);
    else if (st.st_mode & 077)
        cairn_fail(err, CAIRN_ERR_DENIED, "read %s: others may read it; run `chmod 600 %s`", seal->path, seal->path);
    else if (read(fd, seal->key, KEY_LEN) != KEY_LEN)
        failed(err, "read", seal->path);
    else
        rc = 0;
    close(fd);
    return rc;
}

int
seal_open(struct seal **out, const char *state_dir, struct cairn_error *err)
{
    struct seal *seal = alloc_zero(1, sizeof(*seal));
    int rc = -1;

    seal->path = alloc_printf("%s/seal.key", state_dir);
    if (private_folder(state_dir, err) < 0)
        goto out;
    if (access(seal->path, F_OK) < 0 && errno == ENOENT && make_key(seal->path, err) < 0)
        goto out;
    if (read_key(seal, err) < 0)
        goto out;
    *out = seal;
    seal = NULL; /* handed over */
    rc = 0;
out:
    seal_close(seal);
    return rc;
}

void
seal_close(struct seal *seal)
{
    if (!seal)
        return;
    OPENSSL_cleanse(seal->key, sizeof(seal->key));
    free(seal->path);
    free(seal);
}

/* ---- one text ---- */

/* A new text in base64. */
static char *
encrypt(const struct seal *seal, const char *text)
{
    size_t len = strlen(text);
    unsigned char *bytes = alloc_zero(NONCE_LEN + len + TAG_LEN, 1);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    char *out = NULL;
    int n;

    if (!ctx || len > INT32_MAX / 2 || RAND_bytes(bytes, NONCE_LEN) != 1
        || EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key, bytes) != 1
        || EVP_EncryptUpdate(ctx, NULL, &n, context, sizeof(context)) != 1
        || EVP_EncryptUpdate(ctx, bytes + NONCE_LEN, &n, (const unsigned char *)text, (int)len) != 1
        || EVP_EncryptFinal_ex(ctx, bytes + NONCE_LEN + len, &n) != 1
        || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, bytes + NONCE_LEN + len) != 1)
        goto out;
    len += NONCE_LEN + TAG_LEN;
    out = alloc_zero(4 * ((len + 2) / 3) + 1, 1);
    EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
out:
    EVP_CIPHER_CTX_free(ctx);
    free(bytes);
    return out;
}

static unsigned char *
decode(const char *text, size_t *len)
{
    size_t text_len = strlen(text);
    unsigned char *bytes;
    int n;

    if (text_len == 0 || text_len % 4 || text_len > INT32_MAX / 2)
        return NULL;
    bytes = alloc_zero(text_len / 4 * 3 + 1, 1);
    n = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)text_len);
    if (n < 0) {
        free(bytes);
        return NULL;
    }
    /* DecodeBlock counts the padding as bytes */
    *len = (size_t)n - (text[text_len - 1] == '=') - (text[text_len - 2] == '=');
    return bytes;
}

/* A new text, or NULL when it is not what was sealed under this key. */
static char *
decrypt(const struct seal *seal, const char *sealed)
{
    size_t len = 0;
    unsigned char *bytes = decode(sealed, &len);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    char *text = NULL;
    size_t size;
    int n;

    if (!ctx || !bytes || len < NONCE_LEN + TAG_LEN)
        goto out;
    size = len - NONCE_LEN - TAG_LEN;
    text = alloc_zero(size + 1, 1);
    if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key, bytes) == 1
        && EVP_DecryptUpdate(ctx, NULL, &n, context, sizeof(context)) == 1
        && EVP_DecryptUpdate(ctx, (unsigned char *)text, &n, bytes + NONCE_LEN, (int)size) == 1
        && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, bytes + NONCE_LEN + size) == 1
        && EVP_DecryptFinal_ex(ctx, (unsigned char *)text + size, &n) == 1)
        goto out;
    OPENSSL_cleanse(text, size);
    free(text);
    text = NULL;
out:
    EVP_CIPHER_CTX_free(ctx);
    free(bytes);
    return text;
}

/* ---- trees ---- */

/* The text under the only key `mark` of a map, or NULL. */
static const char *
marked(const json_t *value, const char *mark)
{
    return json_object_size(value) == 1 ? json_string_value(json_object_get(value, mark)) : NULL;
}

int
seal_value(struct seal *seal, json_t **value, struct cairn_error *err)
{
    const char *text = marked(*value, "$secret");
    const char *key;
    json_t *item;
    size_t i;

    if (text) {
        char *sealed = encrypt(seal, text);

        if (!sealed)
            return cairn_fail(err, CAIRN_ERR_INTERNAL, "seal a value: the cipher failed");
        json_decref(*value);
        *value = json_pack("{s:s}", "$sealed", sealed);
        free(sealed);
        return 0;
    }
    /* a map that says more is no secret that anybody makes: it must not pass in clear */
    if (json_object_get(*value, "$secret"))
        return cairn_fail(err, CAIRN_ERR_INVALID, "seal a value: $secret has neighbours or is not a string");
    json_object_foreach(*value, key, item) {
        json_t *fresh = json_incref(item);

        if (seal_value(seal, &fresh, err) < 0) {
            json_decref(fresh);
            return -1;
        }
        json_object_set_new(*value, key, fresh);
    }
    json_array_foreach(*value, i, item) {
        json_t *fresh = json_incref(item);

        if (seal_value(seal, &fresh, err) < 0) {
            json_decref(fresh);
            return -1;
        }
        json_array_set_new(*value, i, fresh);
    }
    return 0;
}

static json_t *
in_clear(char *owned_text)
{
    json_t *value = json_pack("{s:s}", "$secret", owned_text);

    config_wipe(owned_text);
    return value;
}

int
seal_reveal(struct seal *seal, const struct config *config, const json_t *value, json_t **out, struct cairn_error *err)
{
    const char *sealed = marked(value, "$sealed");
    const char *name = marked(value, "$ref");
    json_t *copy;
    json_t *part;
    const char *key;
    json_t *item;
    size_t i;
    char *text = NULL;

    if (sealed) {
        text = decrypt(seal, sealed);
        if (!text)
            return cairn_fail(err, CAIRN_ERR_DENIED,
                              "open a sealed value: it was changed, or was not sealed under the key %s", seal->path);
        *out = in_clear(text);
        return 0;
    }
    if (name) {
        if (!config)
            return cairn_fail(err, CAIRN_ERR_INVALID, "look up secret %s: there is no config", name);
        if (config_secret(config, name, &text, err) < 0)
            return -1;
        *out = in_clear(text);
        return 0;
    }
    copy = json_is_object(value) ? json_object() : json_is_array(value) ? json_array() : json_copy((json_t *)value);
    json_object_foreach((json_t *)value, key, item) {
        if (seal_reveal(seal, config, item, &part, err) < 0)
            goto failed;
        json_object_set_new(copy, key, part);
    }
    json_array_foreach(value, i, item) {
        if (seal_reveal(seal, config, item, &part, err) < 0)
            goto failed;
        json_array_append_new(copy, part);
    }
    *out = copy;
    return 0;
failed:
    json_decref(copy);
    return -1;
}
