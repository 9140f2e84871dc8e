/*
 * rehearse.h: what the files of the command `rehearse` share: the rehearsal, its trials, and what came of each.
 * SPDX-License-Identifier: MIT
 *
 * A rehearsal is one invocation. A trial is one run of the workflow in a world of its own: a simulator, a state folder
 * and a clock, all below the rehearsal's scratch folder. Trials go on side by side on one event loop:
 *
 *   simulator listens -> cairn run -> (killed: resume; asks: answered, resume) ... -> ended -> simulator ends, and says
 *   what the world has become
 */
#ifndef CAIRN_REHEARSE_H
#define CAIRN_REHEARSE_H

#include "cmd/command.h"

#include <uv.h>

struct rehearsal {
    struct context *context;
    uv_loop_t loop;
    const char *flow;       /* as it was given */
    char *world;            /* the world file */
    char *config;           /* the configuration; NULL: there is none */
    json_t *params;         /* texts NAME=VALUE */
    const char *speed;      /* of the clocks */
    int64_t seed;           /* of the choice of samples and of the worlds' ids */
    size_t jobs;            /* trials side by side */
    int64_t sample;         /* passings of each point that are tried; 0: all */
    const char *points;     /* a pattern of their names; NULL: all */
    int keep;               /* leave the scratch folder */
    char *root;             /* the scratch folder */
    int64_t began;          /* wall ms */
    int interrupted;        /* Ctrl-C */
    struct cairn_error err; /* the rehearsal itself can't go on */
};

/* ---- rehearse_child.c: a process that dies with this one ---- */

struct child;

/* `argv` and `env` are lists of texts; stdout and stderr go to the end of the file `output`, or stderr to ours if
 * `shown`. `ended` comes once, from the loop: the exit status, or 128 and the signal. */
int child_start(struct child **out, uv_loop_t *loop, const json_t *argv, const json_t *env, const char *output, int shown,
                void (*ended)(void *data, int status), void *data, struct cairn_error *err);
void child_signal(struct child *child, int number); /* takes NULL */

/* ---- rehearse_place.c: what is where ---- */

int place_find(struct rehearsal *r, struct cairn_error *err); /* world, configuration and arguments */
int place_open(struct rehearsal *r, struct cairn_error *err); /* the scratch folder */
void place_close(struct rehearsal *r);
json_t *place_environment(const char *folder);                  /* of a trial's processes: nothing of the user's settings */
int place_add_world(json_t *env, const char *path, struct cairn_error *err); /* what the simulator says of its world */
int place_copy_state(const struct rehearsal *r, const char *to, struct cairn_error *err);
void place_remove(const char *folder);

/* ---- rehearse_trial.c, rehearse_answer.c: one run from its world's beginning to its end ---- */

struct outcome {
    char *why;         /* it didn't come to its end: a sentence; else NULL */
    json_t *world;     /* as the simulator left it */
    json_t *ledger;    /* entries of the world's ledger */
    json_t *twice;     /* those that repeat one */
    json_t *ids;       /* that the world made up */
    json_t *report;    /* the run's, see report.h */
    char *requests;    /* the simulator's log */
    json_t *faults;    /* of its world, with how often each struck */
    json_t *points;    /* names of the crash points that were passed, in order */
    json_t *unknown;   /* what a person had to say: texts */
    int resumes;       /* how often it was gone on with, for whatever reason */
    int64_t took;      /* wall ms */
};

struct trial {
    struct rehearsal *r;
    char *name;                         /* of its folder */
    char *crash;                        /* "POINT:N" or "POINT:N,POINT:N"; NULL: nobody disturbs it */
    json_t *fault;                      /* what goes wrong in its world; NULL: nothing */
    json_t *item;                       /* of the sweep's queue */
    int shown;                          /* the engine's progress goes to our stderr */
    int64_t limit;                      /* wall ms after which it is given up */
    char *folder;
    json_t *env;
    struct child *sim, *engine;
    uv_timer_t timer;                   /* until the simulator listens; then the limit */
    int64_t began;                      /* wall ms */
    size_t kills;                       /* before the engine was started last */
    int failures;                       /* resumes after a failure that no kill explains */
    struct outcome out;
    void (*done)(struct trial *trial);  /* called once, when out is complete */
    void *data;                         /* of done */
    struct trial *next;                 /* of those that are under way */
};

