/*
 * engine-params.c: tests of checking values against a table of parameters.
 * SPDX-License-Identifier: MIT
 */
#include "t/engine.h"

#include "common/canon.h"
#include "engine/params.h"

#define TABLE                                                                                                          \
    "[{'name':'id','type':'string','required':true,'help':'identifier of the instance'},"                              \
    "{'name':'count','type':'integer','default':3},"                                                                   \
    "{'name':'ratio','type':'number'},"                                                                                \
    "{'name':'force','type':'boolean','default':false},"                                                               \
    "{'name':'tags','type':'map'},"                                                                                    \
    "{'name':'zones','type':'list'},"                                                                                  \
    "{'name':'payload','type':'any'},"                                                                                 \
    "{'name':'password','type':'string','secret':true}]"

static json_t *
parsed(const char *text)
{
    char *copy = alloc_str(text);
    json_t *value;

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    value = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    free(copy);
    return value;
}

static void
assert_json(const json_t *value, const char *want)
{
    json_t *expected = parsed(want);
    char *text = canon_text(value);
    char *other = canon_text(expected);

    assert_string_equal(text, other);
    free(text);
    free(other);
    json_decref(expected);
}

static void
completes_sound_values_and_refuses_others(void **state)
{
    static const struct {
        const char *values, *result, *says;
    } table[] = {
        { "{'id':'a'}", "{'id':'a','count':3,'force':false}", NULL },
        { "{'id':'a','count':7,'force':true}", "{'id':'a','count':7,'force':true}", NULL },
        { "{'id':'a','ratio':2,'payload':null}", "{'id':'a','ratio':2,'payload':null,'count':3,'force':false}", NULL },
        { "{'id':{'$sealed':'x'},'password':{'$ref':'db'}}",
          "{'id':{'$sealed':'x'},'password':{'$ref':'db'},'count':3,'force':false}", NULL },
        { "{'id':'a','tags':null,'count':null}", "{'id':'a','count':3,'force':false}", NULL },
        { "{}", NULL, "x.y: id: it is missing: identifier of the instance" },
        { "{'id':null}", NULL, "x.y: id: it is missing" },
        { "{'id':7}", NULL, "x.y: id: it must be of type string, and is of type integer" },
        { "{'id':'a','count':1.0}", NULL, "x.y: count: it must be of type integer, and is of type number" },
        { "{'id':'a','count':'1'}", NULL, "and is of type string" },
        { "{'id':'a','ratio':'1'}", NULL, "x.y: ratio: it must be of type number" },
        { "{'id':'a','force':0}", NULL, "x.y: force: it must be of type boolean" },
        { "{'id':'a','tags':[]}", NULL, "x.y: tags: it must be of type map, and is of type list" },
        { "{'id':'a','zones':{}}", NULL, "x.y: zones: it must be of type list, and is of type map" },
        { "{'id':'a','tags':{'$secret':'x'}}", NULL, "and is of type secret" },
        { "{'id':{'$secret':'x','y':1}}", NULL, "x.y: id: it must be of type string, and is of type map" },
        { "{'id':'a','cuont':1}", NULL, "x.y: cuont: there is no such parameter; did you mean count?" },
        { "{'id':'a','nonsense':1}", NULL, "x.y: nonsense: there is no such parameter" },
        { "[]", NULL, "must be a map" },
    };
    json_t *params = parsed(TABLE);

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        json_t *values = parsed(table[i].values);
        struct cairn_error err = { 0 };
        int rc = params_check(values, params, "x.y", &err);

        if (table[i].says) {
            assert_error(rc, &err, CAIRN_ERR_INVALID, table[i].says);
        } else {
            assert_fine(rc, &err);
            assert_json(values, table[i].result);
        }
        json_decref(values);
    }
    json_decref(params);
}

