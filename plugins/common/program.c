/*
 * program.c: run a program without a shell and take what it answers; used by plugins that get credentials from one.
 * SPDX-License-Identifier: MIT
 */
#include "program.h"

#include "process.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ANSWER (1024u * 1024)

extern char **environ;

/* ---- its environment ---- */

/* Append `assignment`, or put it in the place of the same variable. */
static void
put_env(char **env, size_t *count, char *assignment)
{
    size_t len = strcspn(assignment, "=") + 1;

    for (size_t i = 0; i < *count; i++) {
        if (strncmp(env[i], assignment, len) == 0) {
            env[i] = assignment;
            return;
        }
    }
    env[(*count)++] = assignment;
}

static size_t
list_length(char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

char **
program_env(char *const *first, char *const *then)
{
    char **env = alloc_zero(list_length(environ) + list_length(first) + list_length(then) + 1, sizeof(char *));
    char *const *const lists[] = { environ, first, then };
    size_t count = 0;

    for (size_t n = 0; n < sizeof(lists) / sizeof(lists[0]); n++)
        for (size_t i = 0; lists[n] && lists[n][i]; i++)
            put_env(env, &count, lists[n][i]);
    return env;
}

/* ---- its life ---- */

static int
check_end(const struct program *program, const struct process_end *end, struct cairn_error *err)
{
    if (end->how == PROCESS_OVERDUE || end->output.cut)
        return cairn_fail(err, CAIRN_ERR_DENIED, "%s: it didn't end in time, or never stopped writing", program->what);
    if (end->how == PROCESS_EXITED && end->status == 0)
        return 0;
    return cairn_fail(err, CAIRN_ERR_DENIED, "%s: it ended with %s %d; its messages are in the run's log",
                      program->what, end->how == PROCESS_EXITED ? "status" : "signal", end->status);
}

static int
run(const struct program *program, struct process_end *end, struct cairn_error *err)
{
    size_t count = list_length(program->args);
    char **argv = alloc_zero(count + 2, sizeof(char *));
    struct process process = {
        .argv = argv, .env = program->env, .keep = MAX_ANSWER, .limit_ms = program->limit_ms, .log_errors = 1
    };
    struct cairn_error why = { 0 };
    int rc;

    argv[0] = (char *)(uintptr_t)program->command;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = program->args[i];
    rc = process_run(&process, end, &why);
    free(argv);
    if (rc == 0)
        return check_end(program, end, err);
    if (why.kind == CAIRN_ERR_UNAVAILABLE)
        return cairn_fail(err, why.kind, "%s", why.text);
    return cairn_fail(err, CAIRN_ERR_DENIED, "%s: it can't be run%s%s", program->what, program->hint ? "; " : "",
                      program->hint ? program->hint : "");
}

int
program_run(char **answer, const struct program *program, struct cairn_error *err)
{
    struct process_end end;
    int rc = run(program, &end, err);

    *answer = rc == 0 ? alloc_strn(end.output.text, end.output.len) : NULL;
    process_release(&end);
    return rc;
}

void
program_wipe(char *answer)
{
    if (answer)
        explicit_bzero(answer, strlen(answer));
    free(answer);
}
