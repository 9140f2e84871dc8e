/*
 * aws-credentials.c: where keys come from: environment, shared files, configuration.
 * SPDX-License-Identifier: MIT
 */
#include "aws-stand-in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../plugins/aws/cache.h"
#include "../plugins/aws/credentials.h"
#include "../plugins/aws/profile.h"
#include "../plugins/aws/provider.h"
#include "common/alloc.h"

static int
load(struct credentials *out, struct cairn_error *err)
{
    struct search search = { .call = &call, .profile = profile_name(&call), .region = "eu-west-1" };
    struct cairn_value *settings;
    int rc = profile_load(&settings, &call, search.profile, err);

    *out = (struct credentials){ 0 };
    search.settings = settings;
    search.named = cairn_get(call.config, "profile") != NULL;
    if (rc == 0)
        rc = credentials_load(out, &search, err);
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
write_program(const char *name, const char *text)
{
    char *path = alloc_printf("%s/%s", home, name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s", text);
    fclose(file);
    assert_int_equal(chmod(path, 0700), 0);
    free(path);
}

/* A profile whose credential_process is this, with HOME for the test's folder. */
static void
process(const char *line)
{
    char *config = alloc_printf("[default]\ncredential_process = %s%s\n", home, line);

    cache_forget();
    world(NULL, NULL, config, NULL);
    free(config);
}

#define ANSWER(id) "echo '{\"Version\":1,\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"TOPSECRET\"}'\n"

static void
programs(void **state)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        { "echo TOPSECRET\n", "its answer isn't JSON" },
        { "echo '{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"TOPSECRET\"}'\n", "isn't of Version 1" },
        { "echo '{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"TOPSECRET\"}'\n", "isn't of Version 1" },
        { "echo '{\"Version\":1,\"AccessKeyId\":\"A\"}'\n", "has no AccessKeyId or no SecretAccessKey" },
        { "echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"TOPSECRET\",\"Expiration\":\"soon\"}'\n",
          "an Expiration that isn't a time" },
        { "exit 3\n", "it ended with status 3; its messages are in the run's log" },
    };

    (void)state;
    write_program("keys", "echo '{\"Version\":1,\"AccessKeyId\":\"'\"$1-$2-$#\"'\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\"}'\n");
    process("/keys \"a b\" c\\ d");
    refused(CAIRN_ERR_DENIED, "a blank or a control character");
    process("/keys \"a\"'b' c\\d");
    expect("ab-cd-2", "s", "t", "the credential_process of profile default");
    process("/keys 'a;$(exit)' '|x'");
    expect("a;$(exit)-|x-2", "s", "t", "the credential_process of profile default");
    process("/keys 'a");
    refused(CAIRN_ERR_DENIED, "a quote stays open");
    process("/nobody");
    refused(CAIRN_ERR_DENIED, "it can't be run");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_program("bad", bad[i].text);
        process("/bad");
        refused(CAIRN_ERR_DENIED, bad[i].words);
    }
}

/* Keys in the credentials file are before the program, keys in the config file behind it. */
static void
order_of_files(void **state)
{
    char *config;

    (void)state;
    write_program("keys", ANSWER("AKPROGRAM"));
    config = alloc_printf("[default]\naws_access_key_id=AKC\naws_secret_access_key=sc\ncredential_process=%s/keys\n", home);
    cache_forget();
    world(NULL, NULL, config, NULL);
    expect("AKPROGRAM", "TOPSECRET", "", "the credential_process of profile default");
    world(NULL, NULL, config, "[default]\naws_access_key_id=AKS\naws_secret_access_key=ss\n");
    expect("AKS", "ss", "", "profile default");
    free(config);
}

/* Seconds from NOW; the program counts how often it is asked. */
static void
at(int64_t seconds, const char *id)
{
    wall = NOW + seconds * 1000;
    expect(id, "TOPSECRET", "", "the credential_process of profile default");
}

#define COUNTING(expiration) \
    "n=$(($(cat \"$0.n\" 2>/dev/null || echo 0) + 1)); echo $n >\"$0.n\"\n[ ! -e \"$0.broken\" ] || exit 1\n" \
    "echo '{\"Version\":1,\"AccessKeyId\":\"'$n'\",\"SecretAccessKey\":\"TOPSECRET\",\"Expiration\":\"" expiration "\"}'\n"

static void
refreshes(void **state)
{
    char *broken = alloc_printf("%s/once.broken", home);
    FILE *file;

    (void)state;
    write_program("once", COUNTING("2026-09-21T14:46:40Z")); /* NOW and an hour, whenever it is asked */
    process("/once");
    at(0, "1");
    at(44 * 60, "1");
    at(46 * 60, "2");
    file = fopen(broken, "we");
    assert_non_null(file);
    fclose(file);
    process("/once");
    wall = NOW;
    refused(CAIRN_ERR_DENIED, "it ended with status 1");
    unlink(broken);
    at(0, "4");
    file = fopen(broken, "we");
    assert_non_null(file);
    fclose(file);
    at(46 * 60, "4"); /* tried, and the old ones are good */
    at(46 * 60 + 10, "4"); /* not tried */
    wall = NOW + 51 * 60000;
    refused(CAIRN_ERR_DENIED, "it ended with status 1");
    unlink(broken);
    at(51 * 60, "7");
    wall = NOW + 3600000;
    refused(CAIRN_ERR_DENIED, "expired at 2026-09-21T14:46:40Z");
    wall = NOW;
    free(broken);
}

