/*
 * rehearse_trial.c: one run of the workflow in a world of its own, from the world's beginning to its end; used by the
 * command `rehearse` and by its sweeps.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/rehearse.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/file.h"
#include "engine/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTEN_MS 5       /* between looks for the simulator's environment file */
#define LIMIT_MS 600000   /* when nobody knows better */
#define POINTS_MAX (256u << 20)
#define DUMP_MAX (64u << 20)
#define LOG_MAX (256u << 20)

struct trial *
trial_new(struct rehearsal *r, const char *name, const char *crash)
{
    struct trial *t = alloc_zero(1, sizeof(*t));

    t->r = r;
    t->name = alloc_str(name);
    t->crash = alloc_str(crash);
    t->folder = alloc_printf("%s/%s", r->root, name);
    t->limit = LIMIT_MS;
    t->out.unknown = json_array();
    uv_timer_init(&r->loop, &t->timer);
    t->timer.data = t;
    return t;
}

void
outcome_release(struct outcome *out)
{
    free(out->why);
    free(out->requests);
    json_decref(out->world);
    json_decref(out->ledger);
    json_decref(out->twice);
    json_decref(out->ids);
    json_decref(out->report);
    json_decref(out->points);
    json_decref(out->faults);
    json_decref(out->unknown);
}

static void
on_freed(uv_handle_t *handle)
{
    free(handle->data);
}

void
trial_free(struct trial *t)
{
    if (!t->r->keep)
        place_remove(t->folder);
    outcome_release(&t->out);
    free(t->name);
    free(t->crash);
    free(t->folder);
    json_decref(t->fault);
    json_decref(t->item);
    json_decref(t->env);
    uv_close((uv_handle_t *)&t->timer, on_freed); /* the timer is a part of it */
}

static char *
path_of(const struct trial *t, const char *name)
{
    return alloc_printf("%s/%s", t->folder, name);
}

/* ---- the crash points that were passed ---- */

static void
read_points(struct trial *t)
{
    char *path = path_of(t, "points");
    struct cairn_error none = { 0 };
    char *text = NULL;
    size_t len = 0;

    json_decref(t->out.points);
    t->out.points = json_array();
    if (file_read(&text, &len, path, POINTS_MAX, &none) == 0)
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
            json_array_append_new(t->out.points, json_stringn(line, (size_t)(end - line)));
    free(text);
    free(path);
}

