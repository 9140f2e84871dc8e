/*
 * progress.c: what a person sees on stderr while runs are driven; called by run.c.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/progress.h"

#include "cmd/print.h"
#include "cmd/status.h"
#include "common/alloc.h"
#include "common/clock.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define VALUE_MAX 120 /* bytes of a reported value; the report has all of it */
#define LIVE_MAX 8    /* lines; a run with more branches says how many more there are */

struct progress {
    int live; /* the terminal can move its cursor */
    int colors;
    int hush;  /* a person types */
    int drawn; /* live lines on the screen, below which the cursor is */
    int64_t heartbeat;
    int64_t spoke; /* when the last line was printed, ms of wall time */
    int64_t day;   /* the run's day of the last line: another one is said */
    int elsewhere; /* questions are answered from another terminal */
    json_t *notes; /* "RUN ID" -> what the command said of itself last */
    json_t *begun; /* "RUN ID" -> true: its intent was told */
};

struct progress *
progress_new(int64_t heartbeat)
{
    struct progress *progress = alloc_zero(1, sizeof(*progress));
    const char *term = getenv("TERM");

    progress->live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    progress->colors = print_colors(stderr);
    progress->heartbeat = heartbeat;
    progress->spoke = clock_wall();
    progress->day = -1;
    progress->notes = json_object();
    progress->begun = json_object();
    return progress;
}

void
progress_free(struct progress *progress)
{
    if (!progress)
        return;
    json_decref(progress->notes);
    json_decref(progress->begun);
    free(progress);
}

void
progress_elsewhere(struct progress *progress)
{
    progress->elsewhere = 1;
}

/* ---- lines ---- */

static void
erase(struct progress *progress)
{
    for (; progress->drawn > 0; progress->drawn--)
        fputs("\033[1A\033[2K", stderr);
}

static void
say_day(struct progress *progress, int64_t now)
{
    int64_t day = now / 86400000;
    char when[21];

    if (day == progress->day)
        return;
    progress->day = day;
    print_time(when, now);
    fprintf(stderr, "%.10s (UTC)\n", when);
}

static void
say(struct progress *progress, int64_t now, const char *tone, const char *text)
{
    char *clean = print_clean(text);
    char when[21];

    erase(progress);
    say_day(progress, now);
    print_time(when, now);
    fprintf(stderr, "%.8s  %s%s%s\n", when + 11, progress->colors ? tone : "", clean,
            progress->colors && *tone ? "\033[0m" : "");
    fflush(stderr);
    progress->spoke = clock_wall();
    free(clean);
}