static void
reads_command_line_texts_by_the_type(void **state)
{
    static const struct {
        const char *text, *result, *says;
    } table[] = {
        { "id=a=b", "{'id':'a=b'}", NULL },
        { "id=", "{'id':''}", NULL },
        { "id=42", "{'id':'42'}", NULL },
        { "count=42", "{'count':42}", NULL },
        { "count=-1", "{'count':-1}", NULL },
        { "ratio=1.5", "{'ratio':1.5}", NULL },
        { "ratio=2", "{'ratio':2}", NULL },
        { "force=true", "{'force':true}", NULL },
        { "tags={\"a\":\"b\"}", "{'tags':{'a':'b'}}", NULL },
        { "zones=[1,2]", "{'zones':[1,2]}", NULL },
        { "payload=[1]", "{'payload':[1]}", NULL },
        { "payload=plain text", "{'payload':'plain text'}", NULL },
        { "password=db", "{'password':{'$ref':'db'}}", NULL },
        { "count=4x", NULL, "params: count: \"4x\" is not of type integer" },
        { "count=", NULL, "not of type integer" },
        { "count= 4", NULL, "not of type integer" },
        { "count=99999999999999999999", NULL, "not of type integer" },
        { "ratio=nan", NULL, "not of type number" },
        { "force=yes", NULL, "not of type boolean" },
        { "tags=[1]", NULL, "not of type map" },
        { "zones=1,2", NULL, "not of type list" },
        { "dI=1", NULL, "there is no such parameter" },
        { "zone=[]", NULL, "did you mean zones?" },
        { "id", NULL, "parameter id: write it as NAME=VALUE" },
        { "=x", NULL, "write it as NAME=VALUE" },
    };
    json_t *params = parsed(TABLE);
    json_t *values = json_object();
    struct cairn_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        json_t *one = json_object();
        int rc = params_from_text(one, params, table[i].text, &err);

        if (table[i].says) {
            assert_error(rc, &err, CAIRN_ERR_INVALID, table[i].says);
        } else {
            assert_fine(rc, &err);
            assert_json(one, table[i].result);
        }
        json_decref(one);
    }
    assert_fine(params_from_text(values, params, "id=a", &err), &err);
    assert_error(params_from_text(values, params, "id=b", &err), &err, CAIRN_ERR_INVALID, "it is given twice");
    json_decref(values);
    json_decref(params);
}

static void
reads_what_a_workflow_says(void **state)
{
    static const struct {
        const char *spec, *result, *says;
    } table[] = {
        { "{}", "[]", NULL },
        { "{'b':{'type':'integer','default':1},'a':{'required':true,'help':'h'}}",
          "[{'name':'a','type':'string','required':true,'secret':false,'help':'h'},"
          "{'name':'b','type':'integer','required':false,'secret':false,'help':'','default':1}]",
          NULL },
        { "{'a':{'type':'strnig'}}", NULL, "params: a: its type must be string, integer" },
        { "{'a':{'type':7}}", NULL, "params: a: its type must be" },
        { "{'a':{'requird':true}}", NULL, "params: a: unknown key requird; did you mean required?" },
        { "{'a':{'required':'yes'}}", NULL, "params: a: required must be true or false" },
        { "{'a':{'help':7}}", NULL, "params: a: help must be a string" },
        { "{'a':{'default':7}}", NULL, "params: a: its default must be of type string, and is of type integer" },
        { "{'a':'string'}", NULL, "params: a: it must be a table" },
        { "{'a-b':{}}", NULL, "a name is of lower case letters" },
        { "{'1a':{}}", NULL, "a name is of lower case letters" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        json_t *spec = parsed(table[i].spec);
        struct cairn_error err = { 0 };
        json_t *rows = NULL;
        int rc = params_from_spec(&rows, spec, &err);

        if (table[i].says) {
            assert_error(rc, &err, CAIRN_ERR_INVALID, table[i].says);
        } else {
            assert_fine(rc, &err);
            assert_json(rows, table[i].result);
            json_decref(rows);
        }
        json_decref(spec);
    }
}

static void
finds_the_nearest_word(void **state)
{
    json_t *list = parsed("['region','account','profile']");
    json_t *map = parsed("{'region':1,'endpoint_url':2}");

    (void)state;
    assert_string_equal(params_nearest("regoin", list), "region");
    assert_string_equal(params_nearest("acount", list), "account");
    assert_string_equal(params_nearest("endpoint-url", map), "endpoint_url");
    assert_null(params_nearest("zone", list));
    assert_null(params_nearest("", list));
    json_decref(list);
    json_decref(map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completes_sound_values_and_refuses_others),
        cmocka_unit_test(reads_command_line_texts_by_the_type),
        cmocka_unit_test(reads_what_a_workflow_says),
        cmocka_unit_test(finds_the_nearest_word),
    };

    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
