/*
 * cloudwatch.c: the plugin cloudwatch: what has been measured.
 * SPDX-License-Identifier: MIT
 *
 * The service speaks three protocols; this is JSON, in which times are seconds since 1970. A value comes a minute or
 * two after its time, and where nothing was measured there is no value: that is not the same as 0.
 */
#include "identity.h"
#include "json.h"

#include <string.h>

#define END { 0 }
#define NEED(name, type, help) { name, type, CAIRN_REQUIRED, help, NULL }
#define HAS(name, type, help) { name, type, 0, help, NULL }

#define MINUTES_MAX (15 * 24 * 60) /* after that AWS keeps no values of a minute */
#define POINTS_MAX 1440            /* in one reply */

static const struct json_service service = { { "monitoring", "CLOUDWATCH", "2010-08-01" }, "1.0",
                                             "GraniteServiceVersion20100801" };

static struct cairn_value *
dimensions_of(const struct cairn_value *map)
{
    struct cairn_value *list = cairn_list();

    for (size_t i = 0; i < cairn_count(map); i++) {
        struct cairn_value *one = cairn_map();

        cairn_put(one, "Name", cairn_str(cairn_key(map, i)));
        cairn_put(one, "Value", cairn_copy(cairn_at(map, i)));
        cairn_add(list, one);
    }
    return list;
}

static struct cairn_value *
body_of(struct cairn_call *call, const struct cairn_value *args)
{
    int64_t minutes = cairn_get_int(args, "minutes", 5), period = cairn_get_int(args, "period", 60);
    int64_t end = cairn_now(call) / 1000;
    struct cairn_value *body = cairn_map(), *statistics = cairn_list();

    cairn_add(statistics, cairn_copy(cairn_get(args, "statistic")));
    cairn_put(body, "Namespace", cairn_copy(cairn_get(args, "namespace")));
    cairn_put(body, "MetricName", cairn_copy(cairn_get(args, "metric")));
    cairn_put(body, "Dimensions", dimensions_of(cairn_get(args, "dimensions")));
    cairn_put(body, "StartTime", cairn_int(end - minutes * 60));
    cairn_put(body, "EndTime", cairn_int(end));
    cairn_put(body, "Period", cairn_int(period));
    cairn_put(body, "Statistics", statistics);
    return body;
}

static int
check(const struct cairn_value *args, struct cairn_error *err)
{
    static const char *const known[] = { "Average", "Sum", "Minimum", "Maximum", "SampleCount" };
    int64_t minutes = cairn_get_int(args, "minutes", 5), period = cairn_get_int(args, "period", 60);
    const char *statistic = cairn_get_str(args, "statistic", "");
    size_t i = 0;

    if (minutes < 1 || minutes > MINUTES_MAX)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read a metric: minutes must be within 1..%d", MINUTES_MAX);
    if (period < 60 || period % 60 || minutes * 60 / period > POINTS_MAX)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read a metric: period must be a multiple of 60 that gives no more than %d values", POINTS_MAX);
    while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], statistic) != 0)
        i++;
    if (i == sizeof(known) / sizeof(known[0]))
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read a metric: statistic %s isn't one of Average, Sum, Minimum, Maximum, SampleCount",
                          statistic);
    return 0;
}

static double
number_of(const struct cairn_value *map, const char *name)
{
    const struct cairn_value *value = cairn_get(map, name);

    return cairn_type(value) == CAIRN_INT ? (double)cairn_as_int(value, 0) : cairn_get_float(map, name, 0);
}

struct point {
    int64_t at; /* ms */
    double value;
};

/* AWS gives them in no order. */
static size_t
read_points(struct point *points, const struct cairn_value *list, const char *statistic)
{
    size_t n = 0;

    for (size_t i = 0; i < cairn_count(list) && n < POINTS_MAX; i++) {
        const struct cairn_value *each = cairn_at(list, i);
        struct point p = { (int64_t)(number_of(each, "Timestamp") * 1000), number_of(each, statistic) };
        size_t at = n++;

        for (; at > 0 && points[at - 1].at > p.at; at--)
            points[at] = points[at - 1];
        points[at] = p;
    }
    return n;
}

static void
put_points(struct cairn_value *out, const struct point *points, size_t n)
{
    struct cairn_value *list = cairn_list();
    double highest = 0, lowest = 0;

    for (size_t i = 0; i < n; i++) {
        struct cairn_value *one = cairn_map();

        highest = i == 0 || points[i].value > highest ? points[i].value : highest;
        lowest = i == 0 || points[i].value < lowest ? points[i].value : lowest;
        cairn_put(one, "at", cairn_int(points[i].at));
        cairn_put(one, "value", cairn_float(points[i].value));
        cairn_add(list, one);
    }
    cairn_put(out, "values", list);
    if (n > 0) {
        cairn_put(out, "last", cairn_float(points[n - 1].value));
        cairn_put(out, "highest", cairn_float(highest));
        cairn_put(out, "lowest", cairn_float(lowest));
    }
}

static int
statistics(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    static struct point points[POINTS_MAX];
    struct json_request request = { &service, "GetMetricStatistics", NULL, 1 };
    struct cairn_value *body, *reply;
    size_t n;
    int rc;

    if (check(args, err) < 0)
        return -1;
    body = body_of(call, args);
    request.body = body;
    rc = json_send(&reply, call, &request, err);
    cairn_free(body);
    if (rc < 0)
        return -1;
    n = read_points(points, cairn_get(reply, "Datapoints"), cairn_get_str(args, "statistic", ""));
    cairn_free(reply);
    put_points(out, points, n);
    return 0;
}

static const struct cairn_param statistics_params[] = {
    NEED("namespace", CAIRN_STR, "AWS/RDS, AWS/SQS, ..."),
    NEED("metric", CAIRN_STR, "DatabaseConnections, ApproximateAgeOfOldestMessage, ..."),
    NEED("dimensions", CAIRN_MAP, "of what: {\"QueueName\": \"events\"}"),
    { "minutes", CAIRN_INT, 0, "how far back", "5" },
    { "period", CAIRN_INT, 0, "s that one value stands for, a multiple of 60", "60" },
    { "statistic", CAIRN_STR, 0, "Average, Sum, Minimum, Maximum or SampleCount", "\"Average\"" },
    END,
};
static const struct cairn_param statistics_results[] = {
    HAS("values", CAIRN_LIST, "at (ms since 1970) and value of each period, oldest first; may be empty"),
    HAS("last", CAIRN_FLOAT, "the newest value; left out when there is none"),
    HAS("highest", CAIRN_FLOAT, "the highest value; left out when there is none"),
    HAS("lowest", CAIRN_FLOAT, "the lowest value; left out when there is none"),
    END,
};

static const struct cairn_action actions[] = {
    { .name = "statistics",
      .help = "Read what was measured: values, last, highest, lowest.",
      .params = statistics_params,
      .results = statistics_results,
      .effect = CAIRN_READ,
      .run = statistics },
    END,
};

CAIRN_PLUGIN(.name = "cloudwatch", .version = "1", .help = "Amazon CloudWatch: metrics.", .actions = actions,
             .section = CLIENT_SECTION, .config = client_config, .env = CLIENT_ENV, .guard = identity_guard);
