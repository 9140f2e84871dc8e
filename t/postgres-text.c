/*
 * postgres-text.c: how the plugin postgres cuts SQL into statements, and what it reads out of libpq's errors.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../plugins/postgres/errors.h"
#include "../plugins/postgres/script.h"
#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

/* The statements with " | " between them; or the error. free() it. */
static char *
cut(const char *sql, int in_transaction)
{
    struct cairn_error err = { 0 };
    struct script s;
    char *text = alloc_str("");

    if (script_cut(&s, sql, in_transaction, &err) < 0) {
        free(text);
        text = alloc_printf("! %s", err.text);
    }
    for (size_t i = 0; err.kind == CAIRN_ERR_NONE && i < s.count; i++) {
        char *longer = alloc_printf("%s%s%s", text, i ? " | " : "", s.statements[i]);

        free(text);
        text = longer;
    }
    script_release(&s);
    return text;
}

static void
cuts_statements(void **state)
{
    static const struct {
        const char *sql, *want;
    } table[] = {
        { "select 1", "select 1" },
        { "select 1;;\n ; select 2 ;", "select 1 | select 2" },
        { "\xef\xbb\xbfselect 1", "select 1" },
        { "select ';'; select 2", "select ';' | select 2" },
        { "select 'it''s;'; select 2", "select 'it''s;' | select 2" },
        { "select E'\\';'; select 2", "select E'\\';' | select 2" },
        { "select 'a\\'; select 2", "select 'a\\' | select 2" },
        { "select namee'x;'; select 2", "select namee'x;' | select 2" },
        { "select \"a;\"\"b\" ; select 2", "select \"a;\"\"b\" | select 2" },
        { "-- a; b\nselect 1; -- c;\nselect 2 -- d", "select 1 | select 2 -- d" },
        { "/* a; /* b; */ c; */ select 1; select 2 /* ; */", "select 1 | select 2 /* ; */" },
        { "do $$ begin perform 1; end $$; select 2", "do $$ begin perform 1; end $$ | select 2" },
        { "do $a$ select '$$;'; $$ $a$; select 2", "do $a$ select '$$;'; $$ $a$ | select 2" },
        { "select a$b$, $1; select c$b$", "select a$b$, $1 | select c$b$" },
        { "create rule r as on insert to t do (delete from a; delete from b); select 2",
          "create rule r as on insert to t do (delete from a; delete from b) | select 2" },
        { "create or replace function f() returns int begin atomic select 1; select case when true then 2 end; end; select 3",
          "create or replace function f() returns int begin atomic select 1; select case when true then 2 end; end | select 3" },
        { "create table begin_atomic (a int); select 2", "create table begin_atomic (a int) | select 2" },
        { "select 1) ; select 2", "select 1) | select 2" },
        { "savepoint a; rollback to a; rollback to savepoint a; release a",
          "savepoint a | rollback to a | rollback to savepoint a | release a" },
        { "prepare q as select 1; deallocate q", "prepare q as select 1 | deallocate q" },
        { "", "! read the SQL: there is no statement in it" },
        { " ; -- nothing\n;", "! read the SQL: there is no statement in it" },
        { "select 'a; select 2", "! read the SQL: the string that begins with 'a; select 2 isn't ended" },
        { "select $x$ a", "! read the SQL: the dollar quote that begins with $x$ a isn't ended" },
        { "select 1 /* /* */", "! read the SQL: the comment that begins with /* /* */ isn't ended" },
        { "select \"a", "! read the SQL: the quoted name that begins with \"a isn't ended" },
        { "select 1; /* x */ Commit; select 2", "! statement 2: take commit out" },
        { "begin; select 1", "! statement 1: take begin out" },
        { "START TRANSACTION", "! statement 1: take start out" },
        { "end", "! statement 1: take end out" },
        { "prepare transaction 'a'", "! statement 1: prepare transaction isn't possible here" },
        { "\\copy t from 'x'", "! statement 1: a line with \\ is for psql, not for the server" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        char *got = cut(table[i].sql, 1);

        if (strcmp(got, table[i].want) != 0 && (table[i].want[0] != '!' || !strstr(got, table[i].want)))
            fail_msg("%s\n  gave: %s\n  want: %s", table[i].sql, got, table[i].want);
        free(got);
    }
}

static void
takes_one_statement_without_a_transaction(void **state)
{
    char *one = cut("vacuum t;", 0);
    char *two = cut("vacuum t; vacuum u", 0);

    (void)state;
    assert_string_equal(one, "vacuum t");
    assert_non_null(strstr(two, "there are 2"));
    free(one);
    free(two);
}

static void
finds_the_index_of_a_statement(void **state)
{
    static const struct {
        const char *sql, *index, *table;
    } rows[] = {
        { "create index concurrently i on t (a)", "i", "t" },
        { "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I;x\" ON ONLY s.\"T\" USING btree (a)", "\"I;x\"", "s.\"T\"" },
        { "create /* c */ index concurrently on_it on t(a)", "on_it", "t" },
        { "create index concurrently on t (a)", NULL, NULL },
        { "create index i on t (a)", NULL, NULL },
        { "create table t (a int)", NULL, NULL },
        { "reindex index concurrently i", NULL, NULL },
    };
    char *index = NULL;
    char *table = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int found = script_index(rows[i].sql, &index, &table);

        if (found != (rows[i].index != NULL) || (found && strcmp(index, rows[i].index) != 0)
            || (found && strcmp(table, rows[i].table) != 0))
            fail_msg("%s gave %s on %s", rows[i].sql, index ? index : "nothing", table ? table : "nothing");
        free(index);
        free(table);
    }
    assert_true(script_drop_index("drop index concurrently if exists s.i cascade", &index));
    assert_string_equal(index, "s.i");
    free(index);
    assert_false(script_drop_index("drop index i", &index));
}