void outcome_release(struct outcome *out);
struct trial *trial_new(struct rehearsal *r, const char *name, const char *crash);
int trial_start(struct trial *trial, struct cairn_error *err); /* done is not called if it fails */
void trial_stop(struct trial *trial);                          /* kill its processes; done is called */
void trial_free(struct trial *trial); /* its processes have ended; its folder goes, unless everything is kept */
size_t trial_kills(const struct trial *trial); /* how many of the deaths in `crash` have happened */
size_t trial_behind(const struct trial *trial, size_t kills); /* index into points of the first one behind so many */

enum answered { ANSWERED_ENDED, ANSWERED_GO_ON, ANSWERED_STUCK, ANSWERED_NO_RUN };
/* Look at the run when its engine has ended, and answer what it asks; STUCK fills out.why. */
enum answered answer_run(struct trial *trial);

/* ---- rehearse_compare.c ---- */

/* What is different: a list of {what, ...}, see cairn.rehearsal/1 in cairn(1). `noise`: places in world and value that
 * differ between runs that nobody disturbed, as another comparison gave them; may be NULL. */
json_t *compare_outcomes(const struct outcome *want, const struct outcome *got, const json_t *noise);
json_t *compare_lines(const json_t *ledger);                        /* a line of text for each entry, branch by branch */
json_t *compare_noise(const struct outcome *a, const struct outcome *b); /* object of places */

/* ---- rehearse_sweep.c: many trials, killed at each point ---- */

struct sweep {
    struct rehearsal *r;
    struct outcome want;   /* of the run that nobody disturbed */
    json_t *noise;         /* see compare_outcomes */
    json_t *queue;         /* what is to be tried: {crash: "POINT:N"} or {fault: {}, cell: {}} */
    json_t *crashes;       /* those that were tried, in order */
    json_t *cells;         /* what became of each fault: list of {site, do, end} */
    struct trial *running;
    size_t count;          /* of running */
    size_t tried, missed, pairs, planned;
    int doubled;           /* kill the resume, too */
    int64_t number;        /* of the last trial */
    json_t *divergences;   /* list of {crash or fault, differences, repeat, took_ms, folder?} */
    json_t *unknown;       /* text -> how often a person had to say it */
    int64_t shown_at;      /* when progress was said last */
};

int sweep_reference(struct sweep *sweep, struct cairn_error *err); /* two runs that nobody disturbs */
void sweep_plan(struct sweep *sweep);                              /* all points, or the samples */
void sweep_add(struct sweep *sweep, json_t *owned_item);           /* to the queue */
int sweep_all(struct sweep *sweep, struct cairn_error *err);
void sweep_release(struct sweep *sweep);
json_t *sweep_points(const struct sweep *sweep); /* name -> passings */

/* ---- rehearse_faults.c: many trials, each with one thing that goes wrong ---- */

int faults_plan(struct sweep *sweep, struct cairn_error *err); /* each kind of fault at each request of the undisturbed run */
void faults_note(struct sweep *sweep, const struct trial *trial, const json_t *differences);
void faults_print(const struct sweep *sweep); /* the table */

/* ---- rehearse_print.c ---- */

json_t *rehearse_once_json(const struct rehearsal *r, const struct outcome *out); /* both are cairn.rehearsal/1 */
json_t *rehearse_sweep_json(const struct sweep *sweep);
void rehearse_print_once(const struct outcome *out);
void rehearse_print_sweep(const struct sweep *sweep);
/* The command that repeats a trial; freed with free(). */
char *rehearse_repeat(const struct rehearsal *r, const struct trial *trial);

#endif
