/*
 * aws-credentials.c: where keys, region and endpoints come from: environment, shared files, configuration.
 * SPDX-License-Identifier: MIT
 *
 * The host's functions that tell of a call are stood in for by those at the top.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../plugins/aws/credentials.h"
#include "../plugins/aws/endpoint.h"
#include "../plugins/aws/profile.h"
#include "common/alloc.h"

#define NOW 1789998400000ll /* 2026-09-21T13:46:40Z */

/* ---- a call that isn't one ---------------------------------------------------------------------------------------- */

struct cairn_call {
    struct cairn_value *env, *config;
};

static struct cairn_call call;
static char home[64];

const char *
cairn_env(const struct cairn_call *c, const char *name)
{
    return cairn_get_str(c->env, name, NULL);
}

const struct cairn_value *
cairn_config(const struct cairn_call *c)
{
    return c->config;
}

int64_t
cairn_wall(const struct cairn_call *c)
{
    (void)c;
    return NOW;
}

/* ---- help --------------------------------------------------------------------------------------------------------- */

static struct cairn_value *
pairs(const char *const *texts)
{
    struct cairn_value *map = cairn_map();

    for (; texts && *texts; texts += 2)
        cairn_put(map, texts[0], cairn_str(texts[1]));
    return map;
}

static void
write_file(const char *name, const char *text)
{
    char *path = alloc_printf("%s/.aws/%s", home, name);
    FILE *file;

    if (!text) {
        unlink(path);
    } else {
        file = fopen(path, "we");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
    free(path);
}

/* A world: variables and configuration as pairs, and the two files (NULL: missing). */
static void
world(const char *const *env, const char *const *config, const char *config_file, const char *credentials_file)
{
    cairn_free(call.env);
    cairn_free(call.config);
    call.env = pairs(env);
    call.config = pairs(config);
    cairn_put(call.env, "HOME", cairn_str(home));
    write_file("config", config_file);
    write_file("credentials", credentials_file);
}

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

#define ENV(...) (const char *const[]){ __VA_ARGS__, NULL }
#define KEYS "AWS_ACCESS_KEY_ID", "AKENV", "AWS_SECRET_ACCESS_KEY", "env-TOPSECRET"

static const char two_profiles[] = "[default]\n"
                                   "aws_access_key_id = AKDEF\n"
                                   "aws_secret_access_key = def-TOPSECRET\n"
                                   "\n"
                                   "[prod]\n"
                                   "aws_access_key_id=AKPROD\n"
                                   "aws_secret_access_key=prod/TOP+SECRET==\n"
                                   "aws_session_token = prod-token\n";

/* ---- tests -------------------------------------------------------------------------------------------------------- */

static void
environment(void **state)
{
    (void)state;
    world(ENV(KEYS), NULL, NULL, two_profiles);
    expect("AKENV", "env-TOPSECRET", "", "the environment");
    world(ENV(KEYS, "AWS_PROFILE", "prod", "AWS_SESSION_TOKEN", "t", "AWS_SECURITY_TOKEN", "old"), NULL, NULL, two_profiles);
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
    world(ENV("AWS_PROFILE", "p"), NULL, "[p]\naws_access_key_id=WRONG\n[profile p]\naws_access_key_id=AKP\naws_secret_access_key=sp\n",
          NULL);
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
    world(ENV("AWS_PROFILE", "p"), NULL, "[profile p]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n", two_profiles);
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
    assert_int_equal(profile_parse(out, "default", "config", "[default]\ns3 =\n  max_requests = 5\n  aws_access_key_id = NO\nregion = r\n  x\n",
                                   &err), -1);
    assert_non_null(strstr(err.text, "line 6"));
    cairn_free(out);
    out = cairn_map();
    err = (struct cairn_error){ 0 };
    assert_int_equal(profile_parse(out, "default", "config",
                                   "[default]\ns3 =\n  max_requests = 5\n  aws_access_key_id = NO\nregion = r\n", &err), 1);
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
    world(ENV("AWS_SHARED_CREDENTIALS_FILE", path), NULL, "[default]\naws_access_key_id=AKX\naws_secret_access_key=sx\n", two_profiles);
    expect("AKX", "sx", "", "profile default");
    world(ENV("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/config"), NULL, "[default]\naws_access_key_id=AKX\naws_secret_access_key=sx\n", NULL);
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
    world(NULL, NULL, NULL,
          "[default]\naws_access_key_id=AK\naws_secret_access_key=TOPSECRET\nx_security_token_expires=2026-01-01T00:00:00Z\n");
    refused(CAIRN_ERR_DENIED, "those of profile default expired");
}

static void
check_region(const char *want, enum cairn_error_kind kind, const char *words)
{
    struct cairn_value *settings;
    struct cairn_error err = { 0 };
    char *region = NULL;
    int rc;

    assert_int_equal(profile_load(&settings, &call, profile_name(&call), &err), 0);
    rc = endpoint_region(&region, &call, settings, &err);
    if (want) {
        assert_int_equal(rc, 0);
        assert_string_equal(region, want);
    } else {
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, kind);
        if (!strstr(err.text, words))
            fail_msg("%s", err.text);
    }
    free(region);
    cairn_free(settings);
}