void
progress_line(struct progress *progress, const char *fmt, ...)
{
    char text[1200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    say(progress, clock_now(), "", text);
}

void
progress_log(struct progress *progress, const char *text)
{
    char *line = alloc_printf("log: %s", text);

    say(progress, clock_now(), "\033[2m", line);
    free(line);
}

void
progress_hush(struct progress *progress, int hush)
{
    if (hush)
        erase(progress);
    progress->hush = hush;
}

void
progress_end(struct progress *progress)
{
    erase(progress);
    fflush(stderr);
}

/* ---- records ---- */

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

#define BOLD "\033[1m"
#define RED "\033[31m"
#define YELLOW "\033[33m"

static int
looks_only(const struct run_command *command)
{
    return strcmp(text_of(command->intent, "op"), "step") == 0
           && strcmp(text_of(command->intent, "effect"), "read") == 0;
}

/* The intent of a command that may be void by now. */
static const struct run_command *
command_of(const struct run *run, const json_t *record)
{
    return run_command(run, text_of(record, "id"));
}

static char *
say_intent(const struct run *run, const json_t *record)
{
    const char *op = text_of(record, "op");
    const struct run_command *command = command_of(run, record);
    char *what = print_command(record);
    char *text = NULL;

    if (strcmp(op, "gate") == 0)
        text = alloc_printf("asks: %s", what);
    else if (strcmp(op, "signal") == 0)
        text = alloc_printf("waits for the signal %s", what);
    else if (strcmp(op, "step") != 0)
        text = alloc_printf("%s: %s", strcmp(op, "sleep") == 0 ? "sleeps" : "waits", what);
    else if (command && !looks_only(command))
        text = alloc_printf("%s", what);
    free(what);
    return text;
}

static char *
say_outcome(const struct run *run, const json_t *record, const char **tone)
{
    const struct run_command *command = command_of(run, record);
    int ok = json_is_true(json_object_get(record, "ok"));
    const json_t *error = json_object_get(record, "error");
    const char *op = command ? text_of(command->intent, "op") : "";
    char *what, *span, *text;

    if (!command || looks_only(command)) /* whoever reads may well find nothing: that is for the script to judge */
        return NULL;
    what = print_command(command->intent);
    span = print_span(json_integer_value(json_object_get(record, "t")) - command->first);
    if (strcmp(op, "gate") == 0 && ok)
        text = alloc_printf("approved by %s: %s", text_of(json_object_get(record, "value"), "by"), what);
    else if (ok)
        text = alloc_printf("%s: %s after %s", what,
                            strcmp(text_of(record, "how"), "observed") == 0 ? "was done already, seen" : "done", span);
    else
        text = alloc_printf("%s: %s", what, text_of(error, "text"));
    if (!ok)
        *tone = RED;
    free(span);
    free(what);
    return text;
}

static char *
say_doubt(const struct run *run, const json_t *record, const char *kind)
{
    const struct run_command *command = command_of(run, record);
    char *what = command ? print_command(command->intent) : alloc_str(text_of(record, "id"));
    const char *why = text_of(json_object_get(record, "error"), "text");
    char *text;

    if (strcmp(kind, "doubt") == 0)
        text = alloc_printf("%s: in doubt: %s; looking", what, why);
    else if (strcmp(kind, "observed") == 0)
        text = alloc_printf("%s: looked: %s%s%s", what, text_of(record, "seen"), *why ? ": " : "", why);
    else
        text = alloc_printf("%s: sent again: %s", what, text_of(record, "why"));
    free(what);
    return text;
}

static char *
say_note(const json_t *record, const char **tone)
{
    const char *op = text_of(record, "op");
    char *value, *text;

    if (strcmp(op, "stage") == 0 && strcmp(text_of(record, "phase"), "begin") == 0) {
        *tone = BOLD;
        return alloc_printf("== %s", text_of(record, "title"));
    }
    if (strcmp(op, "no_return") == 0)
        return alloc_printf("point of no return: %s", text_of(record, "title"));
    if (strcmp(op, "report") != 0)
        return NULL;
    value = print_value(json_object_get(record, "value"));
    text = alloc_printf("%s: %.*s%s", text_of(record, "key"), VALUE_MAX, value, strlen(value) > VALUE_MAX ? "..." : "");
    free(value);
    return text;
}

static char *
say_run(const struct run *run, const json_t *record, const char *kind, const char **tone)
{
    if (strcmp(kind, "started") == 0)
        return alloc_printf("run %s: %s", run->id, run->flow);
    if (strcmp(kind, "resumed") == 0)
        return alloc_printf("run %s: %s, taken over by %s", run->id, run->flow, text_of(record, "by"));
    if (strcmp(kind, "rollback") == 0)
        return alloc_printf("run %s: is being rolled back", run->id);
    if (strcmp(kind, "cancel") == 0)
        return alloc_printf("run %s: cancelled by %s; winding up", run->id, text_of(record, "by"));
    if (strcmp(kind, "retry") == 0 && *text_of(record, "id"))
        return alloc_printf("run %s: once more from command %s", run->id, text_of(record, "id"));
    if (strcmp(kind, "stopped") != 0)
        return NULL;
    *tone = strcmp(text_of(record, "state"), "failed") == 0 || strcmp(text_of(record, "state"), "unknown") == 0 ? RED
                                                                                                                : BOLD;
    return alloc_printf("run %s: %s", run->id, text_of(record, "state")); /* why is said at the end, once */
}

static void
say_progress(struct progress *progress, const struct run *run, const char *id, const char *text)
{
    const struct run_command *command = run_command(run, id);
    char *what = command ? print_command(command->intent) : alloc_str(id);

    if (!progress->live && *text)
        progress_line(progress, "%s: %s", what, text);
    free(what);
}

void
progress_note(struct progress *progress, const struct run *run, const char *id, const char *text)
{
    char *key = alloc_printf("%s %s", run->id, id);

    json_object_set_new(progress->notes, key, json_string(text));
    if (json_object_get(progress->begun, key))
        say_progress(progress, run, id, text);
    free(key);
}

/* What a command said of itself while its intent was not durable yet; and how its question is answered. */
static void
say_begun(struct progress *progress, const struct run *run, const json_t *intent)
{
    char *key = alloc_printf("%s %s", run->id, text_of(intent, "id"));
    const char *note = json_string_value(json_object_get(progress->notes, key));
    char *next;

    json_object_set_new(progress->begun, key, json_true());
    if (note)
        say_progress(progress, run, text_of(intent, "id"), note);
    if (progress->elsewhere && strcmp(text_of(intent, "op"), "gate") == 0) {
        next = status_next(run, "");
        status_print_next(next);
        free(next);
    }
    free(key);
}

/* What an earlier process had begun and this one goes on with; a question is asked anew by whoever can. */
static void
say_open(struct progress *progress, const struct run *run, int64_t now)
{
    for (size_t i = 0; i < run->command_count; i++) {
        const struct run_command *command = run->commands[i];
        char *text, *span;

        if (command->voided || command->outcome || strcmp(text_of(command->intent, "op"), "gate") == 0)
            continue;
        text = say_intent(run, command->intent);
        span = print_span(now - command->first);
        if (text)
            progress_line(progress, "%s, begun %s ago", text, span);
        say_begun(progress, run, command->intent);
        free(span);
        free(text);
    }
}

void
progress_record(struct progress *progress, const struct run *run, const json_t *record)
{
    const char *kind = text_of(record, "kind");
    const char *tone = "";
    char *text;

    if (strcmp(kind, "intent") == 0)
        text = say_intent(run, record);
    else if (strcmp(kind, "outcome") == 0)
        text = say_outcome(run, record, &tone);
    else if (strcmp(kind, "note") == 0)
        text = say_note(record, &tone);
    else if (strcmp(kind, "doubt") == 0 || strcmp(kind, "observed") == 0 || strcmp(kind, "attempt") == 0)
        tone = YELLOW, text = say_doubt(run, record, kind);
    else
        text = say_run(run, record, kind, &tone);
    if (text)
        say(progress, json_integer_value(json_object_get(record, "t")), tone, text);
    if (strcmp(kind, "intent") == 0)
        say_begun(progress, run, record);
    else if (strcmp(kind, "resumed") == 0)
        say_open(progress, run, json_integer_value(json_object_get(record, "t")));
    free(text);
}

/* ---- what is open ---- */

/* Milliseconds would only flicker. */
static char *
whole_seconds(int64_t ms)
{
    return ms < 1000 ? alloc_str("0 s") : print_span(ms);
}

static char *
describe_open(const struct progress *progress, const struct run *run, const struct run_command *command, int64_t now)
{
    const char *op = text_of(command->intent, "op");
    char *key = alloc_printf("%s %s", run->id, command->id);
    const char *note = json_string_value(json_object_get(progress->notes, key));
    const json_t *until = json_object_get(command->intent, "until");
    int64_t ms = json_integer_value(json_object_get(command->intent, "ms"));
    int64_t end = until ? json_integer_value(until) : command->first + ms;
    char *what = print_command(command->intent);
    char *span = whole_seconds(now - command->first);
    char *left = strcmp(op, "sleep") == 0 ? whole_seconds(end - now) : NULL;
    char *text = alloc_printf("%s  %s%s%s%s%s", span, strcmp(op, "gate") == 0 ? "asked: " : "", what,
                              note && *note ? ": " : "", note ? note : "", command->in_doubt ? " (in doubt)" : "");
    char *whole = left ? alloc_printf("%s, %s left", text, left) : alloc_str(text);

    free(left);
    free(text);
    free(span);
    free(what);
    free(key);
    return whole;
}

static int
columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* Cut to the terminal's width: a line that wraps could not be erased. */
static void
cut(char *text, size_t width)
{
    size_t n = 0;

    for (char *c = text; *c; c++) {
        if (((unsigned char)*c & 0xc0) != 0x80 && ++n > width) {
            *c = '\0';
            return;
        }
    }
}

static void
draw_line(struct progress *progress, const char *text)
{
    static const char *const turns[] = { "|", "/", "-", "\\" };
    char *clean = print_clean(text);

    cut(clean, (size_t)columns() - 4);
    fprintf(stderr, " %s %s\n", turns[clock_wall() / 200 % 4], clean);
    progress->drawn++;
    free(clean);
}

static void
draw_run(struct progress *progress, const struct run *run, int64_t now, int *more)
{
    for (size_t i = 0; i < run->command_count; i++) {
        const struct run_command *command = run->commands[i];
        char *text;

        if (command->voided || command->outcome)
            continue;
        if (progress->drawn >= LIVE_MAX) {
            *more += 1;
            continue;
        }
        text = describe_open(progress, run, command, now);
        draw_line(progress, text);
        free(text);
    }
}

static void
draw(struct progress *progress, const struct run *const *runs, size_t count)
{
    int more = 0;

    erase(progress);
    for (size_t i = 0; i < count; i++)
        draw_run(progress, runs[i], clock_now(), &more);
    if (more > 0) {
        fprintf(stderr, "   and %d more\n", more);
        progress->drawn++;
    }
    fflush(stderr);
}

static void
beat(struct progress *progress, const struct run *run)
{
    for (size_t i = 0; i < run->command_count; i++) {
        const struct run_command *command = run->commands[i];
        char *text;

        if (command->voided || command->outcome)
            continue;
        text = describe_open(progress, run, command, clock_now());
        progress_line(progress, "still, since %s", text);
        free(text);
    }
}

void
progress_tick(struct progress *progress, const struct run *const *runs, size_t count)
{
    if (progress->hush)
        return;
    if (progress->live) {
        draw(progress, runs, count);
        return;
    }
    if (clock_wall() - progress->spoke < progress->heartbeat)
        return;
    for (size_t i = 0; i < count; i++)
        beat(progress, runs[i]);
    progress->spoke = clock_wall();
}
