/*
 * command.h: what the files of core/cmd share: the table of commands, their options, and what is opened for them.
 * SPDX-License-Identifier: MIT
 *
 * A command is a row of a table: its words, its options and a function. The same rows parse the command line, print
 * --help, complete in the shell, and are held against the manual by a test.
 */
#ifndef CAIRN_COMMAND_H
#define CAIRN_COMMAND_H

#include "engine/config.h"
#include "engine/plugins.h"
#include "engine/run.h"
#include "engine/store.h"

struct command_option {
    const char *name; /* long, without dashes; NULL ends the table */
    char letter; /* short, or 0 */
    const char *value; /* what stands for its value in the help; NULL: it has none */
    int many; /* may be given more than once */
    const char *help;
};

struct context { /* of one invocation */
    const struct command *command;
    json_t *options; /* name -> true, text, or list of texts if `many` */
    json_t *words; /* the other arguments */
    struct config *config;
    struct store *store; /* NULL until command_open */
    struct plugins *plugins; /* NULL until command_plugins */
    int json; /* -o json */
    int no_input; /* ask nothing */
    char *by; /* "user@host" */
    int told; /* a failure was printed with its next command already */
};

struct command {
    const char *name; /* "run", "plugin list" */
    const char *words; /* "FLOW", "RUN..." */
    int min, max; /* how many words; max -1: any number */
    const char *help; /* one line */
    const struct command_option *options; /* may be NULL */
    int (*run)(struct context *context, struct cairn_error *err); /* an exit status, or -1 with err */
};

extern const struct command command_table[]; /* ended by a NULL name */
extern const struct command_option command_common[]; /* options of every command */

/* Open the store; the plugins too, and hold the configuration against them. */
int command_open(struct context *context, struct cairn_error *err);
int command_plugins(struct context *context, struct cairn_error *err);
int command_flag(const struct context *context, const char *name);
const char *command_text(const struct context *context, const char *name); /* NULL when not given */
const json_t *command_list(const struct context *context, const char *name); /* NULL when not given */
const char *command_word(const struct context *context, size_t i); /* NULL when there are not so many */

/* options.c */
int options_parse(struct context *context, int argc, char **argv, struct cairn_error *err);
/* Options before the command's name; how many arguments they were. */
int options_parse_common(struct context *context, int argc, char **argv, struct cairn_error *err);
void options_help(const struct command *command); /* NULL: all commands */
void options_complete(void); /* a completion script for bash */

/* The commands: run.c, show.c, logs.c, answer.c, verify.c, doctor.c, plugin.c, rehearse.c, about.c */
int run_begin(struct context *context, struct cairn_error *err);
int run_resume(struct context *context, struct cairn_error *err);
int run_rollback(struct context *context, struct cairn_error *err);
/* Drive a cancelled run that nobody drives to its end. */
int run_wind_up(struct context *context, const char *id, struct cairn_error *err);
int show_runs(struct context *context, struct cairn_error *err);
int show_run(struct context *context, struct cairn_error *err);
int logs_show(struct context *context, struct cairn_error *err);
int answer_approve(struct context *context, struct cairn_error *err);
int answer_reject(struct context *context, struct cairn_error *err);
int answer_cancel(struct context *context, struct cairn_error *err);
int answer_resolve(struct context *context, struct cairn_error *err);
int answer_signal(struct context *context, struct cairn_error *err);
int verify_run(struct context *context, struct cairn_error *err);
int doctor_run(struct context *context, struct cairn_error *err);
int plugin_list(struct context *context, struct cairn_error *err);
int plugin_describe(struct context *context, struct cairn_error *err);
int rehearse_flow(struct context *context, struct cairn_error *err);
int about_sim(struct context *context, struct cairn_error *err);
int about_version(struct context *context, struct cairn_error *err);
int about_completion(struct context *context, struct cairn_error *err);

#endif
