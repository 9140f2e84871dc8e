/*
 * notify.c: the plugin notify: tell people by a webhook.
 * SPDX-License-Identifier: MIT
 *
 * A message that arrives twice does no harm, and one that doesn't arrive may: so `send` is a SET, sent again when nobody
 * knows. Each message bears its step's token, the same over all attempts, by which a receiver can drop the second.
 */
#include "web.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 20
#define REPLY_MAX 65536
#define TEXT_MAX 2900 /* of one block of Slack */

static int
is_severity(const char *text)
{
    return strcmp(text, "info") == 0 || strcmp(text, "warning") == 0 || strcmp(text, "alert") == 0;
}

/* {"text","severity","title"?,"details"?,"run","step","token"} */
static struct cairn_value *
as_json(struct cairn_call *call, const struct cairn_value *args)
{
    struct cairn_value *message = cairn_map();

    cairn_put(message, "text", cairn_str(cairn_get_str(args, "text", "")));
    cairn_put(message, "severity", cairn_str(cairn_get_str(args, "severity", "info")));
    if (cairn_get(args, "title"))
        cairn_put(message, "title", cairn_copy(cairn_get(args, "title")));
    if (cairn_get(args, "details"))
        cairn_put(message, "details", cairn_copy(cairn_get(args, "details")));
    cairn_put(message, "run", cairn_str(cairn_call_run(call)));
    cairn_put(message, "step", cairn_str(cairn_call_step(call)));
    cairn_put(message, "token", cairn_str(cairn_call_token(call)));
    return message;
}

/* What Slack takes for its own: &, < and >. */
static char *
slack_text(const char *text)
{
    char *out = alloc_zero(strlen(text) * 5 + 1, 1);
    char *to = out;

    for (; *text; text++) {
        const char *piece = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;

        if (piece)
            to = stpcpy(to, piece);
        else
            *to++ = *text;
    }
    return out;
}

static struct cairn_value *
block(const char *type, const char *text)
{
    struct cairn_value *element = cairn_map();
    struct cairn_value *made = cairn_map();
    size_t len = strnlen(text, TEXT_MAX);

    cairn_put(element, "type", cairn_str("mrkdwn"));
    cairn_put(element, "text", cairn_strn(text, len));
    cairn_put(made, "type", cairn_str(type));
    if (strcmp(type, "context") == 0) {
        struct cairn_value *list = cairn_list();

        cairn_add(list, element);
        cairn_put(made, "elements", list);
    } else {
        cairn_put(made, "text", element);
    }
    return made;
}

static void
add_details(struct cairn_value *blocks, const struct cairn_value *details)
{
    for (size_t i = 0; i < cairn_count(details); i++) {
        const struct cairn_value *value = cairn_at(details, i);
        const char *plain = cairn_as_str(value, NULL);
        char *json = plain ? NULL : cairn_format_json(value);
        char *escaped = slack_text(plain ? plain : json);
        char *line = alloc_printf("*%s*: %s", cairn_key(details, i), escaped);

        cairn_add(blocks, block("section", line));
        free(line);
        free(escaped);
        free(json);
    }
}

/* An incoming webhook of Slack: {"text","blocks"}; the token is in the last block. */
static struct cairn_value *
as_slack(struct cairn_call *call, const struct cairn_value *args)
{
    const char *severity = cairn_get_str(args, "severity", "info");
    const char *mark = strcmp(severity, "alert") == 0 ? ":rotating_light: " : strcmp(severity, "warning") == 0 ? ":warning: " : "";
    const char *title = cairn_get_str(args, "title", NULL);
    char *text = slack_text(cairn_get_str(args, "text", ""));
    char *heading = title ? slack_text(title) : NULL;
    char *whole = alloc_printf("%s%s%s%s%s", mark, heading ? "*" : "", heading ? heading : "", heading ? "*\n" : "", text);
    char *who = alloc_printf("cairn run %s, step %s, token %s", cairn_call_run(call), cairn_call_step(call),
                             cairn_call_token(call));
    struct cairn_value *message = cairn_map();
    struct cairn_value *blocks = cairn_list();

    cairn_put(message, "text", cairn_str(whole));
    cairn_add(blocks, block("section", whole));
    add_details(blocks, cairn_get(args, "details"));
    cairn_add(blocks, block("context", who));
    cairn_put(message, "blocks", blocks);
    free(who);
    free(whole);
    free(heading);
    free(text);
    return message;
}

