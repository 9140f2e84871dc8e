/*
 * rehearse.c: the command `rehearse`: run a workflow in a simulated world of its own, once, or killed everywhere.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/rehearse.h"
#include "cmd/print.h"
#include "cmd/status.h"
#include "common/alloc.h"
#include "common/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPEED "3000"
#define JOBS_MAX 64

/* ---- what was asked for ---- */

static int
number(const struct context *context, const char *name, int64_t min, int64_t max, int64_t *out, struct cairn_error *err)
{
    const char *text = command_text(context, name);
    char *end = NULL;
    long long n;

    if (!text)
        return 0;
    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < min || n > max)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: --%s is a number from %lld to %lld, not %s",
                          name, (long long)min, (long long)max, text);
    *out = n;
    return 0;
}

/* "engine.sending:3", or two of them, separated by a comma */
static int
check_crash(const char *text, struct cairn_error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz._";
    const char *at = text;
    int points = 0;

    while (at && points < 2) {
        size_t len = strspn(at, letters);
        size_t digits = at[len] == ':' ? strspn(at + len + 1, "0123456789") : 0;

        if (len == 0 || digits == 0)
            break;
        points++;
        at += len + 1 + digits;
        if (!*at)
            return 0;
        at = *at == ',' ? at + 1 : NULL;
    }
    return cairn_fail(err, CAIRN_ERR_INVALID,
                      "read the command line: --crash-at is POINT:N or POINT:N,POINT:N, not %s; see: man cairn-rehearse",
                      text);
}

/* How many of the ways to disturb a run were asked for. */
static int
ways(const struct context *context)
{
    return command_flag(context, "crash-everywhere") + command_flag(context, "faults")
           + (command_text(context, "crash-at") != NULL) + (command_text(context, "fault") != NULL);
}

static int
check_together(const struct context *context, struct cairn_error *err)
{
    int everywhere = command_flag(context, "crash-everywhere");

    if (ways(context) > 1)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read the command line: one of --crash-everywhere, --crash-at, --faults and --fault");
    if (!everywhere && (command_flag(context, "double") || command_text(context, "points")))
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read the command line: --double and --points belong to --crash-everywhere");
    if (!everywhere && !command_flag(context, "faults") && command_text(context, "sample"))
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read the command line: --sample belongs to --crash-everywhere or --faults");
    return 0;
}

static int
read_options(struct rehearsal *r, struct cairn_error *err)
{
    const struct context *context = r->context;
    const char *crash = command_text(context, "crash-at");
    const char *speed = command_text(context, "speed");
    int64_t jobs = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t whole = 1;

    r->seed = clock_wall() % 1000000;
    r->flow = command_word(context, 0);
    r->keep = command_flag(context, "keep");
    r->points = command_text(context, "points");
    r->speed = speed ? speed : SPEED;
    if (check_together(context, err) < 0 || (crash && check_crash(crash, err) < 0)
        || number(context, "speed", 1, 1000000000, &whole, err) < 0
        || number(context, "seed", 0, 1000000000000000, &r->seed, err) < 0
        || number(context, "sample", 1, 1000000, &r->sample, err) < 0
        || number(context, "jobs", 1, JOBS_MAX, &jobs, err) < 0)
        return -1;
    r->jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : (size_t)jobs;
    return place_find(r, err);
}

/* ---- the loop ---- */

static void
on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    ((struct rehearsal *)handle->data)->interrupted = 1;
}

static void
on_ended(void *data, int status)
{
    *(int *)data = status;
}

/* Have the plugins described once, in a store that each trial gets a copy of. */
static int
describe_plugins(struct rehearsal *r, struct cairn_error *err)
{
    char *folder = alloc_printf("%s/plugins", r->root);
    char *output = alloc_printf("%s/out", folder);
    json_t *env = place_environment(folder);
    json_t *argv = json_pack("[s, s]", "/proc/self/exe", "--state");
    struct child *child = NULL;
    int status = -1;
    int rc;

    json_array_append_new(argv, json_sprintf("%s/state", folder));
    if (r->config) {
        json_array_append_new(argv, json_string("--config"));
        json_array_append_new(argv, json_string(r->config));
    }
    json_array_append_new(argv, json_string("plugin"));
    json_array_append_new(argv, json_string("list"));
    rc = mkdir(folder, 0700);
    if (rc < 0)
        cairn_fail(err, CAIRN_ERR_FAILED, "make %s: %s", folder, strerror(errno));
    else
        rc = child_start(&child, &r->loop, argv, env, output, 1, on_ended, &status, err);
    while (rc == 0 && status < 0) {
        if (r->interrupted)
            child_signal(child, SIGKILL);
        uv_run(&r->loop, UV_RUN_ONCE);
    }
    if (rc == 0 && status > 0)
        rc = cairn_fail(err, status == STATUS_USAGE ? CAIRN_ERR_INVALID : CAIRN_ERR_FAILED,
                        "list the plugins: it ended with status %d", status);
    json_decref(argv);
    json_decref(env);
    free(folder);
    free(output);
    return rc;
}

