/*
 * rehearse_compare.c: is what came of one run what came of another? Used by the sweeps of `rehearse`.
 * SPDX-License-Identifier: MIT
 *
 * Compared are the world, its ledger, whether a change was made twice, how the run ended with which value and reports,
 * and how many questions it asked. Branches of a run go on side by side: then the ledger is compared branch by branch, and
 * in the world neither the order of lists counts, nor which of the ids that it made up is whose.
 */
#include "cmd/rehearse.h"
#include "common/alloc.h"
#include "common/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_MAX 20 /* of a world that are told */
#define ID_MIN 6      /* letters of an id that is looked for in texts */

/* ---- the ledger ---- */

/* The fiber that a step belongs to: "3/1" for "3/1/2", "" for "4" and for what it did on a detour, "4!1/2". A new text. */
static char *
branch(const json_t *entry)
{
    const char *step = text_member(json_object_get(entry, "caller"), "step");
    const char *slash = memrchr(step, '/', strcspn(step, "!"));

    return alloc_strn(step, slash ? (size_t)(slash - step) : 0);
}

static json_t *
line_of(const json_t *entry)
{
    const char *note = text_member(entry, "note");

    return json_sprintf("%s.%s %s%s%s%s", text_member(entry, "service"), text_member(entry, "action"),
                        text_member(entry, "target"), *note ? " (" : "", note, *note ? ")" : "");
}

/* branch -> its lines */
static json_t *
by_branch(const json_t *ledger)
{
    json_t *branches = json_object();
    size_t i;
    json_t *entry;

    json_array_foreach(ledger, i, entry) {
        char *name = branch(entry);
        json_t *lines = json_object_get(branches, name);

        if (!lines) {
            lines = json_array();
            json_object_set_new(branches, name, lines);
        }
        json_array_append_new(lines, line_of(entry));
        free(name);
    }
    return branches;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *
compare_lines(const json_t *ledger)
{
    json_t *branches = by_branch(ledger);
    const char **names = alloc_zero(json_object_size(branches) + 1, sizeof(*names));
    json_t *lines = json_array();
    size_t count = 0;
    const char *name;
    json_t *part;

    json_object_foreach(branches, name, part)
        names[count++] = name;
    qsort(names, count, sizeof(*names), by_text);
    for (size_t i = 0; i < count; i++)
        json_array_extend(lines, json_object_get(branches, names[i]));
    free(names);
    json_decref(branches);
    return lines;
}

/* Did branches of the run change things side by side? Then their order is chance. */
static int
has_branches(const struct outcome *out)
{
    json_t *branches = by_branch(out->ledger);
    int many = json_object_size(branches) > 1;

    json_decref(branches);
    return many;
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

/* What is replaced in texts by a word: the run's id, and, where their order is chance, the ids of the world. */
struct words {
    const char *run;
    const json_t *ids; /* NULL: they stay */
};

static char *
replace(char *owned, const char *what, const char *by)
{
    char *found = *what ? strstr(owned, what) : NULL;
    char *longer, *rest;

    if (!found)
        return owned;
    rest = replace(alloc_str(found + strlen(what)), what, by);
    longer = alloc_printf("%.*s%s%s", (int)(found - owned), owned, by, rest);
    free(rest);
    free(owned);
    return longer;
}

static char *
normal_text(const char *text, const struct words *words)
{
    char *out;
    const char *id;
    json_t *kind;

    if (strlen(text) > 15 && text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':')
        return alloc_str("TIME");
    out = replace(alloc_str(text), words->run, "RUN");
    json_object_foreach((json_t *)words->ids, id, kind) {
        char *lower = alloc_str(id);

        for (char *c = lower; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        if (strlen(id) >= ID_MIN) /* a shorter one could be a part of something else */
            out = replace(replace(out, id, "ID"), lower, "ID");
        free(lower);
    }
    return out;
}

static int
by_dump(const void *a, const void *b)
{
    char *one = json_dumps(*(json_t *const *)a, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    char *other = json_dumps(*(json_t *const *)b, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    int order = strcmp(one, other);

    free(one);
    free(other);
    return order;
}

static json_t *normal(const json_t *value, const struct words *words);

static json_t *
normal_list(const json_t *list, const struct words *words)
{
    size_t count = json_array_size(list);
    json_t **items = alloc_zero(count + 1, sizeof(json_t *));
    json_t *copy = json_array();

    for (size_t i = 0; i < count; i++)
        items[i] = normal(json_array_get(list, i), words);
    if (words->ids)
        qsort(items, count, sizeof(json_t *), by_dump);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(copy, items[i]);
    free(items);
    return copy;
}

/* Times and what `words` says as fixed words, so that values of two runs can be compared. */
static json_t *
normal(const json_t *value, const struct words *words)
{
    const char *key;
    json_t *copy, *item;
    char *text;

    if (json_is_string(value)) {
        text = normal_text(json_string_value(value), words);
        copy = json_string(text);
        free(text);
        return copy;
    }
    if (json_is_array(value))
        return normal_list(value, words);
    if (!json_is_object(value))
        return json_deep_copy(value);
    copy = json_object();
    json_object_foreach((json_t *)value, key, item) {
        text = normal_text(key, words);
        json_object_set_new(copy, text, normal(item, words));
        free(text);
    }
    return copy;
}

static json_t *
normal_of(const struct outcome *out, const json_t *value, int chance)
{
    struct words words = { text_member(out->report, "id"), chance ? out->ids : NULL };

    return value ? normal(value, &words) : json_null();
}

static json_t *
places_of(const struct outcome *want, const struct outcome *got, const json_t *noise)
{
    const char *const names[] = { "world", "value" };
    const json_t *wanted[] = { want->world, json_object_get(want->report, "value") };
    const json_t *given[] = { got->world, json_object_get(got->report, "value") };
    int chance = has_branches(want);
    json_t *places = json_object();

    for (size_t i = 0; i < 2; i++) {
        json_t *one = normal_of(want, wanted[i], chance);
        json_t *other = normal_of(got, given[i], chance);

        differ(places, names[i], one, other, noise);
        json_decref(one);
        json_decref(other);
    }
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
