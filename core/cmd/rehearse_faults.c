/*
 * rehearse_faults.c: the same run many times, each time with one request that goes wrong; used by the command `rehearse`.
 * SPDX-License-Identifier: MIT
 *
 * A site is a sort of request that the undisturbed run made: "rds.CreateDBSnapshot". Each kind of fault is tried at its
 * first request, or at as many as --sample says.
 */
#include "cmd/print.h"
#include "cmd/rehearse.h"
#include "common/alloc.h"
#include "common/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = { "throttle",  "error_5xx", "error_5xx_after", "cut_before", "cut_after",
                                     "truncate",  "slow",      "html",            "stale" };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- what is tried ---- */

/* Of a line of the simulator's log, "TIME METHOD PATH SERVICE ACTION STATUS ...": "SERVICE.ACTION"; NULL for others. */
static char *
site_of(const char *line, size_t len)
{
    const char *words[5] = { NULL };
    size_t lengths[5] = { 0 };
    const char *end = line + len;

    for (int i = 0; i < 5 && line < end; i++) {
        words[i] = line;
        while (line < end && *line != ' ')
            line++;
        lengths[i] = (size_t)(line - words[i]);
        line++;
    }
    if (!words[4] || words[3][0] == '-' || words[3][0] == '_')
        return NULL;
    return alloc_printf("%.*s.%.*s", (int)lengths[3], words[3], (int)lengths[4], words[4]);
}

/* site -> how many requests of it there were */
static json_t *
count_sites(const char *text)
{
    json_t *sites = json_object();
    const char *end;

    for (; (end = strchr(text, '\n')); text = end + 1) {
        char *site = site_of(text, (size_t)(end - text));

        if (site)
            json_object_set_new(sites, site, json_integer(json_integer_value(json_object_get(sites, site)) + 1));
        free(site);
    }
    return sites;
}

static void
plan_site(struct sweep *s, const char *site, json_int_t requests)
{
    const char *dot = strchr(site, '.');
    json_int_t wanted = s->r->sample ? s->r->sample : 1;
    json_int_t n = wanted < requests ? wanted : requests;

    for (json_int_t i = 0; i < n; i++)
        for (size_t k = 0; k < KINDS; k++)
            sweep_add(s, json_pack("{s:s, s:{s:{s:o, s:s, s:I}, s:s}}", "site", site, "fault", "match", "service",
                                   json_stringn(site, (size_t)(dot - site)), "action", dot + 1, "n",
                                   1 + i * requests / n, "do", kinds[k]));
}

int
faults_plan(struct sweep *s, struct cairn_error *err)
{
    json_t *sites = count_sites(s->want.requests ? s->want.requests : "");
    const char *site;
    json_t *count;

    json_object_foreach(sites, site, count)
        plan_site(s, site, json_integer_value(count));
    json_decref(sites);
    return s->planned ? 0
                      : cairn_fail(err, CAIRN_ERR_INVALID, "rehearse %s: it makes no request of the simulated world",
                                   s->r->flow);
}

/* ---- what came of it ---- */

static int
struck(const struct trial *t)
{
    const char *what = text_member(t->fault, "do");
    size_t i;
    json_t *fault;

    json_array_foreach(t->out.faults, i, fault)
        if (strcmp(text_member(fault, "do"), what) == 0
            && json_equal(json_object_get(fault, "match"), json_object_get(t->fault, "match"))
            && json_integer_value(json_object_get(fault, "done")) > 0)
            return 1;
    return 0;
}

void
faults_note(struct sweep *s, const struct trial *t, const json_t *differences)
{
    const char *end = json_array_size(differences) ? "other"
                      : !struck(t)                 ? "untouched"
                      : t->failures                ? "resumed"
                      : json_array_size(t->out.unknown) ? "asked"
                                                   : "same";

    json_array_append_new(s->cells, json_pack("{s:s, s:O, s:s}", "site", text_member(t->item, "site"), "do",
                                              json_object_get(t->fault, "do"), "end", end));
}

/* The worst of what became of the requests of a site. */
static const char *
worst(const struct sweep *s, const char *site, const char *kind)
{
    static const char *const ends[] = { "untouched", "same", "resumed", "asked", "other" };
    static const char *const signs[] = { "-", "same", "resumed", "asked", "OTHER" };
    size_t found = 0;
    size_t i;
    json_t *cell;

    json_array_foreach(s->cells, i, cell)
        for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
            if (strcmp(text_member(cell, "site"), site) == 0 && strcmp(text_member(cell, "do"), kind) == 0
                && strcmp(text_member(cell, "end"), ends[k]) == 0 && k > found)
                found = k;
    return signs[found];
}

void
faults_print(const struct sweep *s)
{
    const char *keys[KINDS + 2] = { "request" };
    json_t *rows = json_array();
    json_t *seen = json_object();
    size_t i;
    json_t *cell;

    memcpy(keys + 1, kinds, sizeof(kinds));
    json_array_foreach(s->cells, i, cell) {
        const char *site = text_member(cell, "site");
        json_t *row;

        if (json_object_get(seen, site))
            continue;
        json_object_set_new(seen, site, json_true());
        row = json_pack("{s:s}", "request", site);
        for (size_t k = 0; k < KINDS; k++)
            json_object_set_new(row, kinds[k], json_string(worst(s, site, kinds[k])));
        json_array_append_new(rows, row);
    }
    print_table(rows, keys);
    putchar('\n');
    json_decref(rows);
    json_decref(seen);
}