static void
roles(void **state)
{
    static const struct {
        const char *config, *words;
    } bad[] = {
        { "[profile p]\nrole_arn=r\n", "neither source_profile nor credential_source" },
        { "[profile p]\nrole_arn=r\nsource_profile=a\ncredential_source=Environment\n", "has both source_profile and" },
        { "[profile p]\nrole_arn=r\nsource_profile=a\n", "has source_profile a, and neither of the shared files has it" },
        { "[profile p]\nrole_arn=r\nsource_profile=p\n", "has source_profile p, which leads back to it" },
        { "[profile p]\nrole_arn=r\nsource_profile=a\n[profile a]\nrole_arn=s\nsource_profile=b\n"
          "[profile b]\nrole_arn=t\nsource_profile=p\n", "profile b has source_profile p, which leads back to it" },
        { "[profile p]\nrole_arn=r\nsource_profile=a\n[profile a]\nregion=x\n", "is source_profile of p" },
        { "[profile p]\nrole_arn=r\nsource_profile=a\n[profile a]\naws_access_key_id=A\n", "without aws_secret_access_key" },
        { "[profile p]\nrole_arn=r\nsource_profile=a\nmfa_serial=m\n", "aws configure export-credentials --profile p" },
        { "[profile p]\nrole_arn=r\ncredential_source=Elsewhere\n", "none of Environment, Ec2InstanceMetadata, EcsContainer" },
        { "[profile p]\nrole_arn=r\ncredential_source=Environment\n", "credential_source Environment, and there are no keys" },
        { "[profile p]\nrole_arn=r\nweb_identity_token_file=/nonexistent\n", "get the keys of r: " },
        { "[profile p]\nweb_identity_token_file=/nonexistent\n", "no AWS_ROLE_ARN or role_arn" },
        { "[profile p]\nrole_arn=r\nsource_profile=a\n[profile a]\nsso_session=s\n", "profile a has sso_session" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        world(ENV("AWS_PROFILE", "p"), NULL, bad[i].config, NULL);
        refused(CAIRN_ERR_DENIED, bad[i].words);
    }
    world(ENV("AWS_PROFILE", "p"), NULL,
          "[profile p]\nrole_arn=r\nsource_profile=p\naws_access_key_id=A\naws_secret_access_key=TOPSECRET\n", NULL);
    refused(CAIRN_ERR_UNAVAILABLE, "get the keys of r: send https://sts.eu-west-1.amazonaws.com/: there is no network");
    world(ENV("AWS_PROFILE", "p", KEYS), NULL, "[profile p]\nrole_arn=r\ncredential_source=Environment\n", NULL);
    expect("AKENV", "env-TOPSECRET", "", "the environment");
    world(ENV(KEYS), ENV("profile", "p"), "[profile p]\nrole_arn=r\ncredential_source=Environment\n", NULL);
    refused(CAIRN_ERR_UNAVAILABLE, "there is no network");
}

static void
containers(void **state)
{
    static const char *const refused_uris[] = {
        "http://10.0.0.1/x", "http://127.0.0.1.example.org/x", "http://169.254.170.2@evil/x", "http://localhost.evil/",
        "http://[fd00:ec2::24]/x", "http://169.254.170.222/", "ftp://127.0.0.1/", "http://127.0.0.1:80@evil/",
    };
    static const char *const taken_uris[] = {
        "http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:9/", "http://169.254.170.2/x",
        "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1", "https://anywhere.example.org/x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refused_uris) / sizeof(refused_uris[0]); i++) {
        world(ENV("AWS_CONTAINER_CREDENTIALS_FULL_URI", refused_uris[i]), NULL, NULL, NULL);
        refused(CAIRN_ERR_DENIED, "find credentials: AWS_CONTAINER_CREDENTIALS_FULL_URI");
    }
    for (size_t i = 0; i < sizeof(taken_uris) / sizeof(taken_uris[0]); i++) {
        world(ENV("AWS_CONTAINER_CREDENTIALS_FULL_URI", taken_uris[i]), NULL, NULL, NULL);
        refused(CAIRN_ERR_UNAVAILABLE, taken_uris[i]);
    }
    world(ENV("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1"), NULL,
          NULL, NULL);
    refused(CAIRN_ERR_UNAVAILABLE, "http://169.254.170.2/v2/x");
    world(ENV("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "TOPSECRET\r\nX: y"), NULL,
          NULL, NULL);
    refused(CAIRN_ERR_DENIED, "a line break in it");
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
        { "a program's keys are taken, its command line is split without a shell, and bad answers are refused", programs,
          NULL, NULL, NULL },
        { "keys of the credentials file are before a program, those of the config file behind it", order_of_files, NULL,
          NULL, NULL },
        { "keys that end are got anew in time, and kept while they are good and there are no others", refreshes, NULL, NULL,
          NULL },
        { "a role needs one source of keys, and loops are found", roles, NULL, NULL, NULL },
        { "a container's endpoint is this machine or is spoken to by TLS", containers, NULL, NULL, NULL },
        { "one set of keys is told from another", digests, NULL, NULL, NULL },
    };

    return cmocka_run_group_tests_name("aws-credentials", tests, set_up, tear_down);
}
