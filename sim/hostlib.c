/*
 * hostlib.c: what the simulator's Lua files can do outside Lua, as the module "host"; used by its Lua host.
 * SPDX-License-Identifier: MIT
 */
#include "hostlib.h"

#include "common/alloc.h"
#include "common/canon.h"
#include "common/clock.h"
#include "common/yaml.h"
#include "luajson.h"
#include "signature.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hostlib {
    int ledger; /* file that takes the ledger's lines; -1 when none is wanted */
    int log; /* the same for the log */
};

static struct hostlib *
self(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static int
lib_now(lua_State *L)
{
    lua_pushinteger(L, clock_now());
    return 1;
}

static int
lib_wall(lua_State *L)
{
    lua_pushinteger(L, clock_wall());
    return 1;
}

static int
lib_clock_init(lua_State *L)
{
    lua_pushboolean(L, clock_init(luaL_checkstring(L, 1)) == 0);
    return 1;
}

static int
lib_clock_setting(lua_State *L)
{
    char *text = clock_setting();

    lua_pushstring(L, text);
    free(text);
    return 1;
}

static int
lib_format(lua_State *L)
{
    char text[25];

    clock_format(text, luaL_checkinteger(L, 1));
    lua_pushstring(L, text);
    return 1;
}

static int
lib_parse(lua_State *L)
{
    int64_t ms = clock_parse(luaL_checkstring(L, 1));

    if (ms < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, ms);
    return 1;
}

static int
lib_list(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luajson_list(L);
    return 1;
}

static json_t *
check_value(lua_State *L, int index)
{
    const char *why;
    json_t *value = luajson_get(L, index, &why);

    if (!value)
        luaL_error(L, "encode: %s", why);
    return value;
}

static int
lib_encode(lua_State *L)
{
    json_t *value = check_value(L, 1);
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    json_decref(value);
    lua_pushstring(L, text);
    free(text);
    return 1;
}

static int
lib_decode(lua_State *L)
{
    json_error_t error;
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    if (!value) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s at byte %d", error.text, error.position);
        return 2;
    }
    luajson_push(L, value);
    json_decref(value);
    return 1;
}

static int
lib_sha256(lua_State *L)
{
    char hex[DIGEST_HEX];
    size_t len;
    const char *bytes = luaL_checklstring(L, 1, &len);

    digest_bytes(hex, bytes, len);
    lua_pushstring(L, hex);
    return 1;
}

static int
lib_digest(lua_State *L)
{
    json_t *value = check_value(L, 1);
    char hex[DIGEST_HEX];

    digest_json(hex, value);
    json_decref(value);
    lua_pushstring(L, hex);
    return 1;
}

static int
lib_base64(lua_State *L)
{
    size_t len;
    const char *bytes = luaL_checklstring(L, 1, &len);
    luaL_Buffer out;
    char *at = luaL_buffinitsize(L, &out, (len + 2) / 3 * 4 + 1);

    luaL_pushresultsize(&out, (size_t)EVP_EncodeBlock((unsigned char *)at, (const unsigned char *)bytes, (int)len));
    return 1;
}

/* The bytes, or nil when the text isn't base64. */
static int
lib_unbase64(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    luaL_Buffer out;
    char *at = luaL_buffinitsize(L, &out, len / 4 * 3 + 3);
    int n = len % 4 ? -1 : EVP_DecodeBlock((unsigned char *)at, (const unsigned char *)text, (int)len);

    if (n < 0) {
        luaL_pushresultsize(&out, 0);
        lua_pushnil(L);
        return 1;
    }
    for (size_t i = len; i > 0 && text[i - 1] == '='; i--)
        n--;
    luaL_pushresultsize(&out, (size_t)n);
    return 1;
}

static int
lib_yaml(lua_State *L)
{
    struct cairn_error err = { 0 };
    json_t *value = NULL;
    json_t *lines = NULL;

    if (yaml_load(&value, &lines, luaL_checkstring(L, 1), &err) < 0) {
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    luajson_push(L, value);
    luajson_push(L, lines);
    json_decref(value);
    json_decref(lines);
    return 2;
}

static void
write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
}

static void
write_line(int fd, const char *text)
{
    char *line;

    if (fd < 0)
        return;
    line = alloc_printf("%s\n", text);
    write_all(fd, line, strlen(line));
    free(line);
}

