/*
 * call.c: one call of a plugin's function, from its message to its reply; used by the worker's life cycle.
 * SPDX-License-Identifier: MIT
 */
#include "worker/call.h"

#include "common/clock.h"
#include "common/crash.h"
#include "common/error.h"
#include "worker/channel.h"
#include "worker/env.h"
#include "worker/mask.h"
#include "worker/value.h"

#include <string.h>

enum mode { MODE_RUN, MODE_OBSERVE, MODE_PLAN };

struct job { /* a call as its message asks for it */
    const struct cairn_action *action;
    enum mode mode;
    json_t *args; /* checked, complete, in clear */
};

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* A text that was too long was cut at the end of a character. */
static int
is_full(const char *text, size_t size)
{
    return strlen(text) + 5 >= size;
}

static json_t *
error_json(const struct cairn_error *err)
{
    struct cairn_error masked = { .kind = err->kind };
    char *text = is_full(err->text, sizeof(err->text)) ? mask_cut_text(err->text) : mask_text(err->text);
    char *code = is_full(err->code, sizeof(err->code)) ? mask_cut_text(err->code) : mask_text(err->code);

    if (masked.kind <= CAIRN_ERR_NONE || masked.kind > CAIRN_ERR_CANCELLED)
        masked.kind = CAIRN_ERR_INTERNAL;
    snprintf(masked.text, sizeof(masked.text), "%s", text);
    snprintf(masked.code, sizeof(masked.code), "%s", code);
    free(text);
    free(code);
    return error_to_json(&masked);
}

static json_t *
answer_new(const json_t *message)
{
    json_t *answer = value_json(cairn_map());

    json_object_set_new(answer, "op", json_string("reply"));
    json_object_set(answer, "id", json_object_get(message, "id"));
    return answer;
}

static json_t *
answer_error(const json_t *message, const struct cairn_error *err)
{
    json_t *answer = answer_new(message);

    json_object_set_new(answer, "ok", json_false());
    json_object_set_new(answer, "error", error_json(err));
    return answer;
}

static json_t *
answer_value(const json_t *message, const json_t *value, const char *seen, const struct cairn_error *err)
{
    json_t *answer = answer_new(message);

    json_object_set_new(answer, "ok", json_true());
    if (seen)
        json_object_set_new(answer, "seen", json_string(seen));
    json_object_set_new(answer, "value", value_seal(value));
    if (err->kind != CAIRN_ERR_NONE)
        json_object_set_new(answer, "error", error_json(err));
    return answer;
}

/* ---- what came in ------------------------------------------------------------------------------------------------ */

