/*
 * rollout.c: restarting workloads and following their rollouts; used by kubernetes.c.
 * SPDX-License-Identifier: MIT
 */
#include "rollout.h"

#include "client.h"
#include "ending.h"
#include "text.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define APPS "/apis/apps/v1"
#define RESTARTED_AT "kubectl.kubernetes.io/restartedAt"
#define DEADLINE "ProgressDeadlineExceeded"

/* The state of a rollout, from any kind of workload. */
struct progress {
    int64_t wanted;
    int64_t updated;
    int64_t available;
    char *note; /* what is waited for; NULL: it is done */
};

static char *
workload_path(struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    const char *kind = cairn_get_str(args, "kind", "deployment");

    if (strcmp(kind, "deployment") == 0)
        return client_path(call, args, APPS, "deployments", err);
    if (strcmp(kind, "statefulset") == 0)
        return client_path(call, args, APPS, "statefulsets", err);
    if (strcmp(kind, "daemonset") == 0)
        return client_path(call, args, APPS, "daemonsets", err);
    cairn_fail(err, CAIRN_ERR_INVALID, "kind \"%.60s\" is none of deployment, statefulset, daemonset", kind);
    return NULL;
}

static char *
annotation_patch(const char *time)
{
    struct cairn_value *patch = cairn_map();
    const char *keys[] = { "annotations", "metadata", "template", "spec" };
    char *text;

    cairn_put(patch, RESTARTED_AT, cairn_str(time));
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        struct cairn_value *outer = cairn_map();

        cairn_put(outer, keys[i], patch);
        patch = outer;
    }
    text = cairn_format_json(patch);
    cairn_free(patch);
    return text;
}

/* When the workload was last restarted, as its template says. */
static const char *
restarted_at(const struct cairn_value *workload)
{
    const struct cairn_value *template = cairn_get(cairn_get(workload, "spec"), "template");

    return cairn_get_str(cairn_get(cairn_get(template, "metadata"), "annotations"), RESTARTED_AT, "");
}

static void
report_restart(struct cairn_value *out, const char *time, int changed)
{
    cairn_put(out, "restarted_at", cairn_str(time));
    cairn_put(out, "changed", cairn_bool(changed));
}

/* Set the annotation unless the template has it already. */
static int
annotate(struct cairn_call *call, const struct cairn_value *workload, const char *path, int dry,
         struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *reply = NULL;
    char time[32];
    char *body, *url;
    int changed;
    int rc = 0;

    text_format_time(time, cairn_call_started(call));
    changed = strcmp(restarted_at(workload), time) != 0;
    body = annotation_patch(time);
    url = alloc_printf("%s?fieldManager=" CLIENT_MANAGER "%s", path, dry ? "&dryRun=All" : "");
    if (changed) {
        struct client_request request = {
            .method = "PATCH", .path = url, .type = "application/strategic-merge-patch+json", .body = body, .reads = dry
        };

        rc = client_request(call, &request, &reply, err);
    }
    report_restart(out, time, changed);
    cairn_free(reply);
    free(url);
    free(body);
    return rc;
}

static int
restart(struct cairn_call *call, const struct cairn_value *args, int dry, struct cairn_value *out,
        struct cairn_error *err)
{
    struct cairn_value *workload = NULL;
    char *path = workload_path(call, args, err);
    struct client_request look = { .path = path };
    int rc = -1;

    if (!path || client_request(call, &look, &workload, err) < 0)
        goto out;
    if (cairn_get_bool(cairn_get(workload, "spec"), "paused", 0))
        cairn_fail(err, CAIRN_ERR_FAILED, "restart %s: its rollouts are paused; resume them first", path);
    else
        rc = annotate(call, workload, path, dry, out, err);
out:
    cairn_free(workload);
    free(path);
    return rc;
}

int
rollout_restart(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    return restart(call, args, 0, out, err);
}

int
rollout_plan_restart(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                     struct cairn_error *err)
{
    return restart(call, args, 1, out, err);
}

