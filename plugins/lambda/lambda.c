/*
 * lambda.c: the plugin lambda: configuration, versions, aliases, invocation, event sources and concurrency of functions.
 * SPDX-License-Identifier: MIT
 */
#include "function.h"
#include "identity.h"

#define END { 0 }
#define NEED(name, type, help) { name, type, CAIRN_REQUIRED, help, NULL }
#define MAY(name, type, help) { name, type, 0, help, NULL }
#define HAS(name, type, help) { name, type, 0, help, NULL }

#define FUNCTION NEED("function", CAIRN_STR, "name or ARN of the function")
#define QUALIFIER MAY("qualifier", CAIRN_STR, "version or alias; default: $LATEST")
#define ALIAS NEED("alias", CAIRN_STR, "name of the alias")

static const struct cairn_param configuration_params[] = { FUNCTION, QUALIFIER, END };
static const struct cairn_param configuration_results[] = {
    HAS("function", CAIRN_STR, "name"),
    HAS("version", CAIRN_STR, "version, $LATEST if none was asked for"),
    HAS("revision_id", CAIRN_STR, "changes with every change"),
    HAS("state", CAIRN_STR, "Active, Pending, ..."),
    HAS("state_reason", CAIRN_STR, "why it isn't active"),
    HAS("last_update_status", CAIRN_STR, "Successful, InProgress, Failed"),
    HAS("last_update_reason", CAIRN_STR, "why it failed"),
    HAS("code_sha256", CAIRN_STR, "digest of the code"),
    HAS("variables", CAIRN_LIST, "names of its variables"),
    HAS("environment_error", CAIRN_STR, "why its variables can't be read; then there are none here"),
    HAS("hosts", CAIRN_MAP, "variable to HOST or HOST:PORT, where the value is a URL"),
    HAS("description", CAIRN_STR, "description"),
    END,
};
static const struct cairn_param replace_params[] = {
    FUNCTION,
    NEED("variable", CAIRN_STR, "variable whose value is a URL"),
    NEED("from", CAIRN_STR, "HOST or HOST:PORT that the URL has now"),
    NEED("to", CAIRN_STR, "HOST or HOST:PORT that it gets; without a port the URL keeps its own"),
    END,
};
static const struct cairn_param replace_results[] = {
    HAS("revision_id", CAIRN_STR, "the revision it has now"),
    HAS("changed", CAIRN_BOOL, "false if the URL was there already"),
    END,
};
static const struct cairn_param publish_params[] = {
    FUNCTION,
    MAY("description", CAIRN_STR, "description; our mark is added"),
    END,
};
static const struct cairn_param publish_results[] = {
    HAS("version", CAIRN_STR, "number of the version"),
    HAS("published", CAIRN_BOOL, "false if nothing has changed since it was published"),
    HAS("description", CAIRN_STR, "description"),
    HAS("code_sha256", CAIRN_STR, "digest of the code"),
    HAS("revision_id", CAIRN_STR, "its revision"),
    HAS("state", CAIRN_STR, "Pending until it can be used"),
    END,
};
static const struct cairn_param alias_params[] = { FUNCTION, ALIAS, END };
static const struct cairn_param alias_results[] = {
    HAS("version", CAIRN_STR, "version it leads to"),
    HAS("revision_id", CAIRN_STR, "its revision"),
    HAS("description", CAIRN_STR, "description"),
    HAS("weights", CAIRN_MAP, "other versions and their share of the traffic; mostly empty"),
    END,
};
static const struct cairn_param update_alias_params[] = {
    FUNCTION,
    ALIAS,
    NEED("version", CAIRN_STR, "version it shall lead to"),
    NEED("expect", CAIRN_STR, "version it has to lead to now"),
    END,
};
static const struct cairn_param update_alias_results[] = {
    HAS("version", CAIRN_STR, "version it leads to"),
    HAS("revision_id", CAIRN_STR, "its revision"),
    END,
};
static const struct cairn_param invoke_params[] = {
    FUNCTION,
    QUALIFIER,
    { "payload", CAIRN_ANY, 0, "the event", "{}" },
    END,
};
static const struct cairn_param invoke_results[] = {
    HAS("status", CAIRN_INT, "of HTTP"),
    HAS("payload", CAIRN_ANY, "what the function returned"),
    HAS("function_error", CAIRN_STR, "Handled or Unhandled, if the function failed"),
    END,
};

#define MAPPING_RESULTS \
    HAS("uuid", CAIRN_STR, "id of the mapping"), HAS("source", CAIRN_STR, "ARN of the queue or stream"), \
        HAS("function_arn", CAIRN_STR, "ARN of the function"), \
        HAS("state", CAIRN_STR, "Enabled, Disabled, or in motion: Enabling, Disabling, Updating, Creating, Deleting"), \
        HAS("state_reason", CAIRN_STR, "why"), HAS("last_result", CAIRN_STR, "of the last batch"), \
        HAS("batch_size", CAIRN_INT, "messages in a batch at most"), END

