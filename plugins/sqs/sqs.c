/*
 * sqs.c: the plugin sqs: queues, how full they are, and their attributes.
 * SPDX-License-Identifier: MIT
 *
 * Counts are approximate, as AWS gives them: they settle about a minute after the last message came or went.
 */
#include "identity.h"
#include "json.h"
#include "wanted.h"

#include <stdlib.h>
#include <string.h>

#define END { 0 }
#define NEED(name, type, help) { name, type, CAIRN_REQUIRED, help, NULL }
#define MAY(name, type, help) { name, type, 0, help, NULL }
#define HAS(name, type, help) { name, type, 0, help, NULL }

static const struct json_service service = { { "sqs", "SQS", "2012-11-05" }, "1.0", "AmazonSQS" };

/* Attributes are texts; these are numbers in truth. */
static const struct json_member numbers[] = {
    { "ApproximateNumberOfMessages", "messages", CAIRN_INT },
    { "ApproximateNumberOfMessagesNotVisible", "not_visible", CAIRN_INT },
    { "ApproximateNumberOfMessagesDelayed", "delayed", CAIRN_INT },
    { "MessageRetentionPeriod", "retention", CAIRN_INT },
    { "VisibilityTimeout", "visibility_timeout", CAIRN_INT },
    { NULL, NULL, CAIRN_NULL },
};

static int
send_request(struct cairn_value **reply, struct cairn_call *call, const char *action, struct cairn_value *owned_body,
             int reads, struct cairn_error *err)
{
    struct json_request request = { &service, action, owned_body, reads };
    int rc = json_send(reply, call, &request, err);

    cairn_free(owned_body);
    return rc;
}

static int
fetch_attributes(struct cairn_value **reply, struct cairn_call *call, const char *url, struct cairn_error *err)
{
    struct cairn_value *body = cairn_map(), *names = cairn_list();

    cairn_add(names, cairn_str("All"));
    cairn_put(body, "QueueUrl", cairn_str(url));
    cairn_put(body, "AttributeNames", names);
    return send_request(reply, call, "GetQueueAttributes", body, 1, err);
}

/* {"deadLetterTargetArn":"arn:...","maxReceiveCount":"5"}, the number as a text or not */
static void
put_dead_letter(struct cairn_value *out, const char *policy)
{
    struct cairn_error ignored = { 0 };
    struct cairn_value *json = cairn_parse_json(policy, strlen(policy), &ignored);
    const char *arn = cairn_get_str(json, "deadLetterTargetArn", NULL);
    const struct cairn_value *count = cairn_get(json, "maxReceiveCount");

    if (arn) {
        struct cairn_value *dead = cairn_map();
        const char *name = strrchr(arn, ':');

        cairn_put(dead, "arn", cairn_str(arn));
        cairn_put(dead, "name", cairn_str(name ? name + 1 : arn));
        cairn_put(dead, "max_receive_count", cairn_int(cairn_as_int(count, atoll(cairn_as_str(count, "0")))));
        cairn_put(out, "dead_letter", dead);
    }
    cairn_free(json);
}

static void
put_queue(struct cairn_value *out, const char *url, const struct cairn_value *attributes)
{
    const char *arn = cairn_get_str(attributes, "QueueArn", ""), *name = strrchr(arn, ':');

    cairn_put(out, "url", cairn_str(url));
    cairn_put(out, "arn", cairn_str(arn));
    cairn_put(out, "name", cairn_str(name ? name + 1 : arn));
    cairn_put(out, "fifo", cairn_bool(!strcmp(cairn_get_str(attributes, "FifoQueue", "false"), "true")));
    for (const struct json_member *n = numbers; n->from; n++) {
        const char *text = cairn_get_str(attributes, n->from, NULL);

        if (text)
            cairn_put(out, n->to, cairn_int(atoll(text)));
    }
    put_dead_letter(out, cairn_get_str(attributes, "RedrivePolicy", ""));
    cairn_put(out, "attributes", cairn_copy(attributes));
}

/* The URL of the queue that the arguments name. */
static int
find_url(struct cairn_value **url, struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    struct cairn_value *body, *reply;

    *url = NULL;
    if (cairn_get_str(args, "url", NULL)) {
        *url = cairn_copy(cairn_get(args, "url"));
        return 0;
    }
    if (!cairn_get_str(args, "name", NULL))
        return cairn_fail(err, CAIRN_ERR_INVALID, "look at a queue: name or url is needed");
    body = cairn_map();
    cairn_put(body, "QueueName", cairn_copy(cairn_get(args, "name")));
    if (send_request(&reply, call, "GetQueueUrl", body, 1, err) < 0)
        return -1;
    *url = cairn_str(cairn_get_str(reply, "QueueUrl", ""));
    cairn_free(reply);
    return 0;
}

static int
queue(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *url, *reply = NULL;
    int rc = -1;

    if (find_url(&url, call, args, err) < 0)
        return -1;
    rc = fetch_attributes(&reply, call, cairn_as_str(url, ""), err);
    if (rc == 0)
        put_queue(out, cairn_as_str(url, ""), cairn_get(reply, "Attributes"));
    cairn_free(reply);
    cairn_free(url);
    return rc;
}

