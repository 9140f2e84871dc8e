/*
 * events.c: what RDS says happened; used by rds.c, and as evidence for looking back.
 * SPDX-License-Identifier: MIT
 */
#include "events.h"

#include "common/clock.h"

#include <string.h>

#define DAY_MS (24 * 60 * 60 * 1000ll)
#define KEPT_MS (14 * DAY_MS - 60 * 60 * 1000ll) /* RDS keeps them for 14 days and refuses to look further back */
#define AHEAD_MS (5 * 60 * 1000ll)               /* their clock may be ahead of ours */

static void
put_time(struct cairn_value *params, const char *name, int64_t ms)
{
    char text[25];

    clock_format(text, ms);
    cairn_put(params, name, cairn_str(text));
}

/* Given a start alone, RDS would answer with one hour. */
static struct cairn_value *
request(struct cairn_call *call, const char *source, const char *type, int64_t since, int64_t minutes)
{
    struct cairn_value *params = cairn_map();
    int64_t now = cairn_now(call);
    int64_t oldest = now - KEPT_MS;
    int64_t end = minutes > 0 ? since + minutes * 60000 : now + AHEAD_MS;

    since = since < oldest ? oldest : since > now ? now : since;
    cairn_put(params, "SourceIdentifier", cairn_str(source));
    cairn_put(params, "SourceType", cairn_str(type));
    put_time(params, "StartTime", since);
    put_time(params, "EndTime", end > since ? end : since + 60000);
    return params;
}

static int
list_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    static const struct shape fields[] = { { "Date", "date", CAIRN_STR }, { "Message", "message", CAIRN_STR }, { 0 } };
    struct cairn_value *list = context;

    (void)err;
    for (const struct xml_node *at = xml_get(result, "Events/Event"); at; at = xml_next(at)) {
        struct cairn_value *event = cairn_map();

        shape_copy(event, at, fields);
        cairn_put(event, "at", cairn_int(rds_time(xml_text(at, "Date", ""))));
        cairn_put(event, "categories", shape_list(at, "EventCategories/EventCategory", NULL));
        cairn_add(list, event);
    }
    return 0;
}

int
events_list(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *list = cairn_list();
    struct cairn_value *params =
        request(call, cairn_get_str(args, "source", ""), cairn_get_str(args, "source_type", ""),
                cairn_get_int(args, "since", 0), cairn_get_int(args, "minutes", 0));
    int rc = rds_pages(call, "DescribeEvents", params, list_page, list, err);

    cairn_put(out, "events", list);
    return rc;
}

struct looking {
    const char *word;
    int64_t since;
    int found;
};

static int
look_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    struct looking *looking = context;

    (void)err;
    for (const struct xml_node *at = xml_get(result, "Events/Event"); at; at = xml_next(at))
        if (rds_time(xml_text(at, "Date", "")) >= looking->since
            && strcasestr(xml_text(at, "Message", ""), looking->word))
            looking->found = 1;
    return 0;
}

int
events_has(struct cairn_call *call, const char *source, const char *type, int64_t since, const char *word,
           struct cairn_error *err)
{
    struct looking looking = { .word = word, .since = since };

    if (rds_pages(call, "DescribeEvents", request(call, source, type, since, 0), look_page, &looking, err) < 0)
        return -1;
    return looking.found;
}