static const struct cairn_param mappings_params[] = {
    MAY("function", CAIRN_STR, "only those of this function"),
    MAY("source", CAIRN_STR, "only those of the queue or stream with this ARN"),
    END,
};
static const struct cairn_param mappings_results[] = {
    HAS("mappings", CAIRN_LIST, "what event_source_mapping shows, for each"),
    END,
};
static const struct cairn_param mapping_params[] = { NEED("uuid", CAIRN_STR, "id of the mapping"), END };
static const struct cairn_param mapping_results[] = { MAPPING_RESULTS };
static const struct cairn_param set_mapping_params[] = {
    NEED("uuid", CAIRN_STR, "id of the mapping"),
    NEED("enabled", CAIRN_BOOL, "whether Lambda polls the source"),
    END,
};
static const struct cairn_param concurrency_params[] = { FUNCTION, END };
static const struct cairn_param concurrency_results[] = {
    HAS("reserved", CAIRN_INT, "so many instances at most; left out: no reservation"),
    END,
};
static const struct cairn_param set_concurrency_params[] = {
    FUNCTION,
    NEED("reserved", CAIRN_INT, "so many instances at most; 0: none, which is no pause for a function fed by a queue"),
    END,
};

static const struct cairn_action actions[] = {
    { .name = "get_configuration",
      .help = "Look at a function: state, version, names of variables, hosts in them.",
      .params = configuration_params,
      .results = configuration_results,
      .effect = CAIRN_READ,
      .run = configuration_get },
    { .name = "replace_host",
      .help = "Exchange the host of the URL in a variable: revision_id, changed.",
      .params = replace_params,
      .results = replace_results,
      .effect = CAIRN_GUARDED,
      .run = configuration_replace_host,
      .observe = configuration_replace_host_observe },
    { .name = "publish_version",
      .help = "Publish a version of what $LATEST is: version, published.",
      .params = publish_params,
      .results = publish_results,
      .effect = CAIRN_CREATE,
      .run = version_publish,
      .observe = version_publish_observe },
    { .name = "get_alias",
      .help = "Look at an alias: version, revision_id, description, weights.",
      .params = alias_params,
      .results = alias_results,
      .effect = CAIRN_READ,
      .run = alias_get },
    { .name = "update_alias",
      .help = "Lead an alias to another version: version, revision_id.",
      .params = update_alias_params,
      .results = update_alias_results,
      .effect = CAIRN_GUARDED,
      .run = alias_update,
      .observe = alias_update_observe },
    { .name = "invoke",
      .help = "Call a function and wait for it: status, payload, function_error.",
      .params = invoke_params,
      .results = invoke_results,
      .effect = CAIRN_TRIGGER,
      .flags = CAIRN_SLOW,
      .run = function_invoke },
    { .name = "test",
      .help = "Call a function with an event that may come twice without harm: status, payload, function_error.",
      .params = invoke_params,
      .results = invoke_results,
      .effect = CAIRN_SET,
      .flags = CAIRN_SLOW,
      .run = function_invoke },
    { .name = "event_source_mappings",
      .help = "List what feeds functions: mappings.",
      .params = mappings_params,
      .results = mappings_results,
      .effect = CAIRN_READ,
      .run = mapping_list },
    { .name = "event_source_mapping",
      .help = "Look at an event source mapping: uuid, source, state.",
      .params = mapping_params,
      .results = mapping_results,
      .effect = CAIRN_READ,
      .run = mapping_get },
    { .name = "set_event_source_mapping",
      .help = "Start or stop the polling of a source; it takes up to a minute: state (Enabling, Disabling).",
      .params = set_mapping_params,
      .results = mapping_results,
      .effect = CAIRN_SET,
      .run = mapping_set,
      .observe = mapping_set_observe },
    { .name = "concurrency",
      .help = "Look at a function's reserved concurrency: reserved.",
      .params = concurrency_params,
      .results = concurrency_results,
      .effect = CAIRN_READ,
      .run = concurrency_get },
    { .name = "set_concurrency",
      .help = "Reserve concurrency for a function, which limits it: reserved.",
      .params = set_concurrency_params,
      .results = concurrency_results,
      .effect = CAIRN_SET,
      .run = concurrency_set,
      .observe = concurrency_set_observe },
    { .name = "delete_concurrency",
      .help = "Take a function's reservation away: nothing.",
      .params = concurrency_params,
      .effect = CAIRN_SET,
      .run = concurrency_delete,
      .observe = concurrency_delete_observe },
    END,
};

CAIRN_PLUGIN(.name = "lambda", .version = "1",
             .help = "AWS Lambda: configuration, versions, aliases, invocation, event sources, concurrency.",
             .actions = actions, .section = CLIENT_SECTION, .config = client_config, .env = CLIENT_ENV,
             .guard = identity_guard);