/* What has gone since isn't marked: the answer to asking again says so. */
int
rollout_observe_restart(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    struct cairn_value *workload = NULL;
    struct cairn_error problem = { 0 };
    char *path = workload_path(call, args, &problem);
    struct client_request look = { .path = path };
    int seen = CAIRN_SEEN_ABSENT;
    char time[32];

    text_format_time(time, cairn_call_started(call));
    if ((!path || client_request(call, &look, &workload, &problem) < 0) && problem.kind != CAIRN_ERR_NOT_FOUND) {
        *err = problem;
        seen = -1;
    } else if (workload && strcmp(restarted_at(workload), time) == 0) {
        report_restart(out, time, 1);
        seen = CAIRN_SEEN_DONE;
    }
    cairn_free(workload);
    free(path);
    return seen;
}

static int
check_deadline(const struct cairn_value *status, struct cairn_error *err)
{
    const struct cairn_value *conditions = cairn_get(status, "conditions");

    for (size_t i = 0; i < cairn_count(conditions); i++) {
        const struct cairn_value *condition = cairn_at(conditions, i);

        if (strcmp(cairn_get_str(condition, "type", ""), "Progressing") == 0
            && strcmp(cairn_get_str(condition, "reason", ""), DEADLINE) == 0)
            return cairn_fail_code(err, CAIRN_ERR_FAILED, DEADLINE, "follow rollout: %s",
                                   cairn_get_str(condition, "message", "it has made no progress in its time"));
    }
    return 0;
}

static int
judge_deployment(struct progress *p, const struct cairn_value *spec, const struct cairn_value *status,
                 struct cairn_error *err)
{
    int64_t running = cairn_get_int(status, "replicas", 0);

    p->wanted = cairn_get_int(spec, "replicas", 1);
    p->updated = cairn_get_int(status, "updatedReplicas", 0);
    p->available = cairn_get_int(status, "availableReplicas", 0);
    if (check_deadline(status, err) < 0)
        return -1;
    if (cairn_get_bool(spec, "paused", 0))
        p->note = alloc_str("its rollouts are paused");
    else if (p->updated < p->wanted)
        p->note = alloc_printf("%lld of %lld pods are new", (long long)p->updated, (long long)p->wanted);
    else if (running > p->updated)
        p->note = alloc_printf("%lld old pods have not ended", (long long)(running - p->updated));
    else if (p->available < p->updated)
        p->note = alloc_printf("%lld of %lld new pods are available", (long long)p->available, (long long)p->updated);
    return 0;
}

static int
check_strategy(const struct cairn_value *spec, struct cairn_error *err)
{
    const char *type = cairn_get_str(cairn_get(spec, "updateStrategy"), "type", "RollingUpdate");

    if (strcmp(type, "RollingUpdate") == 0)
        return 0;
    return cairn_fail(err, CAIRN_ERR_FAILED, "follow rollout: the update strategy is %s, so nothing replaces the pods",
                      type);
}

static int
judge_statefulset(struct progress *p, const struct cairn_value *spec, const struct cairn_value *status,
                  struct cairn_error *err)
{
    const struct cairn_value *rolling = cairn_get(cairn_get(spec, "updateStrategy"), "rollingUpdate");
    int64_t partition = cairn_get_int(rolling, "partition", 0);
    int64_t ready = cairn_get_int(status, "readyReplicas", 0);

    p->wanted = cairn_get_int(spec, "replicas", 1);
    p->updated = cairn_get_int(status, "updatedReplicas", 0);
    p->available = cairn_get_int(status, "availableReplicas", ready);
    if (check_strategy(spec, err) < 0)
        return -1;
    if (ready < p->wanted || p->available < p->wanted)
        p->note = alloc_printf("%lld of %lld pods are available", (long long)p->available, (long long)p->wanted);
    else if (partition > 0 && p->updated < p->wanted - partition)
        p->note = alloc_printf("%lld of %lld pods are new", (long long)p->updated, (long long)(p->wanted - partition));
    else if (partition <= 0
             && strcmp(cairn_get_str(status, "updateRevision", ""), cairn_get_str(status, "currentRevision", "")) != 0)
        p->note = alloc_printf("%lld of %lld pods are new", (long long)p->updated, (long long)p->wanted);
    return 0;
}

