/*
 * aws-xml.c: the reader of XML replies, on good, odd and hostile text.
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../plugins/aws/buffer.h"
#include "../plugins/aws/xml.h"
#include "common/alloc.h"

#define DTD "<!DOCTYPE a [<!ENTITY x \"y\">]>"

struct good {
    const char *text, *path, *want; /* want NULL: there is nothing at the path */
};

static const struct good good[] = {
    { "<a><b>c</b></a>", "b", "c" },
    { "<a><b>c</b></a>", "x", NULL },
    { "<a><b>c</b></a>", "b/c", NULL },
    { "<a><b><c>1</c></b><b><c>2</c></b></a>", "b/c", "1" },
    { "<a><b/></a>", "b", "" },
    { "<a><b></b></a>", "b", "" },
    { "<a>\n  <b>\n <c>x</c>\n  </b>\n</a>", "b/c", "x" },
    { "<a><b> x </b></a>", "b", " x " },
    { "<a><b>&lt;&amp;&#65;&#x42;</b></a>", "b", "<&AB" },
    { "<a><b><![CDATA[<x>&amp;]]></b></a>", "b", "<x>&amp;" },
    { "<a><b>one<!-- no -->two</b></a>", "b", "onetwo" },
    { "<n:a xmlns:n='urn:x'><n:b q='z'>c</n:b></n:a>", "b", "c" },
    { "<?xml version='1.0' encoding='ISO-8859-1'?><a><b>\xe4</b></a>", "b", "\xc3\xa4" },
    { "\xef\xbb\xbf<a><b>c</b></a>", "b", "c" },
    { "<a>text</a>", "", "text" },
};

static void
reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct cairn_error err = { 0 };
        struct xml_node *root;
        const char *got;

        if (xml_parse(&root, good[i].text, strlen(good[i].text), &err) < 0)
            fail_msg("%s: %s", good[i].text, err.text);
        got = xml_text(root, good[i].path, NULL);
        if (!got != !good[i].want || (got && strcmp(got, good[i].want) != 0))
            fail_msg("%s at %s: \"%s\"", good[i].text, good[i].path, got ? got : "(nothing)");
        xml_free(root);
    }
}

struct bad {
    const char *text, *why;
};

static const struct bad bad[] = {
    { "", "no element found" },
    { "   ", "no element found" },
    { "Service Unavailable", "syntax error" },
    { "<a><b>c</b>", "no element found" },
    { "<a><b>c</a>", "mismatched tag" },
    { "<a></a><b></b>", "junk after document element" },
    { "<a>&x;</a>", "undefined entity" },
    { "<a>\xff\xfe</a>", "not well-formed" },
    { "<html><head><title>Sign in</title><meta charset=utf-8></head></html>", "not well-formed" },
    { DTD "<a>&x;</a>", "document type declaration" },
    { "<!DOCTYPE html><html></html>", "document type declaration" },
    { "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", "document type declaration" },
    { "<!DOCTYPE a [<!ENTITY x SYSTEM \"http://127.0.0.1:1/\">]><a>&x;</a>", "document type declaration" },
    { "<!DOCTYPE a [<!ENTITY a '1'><!ENTITY b '&a;&a;&a;'><!ENTITY c '&b;&b;&b;'>]><a>&c;</a>",
      "document type declaration" },
};

static void
refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cairn_error err = { 0 };
        struct xml_node *root;

        if (xml_parse(&root, bad[i].text, strlen(bad[i].text), &err) == 0)
            fail_msg("read: %s", bad[i].text);
        if (err.kind != CAIRN_ERR_INVALID || !strstr(err.text, bad[i].why) || !strstr(err.text, "line 1"))
            fail_msg("%s: %s", bad[i].text, err.text);
    }
}

