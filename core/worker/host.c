/*
 * host.c: what a plugin may ask about its call, and how it talks while it runs; called by plugins.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "worker/call.h"
#include "worker/channel.h"
#include "worker/mask.h"
#include "worker/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192

const char *
cairn_call_token(const struct cairn_call *call)
{
    return call->token;
}

const char *
cairn_call_run(const struct cairn_call *call)
{
    return call->run;
}

const char *
cairn_call_step(const struct cairn_call *call)
{
    return call->step;
}

int
cairn_call_attempt(const struct cairn_call *call)
{
    return call->attempt;
}

int64_t
cairn_call_started(const struct cairn_call *call)
{
    return call->started;
}

const struct cairn_value *
cairn_config(const struct cairn_call *call)
{
    return value_of(call->config);
}

char *
cairn_mask(const struct cairn_call *call, const char *text)
{
    (void)call;
    return mask_text(text);
}

int64_t
cairn_now(const struct cairn_call *call)
{
    (void)call;
    return clock_now();
}

int64_t
cairn_wall(const struct cairn_call *call)
{
    (void)call;
    return clock_wall();
}

int
cairn_cancelled(const struct cairn_call *call)
{
    (void)call;
    return channel_cancelled(0);
}

void
cairn_sleep(struct cairn_call *call, int64_t ms)
{
    int64_t end = clock_now() + (ms > 0 ? ms : 0);
    int64_t left = ms;

    (void)call;
    while (left > 0 && !channel_cancelled(clock_nap(left)))
        left = end - clock_now();
}

static void __attribute__((format(printf, 2, 0)))
say(const char *op, const char *fmt, va_list ap)
{
    json_t *message = value_json(cairn_map());
    struct cairn_error err = { 0 };
    char *text = NULL;
    char *masked;

    if (vasprintf(&text, fmt, ap) < 0)
        alloc_failed();
    masked = mask_text(text); /* before it is cut: half a secret is one, too */
    for (char *c = masked; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    json_object_set_new(message, "op", json_string(op));
    json_object_set_new(message, "text", value_json(cairn_strn(masked, strnlen(masked, LINE_MAX_BYTES))));
    free(masked);
    free(text);
    if (channel_send(message, &err) < 0)
        _exit(1); /* the engine is gone */
}

void
cairn_log(struct cairn_call *call, const char *fmt, ...)
{
    va_list ap;

    (void)call;
    va_start(ap, fmt);
    say("log", fmt, ap);
    va_end(ap);
}

void
cairn_progress(struct cairn_call *call, const char *fmt, ...)
{
    va_list ap;

    (void)call;
    va_start(ap, fmt);
    say("progress", fmt, ap);
    va_end(ap);
}
