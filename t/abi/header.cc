/* header.cc: the header in C++17, and a plugin in it. SPDX-License-Identifier: MIT */
#include <cairn/plugin.h>

static int
run(cairn_call *call, const cairn_value *args, cairn_value *out, cairn_error *err)
{
    cairn_http_request request = CAIRN_HTTP_REQUEST("GET", "http://127.0.0.1:1/", nullptr, nullptr, 0, 0, 0, 0, nullptr,
                                                    nullptr, nullptr, nullptr, nullptr, 0, nullptr);
    cairn_http_reply *reply = nullptr;

    (void)args;
    cairn_put(out, "now", cairn_int(cairn_now(call)));
    return cairn_http(call, &request, &reply, err);
}

static const cairn_param params[] = {
    { "name", CAIRN_STR, CAIRN_REQUIRED, "a name", nullptr },
    {},
};
static const cairn_action actions[] = {
    { "act", "Act.", params, nullptr, CAIRN_READ, 0, nullptr, run, nullptr, nullptr },
    {},
};
CAIRN_PLUGIN("plus", "1", "In C++.", actions, nullptr, nullptr, nullptr, nullptr, nullptr);