static int
add_urls(const struct cairn_value *reply, void *context, struct cairn_error *err)
{
    const struct cairn_value *urls = cairn_get(reply, "QueueUrls");

    (void)err;
    for (size_t i = 0; i < cairn_count(urls); i++)
        cairn_add(context, cairn_copy(cairn_at(urls, i)));
    return 0;
}

static int
queues(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *body = cairn_map(), *urls = cairn_list();
    struct json_request request = { &service, "ListQueues", body, 1 };
    int rc;

    cairn_put(body, "MaxResults", cairn_int(1000));
    if (cairn_get_str(args, "prefix", NULL))
        cairn_put(body, "QueueNamePrefix", cairn_copy(cairn_get(args, "prefix")));
    rc = json_pages(call, &request, add_urls, urls, err);
    cairn_put(out, "urls", urls);
    cairn_free(body);
    return rc;
}

static int
set_attributes(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    const struct cairn_value *wanted = cairn_get(args, "attributes");
    struct cairn_value *body = cairn_map(), *texts = cairn_map(), *reply;

    (void)out;
    for (size_t i = 0; i < cairn_count(wanted); i++) {
        char *json = cairn_format_json(cairn_at(wanted, i));

        cairn_put(texts, cairn_key(wanted, i),
                  cairn_type(cairn_at(wanted, i)) == CAIRN_STR ? cairn_copy(cairn_at(wanted, i)) : cairn_str(json));
        free(json);
    }
    cairn_put(body, "QueueUrl", cairn_copy(cairn_get(args, "url")));
    cairn_put(body, "Attributes", texts);
    if (send_request(&reply, call, "SetQueueAttributes", body, 0, err) < 0)
        return -1;
    cairn_free(reply);
    return 0;
}

static int
set_attributes_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                       struct cairn_error *err)
{
    const struct cairn_value *wanted = cairn_get(args, "attributes");
    struct cairn_value *reply;
    int there = 1;

    (void)out;
    if (fetch_attributes(&reply, call, cairn_get_str(args, "url", ""), err) < 0)
        return -1;
    for (size_t i = 0; there && i < cairn_count(wanted); i++)
        there = wanted_is(cairn_at(wanted, i),
                          cairn_get_str(cairn_get(reply, "Attributes"), cairn_key(wanted, i), NULL));
    cairn_free(reply);
    return there ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}

static const struct cairn_param queue_params[] = {
    MAY("name", CAIRN_STR, "name of the queue"),
    MAY("url", CAIRN_STR, "its URL, instead of the name"),
    END,
};
static const struct cairn_param queue_results[] = {
    HAS("url", CAIRN_STR, "URL"),
    HAS("arn", CAIRN_STR, "ARN"),
    HAS("name", CAIRN_STR, "name"),
    HAS("fifo", CAIRN_BOOL, "whether it keeps the order"),
    HAS("messages", CAIRN_INT, "messages that wait, about"),
    HAS("not_visible", CAIRN_INT, "messages that were received and are neither deleted nor back, about"),
    HAS("delayed", CAIRN_INT, "messages that can't be received yet, about"),
    HAS("retention", CAIRN_INT, "s after which a message is lost"),
    HAS("visibility_timeout", CAIRN_INT, "s after which a received message is back"),
    HAS("dead_letter", CAIRN_MAP, "arn, name, max_receive_count of the dead-letter queue, if there is one"),
    HAS("attributes", CAIRN_MAP, "all attributes, as AWS names and writes them"),
    END,
};
static const struct cairn_param queues_params[] = {
    MAY("prefix", CAIRN_STR, "only queues whose names begin so"),
    END,
};
static const struct cairn_param queues_results[] = { HAS("urls", CAIRN_LIST, "their URLs"), END };
static const struct cairn_param set_params[] = {
    NEED("url", CAIRN_STR, "URL of the queue"),
    NEED("attributes", CAIRN_MAP, "attributes as AWS names them: {\"MessageRetentionPeriod\": 1209600}"),
    END,
};

static const struct cairn_action actions[] = {
    { .name = "queue",
      .help = "Look at a queue: url, arn, messages, not_visible, delayed, retention, dead_letter, attributes.",
      .params = queue_params,
      .results = queue_results,
      .effect = CAIRN_READ,
      .run = queue },
    { .name = "queues",
      .help = "List queues: urls.",
      .params = queues_params,
      .results = queues_results,
      .effect = CAIRN_READ,
      .run = queues },
    { .name = "set_attributes",
      .help = "Set attributes of a queue; they take up to a minute, retention up to 15: nothing.",
      .params = set_params,
      .effect = CAIRN_SET,
      .run = set_attributes,
      .observe = set_attributes_observe },
    END,
};

CAIRN_PLUGIN(.name = "sqs", .version = "1", .help = "Amazon SQS: queues, their backlog and their attributes.",
             .actions = actions, .section = CLIENT_SECTION, .config = client_config, .env = CLIENT_ENV,
             .guard = identity_guard);
