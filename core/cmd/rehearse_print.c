/*
 * rehearse_print.c: what a rehearsal found, as text for people and as JSON; used by the command `rehearse`.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/print.h"
#include "cmd/rehearse.h"
#include "cmd/report.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_MAX 70 /* of the left ledger, beside the right one */

/* ---- the command that repeats it ---- */

/* With quotes if the shell would read it as something else. */
static char *
quoted(const char *text)
{
    char *out = alloc_zero(strlen(text) * 4 + 3, 1);
    char *to = out;

    if (*text && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+")] == '\0') {
        memcpy(out, text, strlen(text));
        return out;
    }
    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'') {
            memcpy(to, "'\\''", 4);
            to += 4;
        } else {
            *to++ = *text;
        }
    }
    *to = '\'';
    return out;
}

static void
add_word(char **line, const char *option, const char *value)
{
    char *word = quoted(value);
    char *longer = alloc_printf("%s %s%s%s", *line, option, *option ? " " : "", word);

    free(word);
    free(*line);
    *line = longer;
}

char *
rehearse_repeat(const struct rehearsal *r, const struct trial *trial)
{
    static const char *const names[] = { "example", "world", "config" };
    char *line = alloc_str("cairn rehearse");
    char *seed = alloc_printf("%lld", (long long)r->seed);
    char *fault = trial->fault ? json_dumps(trial->fault, JSON_COMPACT) : NULL;
    size_t i;
    json_t *param;

    add_word(&line, "", r->flow);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (command_text(r->context, names[i])) {
            char *option = alloc_printf("--%s", names[i]);

            add_word(&line, option, command_text(r->context, names[i]));
            free(option);
        }
    json_array_foreach(command_list(r->context, "param"), i, param)
        add_word(&line, "-p", json_string_value(param));
    add_word(&line, "--speed", r->speed);
    add_word(&line, "--seed", seed);
    if (fault)
        add_word(&line, "--fault", fault);
    else
        add_word(&line, "--crash-at", trial->crash);
    free(fault);
    free(seed);
    return line;
}

/* ---- two ledgers side by side ---- */

static const char *
line_at(const json_t *lines, size_t i)
{
    return json_string_value(json_array_get(lines, i));
}

/* How long the longest common part of the two is from each pair of places on; freed by the caller. */
static unsigned *
common_lengths(const json_t *want, const json_t *got)
{
    size_t n = json_array_size(want);
    size_t m = json_array_size(got);
    unsigned *table = alloc_zero((n + 1) * (m + 1), sizeof(*table));

    for (size_t i = n; i-- > 0;)
        for (size_t k = m; k-- > 0;) {
            unsigned down = table[(i + 1) * (m + 1) + k];
            unsigned right = table[i * (m + 1) + k + 1];

            table[i * (m + 1) + k] = strcmp(line_at(want, i), line_at(got, k)) == 0
                                         ? table[(i + 1) * (m + 1) + k + 1] + 1
                                     : down > right ? down
                                                    : right;
        }
    return table;
}

static void
print_row(size_t width, const char *left, const char *mark, const char *right)
{
    char *one = print_clean(left);
    char *other = print_clean(right);

    printf("    %-*.*s %s %s\n", (int)width, (int)width, one, mark, other);
    free(one);
    free(other);
}

static void
print_side_by_side(const json_t *want, const json_t *got)
{
    unsigned *table = common_lengths(want, got);
    size_t n = json_array_size(want);
    size_t m = json_array_size(got);
    size_t width = strlen("undisturbed");
    size_t k = 0;

    for (size_t i = 0; i < n; i++)
        width = strlen(line_at(want, i)) > width ? strlen(line_at(want, i)) : width;
    width = width > COLUMN_MAX ? COLUMN_MAX : width;
    print_row(width, "undisturbed", " ", "disturbed");
    for (size_t i = 0; i < n || k < m;) {
        if (i < n && k < m && strcmp(line_at(want, i), line_at(got, k)) == 0)
            print_row(width, line_at(want, i++), " ", line_at(got, k++));
        else if (k == m || (i < n && table[(i + 1) * (m + 1) + k] >= table[i * (m + 1) + k + 1]))
            print_row(width, line_at(want, i++), "<", "");
        else
            print_row(width, "", ">", line_at(got, k++));
    }
    free(table);
}

/* ---- for people ---- */

static void
print_lines(const json_t *ledger)
{
    json_t *lines = compare_lines(ledger);
    size_t i;
    json_t *line;

    json_array_foreach(lines, i, line) {
        char *text = print_clean(json_string_value(line));

        printf("    %s\n", text);
        free(text);
    }
    json_decref(lines);
}

void
rehearse_print_once(const struct outcome *out)
{
    if (out->report)
        report_print(out->report);
    printf("\nThe world's ledger: %zu changes, %zu of them made twice\n", json_array_size(out->ledger),
           json_array_size(out->twice));
    print_lines(out->ledger);
    fflush(stdout);
    if (out->why)
        fprintf(stderr, "cairn: rehearse: %s\n", out->why);
}

