/*
 * launch.c: from the arguments of an action to a program that has ended; used by exec.c.
 * SPDX-License-Identifier: MIT
 *
 * What a program is started with can be seen by everybody on the host, so a secret is refused there: it goes by the
 * input. Paths with a slash start from the folder of the configuration file.
 */
#include "launch.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define PATH_DEFAULT "PATH=/usr/local/bin:/usr/bin:/bin"
#define OUTPUT_LEAST 1024
#define OUTPUT_MOST (8 << 20) /* the result has to go through a message */
#define EVIDENCE 600 /* bytes of an output that an error shows */
#define TIMEOUT_MOST 840 /* s; the engine gives a slow action 15 minutes */

static const char *const passed_on[] = { "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR" };

/* ---- what may be run ------------------------------------------------------------------------------------------------ */

static int
has_secret(struct cairn_call *call, const char *text)
{
    char *masked = cairn_mask(call, text);
    int different = strcmp(masked, text) != 0;

    free(masked);
    return different;
}

static int
is_listed(const struct cairn_value *list, const char *name)
{
    for (size_t i = 0; i < cairn_count(list); i++)
        if (strcmp(cairn_as_str(cairn_at(list, i), ""), name) == 0)
            return 1;
    return 0;
}

static int
check_argv(struct cairn_call *call, const struct cairn_value *argv, struct cairn_error *err)
{
    const char *name = cairn_as_str(cairn_at(argv, 0), NULL);

    if (!name || !*name)
        return cairn_fail(err, CAIRN_ERR_INVALID, "run a program: argv names none");
    for (size_t i = 0; i < cairn_count(argv); i++) {
        const char *text = cairn_as_str(cairn_at(argv, i), NULL);

        if (!text)
            return cairn_fail(err, CAIRN_ERR_INVALID, "run %s: argument %zu isn't a text; write numbers in quotes", name, i);
        if (has_secret(call, text))
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "run %s: argument %zu holds a secret, and everybody on the host sees arguments; give it by `input`",
                              name, i);
    }
    if (!is_listed(cairn_get(cairn_config(call), "programs"), name))
        return cairn_fail(err, CAIRN_ERR_DENIED,
                          "run %s: the configuration doesn't allow it; if it should, add it to the list exec.programs", name);
    return 0;
}

/* ---- paths and environment ------------------------------------------------------------------------------------------ */

/* A path of the configuration, from its folder on; a new text, NULL for NULL. */
static char *
absolute(struct cairn_call *call, const char *path)
{
    const char *folder = cairn_env(call, "CAIRN_FOLDER");

    if (!path || *path == '/' || !folder)
        return alloc_str(path);
    return alloc_printf("%s/%s", folder, strncmp(path, "./", 2) == 0 ? path + 2 : path);
}

static void
put_env(char **env, const char *name, const char *value)
{
    size_t len = strlen(name);
    size_t i = 0;

    for (; env[i]; i++)
        if (strncmp(env[i], name, len) == 0 && env[i][len] == '=')
            break;
    free(env[i]);
    env[i] = alloc_printf("%s=%s", name, value);
}

static int
put_given(struct cairn_call *call, char **env, const struct cairn_value *given, struct cairn_error *err)
{
    for (size_t i = 0; i < cairn_count(given); i++) {
        const char *name = cairn_key(given, i);
        const char *value = cairn_as_str(cairn_at(given, i), NULL);

        if (!value || !*name || strchr(name, '=') || strncmp(name, "CAIRN_", 6) == 0)
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "run a program: env holds %s, which isn't a text or not a name that may be set", name);
        if (has_secret(call, value))
            return cairn_fail(err, CAIRN_ERR_INVALID, "run a program: env.%s holds a secret; give it by `input`", name);
        put_env(env, name, value);
    }
    return 0;
}

/* What every program gets, what the configuration lists, what the call gives, and who asks. */
static int
build_env(struct cairn_call *call, const struct cairn_value *given, char ***out, struct cairn_error *err)
{
    const struct cairn_value *listed = cairn_get(cairn_config(call), "env");
    size_t basic = sizeof(passed_on) / sizeof(*passed_on);
    char **env = alloc_zero(basic + cairn_count(listed) + cairn_count(given) + 8, sizeof(*env));
    char attempt[16];

    *out = env;
    env[0] = alloc_str(PATH_DEFAULT);
    for (size_t i = 0; i < basic; i++)
        if (cairn_env(call, passed_on[i]))
            put_env(env, passed_on[i], cairn_env(call, passed_on[i]));
    for (size_t i = 0; i < cairn_count(listed); i++) {
        const char *name = cairn_as_str(cairn_at(listed, i), "");

        if (cairn_env(call, name))
            put_env(env, name, cairn_env(call, name));
    }
    if (put_given(call, env, given, err) < 0)
        return -1;
    snprintf(attempt, sizeof(attempt), "%d", cairn_call_attempt(call));
    put_env(env, "CAIRN_TOKEN", cairn_call_token(call));
    put_env(env, "CAIRN_RUN", cairn_call_run(call));
    put_env(env, "CAIRN_STEP", cairn_call_step(call));
    put_env(env, "CAIRN_ATTEMPT", attempt);
    return 0;
}

