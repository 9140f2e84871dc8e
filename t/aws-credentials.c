/*
 * aws-credentials.c: where keys come from: environment, shared files, configuration.
 * SPDX-License-Identifier: MIT
 */
#include "aws-stand-in.h"

#include <stdlib.h>
#include <string.h>

#include "../plugins/aws/credentials.h"
#include "../plugins/aws/profile.h"
#include "common/alloc.h"

static int
load(struct credentials *out, struct cairn_error *err)
{
    struct cairn_value *settings;
    int rc = profile_load(&settings, &call, profile_name(&call), err);

    *out = (struct credentials){ 0 };
    if (rc == 0)
        rc = credentials_load(out, &call, settings, err);
    cairn_free(settings);
    return rc;
}

static void
expect(const char *id, const char *secret, const char *token, const char *source)
{
    struct cairn_error err = { 0 };
    struct credentials c;

    if (load(&c, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(c.key_id, id);
    assert_string_equal(c.secret, secret);
    assert_string_equal(c.token ? c.token : "", token);
    assert_string_equal(c.source, source);
    credentials_release(&c);
    assert_null(c.secret);
}

/* Refused with these words, and never with a secret in them. */
static void
refused(enum cairn_error_kind kind, const char *words)
{
    struct cairn_error err = { 0 };
    struct credentials c;

    if (load(&c, &err) == 0)
        fail_msg("taken: %s", c.source);
    if (err.kind != kind || !strstr(err.text, words))
        fail_msg("not \"%s\": %s", words, err.text);
    assert_null(strstr(err.text, "TOPSECRET"));
}

#define KEYS "AWS_ACCESS_KEY_ID", "AKENV", "AWS_SECRET_ACCESS_KEY", "env-TOPSECRET"

static const char two_profiles[] = "[default]\n"
                                   "aws_access_key_id = AKDEF\n"
                                   "aws_secret_access_key = def-TOPSECRET\n"
                                   "\n"
                                   "[prod]\n"
                                   "aws_access_key_id=AKPROD\n"
                                   "aws_secret_access_key=prod/TOP+SECRET==\n"
                                   "aws_session_token = prod-token\n";

static void
environment(void **state)
{
    (void)state;
    world(ENV(KEYS), NULL, NULL, two_profiles);
    expect("AKENV", "env-TOPSECRET", "", "the environment");
    world(ENV(KEYS, "AWS_PROFILE", "prod", "AWS_SESSION_TOKEN", "t", "AWS_SECURITY_TOKEN", "old"), NULL, NULL,
          two_profiles);
    expect("AKENV", "env-TOPSECRET", "t", "the environment");
    world(ENV(KEYS, "AWS_SECURITY_TOKEN", "old"), NULL, NULL, NULL);
    expect("AKENV", "env-TOPSECRET", "old", "the environment");
    world(ENV(KEYS), ENV("profile", "prod"), NULL, two_profiles);
    expect("AKPROD", "prod/TOP+SECRET==", "prod-token", "profile prod");
}

static void
halves(void **state)
{
    (void)state;
    world(ENV("AWS_ACCESS_KEY_ID", "AK"), NULL, NULL, two_profiles);
    refused(CAIRN_ERR_DENIED, "AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY");
    world(ENV("AWS_SECRET_ACCESS_KEY", "TOPSECRET"), NULL, NULL, two_profiles);
    refused(CAIRN_ERR_DENIED, "AWS_SECRET_ACCESS_KEY without AWS_ACCESS_KEY_ID");
    world(NULL, NULL, NULL, "[default]\naws_access_key_id=AK\n");
    refused(CAIRN_ERR_DENIED, "profile default has aws_access_key_id without aws_secret_access_key");
    world(NULL, NULL, NULL, "[default]\naws_secret_access_key=TOPSECRET\n");
    refused(CAIRN_ERR_DENIED, "profile default has aws_secret_access_key without aws_access_key_id");
    world(NULL, NULL, NULL, "[default]\naws_access_key_id=AK\naws_secret_access_key=\n");
    refused(CAIRN_ERR_DENIED, "without aws_secret_access_key");
}

static void
profiles(void **state)
{
    (void)state;
    world(NULL, NULL, NULL, two_profiles);
    expect("AKDEF", "def-TOPSECRET", "", "profile default");
    world(ENV("AWS_PROFILE", "prod"), NULL, NULL, two_profiles);
    expect("AKPROD", "prod/TOP+SECRET==", "prod-token", "profile prod");
    world(ENV("AWS_DEFAULT_PROFILE", "prod"), NULL, NULL, two_profiles);
    expect("AKPROD", "prod/TOP+SECRET==", "prod-token", "profile prod");
    world(NULL, NULL, "[default]\naws_access_key_id=AKC\naws_secret_access_key=sc\n", NULL);
    expect("AKC", "sc", "", "profile default");
    world(ENV("AWS_PROFILE", "p"), NULL,
          "[p]\naws_access_key_id=WRONG\n[profile p]\naws_access_key_id=AKP\naws_secret_access_key=sp\n", NULL);
    expect("AKP", "sp", "", "profile p");
}

static void
merges(void **state)
{
    (void)state;
    world(ENV("AWS_PROFILE", "p"), NULL,
          "[profile p]\nregion = eu-west-1\naws_access_key_id=AKC\naws_secret_access_key=sc\naws_session_token=tc\n",
          "[p]\naws_access_key_id=AKW\naws_secret_access_key=sw\n");
    expect("AKW", "sw", "tc", "profile p");
}

static void
absent(void **state)
{
    (void)state;
    world(NULL, NULL, NULL, NULL);
    refused(CAIRN_ERR_DENIED, "there are none");
    world(ENV("AWS_PROFILE", "nosuch"), NULL, NULL, two_profiles);
    refused(CAIRN_ERR_DENIED, "neither of the shared files has profile nosuch");
    world(ENV("AWS_PROFILE", "p"), NULL, "[profile p]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n",
          two_profiles);
    refused(CAIRN_ERR_DENIED, "profile p has role_arn");
    world(ENV("AWS_PROFILE", "p"), NULL, "[profile p]\nsso_session = s\n[sso-session s]\nsso_region = x\n", NULL);
    refused(CAIRN_ERR_DENIED, "profile p has sso_session");
}

static void
comments(void **state)
{
    (void)state;
    world(NULL, NULL, NULL,
          "\xef\xbb\xbf# a comment with [default]\n"
          "; another\n"
          "  [default]   # why not\r\n"
          "\r\n"
          "aws_access_key_id\t=\tAK#1 # the key\r\n"
          "   # indented\n"
          "AWS_Secret_Access_Key = s;cr=t ; not this\n"
          "[other]\n"
          "aws_access_key_id = NO\n"
          "[ default ]\n"
          "aws_session_token = tok");
    expect("AK#1", "s;cr=t", "tok", "profile default");
}

static void
nested(void **state)
{
    struct cairn_value *out = cairn_map();
    struct cairn_error err = { 0 };

    (void)state;
    assert_int_equal(profile_parse(out, "default", "config",
                                   "[default]\ns3 =\n  max_requests = 5\n  aws_access_key_id = NO\nregion = r\n  x\n",
                                   &err),
                     -1);
    assert_non_null(strstr(err.text, "line 6"));
    cairn_free(out);
    out = cairn_map();
    err = (struct cairn_error){ 0 };
    assert_int_equal(profile_parse(out, "default", "config",
                                   "[default]\ns3 =\n  max_requests = 5\n  aws_access_key_id = NO\nregion = r\n", &err),
                     1);
    assert_string_equal(cairn_get_str(out, "s3.max_requests", ""), "5");
    assert_string_equal(cairn_get_str(out, "region", ""), "r");
    assert_null(cairn_get_str(out, "aws_access_key_id", NULL));
    cairn_free(out);
}

static void
malformed(void **state)
{
    (void)state;
    world(NULL, NULL, NULL, "[default]\naws_access_key_id = AK\nTOPSECRET\n");
    refused(CAIRN_ERR_INVALID, ".aws/credentials: line 3: a setting is KEY = VALUE");
    world(NULL, NULL, "[default\nx = TOPSECRET\n", NULL);
    refused(CAIRN_ERR_INVALID, ".aws/config: line 1: a section is [NAME]");
    world(NULL, NULL, "[default]\n= TOPSECRET\n", NULL);
    refused(CAIRN_ERR_INVALID, "line 2");
    world(ENV("AWS_ACCESS_KEY_ID", "AK", "AWS_SECRET_ACCESS_KEY", "TOPSECRET\r\nX-Evil: 1"), NULL, NULL, NULL);
    refused(CAIRN_ERR_DENIED, "control character");
    world(ENV("AWS_SHARED_CREDENTIALS_FILE", home), NULL, NULL, NULL);
    refused(CAIRN_ERR_DENIED, "not a regular file");
}

static void
other_files(void **state)
{
    char *path = alloc_printf("%s/.aws/config", home);

    (void)state;
    world(ENV("AWS_SHARED_CREDENTIALS_FILE", path), NULL,
          "[default]\naws_access_key_id=AKX\naws_secret_access_key=sx\n", two_profiles);
    expect("AKX", "sx", "", "profile default");
    world(ENV("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/config"), NULL,
          "[default]\naws_access_key_id=AKX\naws_secret_access_key=sx\n", NULL);
    expect("AKX", "sx", "", "profile default");
    free(path);
}

static void
expiry(void **state)
{
    (void)state;
    world(ENV(KEYS, "AWS_CREDENTIAL_EXPIRATION", "2026-09-21T13:46:41Z"), NULL, NULL, NULL);
    expect("AKENV", "env-TOPSECRET", "", "the environment");
    world(ENV(KEYS, "AWS_CREDENTIAL_EXPIRATION", "2026-09-21T13:46:40Z"), NULL, NULL, NULL);
    refused(CAIRN_ERR_DENIED, "expired at 2026-09-21T13:46:40Z");
    world(ENV(KEYS, "AWS_CREDENTIAL_EXPIRATION", "2026-09-21T13:46:40+00:00"), NULL, NULL, NULL);
    refused(CAIRN_ERR_DENIED, "expired at");
    world(ENV(KEYS, "AWS_CREDENTIAL_EXPIRATION", "tomorrow"), NULL, NULL, NULL);
    expect("AKENV", "env-TOPSECRET", "", "the environment");
    world(
        NULL, NULL, NULL,
        "[default]\naws_access_key_id=AK\naws_secret_access_key=TOPSECRET\n"
          "x_security_token_expires=2026-01-01T00:00:00Z\n");
    refused(CAIRN_ERR_DENIED, "those of profile default expired");
}

static void
digests(void **state)
{
    char id[] = "k", secret[] = "s", token[] = "t";
    struct credentials a = { .key_id = id, .secret = secret }, b = { .key_id = id, .secret = secret, .token = token };
    char one[SIGV4_HEX], two[SIGV4_HEX];

    (void)state;
    credentials_digest(one, &a);
    credentials_digest(two, &b);
    assert_string_not_equal(one, two);
    credentials_digest(two, &a);
    assert_string_equal(one, two);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        { "keys of the environment count unless the configuration names a profile", environment, NULL, NULL, NULL },
        { "a key without its other half is an error", halves, NULL, NULL, NULL },
        { "a profile is found in either file", profiles, NULL, NULL, NULL },
        { "a profile in both files is merged, and the credentials file wins", merges, NULL, NULL, NULL },
        { "missing keys are said with what to do, and other ways to get keys by name", absent, NULL, NULL, NULL },
        { "comments, blanks, a byte order mark and repeated sections are understood", comments, NULL, NULL, NULL },
        { "indented settings belong to the one above", nested, NULL, NULL, NULL },
        { "a malformed file is refused with its line and without its contents", malformed, NULL, NULL, NULL },
        { "the files may lie elsewhere", other_files, NULL, NULL, NULL },
        { "expired keys are refused before they are used", expiry, NULL, NULL, NULL },
        { "one set of keys is told from another", digests, NULL, NULL, NULL },
    };

    return cmocka_run_group_tests_name("aws-credentials", tests, set_up, tear_down);
}
