/*
 * probe.c: a plugin for tests with an action of every effect class, a ledger of its effects, and trouble on demand.
 * SPDX-License-Identifier: MIT
 *
 * The ledger DIR/ledger is the world: a line "ACTION NAME TOKEN ATTEMPT" is the effect itself, so that a process killed
 * at any instant leaves either both or none. Only the value of a `set` has a file of its own, DIR/value-NAME.
 *
 * trouble is "crash-before", "crash-after", "hang", "hang-after", "doubt-before", "doubt-after", "timeout-after",
 * "fail", "late" (the first request arrives with the second), "throttle:N", "notyet:N", "unavailable:N", "slow:MS",
 * "big" or "mute" (in doubt, and a look gives no reason). It happens at the first attempt of that action and name
 * (at the first N), whatever process makes it: DIR/trouble-ACTION-NAME has a byte for each time. "-before" and those
 * without a word for it come before the effect.
 */
#include <cairn/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct line { /* of the ledger */
    char action[32], name[128], token[64];
};

static int
dir_open(struct cairn_call *call, struct cairn_error *err)
{
    const char *dir = cairn_get_str(cairn_config(call), "dir", "");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "open %s: %s", dir, strerror(errno));
    return fd;
}

static int
check_name(const char *name, struct cairn_error *err)
{
    if (!*name || strlen(name) >= 128 || strpbrk(name, "/ \n"))
        return cairn_fail(err, CAIRN_ERR_INVALID, "use name \"%s\": it must be a word without slashes", name);
    return 0;
}

/* ---- the ledger -------------------------------------------------------------------------------------------------- */

static FILE *
ledger_open(struct cairn_call *call, struct cairn_error *err)
{
    int dir = dir_open(call, err);
    int fd = dir < 0 ? -1 : openat(dir, "ledger", O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    FILE *ledger = NULL;

    if (dir >= 0)
        close(dir);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        ledger = fdopen(fd, "a+");
    if (!ledger && fd >= 0)
        close(fd);
    if (!ledger)
        cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "open ledger: %s", strerror(errno));
    return ledger;
}

/* 1 and the last line about `name` by one of the two actions, or 0. */
static int
ledger_last(FILE *ledger, const char *action, const char *other, const char *name, struct line *last)
{
    struct line line;
    int found = 0;

    rewind(ledger);
    while (fscanf(ledger, "%31s %127s %63s %*d", line.action, line.name, line.token) == 3)
        if (strcmp(line.name, name) == 0
            && (strcmp(line.action, action) == 0 || (other && strcmp(line.action, other) == 0))) {
            *last = line;
            found = 1;
        }
    return found;
}

static int
ledger_add(FILE *ledger, struct cairn_call *call, const char *action, const char *name, struct cairn_error *err)
{
    char line[300];
    int len =
        snprintf(line, sizeof(line), "%s %s %s %d\n", action, name, cairn_call_token(call), cairn_call_attempt(call));

    if (write(fileno(ledger), line, (size_t)len) != len)
        return cairn_fail(err, CAIRN_ERR_IN_DOUBT, "write ledger: %s", strerror(errno));
    return 0;
}

/* ---- trouble ----------------------------------------------------------------------------------------------------- */

/* Whether `trouble` is "KIND" or "KIND:N" and is still to happen. */
static int
is_due(struct cairn_call *call, const char *action, const char *name, const char *trouble, const char *kind)
{
    size_t len = strlen(kind);
    struct cairn_error err = { 0 };
    struct stat st = { 0 };
    char file[200];
    int dir, fd, due;

    if (strncmp(trouble, kind, len) != 0 || (trouble[len] && trouble[len] != ':'))
        return 0;
    dir = dir_open(call, &err);
    snprintf(file, sizeof(file), "trouble-%s-%s", action, name);
    fd = dir < 0 ? -1 : openat(dir, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    due = fd >= 0 && fstat(fd, &st) == 0
          && st.st_size < (trouble[len] && strcmp(kind, "slow") != 0 ? atoi(trouble + len + 1) : 1);
    if (due && write(fd, "x", 1) != 1)
        due = 0;
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return due;
}

static void
hang(void)
{
    for (;;)
        pause();
}

static int
trouble_before(struct cairn_call *call, const char *action, const char *name, const char *trouble,
               struct cairn_error *err)
{
    if (is_due(call, action, name, trouble, "crash-before"))
        raise(SIGKILL);
    if (is_due(call, action, name, trouble, "hang"))
        hang();
    if (is_due(call, action, name, trouble, "slow"))
        cairn_sleep(call, atoll(strchr(trouble, ':') ? strchr(trouble, ':') + 1 : "1000"));
    if (is_due(call, action, name, trouble, "doubt-before") || is_due(call, action, name, trouble, "mute")
        || is_due(call, action, name, trouble, "late"))
        return cairn_fail(err, CAIRN_ERR_IN_DOUBT, "%s %s: no answer", action, name);
    if (is_due(call, action, name, trouble, "fail"))
        return cairn_fail_code(err, CAIRN_ERR_FAILED, "ProbeFailed", "%s %s: it was told to fail", action, name);
    if (is_due(call, action, name, trouble, "throttle"))
        return cairn_fail_code(err, CAIRN_ERR_THROTTLED, "Throttling", "%s %s: rate exceeded", action, name);
    if (is_due(call, action, name, trouble, "notyet"))
        return cairn_fail_code(err, CAIRN_ERR_NOT_YET, "WrongState", "%s %s: not in this state", action, name);
    if (is_due(call, action, name, trouble, "unavailable"))
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "%s %s: no connection", action, name);
    return 0;
}