static void
print_difference(const json_t *difference)
{
    const char *what = text_member(difference, "what");
    const json_t *want = json_object_get(difference, "want");
    const json_t *got = json_object_get(difference, "got");
    char *left, *right;

    if (strcmp(what, "ledger") == 0) {
        printf("  the ledger\n");
        print_side_by_side(want, got);
        return;
    }
    left = want ? print_value(want) : alloc_str("nothing");
    right = got ? print_value(got) : alloc_str("nothing");
    if (strcmp(what, "end") == 0)
        printf("  it did not come to its end: %s\n", right);
    else if (strcmp(what, "twice") == 0)
        printf("  made twice: %s\n", right);
    else
        printf("  %s: %s undisturbed, %s disturbed\n", *text_member(difference, "at") ? text_member(difference, "at") : what,
               left, right);
    free(left);
    free(right);
}

static void
print_divergence(const json_t *divergence)
{
    const char *folder = text_member(divergence, "folder");
    const json_t *fault = json_object_get(divergence, "fault");
    char *with = fault ? print_value(fault) : NULL;
    size_t i;
    json_t *difference;

    printf("\n%s %s it does not end the same:\n", with ? "with" : "killed at",
           with ? with : text_member(divergence, "crash"));
    free(with);
    json_array_foreach(json_object_get(divergence, "differences"), i, difference)
        print_difference(difference);
    if (*folder)
        printf("  its journal and logs: %s\n", folder);
    printf("  repeat it: %s\n", text_member(divergence, "repeat"));
}

static void
print_counts(const struct sweep *s)
{
    int faults = json_array_size(s->cells) > 0;
    json_t *points = sweep_points(s);
    json_int_t passings = 0;
    char *span = print_span(clock_wall() - s->r->began);
    const char *name;
    json_t *count;

    json_object_foreach(points, name, count)
        passings += json_integer_value(count);
    if (!faults)
        printf("points       %zu, passed %lld times\n", json_object_size(points), (long long)passings);
    printf("tried        %zu%s\n", s->tried, s->r->interrupted ? ", then interrupted" : "");
    if (s->doubled)
        printf("pairs        %zu of them\n", s->pairs);
    if (s->missed)
        printf("not reached  %zu: the run passed that point less often when it was to be killed there\n", s->missed);
    printf("took         %s, seed %lld\n", span, (long long)s->r->seed);
    json_object_foreach(s->unknown, name, count)
        printf("unknown      %s: %lld times only a person could say what became of it\n", name,
               (long long)json_integer_value(count));
    json_object_foreach(s->noise, name, count)
        printf("left out     %s: it differs between two runs that nobody disturbed\n", name);
    printf("divergences  %zu\n", json_array_size(s->divergences));
    json_decref(points);
    free(span);
}

void
rehearse_print_sweep(const struct sweep *s)
{
    size_t i;
    json_t *divergence;

    if (json_array_size(s->cells))
        faults_print(s);
    print_counts(s);
    json_array_foreach(s->divergences, i, divergence)
        print_divergence(divergence);
}

/* ---- for machines ---- */

json_t *
rehearse_once_json(const struct rehearsal *r, const struct outcome *out)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:b, s:O*, s:O*, s:O*}", "schema", "cairn.rehearsal/1", "flow", r->flow,
                             "world", r->world, "seed", (json_int_t)r->seed, "ok",
                             !out->why && json_array_size(out->twice) == 0, "run", out->report, "ledger", out->ledger,
                             "twice", out->twice);

    if (out->why)
        json_object_set_new(json, "why", json_string(out->why));
    json_object_set_new(json, "took_ms", json_integer(clock_wall() - r->began));
    return json;
}

json_t *
rehearse_sweep_json(const struct sweep *s)
{
    json_t *json = rehearse_once_json(s->r, &s->want);
    json_t *noise = json_array();
    const char *at;
    json_t *place;

    json_object_foreach(s->noise, at, place)
        json_array_append_new(noise, json_string(at));
    json_object_set(json, "crashes", s->crashes);
    json_object_set(json, "faults", s->cells);
    json_object_set_new(json, "ok", json_boolean(json_array_size(s->divergences) == 0 && !s->r->interrupted));
    json_object_set_new(json, "points", sweep_points(s));
    json_object_set_new(json, "tried", json_integer((json_int_t)s->tried));
    json_object_set_new(json, "pairs", json_integer((json_int_t)s->pairs));
    json_object_set_new(json, "missed", json_integer((json_int_t)s->missed));
    json_object_set(json, "unknown", s->unknown);
    json_object_set_new(json, "left_out", noise);
    json_object_set(json, "divergences", s->divergences);
    return json;
}
