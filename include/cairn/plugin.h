/*
 * plugin.h: the whole contract between cairn and a plugin.
 * SPDX-License-Identifier: MIT
 *
 * 1. SHAPE
 *
 * A plugin is one shared object that exports one symbol, `cairn_plugin`: a constant table with its name, its version,
 * the configuration it reads and its actions. A plugin is data first: the host reads the table and checks it before it
 * calls any function of it. Compile with
 *
 *     cc -shared -fPIC -fvisibility=hidden -o hello.so hello.c $(pkg-config --cflags cairn)
 *
 * and put the file into a folder of the plugin path, owned by root or by you and not writable by anybody else. No
 * library has to be linked: the host functions below are symbols of the process that loads the plugin, the worker.
 *
 * 2. LIFE CYCLE
 *
 *      dlopen ──> table read and checked ──> configure() once, if there is one
 *                                                 │
 *             ┌───────────────────────────────────┘
 *             v
 *        guard() before the first call in this process, if there is one
 *             │
 *             v
 *        run() | observe() | plan()   one call at a time, any number of them
 *             │
 *             v
 *        the process ends: by end-of-file from the engine, by its deadline, or by a signal
 *
 * A worker is a process of its own that serves one plugin. It may be killed at any instant, so nothing has to be
 * released at the end and nothing may rely on being released. Several workers of one plugin may live at once; static
 * variables are private to one of them and are a cache at best. A plugin is never unloaded.
 *
 * 3. VALUES AND OWNERSHIP
 *
 * A `struct cairn_value` is a tree of JSON-like values with one owner. Strings are UTF-8. Integers and floats are
 * distinct types. Constructors never return NULL: memory exhaustion ends the process, and the journal is the recovery.
 * Functions that build a tree (`cairn_put`, `cairn_add`) take the value that they are given, whatever happens; a
 * parameter of that kind is called `owned`. Getters return borrowed `const` pointers that are valid until the tree they
 * lie in is changed or freed. `args` is borrowed from the host; `out` is an empty map that belongs to the host and that
 * an action fills.
 *
 * 4. ERRORS
 *
 * Functions return 0, or -1 with `err` filled by `cairn_fail`, which always returns -1 and keeps the first failure. The
 * kind decides what the engine does; code and text are for people and for the workflow's `pcall`. Text is one line,
 * lower case, `verb object: reason`, without a full stop. Of the kinds, only these say that nothing was changed:
 * INVALID, NOT_FOUND, DENIED, CONFLICT, THROTTLED, NOT_YET and UNAVAILABLE ("not sent", or refused by a parsed reply).
 * FAILED says that the outside answered, and that its answer is final. IN_DOUBT, TIMEOUT and INTERNAL of a changing
 * action put the step in doubt: the engine asks `observe` before it does anything else. A worker that crashes, hangs
 * past its deadline, or answers what can't be read is IN_DOUBT too.
 * The engine repeats a READ on THROTTLED, UNAVAILABLE, TIMEOUT and IN_DOUBT. It repeats a changing action only on
 * THROTTLED, UNAVAILABLE and NOT_YET, which are refusals for a passing reason. All others go to the workflow.
 *
 * 5. EFFECT CLASSES
 *
 * Each action declares why one effect is possible although any process may die at any instant:
 *
 *   READ     changes nothing; repeated freely.
 *   CREATE   the service enforces a name or a token that we choose. Needs `observe`: look up that name; DONE if it
 *            bears our mark (`cairn_call_token`), ABSENT if there is nothing, CONFLICT if it is somebody else's.
 *   GUARDED  a precondition or a state machine refuses a second one. Needs `observe`: decide by state and by an
 *            identity that never moves, never by a name alone.
 *   SET      the same value twice is the same state; sent again when in doubt. `observe` is optional: with it a step in
 *            doubt is not sent again when the value is already there (DONE). One that sends several requests sends,
 *            when cairn_call_attempt is above 1, only what is missing.
 *   TRIGGER  nothing prevents a second effect. `observe` is optional and may only say DONE, on evidence; else the run
 *            stops in state `unknown` and a person decides.
 *
 * The intent of a changing call is durable before `run` is called. `cairn_call_token` is a digest of the store, the run
 * and the step: the same over every attempt of one step, different for every other step. Use it as the client token, in
 * the tag `cairn:step`, or in the name of what is created.
 *
 * `observe` must not change anything. It gets the arguments that `run` got. For DONE it fills `out` as `run` would have
 * done; for CONFLICT and UNKNOWN it puts the evidence into `err`'s text by `cairn_fail`. ABSENT is believed only after
 * it was seen several times over some seconds, by several calls of `observe`: answer what one look shows.
 *
 * 6. ONE CALL AT A TIME
 *
 * The host calls a plugin from one thread. Threads that a plugin starts must not call host functions. A plugin must not
 * write to stdout; what it writes to stderr becomes lines of the run's log. Waiting for the world is the workflow's
 * (`cairn.wait` polls with READ actions): `run` returns as soon as the change is accepted. Long loops ask
 * `cairn_cancelled` now and then.
 *
 * 7. SECRETS
 *
 * A parameter or configuration key with CAIRN_SECRET arrives in clear and must not be logged. A result that is secret
 * is returned as `cairn_secret(...)`: the engine seals it before it is recorded or shown to a script, and opens it
 * again when the script passes it to an action. A string of a result that holds a secret of this call or of the
 * configuration, of six bytes or more, becomes one by itself; in logs and errors known secrets are "***". stderr is not
 * looked through. Where a secret would be seen by others (the arguments of a program, a file), `cairn_mask` tells that
 * there is one. Environment variables of the user reach a plugin only by `cairn_env`, and only those that it names in
 * `env`, or that the user names in a list of the configuration that `env` refers to.
 *
 * 8. COMPATIBILITY
 *
 * CAIRN_PLUGIN fills in the ABI numbers and the sizes of the tables. A foreign major number is refused with both
 * numbers in the message. A minor number only appends members, so that a newer plugin loads on an older host and the
 * reverse.
 *
 * 9. DOCTOR
 *
 * `cairn doctor` finds out before a run whether all that it needs is there. It calls, without arguments, each action
 * with the flag CAIRN_DOCTOR of the plugins that the configuration has a section for: one that looks whether the
 * outside can be reached, and as whom. The members of its result are shown as evidence. A member `problems`, a list of
 * texts, says what isn't as it should be although there was an answer. An error is a problem, too, and so is no answer
 * within half a minute.
 *
 * 10. A WHOLE PLUGIN
 *
 *     #include <cairn/plugin.h>
 *
 *     static int
 *     hello_greet(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
 *                 struct cairn_error *err)
 *     {
 *         (void)call;
 *         (void)err;
 *         cairn_put(out, "text", cairn_strf("hello, %s", cairn_get_str(args, "name", "")));
 *         return 0;
 *     }
 *
 *     static const struct cairn_param greet_params[] = {
 *         { "name", CAIRN_STR, CAIRN_REQUIRED, "whom to greet", 0 },
 *         { 0 },
 *     };
 *     static const struct cairn_action actions[] = {
 *         { .name = "greet", .help = "Say hello: text.", .params = greet_params, .effect = CAIRN_READ,
 *           .run = hello_greet },
 *         { 0 },
 *     };
 *     CAIRN_PLUGIN(.name = "hello", .version = "1", .help = "Greetings.", .actions = actions);
 */
