/*
 * aws-stand-in.c: a call that no worker serves: its environment, configuration and shared files; used by tests.
 * SPDX-License-Identifier: MIT
 */
#include "aws-stand-in.h"

#include "common/alloc.h"
#include "worker/mask.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct cairn_call call;
int64_t wall = NOW;
char home[64];

const char *
cairn_env(const struct cairn_call *c, const char *name)
{
    return cairn_get_str(c->env, name, NULL);
}

const struct cairn_value *
cairn_config(const struct cairn_call *c)
{
    return c->config;
}

int64_t
cairn_wall(const struct cairn_call *c)
{
    (void)c;
    return wall;
}

/* A worker's care for secrets isn't needed. */
void
mask_add(const char *secret)
{
    (void)secret;
}

int
mask_covers(const char *text)
{
    (void)text;
    return 0;
}

const char *
cairn_call_run(const struct cairn_call *c)
{
    (void)c;
    return "RUN";
}

void
cairn_log(struct cairn_call *c, const char *fmt, ...)
{
    (void)c;
    (void)fmt;
}

int
cairn_cancelled(const struct cairn_call *c)
{
    (void)c;
    return 0;
}

const char *
cairn_call_token(const struct cairn_call *c)
{
    (void)c;
    return "TOKEN";
}

/* There is no network. */
int
cairn_http(struct cairn_call *c, const struct cairn_http_request *request, struct cairn_http_reply **reply,
           struct cairn_error *err)
{
    (void)c;
    *reply = NULL;
    return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "send %s: there is no network", request->url);
}

int
cairn_http_status(const struct cairn_http_reply *reply)
{
    (void)reply;
    return 0;
}

const char *
cairn_http_header(const struct cairn_http_reply *reply, const char *name)
{
    (void)reply;
    (void)name;
    return NULL;
}

const char *
cairn_http_body(const struct cairn_http_reply *reply, size_t *len)
{
    (void)reply;
    if (len)
        *len = 0;
    return "";
}

void
cairn_http_free(struct cairn_http_reply *owned)
{
    free(owned);
}

char *
cairn_url_encode(const char *text, const char *keep)
{
    (void)keep;
    return alloc_str(text);
}

static struct cairn_value *
pairs(const char *const *texts)
{
    struct cairn_value *map = cairn_map();

    for (; texts && *texts; texts += 2)
        cairn_put(map, texts[0], cairn_str(texts[1]));
    return map;
}

static void
write_file(const char *name, const char *text)
{
    char *path = alloc_printf("%s/.aws/%s", home, name);
    FILE *file;

    if (!text) {
        unlink(path);
    } else {
        file = fopen(path, "we");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
    free(path);
}

void
world(const char *const *env, const char *const *config, const char *config_file, const char *credentials_file)
{
    cairn_free(call.env);
    cairn_free(call.config);
    call.env = pairs(env);
    call.config = pairs(config);
    cairn_put(call.env, "HOME", cairn_str(home));
    write_file("config", config_file);
    write_file("credentials", credentials_file);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int
set_up(void **state)
{
    char *path;

    (void)state;
    snprintf(home, sizeof(home), "/tmp/cairn-test.XXXXXX");
    if (!mkdtemp(home))
        return -1;
    path = alloc_printf("%s/.aws", home);
    mkdir(path, 0700);
    free(path);
    return 0;
}

int
tear_down(void **state)
{
    (void)state;
    cairn_free(call.env);
    cairn_free(call.config);
    return nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