static void
reads_codes_and_lines(void **state)
{
    static const struct {
        const char *said, *code, *line;
    } rows[] = {
        { "connection to server at \"h\", port 1 failed: FATAL:  28P01: password authentication failed for user \"u\"\n"
          "LOCATION:  auth_failed, auth.c:335\n",
          "28P01", "password authentication failed for user \"u\"" },
        { "connection to server at \"h\", port 1 failed: Connection refused\n\tIs the server running on that host?\n", "",
          "connection to server at \"h\", port 1 failed: Connection refused Is the server running on that host?" },
        { "FATAL:  the database is starting up.", "", "FATAL: the database is starting up" },
        { "", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *line = errors_one_line(rows[i].said);
        char code[6];

        errors_sqlstate(code, rows[i].said);
        assert_string_equal(code, rows[i].code);
        assert_string_equal(line, rows[i].line);
        free(line);
    }
}

static void
gives_each_refusal_its_kind(void **state)
{
    (void)state;
    assert_int_equal(errors_kind("40001", 0), CAIRN_ERR_NOT_YET);
    assert_int_equal(errors_kind("55P03", 0), CAIRN_ERR_NOT_YET);
    assert_int_equal(errors_kind("42601", 1), CAIRN_ERR_INVALID);
    assert_int_equal(errors_kind("42501", 0), CAIRN_ERR_DENIED);
    assert_int_equal(errors_kind("42P01", 0), CAIRN_ERR_NOT_FOUND);
    assert_int_equal(errors_kind("42P07", 0), CAIRN_ERR_CONFLICT);
    assert_int_equal(errors_kind("23505", 0), CAIRN_ERR_FAILED);
    assert_int_equal(errors_kind("57014", 1), CAIRN_ERR_FAILED);
    assert_int_equal(errors_kind("25006", 1), CAIRN_ERR_INVALID);
    assert_int_equal(errors_kind("25006", 0), CAIRN_ERR_FAILED);
    assert_int_equal(errors_kind("99999", 0), CAIRN_ERR_FAILED);
    assert_int_equal(errors_connect_kind("57P03", ""), CAIRN_ERR_UNAVAILABLE);
    assert_int_equal(errors_connect_kind("53300", ""), CAIRN_ERR_THROTTLED);
    assert_int_equal(errors_connect_kind("XX000", ""), CAIRN_ERR_UNAVAILABLE);
    assert_int_equal(errors_connect_kind("", "Connection refused"), CAIRN_ERR_UNAVAILABLE);
    assert_int_equal(errors_connect_kind("", "SSL error: certificate verify failed"), CAIRN_ERR_DENIED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_statements),
        cmocka_unit_test(takes_one_statement_without_a_transaction),
        cmocka_unit_test(finds_the_index_of_a_statement),
        cmocka_unit_test(reads_codes_and_lines),
        cmocka_unit_test(gives_each_refusal_its_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