#ifndef CAIRN_PLUGIN_H
#define CAIRN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CAIRN_ABI_MAJOR 1u /* a different one is refused */
#define CAIRN_ABI_MINOR 0u /* grows when members are appended */

#if defined(__GNUC__)
#define CAIRN_API __attribute__((visibility("default")))
#define CAIRN_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define CAIRN_API
#define CAIRN_PRINTF(fmt, first)
#endif

/* ---- values ------------------------------------------------------------------------------------------------------ */

struct cairn_value; /* a tree of values; opaque */

enum cairn_type {
    CAIRN_NULL, /* also what a missing member reads as */
    CAIRN_BOOL,
    CAIRN_INT, /* 64 bits, signed */
    CAIRN_FLOAT, /* finite */
    CAIRN_STR, /* UTF-8, no NUL inside */
    CAIRN_LIST,
    CAIRN_MAP, /* keys are strings, in the order of insertion */
    CAIRN_ANY /* only in a parameter table: any of the above */
};

/* New trees. The caller owns what is returned, until it gives it away. */
CAIRN_API struct cairn_value *cairn_null(void);
CAIRN_API struct cairn_value *cairn_bool(int truth);
CAIRN_API struct cairn_value *cairn_int(int64_t n);
CAIRN_API struct cairn_value *cairn_float(double x);
/* NULL becomes a null; bytes that aren't UTF-8 become U+FFFD */
CAIRN_API struct cairn_value *cairn_str(const char *text);
CAIRN_API struct cairn_value *cairn_strn(const char *text, size_t len);
CAIRN_API struct cairn_value *cairn_strf(const char *fmt, ...) CAIRN_PRINTF(1, 2);
CAIRN_API struct cairn_value *cairn_secret(const char *text); /* a string that must never be seen in clear */
CAIRN_API struct cairn_value *cairn_list(void);
CAIRN_API struct cairn_value *cairn_map(void);
CAIRN_API struct cairn_value *cairn_copy(const struct cairn_value *value); /* deep */
CAIRN_API void cairn_free(struct cairn_value *owned); /* takes NULL */