static void
regions(void **state)
{
    static const char file[] = "[default]\nregion = sa-east-1\n";

    (void)state;
    world(NULL, NULL, file, NULL);
    check_region("sa-east-1", 0, NULL);
    world(ENV("AWS_DEFAULT_REGION", "eu-west-3"), NULL, file, NULL);
    check_region("eu-west-3", 0, NULL);
    world(ENV("AWS_DEFAULT_REGION", "eu-west-3", "AWS_REGION", "eu-west-1"), NULL, file, NULL);
    check_region("eu-west-1", 0, NULL);
    world(NULL, ENV("region", "ca-central-1"), file, NULL);
    check_region("ca-central-1", 0, NULL);
    world(ENV("AWS_REGION", "eu-west-1"), ENV("region", "ca-central-1"), NULL, NULL);
    check_region(NULL, CAIRN_ERR_DENIED, "the configuration says ca-central-1 and AWS_REGION says eu-west-1");
    world(NULL, NULL, NULL, NULL);
    check_region(NULL, CAIRN_ERR_INVALID, "set region");
    world(NULL, ENV("region", "evil.com/"), NULL, NULL);
    check_region(NULL, CAIRN_ERR_INVALID, "isn't the name of a region");
}

static void
check_url(const char *region, const char *want)
{
    struct cairn_value *settings;
    struct cairn_error err = { 0 };
    char *url = NULL;

    assert_int_equal(profile_load(&settings, &call, profile_name(&call), &err), 0);
    if (endpoint_url(&url, &call, settings, "rds", "RDS", region, &err) < 0)
        url = alloc_str(err.text);
    assert_string_equal(url, want);
    free(url);
    cairn_free(settings);
}

static void
endpoints(void **state)
{
    static const char file[] = "[default]\nservices = mine\nendpoint_url = http://profile\n[services mine]\nrds =\n  endpoint_url = http://service/\n";

    (void)state;
    world(NULL, NULL, NULL, NULL);
    check_url("ca-central-1", "https://rds.ca-central-1.amazonaws.com");
    check_url("us-gov-west-1", "https://rds.us-gov-west-1.amazonaws.com");
    check_url("cn-north-1", "https://rds.cn-north-1.amazonaws.com.cn");
    check_url("eusc-de-east-1", "https://rds.eusc-de-east-1.amazonaws.eu");
    world(ENV("AWS_USE_FIPS_ENDPOINT", "true"), NULL, NULL, NULL);
    check_url("us-east-1", "https://rds-fips.us-east-1.amazonaws.com");
    world(ENV("AWS_USE_DUALSTACK_ENDPOINT", "true"), NULL, NULL, NULL);
    check_url("us-east-1", "https://rds.us-east-1.api.aws");
    world(ENV("AWS_ENDPOINT_URL", "http://127.0.0.1:5/x/", "AWS_ENDPOINT_URL_RDS", "http://127.0.0.1:6"), ENV("endpoint_url", "http://c"),
          file, NULL);
    check_url("us-east-1", "http://127.0.0.1:6");
    world(ENV("AWS_ENDPOINT_URL", "http://127.0.0.1:5/x/"), ENV("endpoint_url", "http://c"), file, NULL);
    check_url("us-east-1", "http://127.0.0.1:5/x");
    world(NULL, ENV("endpoint_url", "http://c"), file, NULL);
    check_url("us-east-1", "http://c");
    world(NULL, NULL, file, NULL);
    check_url("us-east-1", "http://service");
    world(NULL, NULL, "[default]\nendpoint_url = http://profile\n", NULL);
    check_url("us-east-1", "http://profile");
    world(ENV("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", "AWS_ENDPOINT_URL", "http://e"), NULL, file, NULL);
    check_url("us-east-1", "https://rds.us-east-1.amazonaws.com");
    world(ENV("AWS_ENDPOINT_URL", "ftp://e"), NULL, NULL, NULL);
    check_url("us-east-1", "use endpoint ftp://e: it must begin with https:// or http://");
}

static void
hosts(void **state)
{
    static const char *const pairs_of[] = {
        "https://rds.x.amazonaws.com", "rds.x.amazonaws.com", "https://h:443/p", "h", "http://h:80", "h", "https://h:80", "h:80",
        "http://127.0.0.1:4566/x", "127.0.0.1:4566", "http://u:p@h:5", "h:5", "https://[::1]:9", "[::1]:9", NULL,
    };

    (void)state;
    for (const char *const *at = pairs_of; *at; at += 2) {
        char *host = endpoint_host(at[0]);

        assert_string_equal(host, at[1]);
        free(host);
    }
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

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int
set_up(void **state)
{
    char *path;

    (void)state;
    snprintf(home, sizeof(home), "/tmp/cairn-test.XXXXXX");
    if (!mkdtemp(home))
        return -1;
    path = alloc_printf("%s/.aws", home);
    mkdir(path, 0700);
    free(path);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    cairn_free(call.env);
    cairn_free(call.config);
    return nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
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
        { "the region comes from the environment or the configuration, which may not differ", regions, NULL, NULL, NULL },
        { "an endpoint is that of the variable, the configuration, the profile, or the region's", endpoints, NULL, NULL, NULL },
        { "the host of a URL is as it stands in the Host header", hosts, NULL, NULL, NULL },
        { "one set of keys is told from another", digests, NULL, NULL, NULL },
    };

    return cmocka_run_group_tests_name("aws-credentials", tests, set_up, tear_down);
}
