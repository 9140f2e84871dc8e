/* header.c: the header in C99, all by itself. SPDX-License-Identifier: MIT */
#include <cairn/plugin.h>

static int
run(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_http_request request = CAIRN_HTTP_REQUEST(.url = "http://127.0.0.1:1/");
    struct cairn_http_reply *reply;

    (void)args;
    (void)out;
    return cairn_http(call, &request, &reply, err);
}

static const struct cairn_action actions[] = {
    { .name = "act", .help = "Act.", .effect = CAIRN_READ, .run = run },
    { 0 },
};
CAIRN_PLUGIN(.name = "plain", .version = "1", .help = "In C99.", .actions = actions);