/* Build: `owned` is taken whatever happens. An old value under the same key is freed. */
CAIRN_API void cairn_put(struct cairn_value *map, const char *key, struct cairn_value *owned);
CAIRN_API void cairn_add(struct cairn_value *list, struct cairn_value *owned);

/* Look: borrowed, NULL-tolerant. A missing member, or one of another type, reads as the given default (or NULL). */
CAIRN_API enum cairn_type cairn_type(const struct cairn_value *value);
CAIRN_API const struct cairn_value *cairn_get(const struct cairn_value *map, const char *key);
CAIRN_API const char *cairn_get_str(const struct cairn_value *map, const char *key, const char *otherwise);
CAIRN_API int64_t cairn_get_int(const struct cairn_value *map, const char *key, int64_t otherwise);
CAIRN_API double cairn_get_float(const struct cairn_value *map, const char *key, double otherwise);
CAIRN_API int cairn_get_bool(const struct cairn_value *map, const char *key, int otherwise);
CAIRN_API const char *cairn_as_str(const struct cairn_value *value, const char *otherwise);
CAIRN_API int64_t cairn_as_int(const struct cairn_value *value, int64_t otherwise);
CAIRN_API size_t cairn_count(const struct cairn_value *value); /* of a list or map; 0 for all else */
CAIRN_API const struct cairn_value *cairn_at(const struct cairn_value *value, size_t i); /* of a list or map */
CAIRN_API const char *cairn_key(const struct cairn_value *map, size_t i); /* the key of cairn_at(map, i) */

/* ---- errors ------------------------------------------------------------------------------------------------------ */

enum cairn_error_kind {
    CAIRN_ERR_NONE,
    CAIRN_ERR_INVALID, /* the arguments or the configuration are wrong; refused */
    CAIRN_ERR_NOT_FOUND, /* what the call names doesn't exist; refused */
    CAIRN_ERR_DENIED, /* no credentials, expired, no permission, wrong account, a server that can't prove who it is; refused */
    CAIRN_ERR_CONFLICT, /* exists already, or changed since it was read; refused */
    CAIRN_ERR_THROTTLED, /* refused, for now */
    CAIRN_ERR_UNAVAILABLE, /* the request was not sent: no connection, no name, no TLS */
    CAIRN_ERR_TIMEOUT, /* no answer in time; in doubt for a change */
    CAIRN_ERR_NOT_YET, /* refused because of a passing state */
    CAIRN_ERR_FAILED, /* a final no of the outside */
    CAIRN_ERR_IN_DOUBT, /* sent, and no answer that could be read */
    CAIRN_ERR_INTERNAL, /* a bug, or a crash */
    CAIRN_ERR_CANCELLED /* the run was cancelled while the call waited to be sent */
};

struct cairn_error {
    enum cairn_error_kind kind; /* CAIRN_ERR_NONE: no failure yet */
    char code[64]; /* the outside's own code, "DBInstanceNotFound"; may be "" */
    char text[936]; /* one line */
};

/* Record a failure and return -1. The first failure stays: later calls on the same `err` change nothing. */
CAIRN_API int cairn_fail(struct cairn_error *err, enum cairn_error_kind kind, const char *fmt, ...) CAIRN_PRINTF(3, 4);
CAIRN_API int cairn_fail_code(struct cairn_error *err, enum cairn_error_kind kind, const char *code, const char *fmt, ...)
    CAIRN_PRINTF(4, 5);

/* Parse text. NULL with `err` (kind INVALID, with line and column) when it isn't well-formed. YAML: one document, the
 * core schema, aliases refused, no duplicate keys. */
CAIRN_API struct cairn_value *cairn_parse_json(const char *text, size_t len, struct cairn_error *err);
CAIRN_API struct cairn_value *cairn_parse_yaml(const char *text, size_t len, struct cairn_error *err);
CAIRN_API char *cairn_format_json(const struct cairn_value *value); /* compact; the caller frees it with free() */

/* ---- a call ------------------------------------------------------------------------------------------------------ */

struct cairn_call; /* the call being served */