static int
lib_ledger(lua_State *L)
{
    write_line(self(L)->ledger, luaL_checkstring(L, 1));
    return 0;
}

static int
lib_log(lua_State *L)
{
    write_line(self(L)->log, luaL_checkstring(L, 1));
    return 0;
}

/* A whole file, readable by its owner, that appears at once. Raises an error. */
static int
lib_write_file(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    const char *text = luaL_checkstring(L, 2);
    const char *part = lua_pushfstring(L, "%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return luaL_error(L, "world: write %s: %s", part, strerror(errno));
    write_all(fd, text, strlen(text));
    close(fd);
    if (rename(part, path) < 0)
        return luaL_error(L, "world: write %s: %s", path, strerror(errno));
    return 0;
}

static int
lib_realpath(lua_State *L)
{
    char *path = realpath(luaL_checkstring(L, 1), NULL);

    lua_pushstring(L, path ? path : lua_tostring(L, 1));
    free(path);
    return 1;
}

static const char *
member(lua_State *L, const char *name)
{
    const char *text;

    lua_getfield(L, 1, name);
    text = lua_tostring(L, -1);
    if (!text)
        luaL_error(L, "sign: %s is missing", name);
    return text; /* the argument's table keeps it */
}

/* The signature that a request should have: host.sign{method, target, headers, signed, body, date, region, service, secret}. */
static int
lib_sign(lua_State *L)
{
    struct signature_request request = { .method = member(L, "method"),
                                         .target = member(L, "target"),
                                         .date = member(L, "date"),
                                         .region = member(L, "region"),
                                         .service = member(L, "service"),
                                         .secret = member(L, "secret"),
                                         .signed_headers = member(L, "signed"),
                                         .payload_hash = member(L, "payload_hash") };
    char hex[DIGEST_HEX];
    json_t *headers;

    lua_getfield(L, 1, "headers");
    headers = check_value(L, -1);
    signature_expected(hex, &request, headers);
    json_decref(headers);
    lua_pushstring(L, hex);
    return 1;
}

static const luaL_Reg functions[] = {
    { "now", lib_now },
    { "wall", lib_wall },
    { "clock_init", lib_clock_init },
    { "clock_setting", lib_clock_setting },
    { "format", lib_format },
    { "parse", lib_parse },
    { "list", lib_list },
    { "encode", lib_encode },
    { "decode", lib_decode },
    { "sha256", lib_sha256 },
    { "digest", lib_digest },
    { "base64", lib_base64 },
    { "unbase64", lib_unbase64 },
    { "yaml", lib_yaml },
    { "ledger", lib_ledger },
    { "log", lib_log },
    { "write_file", lib_write_file },
    { "realpath", lib_realpath },
    { "sign", lib_sign },
    { NULL, NULL },
};

static int
open_file(int *fd, const json_t *options, const char *name, struct cairn_error *err)
{
    const char *path = json_string_value(json_object_get(options, name));

    if (!path)
        return 0;
    *fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (*fd < 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "open the %s file %s: %s", name, path, strerror(errno));
    return 0;
}

int
hostlib_open(struct hostlib **out, lua_State *L, const json_t *options, struct cairn_error *err)
{
    struct hostlib *lib = alloc_zero(1, sizeof(*lib));

    lib->ledger = lib->log = -1;
    *out = lib;
    if (open_file(&lib->ledger, options, "ledger", err) < 0 || open_file(&lib->log, options, "log", err) < 0)
        return -1;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE); /* loaded */
    luaL_newlibtable(L, functions); /* loaded host */
    lua_pushlightuserdata(L, lib); /* loaded host lib */
    luaL_setfuncs(L, functions, 1); /* loaded host */
    lua_pushlightuserdata(L, NULL); /* loaded host null */
    lua_setfield(L, -2, "null"); /* loaded host */
    lua_setfield(L, -2, "host"); /* loaded */
    lua_pop(L, 1);
    return 0;
}

void
hostlib_log(struct hostlib *lib, const char *text)
{
    write_line(lib->log, text);
}

void
hostlib_close(struct hostlib *lib)
{
    if (!lib)
        return;
    if (lib->ledger >= 0)
        close(lib->ledger);
    if (lib->log >= 0)
        close(lib->log);
    free(lib);
}
