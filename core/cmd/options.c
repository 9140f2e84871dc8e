/*
 * options.c: the command line against the table of commands, and the help that it gives; called by main.c.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/command.h"

#include "common/alloc.h"
#include "engine/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command_option *
find_in(const struct command_option *options, const char *name, size_t len, char letter)
{
    for (const struct command_option *o = options; o && o->name; o++)
        if (letter ? o->letter == letter : strlen(o->name) == len && strncmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static const struct command_option *
find(const struct command *command, const char *name, size_t len, char letter)
{
    const struct command_option *o = find_in(command_common, name, len, letter);

    return o || !command ? o : find_in(command->options, name, len, letter);
}

/* "cairn run", or "cairn" before the command is known. */
static char *
prefix(const struct command *command)
{
    return command ? alloc_printf("cairn %s", command->name) : alloc_str("cairn");
}

static int
unknown(const struct command *command, const char *word, struct cairn_error *err)
{
    char *own = prefix(command);
    json_t *names = json_array();
    const char *near;
    int rc;

    for (const struct command_option *o = command_common; o->name; o++)
        json_array_append_new(names, json_string(o->name));
    for (const struct command_option *o = command ? command->options : NULL; o && o->name; o++)
        json_array_append_new(names, json_string(o->name));
    near = params_nearest(word + strspn(word, "-"), names);
    rc = cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: there is no option %s%s%s; see: %s --help", word,
                    near ? ", did you mean --" : "", near ? near : "", own);
    json_decref(names);
    free(own);
    return rc;
}

static void
put(struct context *context, const struct command_option *o, const char *value)
{
    json_t *json = value ? json_string(value) : json_true();
    json_t *list = json_object_get(context->options, o->name);

    if (!o->many) {
        json_object_set_new(context->options, o->name, json);
        return;
    }
    if (!list) {
        list = json_array();
        json_object_set_new(context->options, o->name, list);
    }
    json_array_append_new(list, json);
}

static int
is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* The option at argv[i]; the number of arguments it took, or -1. */
static int
take(struct context *context, int argc, char **argv, int i, struct cairn_error *err)
{
    const char *word = argv[i];
    int is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : NULL;
    size_t len = is_long ? (equals ? (size_t)(equals - word) : strlen(word)) - 2 : 0;
    const struct command_option *o = find(context->command, word + 2, len, is_long ? 0 : word[1]);
    const char *value = equals ? equals + 1 : !is_long && word[2] ? word + 2 : NULL;

    if (!o)
        return unknown(context->command, word, err);
    if (!o->value && value)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: option --%s takes no value", o->name);
    if (!o->value) {
        put(context, o, NULL);
        return 1;
    }
    if (!value && i + 1 >= argc)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: option --%s needs a value: --%s %s", o->name,
                          o->name, o->value);
    put(context, o, value ? value : argv[i + 1]);
    return value ? 1 : 2;
}

/* Everything that is given may be recorded, and records are UTF-8. */
static int
check_text(int argc, char **argv, struct cairn_error *err)
{
    for (int i = 0; i < argc; i++) {
        json_t *text = json_string(argv[i]);

        if (!text)
            return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: argument %d is not UTF-8", i + 1);
        json_decref(text);
    }
    return 0;
}

int
options_parse_common(struct context *context, int argc, char **argv, struct cairn_error *err)
{
    int i = 0;

    if (check_text(argc, argv, err) < 0)
        return -1;
    while (i < argc && is_option(argv[i])) {
        int taken = take(context, argc, argv, i, err);

        if (taken < 0)
            return -1;
        i += taken;
    }
    return i;
}

static int
check_words(const struct context *context, struct cairn_error *err)
{
    const struct command *command = context->command;
    int count = (int)json_array_size(context->words);

    if (count >= command->min && (command->max < 0 || count <= command->max))
        return 0;
    return cairn_fail(err, CAIRN_ERR_INVALID,
                      "read the command line: it is cairn %s [OPTION...]%s%s; see: cairn %s --help", command->name,
                      *command->words ? " " : "", command->words, command->name);
}

int
options_parse(struct context *context, int argc, char **argv, struct cairn_error *err)
{
    int only_words = 0;
    int i = 0;

    while (i < argc) {
        int taken = 1;

        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = 1;
        else if (only_words || !is_option(argv[i]))
            json_array_append_new(context->words, json_string(argv[i]));
        else
            taken = take(context, argc, argv, i, err);
        if (taken < 0)
            return -1;
        i += taken;
    }
    return command_flag(context, "help") ? 0 : check_words(context, err);
}

/* ---- help ---- */

static void
print_options(const struct command_option *options)
{
    for (const struct command_option *o = options; o && o->name; o++) {
        char letter[] = { o->letter ? '-' : ' ', o->letter ? o->letter : ' ', o->letter ? ',' : ' ', '\0' };
        char *name = alloc_printf("%s --%s%s%s", letter, o->name, o->value ? " " : "", o->value ? o->value : "");

        printf("  %-26s %s%s\n", name, o->help, o->many ? "; may be given again" : "");
        free(name);
    }
}

void
options_help(const struct command *command)
{
    if (command) {
        printf("usage: cairn %s [OPTION...]%s%s\n\n%s\n\n", command->name, *command->words ? " " : "", command->words,
               command->help);
        print_options(command->options);
        print_options(command_common);
        return;
    }
    puts("usage: cairn [OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n");
    for (const struct command *c = command_table; c->name; c++) {
        char *usage = alloc_printf("%s %s", c->name, c->words);

        printf("  %-29s %s\n", usage, c->help);
        free(usage);
    }
    puts("\nOptions of all commands:\n");
    print_options(command_common);
    puts("\nA RUN is an id, the beginning of one, or @last. Manuals: cairn(1), cairn-workflow(7), cairn.yaml(5).");
}

static void
print_names(const struct command_option *options)
{
    for (const struct command_option *o = options; o && o->name; o++)
        printf(" --%s", o->name);
}

/* Words that begin differently are one case each; those of two words, "plugin list", share the first. */
void
options_complete(void)
{
    printf("_cairn()\n{\n    local words=\"");
    for (const struct command *c = command_table; c->name; c++)
        if (strcmp(c->name, "plugin describe") != 0)
            printf("%s%.*s", c == command_table ? "" : " ", (int)strcspn(c->name, " "), c->name);
    printf("\"\n    case ${COMP_WORDS[1]} in\n");
    for (const struct command *c = command_table; c->name; c++) {
        if (strchr(c->name, ' '))
            continue;
        printf("    %s) words=\"", c->name);
        print_names(command_common);
        print_names(c->options);
        printf("\" ;;\n");
    }
    printf("    plugin) words=\"list describe");
    print_names(command_common);
    puts("\" ;;\n    esac");
    puts("    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")");
    puts("}\ncomplete -o default -F _cairn cairn");
}

/* ---- what was given ---- */

int
command_flag(const struct context *context, const char *name)
{
    return json_is_true(json_object_get(context->options, name));
}

const char *
command_text(const struct context *context, const char *name)
{
    return json_string_value(json_object_get(context->options, name));
}

const json_t *
command_list(const struct context *context, const char *name)
{
    return json_object_get(context->options, name);
}

const char *
command_word(const struct context *context, size_t i)
{
    return json_string_value(json_array_get(context->words, i));
}