static int
trouble_after(struct cairn_call *call, const char *action, const char *name, const char *trouble,
              struct cairn_value *out, struct cairn_error *err)
{
    if (is_due(call, action, name, trouble, "crash-after"))
        raise(SIGKILL);
    if (is_due(call, action, name, trouble, "hang-after"))
        hang();
    if (is_due(call, action, name, trouble, "doubt-after"))
        return cairn_fail(err, CAIRN_ERR_IN_DOUBT, "%s %s: no answer", action, name);
    if (is_due(call, action, name, trouble, "timeout-after"))
        return cairn_fail(err, CAIRN_ERR_TIMEOUT, "%s %s: no answer in time", action, name);
    if (is_due(call, action, name, trouble, "big")) {
        size_t len = (64u << 20) + 1; /* more than a message may have */
        char *text = malloc(len);

        if (text)
            memset(text, 'x', len);
        cairn_put(out, "big", cairn_strn(text, len));
        free(text);
    }
    return 0;
}

/* ---- actions that change ----------------------------------------------------------------------------------------- */

/* One effect with its trouble around it. `check` says whether the world allows it. */
static int
effect(struct cairn_call *call, const char *action, const struct cairn_value *args, struct cairn_value *out,
       int (*check)(FILE *, const char *, struct cairn_error *), struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    const char *trouble = cairn_get_str(args, "trouble", "");
    FILE *ledger;
    int rc;

    if (check_name(name, err) < 0 || trouble_before(call, action, name, trouble, err) < 0)
        return -1;
    ledger = ledger_open(call, err);
    if (!ledger)
        return -1;
    rc = strcmp(trouble, "late") == 0 ? ledger_add(ledger, call, action, name, err) : 0; /* the first one arrives now */
    if (rc == 0 && check)
        rc = check(ledger, name, err);
    if (rc == 0)
        rc = ledger_add(ledger, call, action, name, err);
    fclose(ledger);
    if (rc < 0)
        return -1;
    cairn_put(out, "name", cairn_str(name));
    return trouble_after(call, action, name, trouble, out, err);
}

static int
may_create(FILE *ledger, const char *name, struct cairn_error *err)
{
    struct line last;

    if (ledger_last(ledger, "create", "destroy", name, &last) && strcmp(last.action, "create") == 0)
        return cairn_fail_code(err, CAIRN_ERR_CONFLICT, "AlreadyExists", "create %s: it exists", name);
    return 0;
}

static int
may_guarded(FILE *ledger, const char *name, struct cairn_error *err)
{
    struct line last;

    if (ledger_last(ledger, "guarded", NULL, name, &last))
        return cairn_fail_code(err, CAIRN_ERR_CONFLICT, "WrongState", "guarded %s: it was done before", name);
    return 0;
}

static int
may_destroy(FILE *ledger, const char *name, struct cairn_error *err)
{
    struct line last;

    if (!ledger_last(ledger, "create", "destroy", name, &last) || strcmp(last.action, "create") != 0)
        return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "destroy %s: there is none", name);
    return 0;
}

static int
probe_create(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return effect(call, "create", args, out, may_create, err);
}

static int
probe_guarded(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return effect(call, "guarded", args, out, may_guarded, err);
}

static int
probe_trigger(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return effect(call, "trigger", args, out, NULL, err);
}

static int
probe_evident(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return effect(call, "evident", args, out, NULL, err);
}

static int
probe_destroy(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return effect(call, "destroy", args, out, may_destroy, err);
}