CAIRN_API const char *cairn_call_token(const struct cairn_call *call); /* 32 hex digits, the same over every attempt */
CAIRN_API const char *cairn_call_run(const struct cairn_call *call); /* the run's id */
CAIRN_API const char *cairn_call_step(const struct cairn_call *call); /* the step's id within the run */
CAIRN_API int cairn_call_attempt(const struct cairn_call *call); /* 1 for the first */
CAIRN_API int64_t cairn_call_started(const struct cairn_call *call); /* when the step's intent was first recorded, ms */
/* the plugin's section; defaults filled in */
CAIRN_API const struct cairn_value *cairn_config(const struct cairn_call *call);
/* of the user; NULL if unset or not declared */
CAIRN_API const char *cairn_env(const struct cairn_call *call, const char *name);
/* `text` with each known secret as "***", as it would be logged; free() it */
CAIRN_API char *cairn_mask(const struct cairn_call *call, const char *text);
/* ms since 1970 on the run's clock, which a simulator may speed up */
CAIRN_API int64_t cairn_now(const struct cairn_call *call);
/* ms since 1970 on the wall clock: for signatures and credentials */
CAIRN_API int64_t cairn_wall(const struct cairn_call *call);
CAIRN_API void cairn_sleep(struct cairn_call *call, int64_t ms); /* on the run's clock; returns early when cancelled */
CAIRN_API int cairn_cancelled(const struct cairn_call *call); /* the engine has no more use for the answer */
/* a line of the run's log */
CAIRN_API void cairn_log(struct cairn_call *call, const char *fmt, ...) CAIRN_PRINTF(2, 3);
/* shown live, not kept */
CAIRN_API void cairn_progress(struct cairn_call *call, const char *fmt, ...) CAIRN_PRINTF(2, 3);

/* ---- HTTP -------------------------------------------------------------------------------------------------------- */

/*
 * One request, one reply. The host owns the rules that keep one effect one effect: a changing request goes out on a
 * fresh connection that is not used again, nothing is re-sent silently, redirects are not followed, all speak HTTP/1.1.
 * A request changes something if run() of an action that isn't READ makes it, its method is neither GET nor HEAD, and
 * it doesn't say `reads`. All others use kept-alive connections, which may send a request again; where only they are
 * allowed (READ actions, `observe`, `plan`, `configure`, `guard`), PUT, PATCH and DELETE without `reads` are INVALID.
 *
 * 0: there is a complete reply, whatever its status. Judging the status is the caller's.
 * -1, for a changing request: UNAVAILABLE when not a byte of it left and no other changing request of this call did,
 *     or DENIED if that was because of the server's certificate; TIMEOUT or IN_DOUBT otherwise.
 * -1, for a reading request: the same within a READ action and the like. Within run() of a changing action UNAVAILABLE
 *     as long as no changing request of this call has left, because then nothing was changed; TIMEOUT or IN_DOUBT
 *     afterwards.
 *     An action that has changed something by other means than cairn_http has to see to that by itself. CANCELLED when
 *     the engine has no more use for the answer; changing requests are never broken off.
 */
struct cairn_http_request {
    size_t size; /* sizeof(struct cairn_http_request); set by CAIRN_HTTP_REQUEST */
    const char *method; /* "GET" when NULL */
    const char *url; /* http or https */
    const char *const *headers; /* "Name: value" lines, ended by NULL; may be NULL */
    const char *body;
    size_t body_len;
    int reads; /* this request changes nothing although it isn't a GET or HEAD (AWS Query describes are POSTs) */
    int64_t timeout_ms; /* wall time for the whole exchange; 0: 60 s */
    int64_t max_reply; /* bytes; 0: 16 MiB. A larger reply is IN_DOUBT */
    const char *ca_file; /* PEM; NULL: the system's */
    const char *ca_pem; /* PEM text, instead of a file */
    const char *cert_pem; /* client certificate and key, PEM text */
    const char *key_pem;
    const char *server_name; /* name that the certificate must bear, if not the URL's host */
    int insecure; /* don't verify the peer; only ever set because the user's own configuration says so */
    const char *proxy; /* NULL: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the user, and none for loopback; "": none */
};
#define CAIRN_HTTP_REQUEST(...) { sizeof(struct cairn_http_request), __VA_ARGS__ }

struct cairn_http_reply; /* opaque; freed by cairn_http_free */

CAIRN_API int cairn_http(struct cairn_call *call, const struct cairn_http_request *request,
                         struct cairn_http_reply **reply, struct cairn_error *err);
