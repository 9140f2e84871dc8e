/*
 * tags.c: tags of things, and our mark among them; used by the Query plugins.
 * SPDX-License-Identifier: MIT
 */
#include "tags.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

static void
put_tag(struct cairn_value *params, const char *list, size_t n, const char *key, const char *value)
{
    char *key_name = alloc_printf("%s.%zu.Key", list, n);
    char *value_name = alloc_printf("%s.%zu.Value", list, n);

    cairn_put(params, key_name, cairn_str(key));
    cairn_put(params, value_name, cairn_str(value));
    free(key_name);
    free(value_name);
}

/* Tags of AWS itself, "aws:...", can be read and not be set; marks of a thing's first maker don't go to its successor.
 */
static int
is_ours_to_set(const char *key)
{
    return strncmp(key, "aws:", 4) != 0 && strcmp(key, TAGS_RUN) != 0 && strcmp(key, TAGS_STEP) != 0;
}

static size_t
put_tags(struct cairn_value *params, const char *list, const struct cairn_value *tags)
{
    size_t n = 0;

    for (size_t i = 0; i < cairn_count(tags); i++) {
        const char *key = cairn_key(tags, i);

        if (is_ours_to_set(key))
            put_tag(params, list, ++n, key, cairn_as_str(cairn_at(tags, i), ""));
    }
    return n;
}

void
tags_put(struct cairn_value *params, const char *list, const struct cairn_value *tags)
{
    put_tags(params, list, tags);
}

void
tags_put_marked(struct cairn_value *params, const char *list, const struct cairn_value *tags,
                const struct cairn_call *call)
{
    size_t n = put_tags(params, list, tags);

    put_tag(params, list, n + 1, TAGS_RUN, cairn_call_run(call));
    put_tag(params, list, n + 2, TAGS_STEP, cairn_call_token(call));
}

struct cairn_value *
tags_read(const struct xml_node *tag)
{
    struct cairn_value *tags = cairn_map();

    for (; tag; tag = xml_next(tag)) {
        const char *key = xml_text(tag, "Key", NULL);

        if (key)
            cairn_put(tags, key, cairn_str(xml_text(tag, "Value", "")));
    }
    return tags;
}

int
tags_hold(const struct cairn_value *tags, const struct cairn_value *wanted)
{
    for (size_t i = 0; i < cairn_count(wanted); i++) {
        const char *key = cairn_key(wanted, i);
        const char *now = cairn_get_str(tags, key, NULL);

        if (is_ours_to_set(key) && (!now || strcmp(now, cairn_as_str(cairn_at(wanted, i), "")) != 0))
            return 0;
    }
    return 1;
}

int
tags_are_ours(const struct cairn_value *tags, const struct cairn_call *call)
{
    return !strcmp(cairn_get_str(tags, TAGS_STEP, ""), cairn_call_token(call));
}

int
tags_judge(const struct cairn_value *tags, const char *what, const struct cairn_call *call, struct cairn_error *err)
{
    const char *run = cairn_get_str(tags, TAGS_RUN, NULL);

    if (tags_are_ours(tags, call))
        return CAIRN_SEEN_DONE;
    cairn_fail(err, CAIRN_ERR_CONFLICT, "create %s: it exists, %s%s", what,
               run ? "made by another step of run " : "and not made by cairn", run ? run : "");
    return CAIRN_SEEN_CONFLICT;
}