static int
probe_set(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    char *value = cairn_format_json(cairn_get(args, "value"));
    char file[200], draft[200];
    int rc = effect(call, "set", args, out, NULL, err);
    int dir = rc < 0 ? -1 : dir_open(call, err);
    int fd;

    snprintf(file, sizeof(file), "value-%s", name);
    snprintf(draft, sizeof(draft), ".value-%s.%d", name, (int)getpid());
    fd = dir < 0 ? -1 : openat(dir, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (rc == 0
        && (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value) || renameat(dir, draft, dir, file) < 0))
        rc = cairn_fail(err, CAIRN_ERR_IN_DOUBT, "write %s: %s", file, strerror(errno));
    if (rc == 0)
        cairn_put(out, "value", cairn_copy(cairn_get(args, "value")));
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    free(value);
    return rc;
}

/* ---- what was seen ----------------------------------------------------------------------------------------------- */

static int
look(struct cairn_call *call, const struct cairn_value *args, const char *action, const char *other, struct line *last,
     struct cairn_error *err)
{
    FILE *ledger = ledger_open(call, err);
    int found;

    if (!ledger)
        return -1;
    found = ledger_last(ledger, action, other, cairn_get_str(args, "name", ""), last);
    fclose(ledger);
    return found;
}

static int
observe_mark(struct cairn_call *call, const struct cairn_value *args, const char *action, struct cairn_value *out,
             struct cairn_error *err)
{
    struct line last;
    int found = look(call, args, action, strcmp(action, "create") == 0 ? "destroy" : NULL, &last, err);

    if (found < 0)
        return -1;
    if (!found || strcmp(last.action, action) != 0)
        return CAIRN_SEEN_ABSENT;
    cairn_put(out, "name", cairn_str(last.name));
    if (strcmp(last.token, cairn_call_token(call)) == 0)
        return CAIRN_SEEN_DONE;
    cairn_fail(err, CAIRN_ERR_CONFLICT, "%s %s: somebody else did it (%s)", action, last.name, last.token);
    return CAIRN_SEEN_CONFLICT;
}

static int
observe_create(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    return observe_mark(call, args, "create", out, err);
}

static int
observe_guarded(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    return observe_mark(call, args, "guarded", out, err);
}

static int
observe_evident(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    int seen = observe_mark(call, args, "evident", out, err);

    if (seen == CAIRN_SEEN_DONE || seen < 0)
        return seen;
    if (strcmp(cairn_get_str(args, "trouble", ""), "mute") == 0)
        return CAIRN_SEEN_UNKNOWN;
    cairn_fail(err, CAIRN_ERR_IN_DOUBT, "evident %s: the ledger shows nothing of it", cairn_get_str(args, "name", ""));
    return CAIRN_SEEN_UNKNOWN;
}

static int
observe_destroy(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct line last;
    int found = look(call, args, "create", "destroy", &last, err);

    if (found < 0)
        return -1;
    cairn_put(out, "name", cairn_copy(cairn_get(args, "name")));
    return found && strcmp(last.action, "create") == 0 ? CAIRN_SEEN_ABSENT : CAIRN_SEEN_DONE;
}

/* ---- actions that read ------------------------------------------------------------------------------------------- */

static void
put_value(struct cairn_call *call, const char *name, struct cairn_value *out, struct cairn_error *err)
{
    char file[200];
    char text[65536];
    int dir = dir_open(call, err);
    int fd;
    ssize_t len;

    snprintf(file, sizeof(file), "value-%s", name);
    fd = dir < 0 ? -1 : openat(dir, file, O_RDONLY | O_CLOEXEC);
    len = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (len >= 0)
        cairn_put(out, "value", cairn_parse_json(text, (size_t)len, err));
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
}

static int
probe_read(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    const char *trouble = cairn_get_str(args, "trouble", "");
    struct line last = { .action = "" };

    if (check_name(name, err) < 0 || trouble_before(call, "read", name, trouble, err) < 0
        || look(call, args, "create", "destroy", &last, err) < 0)
        return -1;
    put_value(call, name, out, err);
    if (strcmp(last.action, "create") != 0 && !cairn_get(out, "value"))
        return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "read %s: there is none", name);
    cairn_put(out, "name", cairn_str(name));
    if (*last.action)
        cairn_put(out, "token", cairn_str(last.token));
    return trouble_after(call, "read", name, trouble, out, err);
}

static int
probe_secret(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)args;
    (void)err;
    cairn_put(out, "value", cairn_secret(cairn_get_str(cairn_config(call), "secret", NULL)));
    return 0;
}

static int
probe_echo(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)call;
    (void)err;
    cairn_put(out, "value", cairn_copy(cairn_get(args, "value")));
    return 0;
}

