/*
 * exec.c: the plugin exec: programs of this host as steps.
 * SPDX-License-Identifier: MIT
 *
 * A program is given as a list, without a shell. What it does is the caller's knowledge, so there is one action for each
 * effect class; the caller chooses the one that is true. Each program learns in CAIRN_TOKEN a token that is the same over
 * all attempts of its step, by which it can see to it itself that it does its work once.
 */
#include "launch.h"
#include "prune.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- results -------------------------------------------------------------------------------------------------------- */

static struct cairn_value *
text_result(struct cairn_call *call, const struct process_text *text)
{
    char *masked = cairn_mask(call, text->text);
    struct cairn_value *value = cairn_str(masked);

    explicit_bzero(masked, strlen(masked));
    free(masked);
    return value;
}

/* A secret without the newline at its end, which isn't part of a password. */
static struct cairn_value *
secret_result(struct process_text *text)
{
    while (text->len && text->text[text->len - 1] == '\n')
        text->text[--text->len] = '\0';
    return cairn_secret(text->text);
}

static int
parse_output(const struct cairn_value *argv, const struct cairn_value *args, const struct process_end *end,
             struct cairn_value *out, struct cairn_error *err)
{
    const char *name = cairn_as_str(cairn_at(argv, 0), "");
    struct cairn_error why = { 0 };
    struct cairn_value *value;

    if (end->output.cut)
        return cairn_fail(err, CAIRN_ERR_FAILED, "read the output of %s: it is longer than output_max allows", name);
    value = cairn_parse_json(end->output.text, end->output.len, &why);
    if (!value)
        return cairn_fail(err, CAIRN_ERR_FAILED, "read the output of %s: %s", name, why.text);
    cairn_put(out, "value", prune(value, cairn_get(args, "keep")));
    cairn_free(value);
    return 0;
}

static int
fill(struct cairn_call *call, const struct cairn_value *argv, const struct cairn_value *args, struct process_end *end,
     struct cairn_value *out, struct cairn_error *err)
{
    int rc = 0;

    cairn_put(out, "status", cairn_int(end->status));
    cairn_put(out, "ms", cairn_int(end->ms));
    if (cairn_get_bool(args, "secret", 0))
        cairn_put(out, "secret", secret_result(&end->output));
    else if (cairn_get_bool(args, "json", 0) && end->status == 0)
        rc = parse_output(argv, args, end, out, err);
    else if (!cairn_get(args, "keep"))
        cairn_put(out, "output", text_result(call, &end->output));
    cairn_put(out, "errors", cairn_get_bool(args, "secret", 0) ? cairn_str("") : text_result(call, &end->errors));
    return rc;
}

static int
is_allowed(const struct cairn_value *args, int status)
{
    const struct cairn_value *allow = cairn_get(args, "allow");

    for (size_t i = 0; i < cairn_count(allow); i++)
        if (cairn_as_int(cairn_at(allow, i), -1) == status)
            return 1;
    return status == 0 || cairn_get_bool(args, "any_status", 0);
}

static int
judge(const struct cairn_value *argv, const struct cairn_value *args, const struct process_end *end,
      struct cairn_error *err)
{
    char *evidence;
    char code[16];

    if (launch_ended(argv, end, err) < 0)
        return -1;
    if (is_allowed(args, end->status))
        return 0;
    snprintf(code, sizeof(code), "%d", end->status);
    evidence = cairn_get_bool(args, "secret", 0) ? alloc_printf("it ended with status %d", end->status)
                                                 : launch_evidence(end);
    cairn_fail_code(err, CAIRN_ERR_FAILED, code, "run %s: %s", cairn_as_str(cairn_at(argv, 0), ""), evidence);
    free(evidence);
    return -1;
}

static int
run_argv(struct cairn_call *call, const struct cairn_value *args, int reads, struct cairn_value *out,
         struct cairn_error *err)
{
    const struct cairn_value *argv = cairn_get(args, "argv");
    struct process_end end;
    int rc = launch(call, argv, args, reads, &end, err);

    if (rc == 0)
        rc = judge(argv, args, &end, err);
    if (rc == 0)
        rc = fill(call, argv, args, &end, out, err);
    process_release(&end);
    return rc;
}

/* ---- actions -------------------------------------------------------------------------------------------------------- */

static int
exec_look(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return run_argv(call, args, 1, out, err);
}

static int
exec_change(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return run_argv(call, args, 0, out, err);
}

/* What the check says: CAIRN_SEEN_DONE with `out`, _ABSENT, or _UNKNOWN with its words in err. -1: it wasn't run. */
static int
check(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const struct cairn_value *argv = cairn_get(args, "check");
    struct process_end end;
    int seen = CAIRN_SEEN_UNKNOWN;
    char *evidence;

    if (launch(call, argv, args, 1, &end, err) < 0)
        return -1;
    if (launch_ended(argv, &end, err) == 0) {
        evidence = launch_evidence(&end);
        if (end.status == 0) {
            cairn_put(out, "status", cairn_int(0));
            cairn_put(out, "already", cairn_bool(1));
            cairn_put(out, "ms", cairn_int(end.ms));
            cairn_put(out, "output", text_result(call, &end.output));
            cairn_put(out, "errors", text_result(call, &end.errors));
            seen = CAIRN_SEEN_DONE;
        } else if (end.status == 1) {
            seen = CAIRN_SEEN_ABSENT;
        } else {
            cairn_fail(err, CAIRN_ERR_FAILED, "check by %s: %s", cairn_as_str(cairn_at(argv, 0), ""), evidence);
        }
        free(evidence);
    }
    process_release(&end);
    return seen;
}

