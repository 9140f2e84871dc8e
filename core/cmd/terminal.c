/*
 * terminal.c: ask the person at the terminal the questions of the runs that are being driven; called by run.c.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/terminal.h"

#include "cmd/print.h"
#include "common/alloc.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4000

struct terminal {
    struct progress *progress;
    const char *by;
    char *run; /* whose question is on the screen; NULL: none is */
    char *gate;
    char line[LINE_MAX_BYTES + 1]; /* what was typed and isn't a whole line yet */
    size_t len;
    int ended; /* nobody types any more */
};

int
terminal_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

struct terminal *
terminal_new(struct progress *progress, const char *by)
{
    struct terminal *terminal = alloc_zero(1, sizeof(*terminal));

    terminal->progress = progress;
    terminal->by = by;
    return terminal;
}

static void
forget_question(struct terminal *terminal)
{
    free(terminal->run);
    free(terminal->gate);
    terminal->run = terminal->gate = NULL;
    progress_hush(terminal->progress, 0);
}

void
terminal_free(struct terminal *terminal)
{
    if (!terminal)
        return;
    free(terminal->run);
    free(terminal->gate);
    free(terminal);
}

/* ---- the question ---- */

static const struct run_command *
open_gate(const struct run *run)
{
    for (size_t i = 0; i < run->command_count; i++) {
        const struct run_command *command = run->commands[i];

        if (!command->voided && !command->outcome
            && strcmp(json_string_value(json_object_get(command->intent, "op")), "gate") == 0)
            return command;
    }
    return NULL;
}

static void
print_prompt(const struct run_command *gate)
{
    char *confirm = print_clean(json_string_value(json_object_get(gate->intent, "confirm")));

    if (*confirm)
        fprintf(stderr, "type %s to go on, or no: ", confirm);
    else
        fprintf(stderr, "yes or no (a comment may follow): ");
    fflush(stderr);
    free(confirm);
}

static void
ask(struct terminal *terminal, const struct run *run, const struct run_command *gate)
{
    char *title = print_command(gate->intent);
    const char *key;
    json_t *value;

    terminal->run = alloc_str(run->id);
    terminal->gate = alloc_str(gate->id);
    terminal->len = 0;
    progress_hush(terminal->progress, 1);
    fprintf(stderr, "\n  %s\n", title);
    json_object_foreach(json_object_get(gate->intent, "details"), key, value) {
        char *name = print_clean(key);
        char *shown = print_value(value);

        fprintf(stderr, "    %s: %s\n", name, shown);
        free(shown);
        free(name);
    }
    print_prompt(gate);
    free(title);
}

/* ---- the answer ---- */

static int
begins_with(const char *line, const char *word, const char **rest)
{
    size_t len = strcspn(line, " ,:");

    if (len == 0 || len > strlen(word) || strncasecmp(line, word, len) != 0)
        return 0;
    *rest = line + len + strspn(line + len, " ,:");
    return 1;
}

/* The message that a typed line stands for, or NULL when it is neither a yes nor a no. */
static json_t *
understand(const char *line, const char *confirm)
{
    const char *rest = "";
    int ok;

    if (confirm && strcmp(line, confirm) == 0)
        return json_pack("{s:s, s:b, s:s}", "op", "answer", "ok", 1, "typed", confirm);
    if (!confirm && begins_with(line, "yes", &rest))
        ok = 1;
    else if (begins_with(line, "no", &rest))
        ok = 0;
    else
        return NULL;
    return json_pack("{s:s, s:b, s:s*}", "op", "answer", "ok", ok, "comment", *rest ? rest : NULL);
}

static void
take_line(struct terminal *terminal, struct engine *engine, const struct run *run)
{
    const struct run_command *gate = run_command(run, terminal->gate);
    json_t *message;

    if (!gate || gate->outcome)
        return;
    message = understand(terminal->line, json_string_value(json_object_get(gate->intent, "confirm")));
    if (!message) {
        print_prompt(gate);
        return;
    }
    json_object_set_new(message, "id", json_string(terminal->gate));
    json_object_set_new(message, "by", json_string(terminal->by));
    forget_question(terminal);
    engine_answer(engine, run->id, message);
    json_decref(message);
}

static void
read_typed(struct terminal *terminal, struct engine *engine, const struct run *run)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    char *end;
    ssize_t got;

    if (poll(&in, 1, 0) <= 0)
        return;
    got = read(STDIN_FILENO, terminal->line + terminal->len, LINE_MAX_BYTES - terminal->len);
    if (got <= 0) {
        terminal->ended = 1;
        fprintf(stderr, "\nno answer here; from another terminal: cairn approve %s\n", run->id);
        forget_question(terminal);
        return;
    }
    terminal->len += (size_t)got;
    terminal->line[terminal->len] = '\0';
    end = strchr(terminal->line, '\n');
    if (!end && terminal->len < LINE_MAX_BYTES)
        return;
    if (end)
        *end = '\0';
    terminal->len = 0;
    take_line(terminal, engine, run);
}

/* The run whose question is on the screen, if it still is one. */
static const struct run *
asked_run(const struct terminal *terminal, const struct run *const *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct run_command *gate =
            strcmp(runs[i]->id, terminal->run) == 0 ? run_command(runs[i], terminal->gate) : NULL;

        if (gate && !gate->outcome)
            return runs[i];
    }
    return NULL;
}

void
terminal_tick(struct terminal *terminal, struct engine *engine, const struct run *const *runs, size_t count)
{
    const struct run *run;

    if (terminal->ended)
        return;
    if (terminal->run) {
        run = asked_run(terminal, runs, count);
        if (run) {
            read_typed(terminal, engine, run);
            return;
        }
        fputc('\n', stderr); /* it was answered elsewhere */
        forget_question(terminal);
    }
    for (size_t i = 0; i < count && !terminal->run; i++) {
        const struct run_command *gate = open_gate(runs[i]);

        if (gate)
            ask(terminal, runs[i], gate);
    }
}