static char **
build_argv(struct cairn_call *call, const struct cairn_value *list)
{
    char **argv = alloc_zero(cairn_count(list) + 1, sizeof(*argv));

    for (size_t i = 0; i < cairn_count(list); i++) {
        const char *text = cairn_as_str(cairn_at(list, i), "");

        argv[i] = i == 0 && strchr(text, '/') ? absolute(call, text) : alloc_str(text);
    }
    return argv;
}

static void
free_texts(char **owned)
{
    for (size_t i = 0; owned && owned[i]; i++) {
        explicit_bzero(owned[i], strlen(owned[i]));
        free(owned[i]);
    }
    free(owned);
}

/* ---- running -------------------------------------------------------------------------------------------------------- */

static void
on_line(void *call, const char *line)
{
    cairn_progress(call, "%s", line);
}

static int
is_cancelled(void *call)
{
    return cairn_cancelled(call);
}

/* A number of the call, else of the configuration, within its bounds. */
static int64_t
number(struct cairn_call *call, const struct cairn_value *args, const char *key, int64_t least, int64_t most)
{
    int64_t n = cairn_get_int(args, key, cairn_get_int(cairn_config(call), key, least));

    return n < least ? least : n > most ? most : n;
}

int
launch(struct cairn_call *call, const struct cairn_value *list, const struct cairn_value *args, int reads,
       struct process_end *end, struct cairn_error *err)
{
    const struct cairn_value *config = cairn_config(call);
    char *folder = absolute(call, cairn_get_str(args, "cwd", cairn_get_str(config, "cwd", cairn_env(call, "CAIRN_FOLDER"))));
    char **argv = NULL, **env = NULL;
    struct process program = {
        .folder = folder,
        .input = cairn_get_str(args, "input", NULL),
        .keep = (size_t)number(call, args, "output_max", OUTPUT_LEAST, OUTPUT_MOST),
        .limit_ms = number(call, args, "timeout_s", 1, TIMEOUT_MOST) * 1000,
        .line = cairn_get_bool(args, "secret", 0) || cairn_get_bool(args, "json", 0) ? NULL : on_line,
        .unwanted = reads ? is_cancelled : NULL,
        .data = call,
    };
    int rc = check_argv(call, list, err);

    memset(end, 0, sizeof(*end));
    if (rc == 0)
        rc = build_env(call, cairn_get(args, "env"), &env, err);
    if (rc == 0) {
        argv = build_argv(call, list);
        program.argv = argv;
        program.env = env;
        rc = process_run(&program, end, err);
    }
    free_texts(argv);
    free_texts(env);
    free(folder);
    return rc;
}

char *
launch_evidence(const struct process_end *end)
{
    const struct process_text *text = end->errors.len ? &end->errors : &end->output;
    size_t len = text->len;

    while (len && (text->text[len - 1] == '\n' || text->text[len - 1] == ' '))
        len--;
    return alloc_printf("it ended with status %d%s%.*s", end->status, len ? ": " : " and wrote nothing",
                        (int)(len > EVIDENCE ? EVIDENCE : len), text->text + (len > EVIDENCE ? len - EVIDENCE : 0));
}

int
launch_ended(const struct cairn_value *argv, const struct process_end *end, struct cairn_error *err)
{
    const char *name = cairn_as_str(cairn_at(argv, 0), "");

    switch (end->how) {
    case PROCESS_EXITED: return 0;
    case PROCESS_OVERDUE:
        return cairn_fail(err, CAIRN_ERR_TIMEOUT, "run %s: it didn't end within %lld s and was killed; see timeout_s", name,
                          (long long)(end->ms / 1000));
    case PROCESS_UNWANTED: return cairn_fail(err, CAIRN_ERR_CANCELLED, "run %s: cancelled, and it was killed", name);
    case PROCESS_KILLED: break;
    }
    return cairn_fail(err, CAIRN_ERR_IN_DOUBT, "run %s: it was ended by signal %d", name, end->status);
}
