/*
 * query.c: the Query protocol: a form goes there, XML comes back; used by the plugins of RDS and STS.
 * SPDX-License-Identifier: MIT
 */
#include "query.h"

#include "buffer.h"
#include "common/alloc.h"
#include "errors.h"

#include <stdlib.h>
#include <string.h>

#define PAGES_MAX 1000

static void
add_param(struct buffer *form, const char *name, const char *value)
{
    if (form->len)
        buffer_str(form, "&");
    buffer_encoded(form, name, strlen(name), 0);
    buffer_str(form, "=");
    buffer_encoded(form, value, strlen(value), 0);
}

static char *
form_of(const struct query *query, const char *marker)
{
    struct buffer form = { 0 };

    add_param(&form, "Action", query->action);
    add_param(&form, "Version", query->service->version);
    for (size_t i = 0; i < cairn_count(query->params); i++)
        add_param(&form, cairn_key(query->params, i), cairn_as_str(cairn_at(query->params, i), ""));
    if (marker)
        add_param(&form, "Marker", marker);
    return buffer_take(&form);
}

static int
read_reply(struct xml_node **out, const struct query *query, const struct cairn_http_reply *reply,
           struct cairn_error *err)
{
    struct cairn_error problem = { 0 };
    struct xml_node *root = NULL;
    size_t len, action = strlen(query->action);
    const char *body = cairn_http_body(reply, &len);

    if (xml_parse(&root, body, len, &problem) < 0)
        return errors_unreadable(err, query->action, query->reads, errors_page(body, len, problem.text));
    if (strncmp(root->name, query->action, action) != 0 || strcmp(root->name + action, "Response") != 0) {
        char *why = alloc_printf("it is <%.80s>", root->name);

        errors_unreadable(err, query->action, query->reads, why);
        free(why);
        xml_free(root);
        return -1;
    }
    *out = root;
    return 0;
}

/* Without a session one is opened, and the account looked at. */
static int
exchange(struct xml_node **out, struct cairn_call *call, struct client_session *session, const struct query *query,
         const char *marker, struct cairn_error *err)
{
    char *form = form_of(query, marker);
    struct client_request request = {
        .service = query->service,
        .action = query->action,
        .method = "POST",
        .path = "/",
        .content_type = "application/x-www-form-urlencoded; charset=utf-8",
        .body = form,
        .reads = query->reads,
    };
    struct cairn_http_reply *reply = NULL;
    int rc;

    rc = session ? client_exchange(call, session, &request, &reply, err) : client_send(call, &request, &reply, err);
    if (rc == 0)
        rc = read_reply(out, query, reply, err);
    cairn_http_free(reply);
    free(form);
    return rc;
}

int
query_send(struct xml_node **reply, struct cairn_call *call, const struct query *query, struct cairn_error *err)
{
    return exchange(reply, call, NULL, query, NULL, err);
}

int
query_exchange(struct xml_node **reply, struct cairn_call *call, struct client_session *session,
               const struct query *query, struct cairn_error *err)
{
    return exchange(reply, call, session, query, NULL, err);
}

/* The next marker as a copy, or NULL after the last page. One that comes twice would never end. */
static int
next_marker(char **marker, const struct query *query, const struct xml_node *result, struct cairn_error *err)
{
    const char *next = xml_text(result, "Marker", "");
    char *before = *marker;
    int same = before && *next && !strcmp(before, next);

    *marker = *next && !same ? alloc_str(next) : NULL;
    free(before);
    return same ? errors_unreadable(err, query->action, query->reads, "its marker is that of the page before") : 0;
}

int
query_pages(struct cairn_call *call, const struct query *query,
            int (*page)(const struct xml_node *result, void *context, struct cairn_error *err), void *context,
            struct cairn_error *err)
{
    char *name = alloc_printf("%sResult", query->action);
    char *marker = NULL;
    int rc = 0;

    for (int n = 0; rc == 0 && (n == 0 || marker); n++) {
        struct xml_node *reply = NULL;

        if (n == PAGES_MAX)
            rc = cairn_fail(err, CAIRN_ERR_FAILED, "%s: more than %d pages", query->action, PAGES_MAX);
        else if (cairn_cancelled(call))
            rc = cairn_fail(err, CAIRN_ERR_CANCELLED, "%s: cancelled", query->action);
        else
            rc = exchange(&reply, call, NULL, query, marker, err);
        if (rc == 0)
            rc = page(xml_get(reply, name), context, err);
        if (rc == 0)
            rc = next_marker(&marker, query, xml_get(reply, name), err);
        xml_free(reply);
    }
    free(marker);
    free(name);
    return rc;
}

struct cairn_value *
query_text(const struct cairn_value *value)
{
    char *json;
    struct cairn_value *text;

    if (cairn_type(value) == CAIRN_STR)
        return cairn_copy(value);
    json = cairn_format_json(value); /* 300, true */
    text = cairn_str(json);
    free(json);
    return text;
}

void
query_put(struct cairn_value *params, const char *name, const struct cairn_value *value)
{
    if (cairn_type(value) == CAIRN_NULL)
        return;
    if (cairn_type(value) != CAIRN_LIST) {
        cairn_put(params, name, query_text(value));
        return;
    }
    for (size_t i = 0; i < cairn_count(value); i++) {
        char *numbered = alloc_printf("%s.%zu", name, i + 1);

        cairn_put(params, numbered, query_text(cairn_at(value, i)));
        free(numbered);
    }
}

void
query_fields(struct cairn_value *params, const struct cairn_value *args, const struct query_field *table)
{
    for (; table->name; table++)
        query_put(params, table->name, cairn_get(args, table->arg));
}

void
query_filter(struct cairn_value *params, int n, const char *name, const char *value)
{
    char *key = alloc_printf("Filters.Filter.%d.Name", n);
    char *values = alloc_printf("Filters.Filter.%d.Values.Value.1", n);

    cairn_put(params, key, cairn_str(name));
    cairn_put(params, values, cairn_str(value));
    free(key);
    free(values);
}
