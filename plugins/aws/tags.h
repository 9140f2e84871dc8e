/*
 * tags.h: tags of things, and our mark among them; used by the Query plugins.
 * SPDX-License-Identifier: MIT
 *
 * Everything that is created bears `cairn:run`, the run, and `cairn:step`, the token of the call: by the latter an
 * object is known as the one that this very step made.
 */
#ifndef AWS_TAGS_H
#define AWS_TAGS_H

#include "xml.h"

#define TAGS_RUN "cairn:run"
#define TAGS_STEP "cairn:step"

void tags_put(struct cairn_value *params, const char *list, const struct cairn_value *tags); /* list: "Tags.Tag" */
void tags_put_marked(struct cairn_value *params, const char *list, const struct cairn_value *tags,
                     const struct cairn_call *call);
struct cairn_value *tags_read(const struct xml_node *tag); /* the first <Tag>, or NULL: a map */
/* Is all there that tags_put would send? */
int tags_hold(const struct cairn_value *tags, const struct cairn_value *wanted);
int tags_are_ours(const struct cairn_value *tags, const struct cairn_call *call);
/* DONE for our mark; else CONFLICT, with whose it is in `err`. `what` is "snapshot safety". */
int tags_judge(const struct cairn_value *tags, const char *what, const struct cairn_call *call,
               struct cairn_error *err);

#endif