static void
close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void
close_loop(struct rehearsal *r)
{
    uv_walk(&r->loop, close_handle, NULL);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    uv_loop_close(&r->loop);
}

/* ---- once ---- */

static void
on_once(struct trial *t)
{
    t->data = NULL;
}

static int
once(struct rehearsal *r, struct cairn_error *err)
{
    struct trial *t = trial_new(r, "run", NULL);
    int status = STATUS_FAILED;
    int rc;

    t->shown = 1;
    t->done = on_once;
    t->data = r;
    rc = trial_start(t, err);
    while (rc == 0 && t->data) {
        uv_run(&r->loop, UV_RUN_ONCE);
        if (r->interrupted && t->data)
            trial_stop(t);
    }
    if (rc == 0 && r->err.kind != CAIRN_ERR_NONE) {
        rc = cairn_fail(err, r->err.kind, "%s", r->err.text);
        r->context->told = t->env != NULL; /* by the engine, on our stderr */
    } else if (rc == 0 && !r->interrupted) {
        if (r->context->json) {
            json_t *json = rehearse_once_json(r, &t->out);

            print_json(json);
            json_decref(json);
        } else {
            rehearse_print_once(&t->out);
        }
        if (!t->out.why && json_array_size(t->out.twice) == 0)
            status = STATUS_DONE;
    }
    trial_free(t);
    return rc < 0 ? -1 : r->interrupted ? STATUS_INTERRUPTED : status;
}

/* ---- disturbed ---- */

static int
plan(struct sweep *sweep, struct cairn_error *err)
{
    const struct context *context = sweep->r->context;
    const char *crash = command_text(context, "crash-at");
    const char *fault = command_text(context, "fault");
    json_error_t why;
    json_t *json;

    if (crash) {
        sweep_add(sweep, json_pack("{s:s}", "crash", crash));
    } else if (fault) {
        json = json_loads(fault, JSON_REJECT_DUPLICATES, &why);
        if (!json)
            return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: --fault is not JSON: %s", why.text);
        sweep_add(sweep, json_pack("{s:o}", "fault", json));
    } else if (command_flag(context, "faults")) {
        return faults_plan(sweep, err);
    } else {
        sweep_plan(sweep);
    }
    return 0;
}

static int
disturbed(struct rehearsal *r, struct cairn_error *err)
{
    struct sweep sweep = { .r = r, .doubled = command_flag(r->context, "double") };
    int rc = sweep_reference(&sweep, err);

    if (rc == 0)
        rc = plan(&sweep, err);
    if (rc == 0)
        rc = sweep_all(&sweep, err);
    if (rc == 0) {
        if (r->context->json) {
            json_t *json = rehearse_sweep_json(&sweep);

            print_json(json);
            json_decref(json);
        } else {
            rehearse_print_sweep(&sweep);
        }
        rc = r->interrupted                          ? STATUS_INTERRUPTED
             : json_array_size(sweep.divergences) > 0 ? STATUS_FAILED
                                                      : STATUS_DONE;
    }
    sweep_release(&sweep);
    return rc;
}

int
rehearse_flow(struct context *context, struct cairn_error *err)
{
    struct rehearsal r = { .context = context, .began = clock_wall() };
    uv_signal_t signals[2];
    static const int numbers[2] = { SIGINT, SIGTERM };
    int rc;

    uv_loop_init(&r.loop);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&r.loop, &signals[i]);
        signals[i].data = &r;
        uv_signal_start(&signals[i], on_signal, numbers[i]);
    }
    rc = read_options(&r, err);
    if (rc == 0)
        rc = place_open(&r, err);
    if (rc == 0)
        rc = describe_plugins(&r, err);
    if (rc == 0)
        rc = ways(context) ? disturbed(&r, err) : once(&r, err);
    close_loop(&r);
    place_close(&r);
    return rc;
}