static const struct cairn_param *
find_param(const struct cairn_param *params, const char *name)
{
    for (const struct cairn_param *p = params; p && p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

/* Fill in defaults, and refuse what is missing or of another type. `where` begins the message. */
static int
complete(json_t *values, const struct cairn_param *params, const char *where, struct cairn_error *err)
{
    for (const struct cairn_param *p = params; p && p->name; p++) {
        json_t *value = json_object_get(values, p->name);

        if (value && json_is_null(value) && p->type != CAIRN_ANY) {
            json_object_del(values, p->name);
            value = NULL;
        }
        if (!value && p->otherwise)
            json_object_set_new(values, p->name,
                                value_json(cairn_parse_json(p->otherwise, strlen(p->otherwise), NULL)));
        if (!value && (p->flags & CAIRN_REQUIRED))
            return cairn_fail(err, CAIRN_ERR_INVALID, "%s: %s is missing: %s", where, p->name, p->help);
        if (value && !value_matches(value, p->type))
            return cairn_fail(err, CAIRN_ERR_INVALID, "%s: %s must be of type %s", where, p->name, type_name(p->type));
        if (value && (p->flags & CAIRN_SECRET))
            mask_add(json_string_value(value));
    }
    return 0;
}

static int
no_unknown(json_t *args, const struct cairn_param *params, const char *where, struct cairn_error *err)
{
    const char *name;
    json_t *value;

    json_object_foreach(args, name, value)
        if (!find_param(params, name))
            return cairn_fail(err, CAIRN_ERR_INVALID, "%s: it has no parameter %s", where, name);
    return 0;
}

static int
parse_mode(struct job *job, const char *mode, const char *where, struct cairn_error *err)
{
    if (mode && strcmp(mode, "run") == 0)
        job->mode = MODE_RUN;
    else if (mode && strcmp(mode, "observe") == 0)
        job->mode = MODE_OBSERVE;
    else if (mode && strcmp(mode, "plan") == 0)
        job->mode = MODE_PLAN;
    else
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: a call has no mode %s", where, mode ? mode : "");
    if ((job->mode == MODE_OBSERVE && !job->action->observe) || (job->mode == MODE_PLAN && !job->action->plan))
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: it has no %s function", where, mode);
    return 0;
}

static int
parse_job(struct job *job, const struct cairn_plugin *plugin, const json_t *message, struct cairn_error *err)
{
    const char *name = json_string_value(json_object_get(message, "action"));
    const json_t *args = json_object_get(message, "args");
    char where[160];

    for (const struct cairn_action *a = plugin->actions; name && a->name; a++)
        if (strcmp(a->name, name) == 0)
            job->action = a;
    snprintf(where, sizeof(where), "%s.%.64s", plugin->name, name ? name : "");
    if (!job->action)
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: plugin %s has no such action", where, plugin->name);
    if (!json_is_object(args))
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: its arguments must be a map", where);
    if (parse_mode(job, json_string_value(json_object_get(message, "mode")), where, err) < 0)
        return -1;
    job->args = value_reveal(args, where, err);
    if (!job->args || no_unknown(job->args, job->action->params, where, err) < 0)
        return -1;
    return complete(job->args, job->action->params, where, err);
}

static const char *
text_of(const json_t *message, const char *key)
{
    const char *text = json_string_value(json_object_get(message, key));

    return text ? text : "";
}

static void
begin(struct cairn_call *call, const json_t *message)
{
    call->token = text_of(message, "token");
    call->run = text_of(message, "run");
    call->step = text_of(message, "step");
    call->attempt = (int)json_integer_value(json_object_get(message, "attempt"));
    call->started = json_integer_value(json_object_get(message, "started"));
    call->changes = 0;
    call->sent_change = 0;
    channel_forget_cancel();
    mask_new_call();
}

static void
finish(struct cairn_call *call)
{
    call->token = call->run = call->step = "";
    call->changes = call->sent_change = 0;
}

/* ---- what is done ------------------------------------------------------------------------------------------------ */

/* Nothing of the call was sent when the guard fails, so its error must not put the step in doubt. */
static int
guard(struct cairn_call *call, struct cairn_error *err)
{
    if (call->guarded || !call->plugin->guard)
        return 0;
    if (call->plugin->guard(call, err) == 0) {
        call->guarded = 1;
        memset(err, 0, sizeof(*err));
        return 0;
    }
    if (err->kind == CAIRN_ERR_NONE)
        cairn_fail(err, CAIRN_ERR_FAILED, "guard of plugin %s: it refused and gave no reason", call->plugin->name);
    else if (err->kind == CAIRN_ERR_TIMEOUT || err->kind == CAIRN_ERR_IN_DOUBT)
        err->kind = CAIRN_ERR_UNAVAILABLE;
    else if (err->kind == CAIRN_ERR_INTERNAL)
        err->kind = CAIRN_ERR_FAILED;
    return -1;
}

static json_t *
run_or_plan(struct cairn_call *call, const struct job *job, const json_t *message)
{
    cairn_run_fn *function = job->mode == MODE_RUN ? job->action->run : job->action->plan;
    json_t *out = value_json(cairn_map());
    struct cairn_error err = { 0 };
    json_t *answer;

    call->changes = job->mode == MODE_RUN && job->action->effect != CAIRN_READ;
    if (function(call, value_of(job->args), value_of(out), &err) == 0) {
        memset(&err, 0, sizeof(err)); /* of something that it tried first */
        answer = answer_value(message, out, NULL, &err);
    } else {
        if (err.kind == CAIRN_ERR_NONE)
            cairn_fail(&err, CAIRN_ERR_INTERNAL, "%s.%s: it failed and gave no reason", call->plugin->name,
                       job->action->name);
        answer = answer_error(message, &err);
    }
    json_decref(out);
    return answer;
}

static json_t *
observe(struct cairn_call *call, const struct job *job, const json_t *message)
{
    static const char *const names[] = { "absent", "done", "conflict", "unknown" };
    json_t *out = value_json(cairn_map());
    struct cairn_error err = { 0 };
    int seen = job->action->observe(call, value_of(job->args), value_of(out), &err);
    json_t *answer;

    if (seen >= CAIRN_SEEN_ABSENT && seen <= CAIRN_SEEN_UNKNOWN) {
        if (seen == CAIRN_SEEN_ABSENT || seen == CAIRN_SEEN_DONE)
            memset(&err, 0, sizeof(err));
        answer = answer_value(message, out, names[seen], &err);
    } else {
        if (err.kind == CAIRN_ERR_NONE)
            cairn_fail(&err, CAIRN_ERR_INTERNAL, "observe %s.%s: it failed and gave no reason", call->plugin->name,
                       job->action->name);
        answer = answer_error(message, &err);
    }
    json_decref(out);
    return answer;
}

json_t *
call_serve(struct cairn_call *call, const json_t *message)
{
    struct cairn_error err = { 0 };
    struct job job = { 0 };
    json_t *answer;

    begin(call, message);
    crash_point("worker.called");
    if (!call->config)
        cairn_fail(&err, CAIRN_ERR_INVALID, "call plugin %s: it isn't configured yet", call->plugin->name);
    if (err.kind != CAIRN_ERR_NONE || parse_job(&job, call->plugin, message, &err) < 0 || guard(call, &err) < 0)
        answer = answer_error(message, &err);
    else if (job.mode == MODE_OBSERVE)
        answer = observe(call, &job, message);
    else
        answer = run_or_plan(call, &job, message);
    json_decref(job.args);
    finish(call);
    return answer;
}

json_t *
call_configure(struct cairn_call *call, const json_t *message)
{
    const json_t *config = json_object_get(message, "config");
    json_t *answer = value_json(cairn_map());
    struct cairn_error err = { 0 };
    char where[96];

    finish(call);
    env_take(call, json_object_get(message, "env"));
    snprintf(where, sizeof(where), "section %s", call->plugin->section ? call->plugin->section : "(none)");
    json_decref(call->config);
    call->config = json_is_object(config) ? value_reveal(config, where, &err) : value_json(cairn_map());
    if (call->config && complete(call->config, call->plugin->config, where, &err) == 0 && call->plugin->configure
        && call->plugin->configure(call, &err) != 0 && err.kind == CAIRN_ERR_NONE)
        cairn_fail(&err, CAIRN_ERR_INVALID, "configure plugin %s: it refused and gave no reason", call->plugin->name);
    crash_point("worker.configured");
    json_object_set_new(answer, "op", json_string("configured"));
    if (err.kind != CAIRN_ERR_NONE)
        json_object_set_new(answer, "error", error_json(&err));
    return answer;
}