static int
judge_daemonset(struct progress *p, const struct cairn_value *spec, const struct cairn_value *status,
                struct cairn_error *err)
{
    p->wanted = cairn_get_int(status, "desiredNumberScheduled", 0);
    p->updated = cairn_get_int(status, "updatedNumberScheduled", 0);
    p->available = cairn_get_int(status, "numberAvailable", 0);
    if (check_strategy(spec, err) < 0)
        return -1;
    if (p->updated < p->wanted)
        p->note = alloc_printf("%lld of %lld pods are new", (long long)p->updated, (long long)p->wanted);
    else if (p->available < p->wanted)
        p->note = alloc_printf("%lld of %lld new pods are available", (long long)p->available, (long long)p->wanted);
    return 0;
}

int
rollout_judge(const struct cairn_value *workload, const char *kind, struct cairn_value *out, struct cairn_error *err)
{
    const struct cairn_value *spec = cairn_get(workload, "spec");
    const struct cairn_value *status = cairn_get(workload, "status");
    int64_t generation = cairn_get_int(cairn_get(workload, "metadata"), "generation", 0);
    int noticed = cairn_get_int(status, "observedGeneration", 0) >= generation;
    struct progress p = { 0, 0, 0, NULL };
    int rc;

    if (strcmp(kind, "statefulset") == 0)
        rc = judge_statefulset(&p, spec, status, err);
    else if (strcmp(kind, "daemonset") == 0)
        rc = judge_daemonset(&p, spec, status, err);
    else
        rc = judge_deployment(&p, spec, status, err);
    if (!noticed && err->kind == CAIRN_ERR_FAILED && strcmp(err->code, DEADLINE) == 0) {
        memset(err, 0, sizeof(*err)); /* that was the rollout before */
        rc = 0;
    }
    if (!noticed && rc == 0) {
        free(p.note);
        p.note = alloc_str("the change has not been noticed yet");
    }
    cairn_put(out, "done", cairn_bool(p.note == NULL));
    cairn_put(out, "replicas", cairn_int(p.wanted));
    cairn_put(out, "updated", cairn_int(p.updated));
    cairn_put(out, "available", cairn_int(p.available));
    cairn_put(out, "note", cairn_str(p.note ? p.note : "done"));
    free(p.note);
    return rc;
}

/* A rollout that its workload calls done goes on while old pods end: say so in `out`. */
static int
add_ending(struct cairn_call *call, const struct cairn_value *workload, struct cairn_value *out, struct cairn_error *err)
{
    int64_t ending = 0;
    char *note;

    if (ending_count(&ending, call, workload, err) < 0)
        return -1;
    cairn_put(out, "ending", cairn_int(ending));
    if (!cairn_get_bool(out, "done", 0) || ending == 0)
        return 0;
    if (ending < 0)
        note = alloc_str("done; whether old pods still end can't be told, as this user may not list pods");
    else
        note = alloc_printf("%lld old pods have not ended", (long long)ending);
    cairn_put(out, "done", cairn_bool(ending < 0));
    cairn_put(out, "note", cairn_str(note));
    free(note);
    return 0;
}

int
rollout_status(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    struct cairn_value *workload = NULL;
    char *path = workload_path(call, args, err);
    struct client_request look = { .path = path };
    int rc = -1;

    if (path && client_request(call, &look, &workload, err) == 0)
        rc = rollout_judge(workload, cairn_get_str(args, "kind", "deployment"), out, err);
    if (rc == 0)
        rc = add_ending(call, workload, out, err);
    cairn_free(workload);
    free(path);
    return rc;
}