/* Look first: what is done already is not done again, and where nobody can tell nothing is done. */
static int
exec_guarded(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_error why = { 0 };
    int seen = check(call, args, out, &why);

    if (seen == CAIRN_SEEN_DONE)
        return 0;
    if (seen < 0)
        return cairn_fail_code(err, why.kind, why.code, "%s", why.text);
    if (seen == CAIRN_SEEN_UNKNOWN)
        return cairn_fail(err, why.kind == CAIRN_ERR_FAILED ? CAIRN_ERR_FAILED : CAIRN_ERR_UNAVAILABLE, "%s", why.text);
    cairn_put(out, "already", cairn_bool(0));
    return run_argv(call, args, 0, out, err);
}

static const struct cairn_param look_params[] = {
#define COMMON \
    { "argv", CAIRN_LIST, CAIRN_REQUIRED, "the program and its arguments, all of them texts; no shell reads them", 0 }, \
    { "input", CAIRN_STR, CAIRN_SECRET, "its stdin; nothing if left out", 0 }, \
    { "cwd", CAIRN_STR, 0, "folder where it runs; exec.cwd if left out", 0 }, \
    { "env", CAIRN_MAP, 0, "variables besides those of the configuration: name to text; no secrets", 0 }, \
    { "timeout_s", CAIRN_INT, 0, "seconds of wall time, up to 840, until it and all it started is killed; exec.timeout_s", 0 }, \
    { "output_max", CAIRN_INT, 0, "bytes that are kept of stdout, and of stderr; exec.output_max if left out", 0 }
#define JUDGED \
    { "allow", CAIRN_LIST, 0, "statuses besides 0 that are no error", 0 }, \
    { "any_status", CAIRN_BOOL, 0, "no status is an error", "false" }, \
    { "json", CAIRN_BOOL, 0, "read the output as JSON: `value` instead of `output`", "false" }, \
    { "keep", CAIRN_LIST, 0, "names of the JSON's members to keep, at any depth; all others are left out", 0 }, \
    { "secret", CAIRN_BOOL, 0, "the output is a secret: `secret` instead of `output`, and no errors are shown", "false" }
    COMMON,
    JUDGED,
    { 0 },
};
static const struct cairn_param guarded_params[] = {
    COMMON,
    { "check", CAIRN_LIST, CAIRN_REQUIRED, "the program that tells: status 0 done, 1 not done, all else: can't tell", 0 },
    JUDGED,
    { 0 },
};

static const struct cairn_param results[] = {
#define RESULTS \
    { "status", CAIRN_INT, CAIRN_REQUIRED, "its exit status", 0 }, \
    { "ms", CAIRN_INT, CAIRN_REQUIRED, "how long it took, wall time", 0 }, \
    { "output", CAIRN_STR, 0, "its stdout: of a long one the beginning and the end, with a mark between", 0 }, \
    { "errors", CAIRN_STR, 0, "its stderr, likewise", 0 }, \
    { "value", CAIRN_ANY, 0, "with json and status 0: what the output says", 0 }, \
    { "secret", CAIRN_STR, CAIRN_SECRET, "with secret: the output", 0 }
    RESULTS,
    { 0 },
};
static const struct cairn_param guarded_results[] = {
    RESULTS,
    { "already", CAIRN_BOOL, CAIRN_REQUIRED, "the check said that it was done; the output is the check's", 0 },
    { 0 },
};

static const struct cairn_action actions[] = {
    { .name = "look",
      .help = "Run a program that only looks: status, output, errors, ms, value, secret.",
      .params = look_params,
      .results = results,
      .effect = CAIRN_READ,
      .flags = CAIRN_SLOW,
      .run = exec_look },
    { .name = "set",
      .help = "Run a program that may run twice without harm; in doubt it is run again: status, output, errors, ms, value.",
      .params = look_params,
      .results = results,
      .effect = CAIRN_SET,
      .flags = CAIRN_SLOW,
      .run = exec_change },
    { .name = "guarded",
      .help = "Run a program unless its check says that it is done; in doubt the check is asked: status, output, already.",
      .params = guarded_params,
      .results = guarded_results,
      .effect = CAIRN_GUARDED,
      .flags = CAIRN_SLOW,
      .run = exec_guarded,
      .observe = check },
    { .name = "trigger",
      .help = "Run a program that must not run twice; in doubt a person is asked: status, output, errors, ms, value.",
      .params = look_params,
      .results = results,
      .effect = CAIRN_TRIGGER,
      .flags = CAIRN_SLOW,
      .run = exec_change },
    { 0 },
};

static const struct cairn_param config[] = {
    { "programs", CAIRN_LIST, 0, "the programs that may be run: names, or paths from this file's folder on", "[]" },
    { "cwd", CAIRN_STR, 0, "folder where they run; this file's folder if left out", 0 },
    { "env", CAIRN_LIST, 0, "names of variables of yours that they get", "[]" },
    { "timeout_s", CAIRN_INT, 0, "seconds of wall time that one gets, up to 840", "120" },
    { "output_max", CAIRN_INT, 0, "bytes that are kept of each of its streams, up to 8 MiB", "65536" },
    { 0 },
};

CAIRN_PLUGIN(.name = "exec", .version = "1", .help = "Programs of this host.", .actions = actions, .section = "exec",
             .config = config, .env = LAUNCH_ENV);
