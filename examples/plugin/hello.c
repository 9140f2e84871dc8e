/*
 * hello.c: a whole plugin, to copy: it leaves a note in a file of its own, at most once per step.
 * SPDX-License-Identifier: MIT
 *
 *     cc -shared -fPIC -fvisibility=hidden -o hello.so hello.c $(pkg-config --cflags cairn)
 */
#include <cairn/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* hello.read: what a note says. It changes nothing, so it may be repeated freely. */
static int
note_read(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const char *path = cairn_get_str(args, "path", "");
    char text[4096];
    size_t len;
    FILE *f = fopen(path, "re");

    (void)call;
    if (!f)
        return cairn_fail(err, errno == ENOENT ? CAIRN_ERR_NOT_FOUND : CAIRN_ERR_FAILED, "open %s: %s", path,
                          strerror(errno));
    len = fread(text, 1, sizeof(text), f);
    fclose(f);
    cairn_put(out, "text", cairn_strn(text, len));
    return 0;
}

/*
 * The first line is our mark: the token is the same over every attempt of one step, and different for every other step.
 * The note appears whole or not at all, and link() refuses a name that exists: that is what makes the effect happen
 * once.
 */
static int
note_create(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const char *path = cairn_get_str(args, "path", "");
    char draft[4096];
    FILE *f;

    if (snprintf(draft, sizeof(draft), "%s.%s", path, cairn_call_token(call)) >= (int)sizeof(draft))
        return cairn_fail(err, CAIRN_ERR_INVALID, "create note: the path is too long");
    f = fopen(draft, "we");
    if (!f)
        return cairn_fail(err, CAIRN_ERR_FAILED, "create %s: %s", draft, strerror(errno));
    fprintf(f, "%s\n%s\n", cairn_call_token(call), cairn_get_str(args, "text", ""));
    if (fclose(f) != 0)
        cairn_fail(err, CAIRN_ERR_FAILED, "write %s: %s", draft, strerror(errno));
    else if (link(draft, path) < 0)
        cairn_fail(err, errno == EEXIST ? CAIRN_ERR_CONFLICT : CAIRN_ERR_FAILED, "create %s: %s", path,
                   strerror(errno));
    unlink(draft);
    cairn_put(out, "path", cairn_str(path));
    return err->kind == CAIRN_ERR_NONE ? 0 : -1;
}

/* Asked when nobody knows whether note_create did it: there is nothing, it is ours, or it is somebody else's. */
static int
note_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const char *path = cairn_get_str(args, "path", "");
    struct cairn_value *note = cairn_map();
    int seen = CAIRN_SEEN_CONFLICT;

    if (note_read(call, args, note, err) < 0)
        seen = err->kind == CAIRN_ERR_NOT_FOUND ? CAIRN_SEEN_ABSENT : -1;
    else if (strncmp(cairn_get_str(note, "text", ""), cairn_call_token(call), 32) == 0)
        seen = CAIRN_SEEN_DONE;
    else
        cairn_fail(err, CAIRN_ERR_CONFLICT, "create %s: somebody else has written it", path);
    cairn_put(out, "path", cairn_str(path));
    cairn_free(note);
    return seen;
}

static const struct cairn_param read_params[] = {
    { "path", CAIRN_STR, CAIRN_REQUIRED, "file to read", 0 },
    { 0 },
};
static const struct cairn_param create_params[] = {
    { "path", CAIRN_STR, CAIRN_REQUIRED, "file to make; it must not exist", 0 },
    { "text", CAIRN_STR, 0, "what to write into it", "\"hello\"" },
    { 0 },
};
static const struct cairn_action actions[] = {
    { .name = "read", .help = "Read a note: text.", .params = read_params, .effect = CAIRN_READ, .run = note_read },
    { .name = "create", .help = "Leave a note: path.", .params = create_params, .effect = CAIRN_CREATE,
      .run = note_create, .observe = note_observe },
    { 0 },
};

CAIRN_PLUGIN(.name = "hello", .version = "1", .help = "Notes in files.", .actions = actions);
