/*
 * rehearse_compare.c: is what came of one run what came of another? Used by the sweeps of `rehearse`.
 * SPDX-License-Identifier: MIT
 *
 * Compared are the world, its ledger, whether a change was made twice, how the run ended with which value and reports,
 * and how many questions it asked. Branches of a run go on side by side, so the ledger is compared branch by branch.
 */
#include "cmd/rehearse.h"
#include "common/alloc.h"
#include "common/text.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_MAX 20 /* of a world that are told */

/* ---- the ledger ---- */

/* The fiber that a step belongs to: "3/1" for "3/1/2", "" for "4" and for what it did on a detour, "4!1/2". */
static size_t
branch(const json_t *entry, const char **out)
{
    const char *step = text_member(json_object_get(entry, "caller"), "step");
    size_t len = strcspn(step, "!");
    const char *slash = memrchr(step, '/', len);

    *out = step;
    return slash ? (size_t)(slash - step) : 0;
}

static int
same_branch(const json_t *a, const json_t *b)
{
    const char *one, *other;
    size_t len = branch(a, &one);

    return branch(b, &other) == len && memcmp(one, other, len) == 0;
}

static json_t *
line_of(const json_t *entry)
{
    const char *note = text_member(entry, "note");

    return json_sprintf("%s.%s %s%s%s%s", text_member(entry, "service"), text_member(entry, "action"),
                        text_member(entry, "target"), *note ? " (" : "", note, *note ? ")" : "");
}

json_t *
compare_lines(const json_t *ledger)
{
    size_t count = json_array_size(ledger);
    char *taken = alloc_zero(count + 1, 1);
    json_t *lines = json_array();

    for (size_t i = 0; i < count; i++)
        for (size_t k = i; k < count && !taken[i]; k++) {
            const json_t *entry = json_array_get(ledger, k);

            if (k > i && (taken[k] || !same_branch(json_array_get(ledger, i), entry)))
                continue;
            if (k > i)
                taken[k] = 1;
            json_array_append_new(lines, line_of(entry));
        }
    free(taken);
    return lines;
}

/* ---- values ---- */

static void
note_place(json_t *places, const char *at, const json_t *want, const json_t *got, const json_t *noise)
{
    if (!json_object_get(noise, at))
        json_object_set_new(places, at, json_pack("{s:O*, s:O*}", "want", want, "got", got));
}

/* Each place at which the two differ, in `places`. */
static void
differ(json_t *places, const char *at, const json_t *want, const json_t *got, const json_t *noise)
{
    const char *key;
    json_t *value;
    char *below;

    if (json_object_get(noise, at) || (want && got && json_equal(want, got)))
        return;
    if (json_is_array(want) && json_is_array(got) && json_array_size(want) == json_array_size(got)) {
        for (size_t i = 0; i < json_array_size(want); i++) {
            below = alloc_printf("%s[%zu]", at, i);
            differ(places, below, json_array_get(want, i), json_array_get(got, i), noise);
            free(below);
        }
        return;
    }
    if (!json_is_object(want) || !json_is_object(got)) {
        note_place(places, at, want, got, noise);
        return;
    }
    json_object_foreach((json_t *)want, key, value) {
        below = alloc_printf("%s.%s", at, key);
        differ(places, below, value, json_object_get(got, key), noise);
        free(below);
    }
    json_object_foreach((json_t *)got, key, value) {
        below = alloc_printf("%s.%s", at, key);
        if (!json_object_get(want, key))
            differ(places, below, NULL, value, noise);
        free(below);
    }
}

/* A text in which times and the run's id are fixed words, so that those of two runs can be compared. */
static json_t *
normal_text(const char *text, const char *run)
{
    const char *found = *run ? strstr(text, run) : NULL;
    json_t *rest, *whole;

    if (strlen(text) > 15 && text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':')
        return json_string("TIME");
    if (!found)
        return json_string(text);
    rest = normal_text(found + strlen(run), run);
    whole = json_sprintf("%.*sRUN%s", (int)(found - text), text, json_string_value(rest));
    json_decref(rest);
    return whole;
}

static json_t *
normal(const json_t *value, const char *run)
{
    const char *key;
    json_t *copy, *item;
    size_t i;

    if (json_is_string(value))
        return normal_text(json_string_value(value), run);
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, item)
            json_array_append_new(copy, normal(item, run));
        return copy;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    copy = json_object();
    json_object_foreach((json_t *)value, key, item)
        json_object_set_new(copy, key, normal(item, run));
    return copy;
}

static json_t *
value_of(const struct outcome *out)
{
    const json_t *value = json_object_get(out->report, "value");

    return value ? normal(value, text_member(out->report, "id")) : json_null();
}

static json_t *
places_of(const struct outcome *want, const struct outcome *got, const json_t *noise)
{
    json_t *places = json_object();
    json_t *wanted = value_of(want);
    json_t *given = value_of(got);

    differ(places, "world", want->world, got->world, noise);
    differ(places, "value", wanted, given, noise);
    json_decref(wanted);
    json_decref(given);
    return places;
}

json_t *
compare_noise(const struct outcome *a, const struct outcome *b)
{
    return places_of(a, b, NULL);
}

/* ---- all of it ---- */

static void
add_places(json_t *differences, const json_t *places)
{
    const char *at;
    json_t *place;
    size_t told = 0;

    json_object_foreach((json_t *)places, at, place)
        if (told++ < PLACES_MAX) {
            json_t *difference = json_pack("{s:s, s:s}", "what", strncmp(at, "value", 5) == 0 ? "value" : "world", "at", at);

            json_object_update(difference, place);
            json_array_append_new(differences, difference);
        }
}

static void
add_pair(json_t *differences, const char *what, json_t *owned_want, json_t *owned_got)
{
    if (json_equal(owned_want, owned_got)) {
        json_decref(owned_want);
        json_decref(owned_got);
        return;
    }
    json_array_append_new(differences, json_pack("{s:s, s:o, s:o}", "what", what, "want", owned_want, "got", owned_got));
}

static json_t *
questions(const struct outcome *out)
{
    return json_integer((json_int_t)json_array_size(json_object_get(out->report, "approvals")));
}

/* The keys of what the workflow reported: their values tell times. */
static json_t *
reported(const struct outcome *out)
{
    json_t *keys = json_object();
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(out->report, "reports"), key, value)
        json_object_set_new(keys, key, json_true());
    return keys;
}

json_t *
compare_outcomes(const struct outcome *want, const struct outcome *got, const json_t *noise)
{
    json_t *differences = json_array();
    json_t *places;

    if (got->why) {
        json_array_append_new(differences, json_pack("{s:s, s:s}", "what", "end", "got", got->why));
        if (!got->world)
            return differences;
    }
    add_pair(differences, "ledger", compare_lines(want->ledger), compare_lines(got->ledger));
    if (json_array_size(got->twice) > json_array_size(want->twice))
        json_array_append_new(differences, json_pack("{s:s, s:o}", "what", "twice", "got", compare_lines(got->twice)));
    if (got->why) /* the rest can only follow from that */
        return differences;
    add_pair(differences, "state", json_incref(json_object_get(want->report, "state")),
             json_incref(json_object_get(got->report, "state")));
    add_pair(differences, "questions", questions(want), questions(got));
    add_pair(differences, "reports", reported(want), reported(got));
    places = places_of(want, got, noise);
    add_places(differences, places);
    json_decref(places);
    return differences;
}
