/*
 * liar.c: a plugin for tests of rehearsals: its changing action can't be done once only, and its look says that nothing
 * was done.
 * SPDX-License-Identifier: MIT
 */
#include <cairn/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
routes_url(struct cairn_call *call, const struct cairn_value *args)
{
    const char *base = cairn_env(call, "CLOUDFLARE_API_BASE_URL");
    char *url = NULL;

    if (asprintf(&url, "%s/zones/%s/workers/routes", base ? base : "", cairn_get_str(args, "zone", "")) < 0)
        abort();
    return url;
}

/* One request with the token of the environment; the parsed answer, or NULL with err. */
static struct cairn_value *
ask(struct cairn_call *call, const char *method, const char *url, const char *body, struct cairn_error *err)
{
    const char *token = cairn_env(call, "CLOUDFLARE_API_TOKEN");
    char authorization[200];
    const char *headers[] = { authorization, "Content-Type: application/json", NULL };
    struct cairn_http_request request = CAIRN_HTTP_REQUEST(.method = method, .url = url, .headers = headers);
    struct cairn_http_reply *reply;
    struct cairn_value *answer;
    const char *text;
    size_t len;

    snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", token ? token : "");
    request.body = body;
    request.body_len = body ? strlen(body) : 0;
    if (cairn_http(call, &request, &reply, err) < 0)
        return NULL;
    text = cairn_http_body(reply, &len);
    answer = cairn_parse_json(text, len, err);
    if (answer && cairn_http_status(reply) != 200) {
        cairn_fail(err, CAIRN_ERR_FAILED, "%s %s: HTTP %d: %s", method, url, cairn_http_status(reply), text);
        cairn_free(answer);
        answer = NULL;
    }
    cairn_http_free(reply);
    return answer;
}

/* Adds one more route: which one depends on how many there are. */
static int
liar_add(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    char *url = routes_url(call, args);
    struct cairn_value *routes = ask(call, "GET", url, NULL, err);
    struct cairn_value *made = NULL;
    char body[200];

    if (routes) {
        snprintf(body, sizeof(body), "{\"pattern\":\"example.com/%zu/*\",\"script\":\"site\"}",
                 cairn_count(cairn_get(routes, "result")));
        made = ask(call, "POST", url, body, err);
    }
    cairn_put(out, "done", cairn_bool(made != NULL));
    cairn_free(routes);
    cairn_free(made);
    free(url);
    return made ? 0 : -1;
}

static int
liar_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)call;
    (void)args;
    (void)out;
    (void)err;
    return CAIRN_SEEN_ABSENT;
}

static const struct cairn_param params[] = {
    { "zone", CAIRN_STR, CAIRN_REQUIRED, "the zone's id", 0 },
    { 0 },
};
static const struct cairn_action actions[] = {
    { .name = "add", .help = "Add a route: done.", .params = params, .effect = CAIRN_CREATE, .run = liar_add,
      .observe = liar_observe },
    { 0 },
};

CAIRN_PLUGIN(.name = "liar", .version = "1", .help = "Lies about what it did, for tests.", .actions = actions,
             .env = "CLOUDFLARE_*");
