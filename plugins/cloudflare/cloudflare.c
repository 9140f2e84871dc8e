/*
 * cloudflare.c: the plugin cloudflare: Worker routes of one zone, by which a maintenance page goes up and comes down.
 * SPDX-License-Identifier: MIT
 *
 * Patterns of routes are unique in a zone, so there is at most one route to look at. A route that exists already is
 * swapped to another script, never deleted, so that it can be put back.
 */
#include "api.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 100 /* routes asked for at once */
#define MAX_PAGES 100

/* The route of a pattern. */
struct route {
    char *id; /* NULL: there is none */
    char *script; /* NULL: Workers are switched off for the pattern */
};

static void
release(struct route *route)
{
    free(route->id);
    free(route->script);
    route->id = NULL;
    route->script = NULL;
}

/* Look for the pattern in one page of routes. */
static void
search_page(struct route *route, const struct cairn_value *list, const char *pattern)
{
    for (size_t i = 0; i < cairn_count(list) && !route->id; i++) {
        const char *script = cairn_get_str(cairn_at(list, i), "script", NULL);

        if (strcmp(cairn_get_str(cairn_at(list, i), "pattern", ""), pattern) != 0)
            continue;
        route->id = alloc_str(cairn_get_str(cairn_at(list, i), "id", ""));
        route->script = alloc_str(script && *script ? script : NULL);
    }
}