/* The walk that common/crash.c makes along the same names. */
static size_t
walk(const struct trial *t, size_t wanted, size_t *behind)
{
    const char *at = t->crash ? t->crash : "";
    size_t kills = 0;
    long passed = 0;
    size_t i;
    json_t *point;

    *behind = 0;
    json_array_foreach(t->out.points, i, point) {
        size_t len = strcspn(at, ":,");
        long nth = at[len] == ':' ? strtol(at + len + 1, NULL, 10) : 1;

        if (!*at || kills == wanted)
            break;
        if (strlen(json_string_value(point)) != len || strncmp(at, json_string_value(point), len) != 0
            || ++passed != nth)
            continue;
        kills++;
        passed = 0;
        *behind = i + 1;
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return kills;
}

size_t
trial_kills(const struct trial *t)
{
    size_t behind;

    return walk(t, SIZE_MAX, &behind);
}

size_t
trial_behind(const struct trial *t, size_t kills)
{
    size_t behind;

    walk(t, kills, &behind);
    return behind;
}

/* ---- the end ---- */

static void
fail(struct trial *t, const char *why)
{
    if (!t->out.why)
        t->out.why = alloc_str(why);
}

static void
end(struct trial *t)
{
    uv_timer_stop(&t->timer);
    t->out.took = clock_wall() - t->began;
    t->done(t);
}

static void
take_requests(struct trial *t)
{
    char *path = path_of(t, "requests");
    struct cairn_error none = { 0 };
    size_t len = 0;

    if (!t->fault && !t->crash)
        file_read(&t->out.requests, &len, path, LOG_MAX, &none);
    free(path);
}

static void
take_dump(struct trial *t)
{
    char *path = path_of(t, "dump");
    struct cairn_error err = { 0 };
    json_error_t why;
    json_t *dump = NULL;
    char *text = NULL;
    size_t len = 0;

    if (file_read(&text, &len, path, DUMP_MAX, &err) < 0)
        fail(t, err.text);
    else if (!(dump = json_loadb(text, len, JSON_ALLOW_NUL, &why)))
        fail(t, why.text);
    t->out.world = json_incref(json_object_get(dump, "world"));
    t->out.ledger = json_incref(json_object_get(dump, "ledger"));
    t->out.twice = json_incref(json_object_get(dump, "twice"));
    t->out.ids = json_incref(json_object_get(dump, "ids"));
    t->out.faults = json_incref(json_object_get(dump, "faults"));
    json_decref(dump);
    free(text);
    free(path);
}

/* The last line of a file of the trial's, in a new text. */
static char *
last_line(const struct trial *t, const char *name)
{
    char *path = path_of(t, name);
    struct cairn_error none = { 0 };
    char *text = NULL;
    char *line;
    size_t len = 0;

    if (file_read(&text, &len, path, DUMP_MAX, &none) < 0)
        text = alloc_str("");
    len = strlen(text);
    while (len && text[len - 1] == '\n')
        text[--len] = '\0';
    line = strrchr(text, '\n');
    line = alloc_str(line ? line + 1 : text);
    free(text);
    free(path);
    return line;
}

static void
on_sim_ended(void *data, int status)
{
    struct trial *t = data;
    char *line;
    char *why;

    t->sim = NULL;
    if (t->env && status == 0 && !t->engine) {
        take_dump(t);
        take_requests(t);
        end(t);
        return;
    }
    line = last_line(t, "sim.out");
    why = t->env ? alloc_printf("the simulator ended with status %d: %s", status, line) : alloc_str(line);
    fail(t, why);
    if (!t->env && t->r->err.kind == CAIRN_ERR_NONE && !t->r->interrupted)
        cairn_fail(&t->r->err, status == 2 ? CAIRN_ERR_INVALID : CAIRN_ERR_FAILED, "start the simulator: %s",
                   strncmp(line, "cairn-sim: ", 11) == 0 ? line + 11 : line);
    free(line);
    free(why);
    if (t->engine)
        child_signal(t->engine, SIGKILL); /* and it ends */
    else
        end(t);
}

static void
end_world(struct trial *t)
{
    if (t->sim)
        child_signal(t->sim, SIGTERM);
    else
        end(t);
}

void
trial_stop(struct trial *t)
{
    fail(t, "interrupted");
    child_signal(t->engine, SIGKILL);
    child_signal(t->sim, SIGKILL);
}

/* ---- the run ---- */

static void start_engine(struct trial *t, int resume);

static void
go_on(struct trial *t, enum answered answered)
{
    if (answered == ANSWERED_NO_RUN && trial_kills(t) == t->kills) {
        char *line = last_line(t, "engine.out");

        fail(t, *line ? line : "no run was begun");
        if (t->r->err.kind == CAIRN_ERR_NONE && !t->crash && !t->fault)
            cairn_fail(&t->r->err, CAIRN_ERR_INVALID, "begin the run: %s", t->out.why);
        free(line);
    }
    if (answered == ANSWERED_ENDED || t->out.why) {
        end_world(t);
        return;
    }
    t->out.resumes++;
    start_engine(t, answered != ANSWERED_NO_RUN);
}

static void
on_engine_ended(void *data, int status)
{
    struct trial *t = data;

    (void)status; /* what became of the run is in its journal */
    t->engine = NULL;
    read_points(t);
    if (!t->sim)
        end(t);
    else if (t->out.why)
        end_world(t);
    else
        go_on(t, answer_run(t));
}

static json_t *
engine_arguments(const struct trial *t, int resume)
{
    json_t *argv = json_array();
    size_t i;
    json_t *param;

    json_array_append_new(argv, json_string("/proc/self/exe"));
    json_array_append_new(argv, json_string("--no-input"));
    json_array_append_new(argv, json_string("--state"));
    json_array_append_new(argv, json_sprintf("%s/state", t->folder));
    if (t->r->config) {
        json_array_append_new(argv, json_string("--config"));
        json_array_append_new(argv, json_string(t->r->config));
    }
    json_array_append_new(argv, json_string(resume ? "resume" : "run"));
    json_array_append_new(argv, json_string(resume ? "@last" : t->r->flow));
    json_array_foreach(resume ? NULL : t->r->params, i, param) {
        json_array_append_new(argv, json_string("-p"));
        json_array_append(argv, param);
    }
    return argv;
}

static void
start_engine(struct trial *t, int resume)
{
    char *output = path_of(t, "engine.out");
    json_t *argv = engine_arguments(t, resume);
    struct cairn_error err = { 0 };

    t->kills = trial_kills(t);
    if (child_start(&t->engine, &t->r->loop, argv, t->env, output, t->shown, on_engine_ended, t, &err) < 0) {
        fail(t, err.text);
        end_world(t);
    }
    json_decref(argv);
    free(output);
}

static void
on_limit(uv_timer_t *timer)
{
    struct trial *t = timer->data;
    char *why = alloc_printf("it had not come to its end after %lld s", (long long)t->limit / 1000);

    fail(t, why);
    free(why);
    child_signal(t->engine ? t->engine : t->sim, SIGKILL);
}

/* ---- the world ---- */

static void
add_crash(struct trial *t)
{
    json_array_append_new(t->env, json_sprintf("CAIRN_CRASH_LOG=%s/points", t->folder));
    if (t->crash)
        json_array_append_new(t->env, json_sprintf("CAIRN_CRASH_AT=%s", t->crash));
}

static void
on_look(uv_timer_t *timer)
{
    struct trial *t = timer->data;
    char *path = path_of(t, "env");
    struct cairn_error err = { 0 };

    if (t->sim && access(path, F_OK) == 0) {
        uv_timer_start(&t->timer, on_limit, (uint64_t)t->limit, 0);
        t->env = place_environment(t->folder);
        add_crash(t);
        if (place_add_world(t->env, path, &err) == 0) {
            start_engine(t, 0);
        } else {
            fail(t, err.text);
            end_world(t);
        }
    }
    free(path);
}

static int
start_sim(struct trial *t, struct cairn_error *err)
{
    char *program = process_helper("cairn-sim");
    char *output = path_of(t, "sim.out");
    json_t *env = place_environment(t->folder);
    json_t *argv = json_array();
    int rc;

    json_array_append_new(argv, json_string(program));
    json_array_append_new(argv, json_sprintf("--world=%s", t->r->world));
    json_array_append_new(argv, json_sprintf("--env=%s/env", t->folder));
    json_array_append_new(argv, json_sprintf("--ledger=%s/ledger", t->folder));
    json_array_append_new(argv, json_sprintf("--dump=%s/dump", t->folder));
    json_array_append_new(argv, json_sprintf("--seed=%lld", (long long)t->r->seed));
    json_array_append_new(argv, json_sprintf("--speed=%s", t->r->speed));
    json_array_append_new(argv, json_sprintf("--log=%s/requests", t->folder));
    if (t->fault) {
        char *fault = json_dumps(t->fault, JSON_COMPACT);

        json_array_append_new(argv, json_sprintf("--fault=%s", fault));
        free(fault);
    }
    rc = child_start(&t->sim, &t->r->loop, argv, env, output, 0, on_sim_ended, t, err);
    json_decref(argv);
    json_decref(env);
    free(program);
    free(output);
    return rc;
}

int
trial_start(struct trial *t, struct cairn_error *err)
{
    char *state = path_of(t, "state");
    char *home = path_of(t, "home");
    int rc = 0;

    t->began = clock_wall();
    if (mkdir(t->folder, 0700) < 0 || mkdir(home, 0700) < 0)
        rc = cairn_fail(err, CAIRN_ERR_FAILED, "make the folder %s: it can't be made", t->folder);
    if (rc == 0)
        rc = place_copy_state(t->r, state, err);
    if (rc == 0)
        rc = start_sim(t, err);
    if (rc == 0)
        uv_timer_start(&t->timer, on_look, LISTEN_MS, LISTEN_MS);
    free(state);
    free(home);
    return rc;
}