/* `depth` elements, one in the other. */
static char *
nested(int depth)
{
    struct buffer text = { 0 };

    for (int i = 0; i < depth; i++)
        buffer_str(&text, "<a>");
    for (int i = 0; i < depth; i++)
        buffer_str(&text, "</a>");
    return buffer_take(&text);
}

static void
bounds_depth(void **state)
{
    struct cairn_error err = { 0 };
    struct xml_node *root;
    char *text = nested(XML_MAX_DEPTH);

    (void)state;
    assert_int_equal(xml_parse(&root, text, strlen(text), &err), 0);
    xml_free(root);
    free(text);
    text = nested(XML_MAX_DEPTH + 1);
    assert_int_equal(xml_parse(&root, text, strlen(text), &err), -1);
    assert_non_null(strstr(err.text, "nested too deeply"));
    free(text);
    text = nested(100000);
    assert_int_equal(xml_parse(&root, text, strlen(text), &err), -1);
    free(text);
}

static void
bounds_size(void **state)
{
    struct cairn_error err = { 0 };
    struct buffer text = { 0 };
    struct xml_node *root;

    (void)state;
    buffer_str(&text, "<r>");
    for (int i = 0; i < XML_MAX_ELEMENTS; i++)
        buffer_str(&text, "<a/>");
    buffer_str(&text, "</r>");
    assert_int_equal(xml_parse(&root, text.text, text.len, &err), -1);
    assert_non_null(strstr(err.text, "too many elements"));
    err = (struct cairn_error){ 0 };
    assert_int_equal(xml_parse(&root, text.text, (size_t)XML_MAX_TEXT + 1, &err), -1);
    assert_non_null(strstr(err.text, "bytes are more than"));
    buffer_release(&text);
}

/* A reply that was cut off anywhere is never taken for a whole one. */
static void
refuses_cut_off(void **state)
{
    static const char text[] = "<R><D><Id>db-1</Id><L><M>a</M><M>b</M></L></D><X/></R>";

    (void)state;
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        struct cairn_error err = { 0 };
        struct xml_node *root;

        if (xml_parse(&root, text, len, &err) == 0)
            fail_msg("read as whole: %.*s", (int)len, text);
    }
}

static void
walks(void **state)
{
    static const char text[] = "<R><L><M>a</M><N>x</N><M>b</M></L><I>7</I><J>7x</J><T>true</T><F>false</F></R>";
    struct cairn_error err = { 0 };
    const struct xml_node *at;
    struct xml_node *root, *copy;

    (void)state;
    assert_int_equal(xml_parse(&root, text, strlen(text), &err), 0);
    copy = xml_copy(xml_get(root, "L"));
    at = xml_get(copy, "M");
    assert_string_equal(xml_text(at, "", ""), "a");
    at = xml_next(at);
    assert_string_equal(xml_text(at, "", ""), "b");
    assert_null(xml_next(at));
    assert_null(copy->next);
    assert_int_equal(xml_int(root, "I", -1), 7);
    assert_int_equal(xml_int(root, "J", -1), -1);
    assert_int_equal(xml_int(root, "K", -1), -1);
    assert_int_equal(xml_bool(root, "T", -1), 1);
    assert_int_equal(xml_bool(root, "F", -1), 0);
    assert_int_equal(xml_bool(root, "I", -1), -1);
    assert_null(xml_get(NULL, "x"));
    xml_free(copy);
    xml_free(root);
    xml_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        { "texts are found by their path", reads, NULL, NULL, NULL },
        { "lists are walked and numbers and truths read", walks, NULL, NULL, NULL },
        { "what isn't well-formed or has a document type is refused with its place", refuses, NULL, NULL, NULL },
        { "a reply that was cut off anywhere is refused", refuses_cut_off, NULL, NULL, NULL },
        { "elements nested too deeply are refused", bounds_depth, NULL, NULL, NULL },
        { "too many elements and too long a text are refused", bounds_size, NULL, NULL, NULL },
    };

    return cmocka_run_group_tests_name("aws-xml", tests, NULL, NULL);
}