static int
check(const struct cairn_value *config, const struct cairn_value *args, struct cairn_error *err)
{
    const char *url = cairn_get_str(config, "url", "");
    const char *format = cairn_get_str(config, "format", "");

    if (!*url)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "send message: the configuration doesn't say where to; set notify.url to a webhook");
    if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "send message: notify.url isn't an http or https address");
    if (strcmp(format, "json") != 0 && strcmp(format, "slack") != 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "send message: notify.format is json or slack, not %s", format);
    if (!is_severity(cairn_get_str(args, "severity", "info")))
        return cairn_fail(err, CAIRN_ERR_INVALID, "send message: severity is info, warning or alert");
    return 0;
}

static int
notify_send(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const struct cairn_value *config = cairn_config(call);
    const char *token = cairn_get_str(config, "token", NULL);
    char *bearer = token ? alloc_printf("Authorization: Bearer %s", token) : NULL;
    const char *headers[] = { "Content-Type: application/json", bearer, NULL };
    struct cairn_value *message;
    struct web_request request = {
        .method = "POST",
        .url = cairn_get_str(config, "url", ""),
        .more = headers,
        .timeout_s = TIMEOUT_S,
        .reply_max = REPLY_MAX,
        .ca_file = cairn_get_str(config, "ca_file", NULL),
    };
    struct cairn_http_reply *reply = NULL;
    char *clear, *body;
    int rc;

    message = strcmp(cairn_get_str(config, "format", ""), "slack") == 0 ? as_slack(call, args) : as_json(call, args);
    clear = cairn_format_json(message);
    body = cairn_mask(call, clear); /* many read it */
    request.body = body;
    rc = check(config, args, err);
    if (rc == 0)
        rc = web_send(call, &request, &reply, err);
    if (rc == 0)
        rc = web_judge(&request, reply, NULL, err);
    if (rc == 0)
        cairn_put(out, "status", cairn_int(cairn_http_status(reply)));
    cairn_http_free(reply);
    cairn_free(message);
    free(body);
    free(clear);
    free(bearer);
    return rc;
}

static const struct cairn_param send_params[] = {
    { "text", CAIRN_STR, CAIRN_REQUIRED, "the message", 0 },
    { "title", CAIRN_STR, 0, "what it is about, in a few words", 0 },
    { "severity", CAIRN_STR, 0, "info, warning or alert", "\"info\"" },
    { "details", CAIRN_MAP, 0, "facts: name to text or value", 0 },
    { 0 },
};
static const struct cairn_param send_results[] = {
    { "status", CAIRN_INT, CAIRN_REQUIRED, "the reply's status", 0 },
    { 0 },
};
static const struct cairn_action actions[] = {
    { .name = "send",
      .help = "Send a message to the webhook; in doubt it is sent again, with the same token in it: status.",
      .params = send_params,
      .results = send_results,
      .effect = CAIRN_SET,
      .run = notify_send },
    { 0 },
};
static const struct cairn_param config[] = {
    { "url", CAIRN_STR, CAIRN_SECRET, "the webhook; who knows it can write there, so give it as {secret: NAME}", 0 },
    { "format", CAIRN_STR, 0, "json: the members text, severity, title, details, run, step, token; or slack", "\"json\"" },
    { "token", CAIRN_STR, CAIRN_SECRET, "sent as Authorization: Bearer TOKEN", 0 },
    { "ca_file", CAIRN_STR, 0, "certificates to trust, PEM; the system's if left out", 0 },
    { 0 },
};

CAIRN_PLUGIN(.name = "notify", .version = "1", .help = "Messages to people by a webhook.", .actions = actions,
             .section = "notify", .config = config);
