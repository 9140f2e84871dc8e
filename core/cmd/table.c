/*
 * table.c: the commands of cairn and their options; read by main.c and options.c.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/command.h"

const struct command_option command_common[] = {
    { "config", 'c', "FILE", 0, "the configuration; else $CAIRN_CONFIG, else ./cairn.yaml" },
    { "state", 0, "DIR", 0, "the folder of the store, instead of the configured one" },
    { "output", 'o', "table|json", 0, "how results are printed on stdout" },
    { "no-input", 0, NULL, 0, "ask nothing, even on a terminal" },
    { "no-color", 0, NULL, 0, "no colors; so does the variable NO_COLOR" },
    { "help", 'h', NULL, 0, "show this" },
    { 0 },
};

#define CONFIRM { "confirm", 0, "NAME", 1, "confirm beforehand what destroys the target NAME" }
#define WAIT { "wait", 0, NULL, 0, "stay while questions are open, for answers from another terminal" }
#define NO_WAIT { "no-wait", 0, NULL, 0, "stop as soon as only questions, signals and timers are left" }
#define ACCEPT { "accept-plugins", 0, NULL, 0, "go on with plugins that changed since the run used them" }
#define GATE { "gate", 0, "ID", 0, "which question, if several are open" }
#define COMMENT { "comment", 0, "TEXT", 0, "recorded with the answer" }

static const struct command_option run_options[] = {
    { "param", 'p', "NAME=VALUE", 1, "a parameter of the workflow" }, CONFIRM, WAIT, NO_WAIT, { 0 },
};
static const struct command_option rehearse_options[] = {
    { "param", 'p', "NAME=VALUE", 1, "a parameter of the workflow" },
    { "example", 0, "FOLDER", 0, "take world.yaml, cairn.yaml and arguments from there" },
    { "world", 0, "FILE", 0, "the simulated world; else the example's, else ./world.yaml" },
    { "speed", 0, "N", 0, "how fast the clock runs; 3000 if left out" },
    { "seed", 0, "N", 0, "repeat a rehearsal: the choice of samples, and the ids of its worlds" },
    { "jobs", 0, "N", 0, "so many runs side by side; as many as there are processors if left out" },
    { "keep", 0, NULL, 0, "leave the scratch folder, with the journals and logs of all runs" },
    { "crash-everywhere", 0, NULL, 0, "kill it at each crash point that it passes, resume, and compare" },
    { "double", 0, NULL, 0, "kill the resume at each point, too" },
    { "points", 0, "PATTERN", 0, "only at points whose names match, such as 'worker.http.*'" },
    { "sample", 0, "N", 0, "try N passings of each point, or N requests of each sort, not all" },
    { "crash-at", 0, "POINT:N[,POINT:N]", 0, "kill it there alone, resume, and compare" },
    { "faults", 0, NULL, 0, "let each request meet each of the simulator's faults, and compare" },
    { "fault", 0, "JSON", 0, "let this one happen alone, and compare" },
    { 0 },
};
static const struct command_option resume_options[] = {
    CONFIRM, WAIT, NO_WAIT, ACCEPT,
    { "flow", 0, "FILE", 0, "go on with this file's source instead of the stored one, if it has done the same so far" },
    { 0 },
};
static const struct command_option rollback_options[] = { CONFIRM, WAIT, NO_WAIT, ACCEPT, { 0 } };
static const struct command_option show_options[] = {
    { "records", 0, NULL, 0, "the journal, record by record" }, { 0 },
};
static const struct command_option logs_options[] = {
    { "follow", 'f', NULL, 0, "go on while the run is being driven" }, { 0 },
};
static const struct command_option approve_options[] = {
    GATE, COMMENT, { "typed", 0, "NAME", 0, "the name, where the question asks for one to be typed" }, { 0 },
};
static const struct command_option reject_options[] = { GATE, COMMENT, { 0 } };
static const struct command_option cancel_options[] = {
    { "reason", 0, "TEXT", 0, "recorded with the request" }, { 0 },
};
static const struct command_option resolve_options[] = {
    { "done", 0, NULL, 0, "it was done" },
    { "not-done", 0, NULL, 0, "it was not done: resume sends it again" },
    { "value", 0, "JSON", 0, "with --done: the step's result, if the workflow needs it" },
    { "reason", 0, "TEXT", 0, "how you know; recorded" },
    { 0 },
};

static const struct command_option doctor_options[] = {
    { "limit", 0, "SECONDS", 0, "how long an answer is waited for; 30 if left out" }, { 0 },
};

const struct command command_table[] = {
    { "run", "FLOW", 1, 1, "Run a workflow.", run_options, run_begin },
    { "resume", "RUN...", 1, -1, "Go on with runs that stopped or whose driver died.", resume_options, run_resume },
    { "rollback", "RUN", 1, 1, "Take back what a run did, by its undo list.", rollback_options, run_rollback },
    { "runs", "", 0, 0, "List the runs.", NULL, show_runs },
    { "show", "RUN", 1, 1, "Show what a run did, what it waits for, and what comes next.", show_options, show_run },
    { "logs", "RUN", 1, 1, "Show the log lines of a run's script and plugins.", logs_options, logs_show },
    { "approve", "RUN [GATE]", 1, 2, "Say yes to a question of a run.", approve_options, answer_approve },
    { "reject", "RUN [GATE]", 1, 2, "Say no to a question of a run.", reject_options, answer_reject },
    { "cancel", "RUN", 1, 1, "End a run after the step that it is at; nothing is taken back.", cancel_options,
      answer_cancel },
    { "resolve", "RUN:STEP", 1, 1, "Say what became of a step that nobody else can know about.", resolve_options,
      answer_resolve },
    { "signal", "RUN NAME [JSON]", 2, 3, "Send a run the signal that it waits for.", NULL, answer_signal },
    { "verify", "RUN", 1, 1, "Prove that nobody has edited a run's journal.", NULL, verify_run },
    { "doctor", "[PLUGIN...]", 0, -1, "See whether all that a run needs is there, and as whom it would act.", doctor_options,
      doctor_run },
    { "plugin list", "", 0, 0, "List the plugins.", NULL, plugin_list },
    { "plugin describe", "NAME[.ACTION]", 1, 1, "Show what a plugin can do.", NULL, plugin_describe },
    { "rehearse", "FLOW", 1, 1, "Run a workflow in a simulated world, and kill it everywhere.", rehearse_options,
      rehearse_flow },
    { "sim", "[OPTION...]", 0, -1, "Start a simulated world; see cairn-sim(1).", NULL, about_sim },
    { "completion", "", 0, 0, "Print a completion script for bash.", NULL, about_completion },
    { "version", "", 0, 0, "Show the version.", NULL, about_version },
    { 0 },
};
