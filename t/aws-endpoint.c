/*
 * aws-endpoint.c: where the region and the addresses of the services come from.
 * SPDX-License-Identifier: MIT
 */
#include "aws-stand-in.h"

#include <stdlib.h>
#include <string.h>

#include "../plugins/aws/endpoint.h"
#include "../plugins/aws/profile.h"
#include "common/alloc.h"

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
    static const char file[] =
        "[default]\nservices = mine\nendpoint_url = http://profile\n"
        "[services mine]\nrds =\n  endpoint_url = http://service/\n";

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
    world(ENV("AWS_ENDPOINT_URL", "http://127.0.0.1:5/x/", "AWS_ENDPOINT_URL_RDS", "http://127.0.0.1:6"),
          ENV("endpoint_url", "http://c"), file, NULL);
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
        "https://rds.x.amazonaws.com",
        "rds.x.amazonaws.com",
        "https://h:443/p",
        "h",
        "http://h:80",
        "h",
        "https://h:80",
        "h:80",
        "http://127.0.0.1:4566/x",
        "127.0.0.1:4566",
        "http://u:p@h:5",
        "h:5",
        "https://[::1]:9",
        "[::1]:9",
        NULL,
    };

    (void)state;
    for (const char *const *at = pairs_of; *at; at += 2) {
        char *host = endpoint_host(at[0]);

        assert_string_equal(host, at[1]);
        free(host);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        { "the region comes from the environment or the configuration, which may not differ", regions, NULL, NULL,
          NULL },
        { "an endpoint is that of the variable, the configuration, the profile, or the region's", endpoints, NULL, NULL,
          NULL },
        { "the host of a URL is as it stands in the Host header", hosts, NULL, NULL, NULL },
    };

    return cmocka_run_group_tests_name("aws-endpoint", tests, set_up, tear_down);
}
