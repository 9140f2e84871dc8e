/*
 * live.h: the engine's own structures: the engine, the runs it drives, and what it does about each command.
 * SPDX-License-Identifier: MIT
 *
 * The way of a command: the script host gives it (command.c) -> its intent is appended (turn.c) -> a job works on it
 * (step.c for steps, timer.c for waits, sleeps, windows, gate.c for gates and signals) -> its outcome is appended and
 * sent to the script host. turn.c commits before anything leaves that must not leave without a record.
 */
#ifndef CAIRN_LIVE_H
#define CAIRN_LIVE_H

#include "common/canon.h"
#include "engine/engine.h"
#include "engine/lock.h"
#include "engine/pool.h"
#include "engine/process.h"
#include "engine/run.h"
#include "engine/seal.h"

#include <uv.h>

struct live;

enum job_kind { JOB_STEP, JOB_WAIT, JOB_SLEEP, JOB_WINDOW, JOB_GATE, JOB_SIGNAL };

struct job { /* what the engine does about a command that has no outcome */
    struct live *live;
    struct run_command *command;
    enum job_kind kind;
    uv_timer_t timer; /* the next thing to do by itself */
    void (*then)(struct job *job); /* what the timer does */
    int64_t due; /* when the timer fires, ms on the run's clock; 0: it isn't running */
    int64_t began; /* when this job began, ms on the run's clock */
    struct pool_call *call; /* a step: the call in flight */
    int cost; /* tokens that the last try took (retry.h) */
    int tries; /* a step: refusals in a row; a look that failed; a wait: polls that crashed a worker */
    int absent; /* a step in doubt: looks in a row that saw nothing */
    int doubted; /* a step: was in doubt before this attempt, so a refusal may come from the attempt before */
    int sends; /* a step: how often it was sent again after a doubt */
    json_t *lost; /* a step: the error that put it in doubt */
    json_t *refusal; /* a step: the error after a doubt that a look must explain */
    int polling; /* a wait: the script host is polling */
    char *note; /* a wait: what the last poll said */
    int64_t moved; /* a wait: when the note last changed */
    int stalled; /* a wait: the alert was given */
    struct job *next;
};

enum live_phase {
    LIVE_LOADING, /* the script host loads the source */
    LIVE_REPLAYING, /* it has the history and hasn't caught up */
    LIVE_RUNNING,
    LIVE_AWAY, /* nothing but timers is left: there is no script host */
    LIVE_RESTED /* the engine is done with it for now */
};

struct live { /* a run that this engine drives */
    struct engine *engine;
    struct run *run;
    struct lock *lock; /* ownership on this host */
    enum live_phase phase;
    struct process *script;
    json_t *loaded; /* what the script host said of the workflow */
    json_t *modules; /* module -> {"name","text"}: the sources of the run */
    char *main_name, *main_text;
    json_t *keys; /* the locks it asked for; NULL until it has */
    json_t *todo; /* commands given during the replay, in order */
    json_t *early; /* messages that came before the run was recorded */
    json_t *hold; /* ids that wait for the script's "again" -> true */
    json_t *asking; /* id -> step command that waits for its typed confirmation */
    json_t *plugins; /* names of plugins whose version is recorded -> true */
    json_t *given; /* params as they were given: name -> text */
    json_t *params; /* checked, with defaults */
    json_t *seed; /* for the script's random numbers, hex */
    int64_t now; /* when the run began */
    int started; /* the script host has the history */
    int open; /* modules may still be looked for: the run begins, or takes another source */
    int generation; /* counts its script hosts */
    int resuming; /* several commands that were left open are being begun: all of them come before a rest */
    int unanswered; /* events that the script host has not digested yet */
    struct job *jobs;
    struct poll_read *reads; /* of polls, in flight */
    int begun; /* the run stands in the store; before, nothing is recorded */
    int64_t wake; /* of a run that rests: when it has something to do again; 0: nothing is planned */
    int settling; /* a rollback: steps in doubt are settled before the script starts */
    int cancel_wanted; /* asked for; taken up when no step is in flight */
    json_t *cancel; /* the message */
    json_t *ended; /* the script's last word, or the word about its end; NULL while it lives */
    struct cairn_error begin_err; /* why it could not begin */
    struct live *next;
};

struct outgoing { /* a thing to do when what was appended is durable */
    struct live *live;
    struct job *job; /* a step to send, or NULL */
    json_t *record; /* a record to show, or NULL */
    char *note; /* a line that came after those records, or NULL: it is shown after them, too */
    char *note_of; /* the command that it is about; NULL: it is a line of the log */
    struct outgoing *next;
};

struct engine {
    uv_loop_t loop;
    struct engine_options options;
    struct seal *seal;
    struct pool *pool;
    struct retry *retries;
    struct live *lives;
    uv_prepare_t before_poll; /* the end of a turn */
    uv_check_t after_poll; /* likewise */
    uv_timer_t flush; /* commits what waits for company */
    uv_timer_t inbox; /* looks for messages of other processes */
    uv_timer_t tick; /* for the one who watches */
    uv_signal_t signals[2];
    int in_transaction; /* the store's transaction of this turn is open already */
    struct appended *appended; /* records of this turn, in order */
    struct appended **appended_end;
    struct outgoing *outgoing, **outgoing_end;
    int must_commit; /* something of this turn has to be durable now */
    int stopping; /* 1: finish steps in flight */
    int interrupts; /* signals so far */
    int look; /* at the inbox, changed or not */
    int driving; /* within engine_drive */
    json_t *taken_posts; /* ids of inbox messages that the appended records answer */
    struct cairn_error err; /* the engine's own failure: nothing is sent after it */
};

