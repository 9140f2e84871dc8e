/*
 * script.c: the single statements of an SQL text; used by execute.c.
 * SPDX-License-Identifier: MIT
 */
#include "script.h"

#include "common/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

static int
is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static int
is_word(char c)
{
    return is_word_start(c) || isdigit((unsigned char)c) || c == '$';
}

/* Behind the quote that ends what begins at `at`; NULL: it isn't ended. */
static const char *
skip_quoted(const char *at, int backslashes)
{
    char quote = *at++;

    for (; *at; at++) {
        if (backslashes && *at == '\\' && at[1])
            at++;
        else if (*at == quote && at[1] == quote)
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return NULL;
}

/* $tag$ ... $tag$; `at` itself when no such quote begins there; NULL: it isn't ended. */
static const char *
skip_dollars(const char *at)
{
    const char *end = at + 1;
    size_t len;

    if (*end != '$' && !is_word_start(*end))
        return at;
    while (*end && *end != '$' && is_word(*end))
        end++;
    if (*end != '$')
        return at;
    len = (size_t)(end - at) + 1;
    for (end++; *end; end++)
        if (strncmp(end, at, len) == 0)
            return end + len;
    return NULL;
}

/* Comments lie within each other. */
static const char *
skip_comment(const char *at)
{
    int depth = 0;

    while (*at) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return NULL;
}

/* Behind blanks and comments. */
static const char *
skip_blank(const char *at)
{
    for (;;) {
        const char *next = at;

        while (isspace((unsigned char)*next))
            next++;
        if (next[0] == '-' && next[1] == '-')
            next += strcspn(next, "\n");
        else if (next[0] == '/' && next[1] == '*')
            next = skip_comment(next);
        if (!next || next == at)
            return at;
        at = next;
    }
}

/* Is the next word this one? Then behind it. */
static const char *
word(const char *at, const char *name)
{
    size_t len = strlen(name);

    at = skip_blank(at);
    return strncasecmp(at, name, len) == 0 && !is_word(at[len]) ? at + len : NULL;
}

/* ---- cutting ----------------------------------------------------------------------------------------------------- */

struct cutter {
    const char *at;
    const char *begin; /* of the statement */
    int parentheses;
    int body;            /* how deep in BEGIN ATOMIC ... END */
    const char *unended; /* what was begun and not ended */
};

static int
is_routine(const char *begin)
{
    const char *at = word(begin, "create");
    const char *or_replace = at ? word(at, "or") : NULL;

    if (or_replace)
        at = word(or_replace, "replace");
    return at && (word(at, "function") || word(at, "procedure"));
}

static void
take_word(struct cutter *c)
{
    const char *begin = c->at;
    size_t len;

    while (is_word(*c->at))
        c->at++;
    len = (size_t)(c->at - begin);
    if (len == 5 && strncasecmp(begin, "begin", 5) == 0 && word(c->at, "atomic") && is_routine(c->begin))
        c->body++;
    else if (c->body && len == 4 && strncasecmp(begin, "case", 4) == 0)
        c->body++;
    else if (c->body && len == 3 && strncasecmp(begin, "end", 3) == 0)
        c->body--;
}

/* One token further. 0: the text has ended, or something in it isn't ended. */
static int
step(struct cutter *c)
{
    const char *next = c->at;
    char before = c->at > c->begin ? c->at[-1] : ' ';

    if (!*c->at)
        return 0;
    if (c->at[0] == '-' && c->at[1] == '-') {
        next += strcspn(next, "\n");
    } else if (c->at[0] == '/' && c->at[1] == '*') {
        next = skip_comment(c->at);
        c->unended = "comment";
    } else if (*c->at == '\'') {
        int escapes = (before == 'e' || before == 'E') && (c->at - 1 == c->begin || !is_word(c->at[-2]));

        next = skip_quoted(c->at, escapes);
        c->unended = "string";
    } else if (*c->at == '"') {
        next = skip_quoted(c->at, 0);
        c->unended = "quoted name";
    } else if (*c->at == '$' && !is_word(before)) {
        next = skip_dollars(c->at);
        c->unended = "dollar quote";
        if (next == c->at)
            next++;
    } else if (is_word_start(*c->at)) {
        /* the E of E'...' is taken as a word first; its quote looks back at it */
        take_word(c);
        return 1;
    } else {
        c->parentheses += (*c->at == '(') - (*c->at == ')');
        next++;
    }
    if (!next)
        return 0;
    c->unended = NULL;
    c->at = next;
    return 1;
}

static void
keep(struct script *s, const char *begin, const char *end)
{
    begin = skip_blank(begin);
    while (end > begin && isspace((unsigned char)end[-1]))
        end--;
    if (begin >= end)
        return;
    s->statements = alloc_grow(s->statements, s->count + 1, sizeof(*s->statements));
    s->statements[s->count++] = alloc_strn(begin, (size_t)(end - begin));
}

/* A statement that would end the transaction in which the record of this step is written. */
static int
check_statement(const char *statement, size_t number, struct cairn_error *err)
{
    static const char *const ends[] = { "begin", "start", "commit", "rollback", "abort", "end" };
    const char *prepare = word(statement, "prepare");
    const char *to = word(statement, "rollback");

    if (*statement == '\\')
        return cairn_fail(err, CAIRN_ERR_INVALID, "statement %zu: a line with \\ is for psql, not for the server",
                          number);
    if (to && word(to, "to"))
        return 0; /* back to a savepoint */
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (word(statement, ends[i]))
            return cairn_fail(
                err, CAIRN_ERR_INVALID,
                "statement %zu: take %s out: all statements run in one transaction, together with the record "
                "that they ran",
                number, ends[i]);
    if (prepare && word(prepare, "transaction"))
        return cairn_fail(err, CAIRN_ERR_INVALID, "statement %zu: prepare transaction isn't possible here", number);
    return 0;
}

int
script_cut(struct script *s, const char *sql, int in_transaction, struct cairn_error *err)
{
    struct cutter c = { .at = sql, .begin = sql };

    memset(s, 0, sizeof(*s));
    if (strncmp(sql, "\xef\xbb\xbf", 3) == 0) /* the mark that some editors put first */
        c.at = c.begin = sql + 3;
    for (;;) {
        if (*c.at == ';' && c.parentheses <= 0 && c.body == 0) {
            keep(s, c.begin, c.at);
            c.begin = ++c.at;
            c.parentheses = 0;
        } else if (!step(&c)) {
            break;
        }
    }
    if (c.unended)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the SQL: the %s that begins with %.20s isn't ended", c.unended,
                          c.at);
    keep(s, c.begin, c.at);
    if (s->count == 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the SQL: there is no statement in it");
    for (size_t i = 0; in_transaction && i < s->count; i++)
        if (check_statement(s->statements[i], i + 1, err) < 0)
            return -1;
    if (!in_transaction && s->count > 1)
        return cairn_fail(
            err, CAIRN_ERR_INVALID,
            "read the SQL: without a transaction there can be one statement only, and there are %zu: make "
            "each a step of its own",
            s->count);
    return 0;
}

void
script_release(struct script *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->statements[i]);
    free(s->statements);
    memset(s, 0, sizeof(*s));
}

