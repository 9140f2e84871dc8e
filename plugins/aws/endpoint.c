/*
 * endpoint.c: the region and the address of a service; used by the client.
 * SPDX-License-Identifier: MIT
 */
#include "endpoint.h"

#include "common/alloc.h"
#include "profile.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Regions by the beginning of their name. */
static const struct partition {
    const char *prefix, *name, *suffix, *dual_stack;
} partitions[] = {
    { "cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
    { "us-gov-", "aws-us-gov", "amazonaws.com", "api.aws" },
    { "eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu" },
    { "", "aws", "amazonaws.com", "api.aws" },
};

static const struct partition *
partition_of(const char *region)
{
    size_t i = 0;

    while (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) != 0)
        i++;
    return &partitions[i];
}

const char *
endpoint_partition(const char *region)
{
    return partition_of(region)->name;
}

static const char *
set_env(struct cairn_call *call, const char *name)
{
    const char *value = cairn_env(call, name);

    return value && *value ? value : NULL;
}

/* A switch of the environment, else of the profile. */
static int
is_on(struct cairn_call *call, const struct cairn_value *settings, const char *variable, const char *key)
{
    const char *value = set_env(call, variable);

    if (!value)
        value = cairn_get_str(settings, key, NULL);
    return value && !strcasecmp(value, "true");
}

/* It becomes a part of a host name and of the signature. */
static int
check_region(const char *region, struct cairn_error *err)
{
    for (const char *c = region; *c; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-')
            return cairn_fail(err, CAIRN_ERR_INVALID, "use region \"%s\": it isn't the name of a region", region);
    return 0;
}

int
endpoint_region(char **out, struct cairn_call *call, const struct cairn_value *settings, struct cairn_error *err)
{
    const char *wanted = cairn_get_str(cairn_config(call), "region", NULL);
    const char *variable = set_env(call, "AWS_REGION") ? "AWS_REGION" : "AWS_DEFAULT_REGION";
    const char *region = set_env(call, variable);
    static int told;

    if (wanted && region && strcmp(wanted, region) != 0)
        return cairn_fail(err, CAIRN_ERR_DENIED, "choose the region: the configuration says %s and %s says %s", wanted,
                          variable, region);
    if (region && !told && set_env(call, "AWS_DEFAULT_REGION") && strcmp(region, set_env(call, "AWS_DEFAULT_REGION")) != 0) {
        told = 1;
        cairn_log(call, "AWS_REGION says %s and AWS_DEFAULT_REGION says %s: the former counts", region,
                  set_env(call, "AWS_DEFAULT_REGION"));
    }
    if (!region)
        region = wanted ? wanted : cairn_get_str(settings, "region", NULL);
    if (!region || !*region)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "choose the region: set region in section aws of the configuration, or AWS_REGION");
    if (check_region(region, err) < 0)
        return -1;
    *out = alloc_str(region);
    return 0;
}

/* Of the services section or of the profile itself; NULL if neither has one. */
static int
from_profile(char **out, struct cairn_call *call, const struct cairn_value *settings, const char *variable,
             struct cairn_error *err)
{
    struct cairn_value *services;
    char *key = alloc_printf("%s.endpoint_url", variable);
    int rc;

    for (char *c = key; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    rc = profile_services(&services, call, settings, err);
    if (rc == 0)
        *out = alloc_str(cairn_get_str(services, key, cairn_get_str(settings, "endpoint_url", NULL)));
    cairn_free(services);
    free(key);
    return rc;
}

static int
configured(char **out, struct cairn_call *call, const struct cairn_value *settings, const char *variable,
           struct cairn_error *err)
{
    const char *ours = cairn_get_str(cairn_config(call), "endpoint_url", NULL);
    int ignore = is_on(call, settings, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
    char *name = alloc_printf("AWS_ENDPOINT_URL_%s", variable);
    const char *url = ignore ? NULL : set_env(call, name);

    free(name);
    if (!url && !ignore)
        url = set_env(call, "AWS_ENDPOINT_URL");
    if (!url)
        url = ours;
    if (!url && !ignore && settings)
        return from_profile(out, call, settings, variable, err);
    *out = alloc_str(url);
    return 0;
}

int
endpoint_url(char **out, struct cairn_call *call, const struct cairn_value *settings, const char *service,
             const char *variable, const char *region, struct cairn_error *err)
{
    const struct partition *partition = partition_of(region);
    char *url = NULL;

    if (configured(&url, call, settings, variable, err) < 0)
        return -1;
    if (!url)
        url = alloc_printf("https://%s%s.%s.%s", service, is_on(call, settings, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint") ? "-fips" : "", region,
                           is_on(call, settings, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint") ? partition->dual_stack : partition->suffix);
    if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) {
        cairn_fail(err, CAIRN_ERR_INVALID, "use endpoint %s: it must begin with https:// or http://", url);
        free(url);
        return -1;
    }
    for (size_t len = strlen(url); len > 0 && url[len - 1] == '/'; len--)
        url[len - 1] = '\0';
    *out = url;
    return 0;
}

char *
endpoint_host(const char *url)
{
    const char *begin = strstr(url, "://");
    const char *own_port = !strncmp(url, "https:", 6) ? ":443" : ":80";
    size_t len, cut = strlen(own_port);

    begin = begin ? begin + 3 : url;
    len = strcspn(begin, "/?#");
    for (const char *at = begin; at < begin + len; at++) {
        if (*at == '@') {
            len -= (size_t)(at + 1 - begin);
            begin = at + 1;
        }
    }
    if (len > cut && !strncmp(begin + len - cut, own_port, cut))
        len -= cut;
    return alloc_strn(begin, len);
}