static int
find_route(struct cairn_call *call, const char *pattern, struct route *route, struct cairn_error *err)
{
    int64_t pages = 1;

    memset(route, 0, sizeof(*route));
    for (int64_t page = 1; page <= pages && page <= MAX_PAGES && !route->id; page++) {
        char *rest = alloc_printf("/workers/routes?page=%d&per_page=%d", (int)page, PAGE);
        char *path = api_zone_path(call, rest, err);
        struct cairn_value *envelope = NULL;
        int rc = path ? api_request(call, "GET", path, NULL, &envelope, err) : -1;

        if (rc == 0) {
            search_page(route, cairn_get(envelope, "result"), pattern);
            pages = cairn_get_int(cairn_get(envelope, "result_info"), "total_pages", 1);
        }
        cairn_free(envelope);
        free(path);
        free(rest);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int
has_script(const struct route *route, const char *script)
{
    return strcmp(route->script ? route->script : "", script) == 0;
}

/* POST a new route, or PUT the script of the one with this id. The id goes to *id. */
static int
write_route(struct cairn_call *call, const char *old_id, const char *pattern, const char *script, char **id,
            struct cairn_error *err)
{
    char *encoded = cairn_url_encode(old_id ? old_id : "", "");
    char *rest = alloc_printf("/workers/routes%s%s", old_id ? "/" : "", encoded);
    char *path = api_zone_path(call, rest, err);
    struct cairn_value *body = cairn_map();
    struct cairn_value *envelope = NULL;
    const char *got;
    int rc = -1;

    cairn_put(body, "pattern", cairn_str(pattern));
    if (*script)
        cairn_put(body, "script", cairn_str(script));
    if (path)
        rc = api_request(call, old_id ? "PUT" : "POST", path, body, &envelope, err);
    got = cairn_get_str(cairn_get(envelope, "result"), "id", old_id);
    if (rc == 0)
        *id = alloc_str(got ? got : "");
    cairn_free(envelope);
    cairn_free(body);
    free(path);
    free(rest);
    free(encoded);
    return rc;
}

static int
cloudflare_verify(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    struct cairn_error ignored = { 0 };
    struct cairn_value *token = NULL;
    struct cairn_value *zone = NULL;
    const char *status;
    char *path = api_zone_path(call, "", err);
    int rc = path ? api_request(call, "GET", path, NULL, &zone, err) : -1;

    (void)args;
    /* A token that belongs to an account instead of a user can't be asked about; that it opens the zone is enough. */
    if (rc == 0 && api_uses_token(call)
        && api_request(call, "GET", "/user/tokens/verify", NULL, &token, &ignored) == 0) {
        status = cairn_get_str(cairn_get(token, "result"), "status", "");
        if (strcmp(status, "active") != 0)
            rc = cairn_fail(err, CAIRN_ERR_DENIED, "verify Cloudflare token: it is %s", status);
        cairn_put(out, "token_status", cairn_str(status));
    }
    cairn_put(out, "zone", cairn_str(cairn_get_str(cairn_get(zone, "result"), "id", NULL)));
    cairn_put(out, "zone_name", cairn_str(cairn_get_str(cairn_get(zone, "result"), "name", NULL)));
    cairn_free(token);
    cairn_free(zone);
    free(path);
    return rc;
}

static int
cloudflare_get_route(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                     struct cairn_error *err)
{
    const char *pattern = cairn_get_str(args, "pattern", "");
    struct route route;
    int rc = find_route(call, pattern, &route, err);

    cairn_put(out, "found", cairn_bool(route.id != NULL));
    cairn_put(out, "pattern", cairn_str(pattern));
    if (route.id)
        cairn_put(out, "id", cairn_str(route.id));
    if (route.script)
        cairn_put(out, "script", cairn_str(route.script));
    release(&route);
    return rc;
}

/* Give the pattern its script, from the route as it was found. */
static int
put_script(struct cairn_call *call, const struct route *route, const struct cairn_value *args, struct cairn_value *out,
           struct cairn_error *err)
{
    const char *pattern = cairn_get_str(args, "pattern", "");
    const char *script = cairn_get_str(args, "script", "");
    char *id = NULL;
    int changed = !route->id || !has_script(route, script);
    int rc = 0;

    if (changed)
        rc = write_route(call, route->id, pattern, script, &id, err);
    cairn_put(out, "id", cairn_str(id ? id : route->id));
    cairn_put(out, "changed", cairn_bool(changed));
    if (changed && route->script)
        cairn_put(out, "previous", cairn_str(route->script));
    free(id);
    return rc;
}

static int
cloudflare_set_route(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                     struct cairn_error *err)
{
    struct cairn_error failure = { 0 };
    struct route route;
    int rc;

    if (find_route(call, cairn_get_str(args, "pattern", ""), &route, err) < 0)
        return -1;
    rc = put_script(call, &route, args, out, &failure);
    if (rc < 0 && !route.id && strcmp(failure.code, API_DUPLICATE_ROUTE) == 0) {
        /* It came into being since we looked, maybe by our own request of an earlier attempt: look again. */
        release(&route);
        if (find_route(call, cairn_get_str(args, "pattern", ""), &route, err) < 0)
            return -1;
        if (route.id) {
            memset(&failure, 0, sizeof(failure));
            rc = put_script(call, &route, args, out, &failure);
        }
    }
    release(&route);
    return rc < 0 ? cairn_fail_code(err, failure.kind, failure.code, "%s", failure.text) : 0;
}

/* What the script was before can't be seen any more. */
static int
observe_set_route(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    struct route route;
    int seen = CAIRN_SEEN_ABSENT;

    if (find_route(call, cairn_get_str(args, "pattern", ""), &route, err) < 0)
        return -1;
    if (route.id && has_script(&route, cairn_get_str(args, "script", ""))) {
        cairn_put(out, "id", cairn_str(route.id));
        cairn_put(out, "changed", cairn_bool(1));
        seen = CAIRN_SEEN_DONE;
    }
    release(&route);
    return seen;
}

static int
plan_set_route(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    struct route route;
    int rc = find_route(call, cairn_get_str(args, "pattern", ""), &route, err);

    cairn_put(out, "changed", cairn_bool(!route.id || !has_script(&route, cairn_get_str(args, "script", ""))));
    if (route.script)
        cairn_put(out, "previous", cairn_str(route.script));
    release(&route);
    return rc;
}

static int
refuse_other(const struct cairn_value *args, const struct route *route, struct cairn_error *err)
{
    return cairn_fail(err, CAIRN_ERR_CONFLICT, "delete route %s: it belongs to script %s, not to %s",
                      cairn_get_str(args, "pattern", ""), route->script ? route->script : "(none)",
                      cairn_get_str(args, "script", ""));
}

static int
cloudflare_delete_route(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    char *encoded, *rest, *path = NULL;
    struct cairn_value *envelope = NULL;
    struct route route;
    int rc;

    if (find_route(call, cairn_get_str(args, "pattern", ""), &route, err) < 0)
        return -1;
    cairn_put(out, "deleted", cairn_bool(route.id != NULL));
    if (!route.id)
        return 0;
    if (!has_script(&route, cairn_get_str(args, "script", ""))) {
        rc = refuse_other(args, &route, err);
        release(&route);
        return rc;
    }
    encoded = cairn_url_encode(route.id, "");
    rest = alloc_printf("/workers/routes/%s", encoded);
    path = api_zone_path(call, rest, err);
    rc = path ? api_request(call, "DELETE", path, NULL, &envelope, err) : -1;
    cairn_put(out, "id", cairn_str(route.id));
    cairn_free(envelope);
    free(path);
    free(rest);
    free(encoded);
    release(&route);
    return rc;
}

static int
observe_delete_route(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                     struct cairn_error *err)
{
    struct route route;
    int seen;

    if (find_route(call, cairn_get_str(args, "pattern", ""), &route, err) < 0)
        return -1;
    if (!route.id) {
        cairn_put(out, "deleted", cairn_bool(1));
        seen = CAIRN_SEEN_DONE;
    } else if (has_script(&route, cairn_get_str(args, "script", ""))) {
        seen = CAIRN_SEEN_ABSENT;
    } else {
        refuse_other(args, &route, err);
        seen = CAIRN_SEEN_CONFLICT;
    }
    release(&route);
    return seen;
}

/* Is this the zone that the configuration names? */
static int
cloudflare_guard(struct cairn_call *call, struct cairn_error *err)
{
    const char *wanted = cairn_get_str(cairn_config(call), "zone_name", NULL);
    struct cairn_value *zone = NULL;
    char *path = api_zone_path(call, "", err);
    const char *name;
    struct cairn_error why = { 0 };
    int rc = path ? api_request(call, "GET", path, NULL, &zone, &why) : -1;

    if (path && rc < 0) /* another account's zone looks like none */
        cairn_fail_code(err, why.kind == CAIRN_ERR_NOT_FOUND ? CAIRN_ERR_DENIED : why.kind, why.code,
                        "find the zone of the configuration: %s", why.text);
    name = cairn_get_str(cairn_get(zone, "result"), "name", "");
    if (rc == 0 && wanted && strcmp(name, wanted) != 0)
        rc = cairn_fail(err, CAIRN_ERR_DENIED, "find the zone: zone %s is %s, the configuration expects %s",
                        cairn_get_str(cairn_config(call), "zone", ""), name, wanted);
    cairn_free(zone);
    free(path);
    return rc;
}

static const struct cairn_param route_params[] = {
    { "pattern", CAIRN_STR, CAIRN_REQUIRED, "pattern of the route, \"example.com/*\"", 0 },
    { 0 },
};
static const struct cairn_param script_params[] = {
    { "pattern", CAIRN_STR, CAIRN_REQUIRED, "pattern of the route, \"example.com/*\"", 0 },
    { "script", CAIRN_STR, 0, "name of the Worker; left out or empty: Workers are off for the pattern", "\"\"" },
    { 0 },
};

static const struct cairn_param verify_results[] = {
    { "token_status", CAIRN_STR, 0, "active; left out where Cloudflare can't be asked about the token", 0 },
    { "zone", CAIRN_STR, CAIRN_REQUIRED, "the zone's id", 0 },
    { "zone_name", CAIRN_STR, CAIRN_REQUIRED, "its name", 0 },
    { 0 },
};
static const struct cairn_param get_results[] = {
    { "found", CAIRN_BOOL, CAIRN_REQUIRED, "whether there is a route with this pattern", 0 },
    { "pattern", CAIRN_STR, CAIRN_REQUIRED, "the pattern", 0 },
    { "id", CAIRN_STR, 0, "the route's id", 0 },
    { "script", CAIRN_STR, 0, "its Worker; left out when Workers are off for the pattern", 0 },
    { 0 },
};
static const struct cairn_param set_results[] = {
    { "id", CAIRN_STR, CAIRN_REQUIRED, "the route's id", 0 },
    { "changed", CAIRN_BOOL, CAIRN_REQUIRED, "false: it had this script already", 0 },
    { "previous", CAIRN_STR, 0, "the script that it had before; ask get_route first to have it for certain", 0 },
    { 0 },
};
static const struct cairn_param delete_results[] = {
    { "deleted", CAIRN_BOOL, CAIRN_REQUIRED, "false: there was none", 0 },
    { "id", CAIRN_STR, 0, "the route's id", 0 },
    { 0 },
};

static const struct cairn_action actions[] = {
    { .name = "verify",
      .help = "Check the token and the zone: token_status, zone, zone_name.",
      .results = verify_results,
      .effect = CAIRN_READ,
      .flags = CAIRN_DOCTOR,
      .run = cloudflare_verify },
    { .name = "get_route",
      .help = "Look for the route of a pattern: found, pattern, id, script.",
      .params = route_params,
      .results = get_results,
      .effect = CAIRN_READ,
      .run = cloudflare_get_route },
    { .name = "set_route",
      .help = "Give a pattern its Worker, making the route or swapping its script: id, changed, previous.",
      .params = script_params,
      .results = set_results,
      .effect = CAIRN_SET,
      .run = cloudflare_set_route,
      .observe = observe_set_route,
      .plan = plan_set_route },
    { .name = "delete_route",
      .help = "Delete the route of a pattern if it still has this Worker: deleted, id.",
      .params = script_params,
      .results = delete_results,
      .effect = CAIRN_GUARDED,
      .run = cloudflare_delete_route,
      .observe = observe_delete_route },
    { 0 },
};

static const struct cairn_param config[] = {
    { "zone", CAIRN_STR, 0, "id of the zone", 0 },
    { "zone_name", CAIRN_STR, 0, "its expected name, \"example.com\"; any other is refused", 0 },
    { "token", CAIRN_STR, CAIRN_SECRET, "API token; by default CLOUDFLARE_API_TOKEN", 0 },
    { "base_url", CAIRN_STR, 0, "of the API; by default CLOUDFLARE_API_BASE_URL, then Cloudflare's own", 0 },
    { 0 },
};

CAIRN_PLUGIN(.name = "cloudflare", .version = "1", .help = "Worker routes of a Cloudflare zone.", .actions = actions,
             .section = "cloudflare", .config = config, .env = API_ENV, .guard = cloudflare_guard);
