/*
 * events.c: the plugin events: rules of Amazon EventBridge, by which functions run on a schedule or on an event.
 * SPDX-License-Identifier: MIT
 */
#include "identity.h"
#include "json.h"

#include <string.h>

#define END { 0 }
#define NEED(name, type, help) { name, type, CAIRN_REQUIRED, help, NULL }
#define MAY(name, type, help) { name, type, 0, help, NULL }
#define HAS(name, type, help) { name, type, 0, help, NULL }

static const struct json_service service = { { "events", "EVENTBRIDGE", "2015-10-07" }, "1.1", "AWSEvents" };

static const struct json_member members[] = {
    { "Name", "name", CAIRN_STR },
    { "Arn", "arn", CAIRN_STR },
    { "State", "state", CAIRN_STR },
    { "ScheduleExpression", "schedule", CAIRN_STR },
    { "EventPattern", "pattern", CAIRN_STR },
    { "Description", "description", CAIRN_STR },
    { "ManagedBy", "managed_by", CAIRN_STR },
    { "EventBusName", "bus", CAIRN_STR },
    { NULL, NULL, CAIRN_NULL },
};

/* The name of a rule and its bus, as most operations take them. */
static int
send_request(struct cairn_value **reply, struct cairn_call *call, const char *action, const struct cairn_value *args,
             int reads, struct cairn_error *err)
{
    struct cairn_value *body = cairn_map();
    struct json_request request = { &service, action, body, reads };
    int rc;

    cairn_put(body, "Name", cairn_copy(cairn_get(args, "name")));
    if (cairn_get_str(args, "bus", NULL))
        cairn_put(body, "EventBusName", cairn_copy(cairn_get(args, "bus")));
    rc = json_send(reply, call, &request, err);
    cairn_free(body);
    return rc;
}

static int
describe_rule(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
              struct cairn_error *err)
{
    struct cairn_value *reply;

    if (send_request(&reply, call, "DescribeRule", args, 1, err) < 0)
        return -1;
    json_copy(out, reply, members);
    cairn_free(reply);
    return 0;
}

static int
add_names(const struct cairn_value *reply, void *context, struct cairn_error *err)
{
    const struct cairn_value *names = cairn_get(reply, "RuleNames");

    (void)err;
    for (size_t i = 0; i < cairn_count(names); i++)
        cairn_add(context, cairn_copy(cairn_at(names, i)));
    return 0;
}

static int
rules(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *body = cairn_map(), *names = cairn_list();
    struct json_request request = { &service, "ListRuleNamesByTarget", body, 1 };
    int rc;

    cairn_put(body, "TargetArn", cairn_copy(cairn_get(args, "target")));
    if (cairn_get_str(args, "bus", NULL))
        cairn_put(body, "EventBusName", cairn_copy(cairn_get(args, "bus")));
    rc = json_pages(call, &request, add_names, names, err);
    cairn_put(out, "names", names);
    cairn_free(body);
    return rc;
}

static int
set_state(struct cairn_call *call, const struct cairn_value *args, const char *action, struct cairn_error *err)
{
    struct cairn_value *reply;

    if (send_request(&reply, call, action, args, 0, err) < 0)
        return -1;
    cairn_free(reply);
    return 0;
}

static int
has_state(struct cairn_call *call, const struct cairn_value *args, int enabled, struct cairn_error *err)
{
    struct cairn_value *reply;
    int is_disabled;

    if (send_request(&reply, call, "DescribeRule", args, 1, err) < 0)
        return -1;
    is_disabled = !strcmp(cairn_get_str(reply, "State", ""), "DISABLED"); /* there are two ways of being enabled */
    cairn_free(reply);
    return is_disabled == !enabled ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}

static int
disable_rule(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
             struct cairn_error *err)
{
    (void)out;
    return set_state(call, args, "DisableRule", err);
}

static int
disable_rule_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                     struct cairn_error *err)
{
    (void)out;
    return has_state(call, args, 0, err);
}

static int
enable_rule(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)out;
    return set_state(call, args, "EnableRule", err);
}

static int
enable_rule_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                    struct cairn_error *err)
{
    (void)out;
    return has_state(call, args, 1, err);
}

static const struct cairn_param rule_params[] = {
    NEED("name", CAIRN_STR, "name of the rule"),
    MAY("bus", CAIRN_STR, "its event bus; default: the account's default bus"),
    END,
};
static const struct cairn_param rule_results[] = {
    HAS("name", CAIRN_STR, "name"),
    HAS("arn", CAIRN_STR, "ARN"),
    HAS("state", CAIRN_STR, "ENABLED or DISABLED"),
    HAS("schedule", CAIRN_STR, "rate(5 minutes), cron(...)"),
    HAS("pattern", CAIRN_STR, "the events it is for, JSON"),
    HAS("description", CAIRN_STR, "description"),
    HAS("managed_by", CAIRN_STR, "the service of AWS that made it; such a rule is better left alone"),
    HAS("bus", CAIRN_STR, "its event bus"),
    END,
};
static const struct cairn_param rules_params[] = {
    NEED("target", CAIRN_STR, "ARN of a function or another target"),
    MAY("bus", CAIRN_STR, "event bus; default: the account's default bus"),
    END,
};
static const struct cairn_param rules_results[] = { HAS("names", CAIRN_LIST, "names of the rules"), END };

static const struct cairn_action actions[] = {
    { .name = "describe_rule",
      .help = "Look at a rule: name, arn, state, schedule, pattern.",
      .params = rule_params,
      .results = rule_results,
      .effect = CAIRN_READ,
      .run = describe_rule },
    { .name = "rules",
      .help = "List the rules that lead to a target: names.",
      .params = rules_params,
      .results = rules_results,
      .effect = CAIRN_READ,
      .run = rules },
    { .name = "disable_rule",
      .help = "Let a rule do nothing any more: nothing.",
      .params = rule_params,
      .effect = CAIRN_SET,
      .run = disable_rule,
      .observe = disable_rule_observe },
    { .name = "enable_rule",
      .help = "Let a rule work again: nothing.",
      .params = rule_params,
      .effect = CAIRN_SET,
      .run = enable_rule,
      .observe = enable_rule_observe },
    END,
};

CAIRN_PLUGIN(.name = "events", .version = "1", .help = "Amazon EventBridge: rules.", .actions = actions,
             .section = CLIENT_SECTION, .config = client_config, .env = CLIENT_ENV, .guard = identity_guard);
