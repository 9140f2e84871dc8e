/*
 * report_print.c: a run's report as text for people; called by `show` and at the end of `run` and `resume`.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/print.h"
#include "cmd/report.h"
#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static int64_t
int_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void
print_line(const char *indent, char *owned)
{
    char *text = print_clean(owned);

    printf("%s%s\n", indent, text);
    free(text);
    free(owned);
}

static void
print_heading(const char *title)
{
    printf("\n%s\n", title);
}

static void
print_list(const char *name, const json_t *list)
{
    char *text = alloc_str("");
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) {
        char *value = print_value(item);
        char *longer = alloc_printf("%s%s%s", text, i ? ", " : "", value);

        free(value);
        free(text);
        text = longer;
    }
    print_pair(name, text);
    free(text);
}

static void
print_params(const json_t *params)
{
    const char *name = "parameters";
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)params, key, value) {
        char *shown = print_value(value);
        char *text = alloc_printf("%s = %s", key, shown);

        print_pair(name, text);
        name = "";
        free(text);
        free(shown);
    }
}

static void
print_head(const json_t *report)
{
    char *span = print_span(int_of(report, "took_ms"));
    char *text = alloc_printf("%s  %s", text_of(report, "id"), text_of(report, "flow"));
    char *epoch =
        alloc_printf("%lld, %lld records", (long long)int_of(report, "epoch"), (long long)int_of(report, "records"));

    print_pair("run", text);
    print_pair("state", text_of(report, "state"));
    print_pair("why", text_of(report, "why"));
    print_pair("next", text_of(report, "next"));
    print_pair("driver", text_of(report, "driver"));
    print_pair("environment", text_of(report, "environment"));
    free(text);
    text = alloc_printf("%s by %s", text_of(report, "started"), text_of(report, "by"));
    print_pair("started", text);
    print_pair("ended", text_of(report, "ended"));
    print_pair(json_object_get(report, "ended") ? "took" : "so far", span);
    print_pair("epoch", epoch);
    print_list("locks", json_object_get(report, "locks"));
    print_params(json_object_get(report, "params"));
    free(epoch);
    free(text);
    free(span);
}

static void
print_stages(const json_t *stages)
{
    size_t i;
    json_t *stage;

    if (json_array_size(stages) > 0)
        print_heading("stages");
    json_array_foreach(stages, i, stage) {
        const json_t *ok = json_object_get(stage, "ok");
        char *span = json_object_get(stage, "ms") ? print_span(int_of(stage, "ms")) : alloc_str("");
        char *title = print_clean(text_of(stage, "title"));

        printf("  %-7s %12s  %*s%s%s\n",
               !json_object_get(stage, "ended") ? "open"
               : json_is_true(ok)               ? "done"
                                                : "failed",
               span, (int)(2 * int_of(stage, "depth")), "",
               json_is_true(json_object_get(stage, "rollback")) ? "undo: " : "", title);
        free(title);
        free(span);
    }
}

static void
print_details(const json_t *details)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)details, key, value) {
        char *shown = print_value(value);

        print_line("      ", alloc_printf("%s: %s", key, shown));
        free(shown);
    }
}

static void
print_open(const json_t *commands)
{
    int first = 1;
    size_t i;
    json_t *command;

    json_array_foreach(commands, i, command) {
        if (json_object_get(command, "ok"))
            continue;
        if (first)
            print_heading("open");
        first = 0;
        print_line("  ",
                   alloc_printf("%-6s %-7s %s  since %s%s", text_of(command, "id"),
                                json_is_true(json_object_get(command, "in_doubt")) ? "doubt" : text_of(command, "op"),
                                text_of(command, "what"), text_of(command, "began"),
                                int_of(command, "attempt") > 1 ? ", sent more than once" : ""));
        print_details(json_object_get(command, "details"));
    }
}

static void
print_approvals(const json_t *approvals)
{
    size_t i;
    json_t *a;

    if (json_array_size(approvals) > 0)
        print_heading("answers");
    json_array_foreach(approvals, i, a) {
        char *span = print_span(int_of(a, "waited_ms"));
        const char *comment = text_of(a, "comment");

        print_line("  ", alloc_printf("%s  %s  by %s after %s: %s%s%s", text_of(a, "answered"),
                                      json_is_true(json_object_get(a, "ok")) ? "approved" : "rejected",
                                      text_of(a, "by"), span, text_of(a, "title"), *comment ? "  # " : "", comment));
        free(span);
    }
}

/* A map has a line for each member. */
static void
print_reports(const json_t *reports)
{
    const char *key;
    json_t *value;

    if (json_object_size(reports) > 0)
        print_heading("report");
    json_object_foreach((json_t *)reports, key, value) {
        int map = json_object_size(value) > 0 && !json_object_get(value, "$sealed") && !json_object_get(value, "$ref");
        char *shown = map ? alloc_str("") : print_value(value);

        print_line("  ", alloc_printf("%s:%s%s", key, map ? "" : " ", shown));
        if (map)
            print_details(value);
        free(shown);
    }
}

static void
print_doubts(const json_t *doubts)
{
    size_t i, j;
    json_t *doubt;
    json_t *look;

    if (json_array_size(doubts) > 0)
        print_heading("doubts");
    json_array_foreach(doubts, i, doubt) {
        const char *by = text_of(doubt, "by");
        const char *reason = text_of(doubt, "reason");

        print_line("  ", alloc_printf("%s  step %s %s: %s", text_of(doubt, "at"), text_of(doubt, "id"),
                                      text_of(doubt, "what"), text_of(doubt, "why")));
        json_array_foreach(json_object_get(doubt, "looks"), j, look)
            print_line("      ", alloc_printf("%s  looked: %s%s%s", text_of(look, "at"), text_of(look, "seen"),
                                              *text_of(look, "evidence") ? ": " : "", text_of(look, "evidence")));
        if (json_object_get(doubt, "settled"))
            print_line("      ", alloc_printf("%s  %s%s%s%s%s", text_of(doubt, "settled_at"), text_of(doubt, "settled"),
                                              *by ? ", by " : "", by, *reason ? ": " : "", reason));
        else
            puts("      not settled");
    }
}

static void
print_resumes(const json_t *resumes)
{
    size_t i;
    json_t *r;

    if (json_array_size(resumes) > 0)
        print_heading("taken over");
    json_array_foreach(resumes, i, r)
        print_line("  ", alloc_printf("%s  %s by %s%s%s", text_of(r, "at"), text_of(r, "kind"), text_of(r, "by"),
                                      *text_of(r, "reason") ? ": " : "", text_of(r, "reason")));
}

void
report_print(const json_t *report)
{
    char *value = json_object_get(report, "value") ? print_value(json_object_get(report, "value")) : NULL;
    const json_t *downtime = json_object_get(report, "downtime");
    char *down = downtime ? print_value(json_object_get(downtime, "span")) : NULL;
    size_t checks = json_array_size(json_object_get(report, "checks"));

    print_head(report);
    print_stages(json_object_get(report, "stages"));
    if (!json_object_get(report, "ended"))
        print_open(json_object_get(report, "commands"));
    print_approvals(json_object_get(report, "approvals"));
    print_reports(json_object_get(report, "reports"));
    print_doubts(json_object_get(report, "doubts"));
    print_resumes(json_object_get(report, "resumes"));
    if (checks || value || down)
        putchar('\n');
    if (checks)
        printf("%-12s %zu held\n", "checks", checks);
    print_pair(text_of(downtime, "says"), down);
    print_pair("result", value);
    free(down);
    free(value);
}