/* Say the text wherever a plugin can say something. */
static int
probe_say(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const char *text = cairn_get_str(args, "text", "");

    cairn_log(call, "%s", text);
    cairn_progress(call, "%s", text);
    if (cairn_get_bool(args, "fail", 0))
        return cairn_fail_code(err, CAIRN_ERR_FAILED, text, "say %s: it was told to fail", text);
    cairn_put(out, "length", cairn_int((int64_t)strlen(text)));
    return 0;
}

static int
probe_env(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)err;
    cairn_put(out, "value", cairn_str(cairn_env(call, cairn_get_str(args, "name", ""))));
    return 0;
}

/* ---- the world that the configuration names ---------------------------------------------------------------------- */

static int
probe_guard(struct cairn_call *call, struct cairn_error *err)
{
    const char *expected = cairn_get_str(cairn_config(call), "world", NULL);
    char is[128] = "";
    int dir = expected ? dir_open(call, err) : -1;
    int fd = dir < 0 ? -1 : openat(dir, "world", O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && read(fd, is, sizeof(is) - 1) < 0)
        is[0] = '\0';
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    is[strcspn(is, "\n")] = '\0';
    if (expected && strcmp(is, expected) != 0)
        return cairn_fail(err, CAIRN_ERR_DENIED, "guard world: it is \"%s\", and the configuration expects \"%s\"", is,
                          expected);
    return 0;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

#define NAME { "name", CAIRN_STR, CAIRN_REQUIRED, "what is acted on", 0 }
#define TROUBLE { "trouble", CAIRN_STR, 0, "what goes wrong at the first attempt", 0 }

static const struct cairn_param name_params[] = { NAME, TROUBLE, { 0 } };
static const struct cairn_param set_params[] = {
    NAME, TROUBLE, { "value", CAIRN_ANY, CAIRN_REQUIRED, "what it is set to", 0 }, { 0 },
};
static const struct cairn_param echo_params[] = { { "value", CAIRN_ANY, CAIRN_REQUIRED, "anything", 0 }, { 0 } };
static const struct cairn_param say_params[] = {
    { "text", CAIRN_STR, CAIRN_REQUIRED, "what to say", 0 },
    { "fail", CAIRN_BOOL, 0, "fail with it, too", "false" },
    { 0 },
};
static const struct cairn_param env_params[] = { { "name", CAIRN_STR, CAIRN_REQUIRED, "of the variable", 0 }, { 0 } };
static const struct cairn_param config[] = {
    { "dir", CAIRN_STR, CAIRN_REQUIRED, "folder of the ledger", 0 },
    { "secret", CAIRN_STR, CAIRN_SECRET, "what probe.secret gives", "\"the-probe's-own-secret\"" },
    { "world", CAIRN_STR, 0, "what the file DIR/world must hold", 0 },
    { 0 },
};
static const struct cairn_action actions[] = {
    { .name = "read",
      .help = "Look: name, value?, token?.",
      .params = name_params,
      .effect = CAIRN_READ,
      .run = probe_read },
    { .name = "create",
      .help = "Make: name.",
      .params = name_params,
      .effect = CAIRN_CREATE,
      .run = probe_create,
      .observe = observe_create },
    { .name = "guarded",
      .help = "Do once: name.",
      .params = name_params,
      .effect = CAIRN_GUARDED,
      .run = probe_guarded,
      .observe = observe_guarded },
    { .name = "set", .help = "Set: name, value.", .params = set_params, .effect = CAIRN_SET, .run = probe_set },
    { .name = "trigger",
      .help = "Do, without evidence: name.",
      .params = name_params,
      .effect = CAIRN_TRIGGER,
      .run = probe_trigger },
    { .name = "evident",
      .help = "Do, with evidence: name.",
      .params = name_params,
      .effect = CAIRN_TRIGGER,
      .run = probe_evident,
      .observe = observe_evident },
    { .name = "destroy",
      .help = "Destroy what was created: name.",
      .params = name_params,
      .effect = CAIRN_GUARDED,
      .flags = CAIRN_DESTRUCTIVE,
      .target = "name",
      .run = probe_destroy,
      .observe = observe_destroy },
    { .name = "secret", .help = "A secret: value.", .effect = CAIRN_READ, .run = probe_secret },
    { .name = "echo", .help = "Give back: value.", .params = echo_params, .effect = CAIRN_READ, .run = probe_echo },
    { .name = "say", .help = "Log, and show: length.", .params = say_params, .effect = CAIRN_READ, .run = probe_say },
    { .name = "env",
      .help = "A variable of the user: value.",
      .params = env_params,
      .effect = CAIRN_READ,
      .run = probe_env },
    { 0 },
};

CAIRN_PLUGIN(.name = "probe", .version = "1", .help = "Effects in a ledger, for tests.", .actions = actions,
             .section = "probe", .config = config, .env = "PROBE_*", .guard = probe_guard);
