/*
 * main.c: the program cairn: find the command, open what it needs, and turn what becomes of it into an exit status.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/command.h"
#include "cmd/status.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/crash.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- what commands open ---- */

int
command_open(struct context *context, struct cairn_error *err)
{
    char *path;
    int rc;

    if (context->store)
        return 0;
    path = alloc_printf("%s/cairn.db", context->config->state);
    rc = store_open(&context->store, path, err);
    free(path);
    return rc;
}

int
command_plugins(struct context *context, struct cairn_error *err)
{
    json_t *descriptions;
    int rc;

    if (command_open(context, err) < 0 || plugins_load(&context->plugins, context->config, context->store, err) < 0)
        return -1;
    descriptions = plugins_descriptions(context->plugins);
    rc = config_check(context->config, descriptions, err);
    json_decref(descriptions);
    return rc;
}

static char *
who(void)
{
    const struct passwd *user = getpwuid(getuid());
    char host[256] = "";

    gethostname(host, sizeof(host) - 1);
    return user ? alloc_printf("%s@%s", user->pw_name, host) : alloc_printf("%u@%s", (unsigned)getuid(), host);
}

/* ---- the command ---- */

/* The row whose name the first words are; *used says how many they are. */
static const struct command *
find(int argc, char **argv, int *used)
{
    for (const struct command *c = command_table; c->name; c++) {
        size_t len = strcspn(c->name, " ");
        int two = c->name[len] == ' ';

        if (strlen(argv[0]) != len || strncmp(argv[0], c->name, len) != 0)
            continue;
        if (two && (argc < 2 || strcmp(argv[1], c->name + len + 1) != 0))
            continue;
        *used = two ? 2 : 1;
        return c;
    }
    return NULL;
}

/* A folder that the command line names is relative to where we are. */
static int
set_state(struct context *context, const char *state, struct cairn_error *err)
{
    char *here = state[0] == '/' ? alloc_str("") : getcwd(NULL, 0);

    if (!here)
        return cairn_fail(err, CAIRN_ERR_FAILED, "find the current folder: %s", strerror(errno));
    free(context->config->state);
    context->config->state = state[0] == '/' ? alloc_str(state) : alloc_printf("%s/%s", here, state);
    free(here);
    return 0;
}

static int
set_output(struct context *context, struct cairn_error *err)
{
    const char *output = command_text(context, "output");

    if (output && strcmp(output, "json") != 0 && strcmp(output, "table") != 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: --output is table or json, not %s", output);
    context->json = output && strcmp(output, "json") == 0;
    return 0;
}

static int
prepare(struct context *context, struct cairn_error *err)
{
    const char *state = command_text(context, "state");

    context->no_input = command_flag(context, "no-input");
    if (command_flag(context, "no-color"))
        setenv("NO_COLOR", "1", 1);
    if (clock_init(getenv("CAIRN_CLOCK")) < 0)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read CAIRN_CLOCK: it must be WALL:START:SPEED or the path of a clock's file, and is %s",
                          getenv("CAIRN_CLOCK"));
    if (config_load(&context->config, command_text(context, "config"), err) < 0)
        return -1;
    context->by = who();
    return state ? set_state(context, state, err) : 0;
}

/* The simulator reads its own options. */
static int
parse(struct context *context, int argc, char **argv, struct cairn_error *err)
{
    if (context->command->run != about_sim)
        return options_parse(context, argc, argv, err);
    for (int i = 0; i < argc; i++)
        json_array_append_new(context->words, json_string(argv[i]));
    return 0;
}

/* Neither the user's configuration nor his store; a rehearsal has its own. */
static int
needs_nothing(const struct command *command)
{
    return command->run == about_sim || command->run == about_version || command->run == about_completion
           || command->run == rehearse_flow;
}

static int
execute(struct context *context, int argc, char **argv, struct cairn_error *err)
{
    if (parse(context, argc, argv, err) < 0)
        return -1;
    if (command_flag(context, "help")) {
        options_help(context->command);
        return STATUS_DONE;
    }
    if (set_output(context, err) < 0 || (!needs_nothing(context->command) && prepare(context, err) < 0))
        return -1;
    return context->command->run(context, err);
}

/* No command is of that name: it may be one that the first half of a name of two words begins. */
static int
half(int argc, char **argv, struct cairn_error *err)
{
    const char *second = argc > 1 ? argv[1] : "";

    if (strcmp(argv[0], "plugin") != 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: there is no command %s; see: cairn --help",
                          argv[0]);
    if (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0) {
        options_help(NULL);
        return STATUS_DONE;
    }
    return cairn_fail(err, CAIRN_ERR_INVALID,
                      "read the command line: it is cairn plugin list, or cairn plugin describe NAME; see: cairn --help");
}

static int
dispatch(struct context *context, int argc, char **argv, struct cairn_error *err)
{
    int at = options_parse_common(context, argc, argv, err);
    int used = 0;

    if (at < 0)
        return -1;
    if (at < argc && strcmp(argv[at], "help") != 0) {
        context->command = find(argc - at, argv + at, &used);
        if (!context->command)
            return half(argc - at, argv + at, err);
        return execute(context, argc - at - used, argv + at + used, err);
    }
    options_help(NULL);
    return at < argc || command_flag(context, "help") ? STATUS_DONE : STATUS_USAGE;
}

static void
release(struct context *context)
{
    plugins_free(context->plugins);
    store_close(context->store);
    config_free(context->config);
    json_decref(context->options);
    json_decref(context->words);
    free(context->by);
}

/* No secret may end in a core file. */
static void
harden(void)
{
    struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

int
main(int argc, char **argv)
{
    static char version[] = "version";
    struct context context = { 0 };
    struct cairn_error err = { 0 };
    int status;

    harden();
    alloc_for_json();
    context.options = json_object();
    context.words = json_array();
    crash_init();
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        argv[1] = version;
    status = dispatch(&context, argc - 1, argv + 1, &err);
    if (status < 0) {
        status = (int)status_of_error(&err);
        if (!context.told)
            status_print_error(&err, context.command ? context.command->name : NULL);
    }
    if ((fflush(stdout) == EOF || ferror(stdout)) && status == STATUS_DONE) {
        fprintf(stderr, "cairn: write the result: %s\n", strerror(errno));
        status = STATUS_FAILED;
    }
    release(&context);
    return status;
}