CAIRN_API int cairn_http_status(const struct cairn_http_reply *reply);
/* last of that name, or NULL */
CAIRN_API const char *cairn_http_header(const struct cairn_http_reply *reply, const char *name);
CAIRN_API const char *cairn_http_body(const struct cairn_http_reply *reply, size_t *len); /* NUL-terminated as well */
CAIRN_API void cairn_http_free(struct cairn_http_reply *owned); /* takes NULL */
/* percent-encode all but A-Za-z0-9-._~ and `keep`; free() it */
CAIRN_API char *cairn_url_encode(const char *text, const char *keep);

/* ---- the tables -------------------------------------------------------------------------------------------------- */

#define CAIRN_REQUIRED 1u /* a parameter that must be given */
#define CAIRN_SECRET 2u /* a parameter whose value is never shown or recorded in clear */
#define CAIRN_TO_CHANGE 4u /* a configuration key without which nothing is changed; a run is told when it lacks */

struct cairn_param {
    const char *name; /* lower_case; NULL ends the table */
    enum cairn_type type;
    unsigned flags; /* CAIRN_REQUIRED, CAIRN_SECRET, CAIRN_TO_CHANGE */
    const char *help; /* one line: what, unit, allowed values */
    const char *otherwise; /* the default as JSON text ("300", "\"keep\""); NULL: left out */
};

enum cairn_effect { CAIRN_READ = 1, CAIRN_CREATE, CAIRN_GUARDED, CAIRN_SET, CAIRN_TRIGGER };

#define CAIRN_DESTRUCTIVE 1u /* something is lost: the operator types the name of the target */
#define CAIRN_IRREVERSIBLE 2u /* no way back by this tool */
#define CAIRN_SLOW 4u /* the call itself may take minutes; its deadline is 15 min instead of 2 */
#define CAIRN_DOCTOR 8u /* `cairn doctor` calls it; a READ without required parameters */

enum cairn_seen { /* what observe() returns; -1 when it could not look */
    CAIRN_SEEN_ABSENT = 0,
    CAIRN_SEEN_DONE = 1,
    CAIRN_SEEN_CONFLICT = 2,
    CAIRN_SEEN_UNKNOWN = 3
};

typedef int cairn_run_fn(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                         struct cairn_error *err);

struct cairn_action {
    const char *name; /* lower_case; NULL ends the table */
    const char *help; /* one line: what it does, and after a colon what the result holds */
    const struct cairn_param *params; /* arguments; may be NULL: none */
    const struct cairn_param *results; /* members of the result; may be NULL: see help */
    enum cairn_effect effect;
    unsigned flags; /* CAIRN_DESTRUCTIVE, CAIRN_IRREVERSIBLE, CAIRN_SLOW, CAIRN_DOCTOR */
    const char *target; /* the parameter that names what is acted on; needed by CAIRN_DESTRUCTIVE */
    cairn_run_fn *run;
    cairn_run_fn *observe; /* returns enum cairn_seen */
    cairn_run_fn *plan; /* fills `out` with what would change; may be NULL */
};

struct cairn_plugin {
    uint32_t abi_major, abi_minor; /* by CAIRN_PLUGIN */
    size_t plugin_size, action_size, param_size; /* by CAIRN_PLUGIN: the strides of the tables */
    const char *name; /* lower_case; what `cairn.plugin "name"` asks for; the file is name.so */
    const char *version;
    const char *help; /* one line */
    const struct cairn_action *actions;
    const char *section; /* the section of cairn.yaml it reads; several plugins may share one; NULL: none */
    const struct cairn_param *config; /* the keys of that section that it knows */
    /* Variables of the user it may read: names, separated by spaces; `AWS_*` for a prefix, `@KEY` for the names in the
     * list KEY of its configuration. CAIRN_FOLDER is the folder that relative paths of the configuration start from.
     * May be NULL. */
    const char *env;
    int (*configure)(struct cairn_call *call, struct cairn_error *err); /* once, before all calls; may be NULL */
    /* is this the world that the configuration names? may be NULL */
    int (*guard)(struct cairn_call *call, struct cairn_error *err);
};

#ifdef __cplusplus
#define CAIRN_PLUGIN_LINKAGE extern "C"
#else
#define CAIRN_PLUGIN_LINKAGE extern
#endif

#define CAIRN_PLUGIN(...) \
    CAIRN_PLUGIN_LINKAGE CAIRN_API const struct cairn_plugin cairn_plugin; \
    const struct cairn_plugin cairn_plugin = { CAIRN_ABI_MAJOR, CAIRN_ABI_MINOR, sizeof(struct cairn_plugin), \
                                               sizeof(struct cairn_action), sizeof(struct cairn_param), __VA_ARGS__ }

#ifdef __cplusplus
}
#endif

#endif