/* turn.c: append, commit, send */
enum turn_need { TURN_LATER, TURN_NOW }; /* wait for company, or commit in this turn */
void turn_append(struct live *live, json_t *owned_record, enum turn_need need);
void turn_send_step(struct job *job); /* the job's call goes out when all appended so far is durable */
/* 1: a line that is shown in its place, behind records that are not durable yet (id NULL: of the log). 0: show it now. */
int turn_note(struct live *live, const char *id, const char *text);
void turn_end(struct engine *engine);
int64_t turn_earliest(const struct live *live); /* when the next of its jobs is due; 0: none is */
void turn_forget_job(struct engine *engine, const struct job *job);
void turn_forget_live(const struct live *live);

/* script.c: the script host of a run */
int script_start(struct live *live, struct cairn_error *err);
void script_send_outcome(struct live *live, const json_t *outcome);
void script_send(struct live *live, json_t *owned_message);
void script_take_early(struct live *live); /* the run is recorded now: what came before that */
void script_end(struct live *live);

/* source.c: workflow and modules, from files or from the store */
int source_read(struct live *live, const char *path, struct cairn_error *err);
/* 1 found (in live->modules), 0 absent */
int source_module(struct live *live, const char *module, struct cairn_error *err);
json_t *source_store(struct live *live, struct cairn_error *err); /* puts blobs; {"sources","main"} for the record */
int source_restore(struct live *live, struct cairn_error *err);

/* command.c: what the script gives */
void command_take(struct live *live, json_t *message);
void command_digest(char hex[DIGEST_HEX], const json_t *message);
void command_idle(struct live *live);
void command_caught_up(struct live *live);
void command_again(struct live *live, const char *id, int64_t n);
void command_drop(struct live *live, const json_t *ids);
void command_outcome(struct live *live, const char *id, int ok, json_t *owned_value_or_error, const char *how,
                     enum turn_need need);

/* intent.c: a new command is recorded */
struct run_command *intent_append(struct live *live, json_t *owned_record, const char *id, enum turn_need need);
/* checked, recorded and begun, or asked about */
void intent_step(struct live *live, const json_t *message, json_t *owned_record);

/* job.c */
struct job *job_new(struct live *live, struct run_command *command, enum job_kind kind);
void job_free(struct job *job); /* out of the list, timer closed, call dropped */
void job_after(struct job *job, int64_t ms, void (*then)(struct job *job)); /* on the run's clock */
struct job *job_find(const struct live *live, const char *id);
int job_steps(const struct live *live); /* how many steps are in flight */
int job_unsettled(const struct live *live); /* how many steps have an intent, may have been sent, and have no outcome */

void step_begin(struct job *job, int fresh); /* step.c: fresh: the intent was just appended */
void step_send(struct job *job); /* called by the turn when the intent is durable */
/* a person's word about a step in doubt; 1 if it was taken */
int step_resolve(struct live *live, const json_t *message);
void timer_begin(struct job *job); /* timer.c */
void timer_polled(struct live *live, const json_t *message);
void timer_read(struct live *live, const json_t *message);
void timer_poll_again(struct live *live); /* the script host is back: waits whose time has come are polled */
void timer_forget_reads(struct live *live); /* the pool is about to end */
void gate_begin(struct job *job); /* gate.c */
int gate_answer(struct live *live, const json_t *message); /* 1 if it was taken */
int gate_signal(struct live *live, const json_t *message); /* 1 if it was taken */
/* 1 yes, 0 asked, -1 rejected */
int gate_confirmed(struct live *live, const json_t *step, const char *target, struct cairn_error *err);

/* inbox.c */
void inbox_look(struct engine *engine);
int inbox_look_at(struct live *live); /* how many messages were taken up */
int inbox_take(struct live *live, const json_t *message);

/* live.c: a run from its beginning to its rest */
struct live *live_new(struct engine *engine, const char *id);
int live_prepare(struct live *live, struct cairn_error *err); /* loaded for the first time: plugins and params */
void live_settle(struct live *live); /* a rollback: steps in doubt first */
void live_on_log(void *job, const char *text); /* callbacks of a call, with its job */
void live_on_progress(void *job, const char *text);
void live_log(struct live *live, const char *text);
void live_end_cancelled(struct live *live); /* a run that failed, and did then what is to be done on the way out */
int live_winds_up(const struct live *live); /* a cancel is asked for and not taken up yet: nothing new is begun */
void live_check(struct live *live); /* has it come to rest, can it be put away, can a cancel be taken up */
void live_rest(struct live *live, const char *state, json_t *owned_extra);
void live_fail(struct live *live, const struct cairn_error *err, const char *step);
void live_wake(struct live *live); /* start the script host again */
void live_script_ended(struct live *live);
void live_free(struct live *live);
void live_remove(struct live *live); /* out of the engine, too */

#endif