/* ---- indexes ----------------------------------------------------------------------------------------------------- */

/* A name, qualified and quoted as it may be: what regclass reads. */
static const char *
take_name(const char *at, char **name)
{
    const char *begin = skip_blank(at);

    at = begin;
    for (;;) {
        if (*at == '"') {
            at = skip_quoted(at, 0);
            if (!at)
                return NULL;
        } else if (is_word_start(*at)) {
            while (is_word(*at))
                at++;
        } else {
            return NULL;
        }
        if (*at != '.')
            break;
        at++;
    }
    *name = alloc_strn(begin, (size_t)(at - begin));
    return at;
}

/* Behind IF [NOT] EXISTS, if that comes. */
static const char *
skip_if(const char *at, int negated)
{
    const char *next = word(at, "if");

    if (next && negated)
        next = word(next, "not");
    if (next)
        next = word(next, "exists");
    return next ? next : at;
}

int
script_index(const char *statement, char **index, char **table)
{
    const char *at = word(statement, "create");
    const char *unique = at ? word(at, "unique") : NULL;
    const char *on = NULL;

    *index = *table = NULL;
    if (unique)
        at = unique;
    if (!at || !(at = word(at, "index")) || !(at = word(at, "concurrently")))
        return 0;
    at = skip_if(at, 1);
    if (!word(at, "on") && (at = take_name(at, index)) && (on = word(at, "on"))) {
        const char *only = word(on, "only");

        if (take_name(only ? only : on, table))
            return 1;
    }
    free(*index);
    free(*table);
    *index = *table = NULL;
    return 0;
}

int
script_drop_index(const char *statement, char **index)
{
    const char *at = word(statement, "drop");

    *index = NULL;
    if (!at || !(at = word(at, "index")) || !(at = word(at, "concurrently")))
        return 0;
    return take_name(skip_if(at, 0), index) != NULL;
}
