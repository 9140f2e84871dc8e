/*
 * plugin-1.0.c: a plugin as ABI 1.0 lays it out, with its own copy of the declarations of that day; it must load for
 * ever.
 * SPDX-License-Identifier: MIT
 *
 * Never change what is declared here. -DMAJOR=2 makes it a plugin of another world.
 */
#include <stddef.h>
#include <stdint.h>

#ifndef MAJOR
#define MAJOR 1
#endif
#ifndef MINOR
#define MINOR 0
#endif

struct cairn_value;
struct cairn_call;

struct cairn_error {
    int kind;
    char code[64];
    char text[936];
};

struct cairn_http_request {
    size_t size;
    const char *method;
    const char *url;
    const char *const *headers;
    const char *body;
    size_t body_len;
    int reads;
    int64_t timeout_ms;
    int64_t max_reply;
    const char *ca_file;
    const char *ca_pem;
    const char *cert_pem;
    const char *key_pem;
    const char *server_name;
    int insecure;
    const char *proxy;
};

struct cairn_http_reply;

struct cairn_param {
    const char *name;
    int type;
    unsigned flags;
    const char *help;
    const char *otherwise;
};

typedef int run_fn(struct cairn_call *, const struct cairn_value *, struct cairn_value *, struct cairn_error *);

struct cairn_action {
    const char *name;
    const char *help;
    const struct cairn_param *params;
    const struct cairn_param *results;
    int effect;
    unsigned flags;
    const char *target;
    run_fn *run;
    run_fn *observe;
    run_fn *plan;
};

struct cairn_plugin {
    uint32_t abi_major, abi_minor;
    size_t plugin_size, action_size, param_size;
    const char *name;
    const char *version;
    const char *help;
    const struct cairn_action *actions;
    const char *section;
    const struct cairn_param *config;
    const char *env;
    int (*configure)(struct cairn_call *, struct cairn_error *);
    int (*guard)(struct cairn_call *, struct cairn_error *);
};

const char *cairn_get_str(const struct cairn_value *, const char *, const char *);
int64_t cairn_get_int(const struct cairn_value *, const char *, int64_t);
void cairn_put(struct cairn_value *, const char *, struct cairn_value *);
struct cairn_value *cairn_strf(const char *, ...);
struct cairn_value *cairn_int(int64_t);
const struct cairn_value *cairn_config(const struct cairn_call *);
int cairn_fail(struct cairn_error *, int, const char *, ...);
int cairn_http(struct cairn_call *, const struct cairn_http_request *, struct cairn_http_reply **,
               struct cairn_error *);

static int
greet(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)err;
    cairn_put(out, "text",
              cairn_strf("%s %s", cairn_get_str(cairn_config(call), "word", ""), cairn_get_str(args, "name", "")));
    cairn_put(out, "count", cairn_int(cairn_get_int(args, "count", 0)));
    return 0;
}

static int
knock(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_http_request request = {
        .size = sizeof(request), .method = "POST", .url = "http://127.0.0.1:1/", .body = "x", .body_len = 1
    };
    struct cairn_http_reply *reply;

    (void)args;
    (void)out;
    return cairn_http(call, &request, &reply, err);
}

static int
look(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)call;
    (void)args;
    (void)out;
    cairn_fail(err, 4, "knock: somebody else's");
    return 2;
}

static const struct cairn_param greet_params[] = {
    { "name", 4, 1, "whom to greet", 0 },
    { "count", 2, 0, "how often", "3" },
    { 0, 0, 0, 0, 0 },
};
static const struct cairn_param config[] = {
    { "word", 4, 0, "the greeting", "\"hello\"" },
    { 0, 0, 0, 0, 0 },
};
static const struct cairn_action actions[] = {
    { "greet", "Say hello: text, count.", greet_params, 0, 1, 0, 0, greet, 0, 0 },
    { "knock", "Knock.", 0, 0, 2, 2, 0, knock, look, 0 },
    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
};

extern __attribute__((visibility("default"))) const struct cairn_plugin cairn_plugin;
const struct cairn_plugin cairn_plugin = {
    MAJOR, MINOR, sizeof(struct cairn_plugin), sizeof(struct cairn_action), sizeof(struct cairn_param),
    "old", "1.0", "A plugin of ABI 1.0.", actions, "greetings", config, "OLD_*", 0, 0,
};
