/*
 * main.c: cairn-sim, a world on the loopback address: reads its options, starts the world and serves it.
 * SPDX-License-Identifier: MIT
 */
#include "client.h"
#include "common/alloc.h"
#include "http.h"
#include "keeper.h"
#include "luahost.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define TURN_MS 20 /* with real servers the world goes on between requests, too */

static const char help[] =
    "Usage: cairn sim --world FILE [OPTION]... [MAJOR=FOLDER]...\n"
    "   or: cairn sim faults|fault|mend|operations [WORD]...\n"
    "Serve a simulated world (AWS, Kubernetes, Cloudflare) on 127.0.0.1 until SIGTERM or SIGINT; or ask something of one\n"
    "that runs, whose address is in CAIRN_SIM_URL.\n"
    "\n"
    "  --world FILE    the world as it is at the start\n"
    "  --port N        port to listen on (default 0: any free one)\n"
    "  --speed X       how fast the world's clock runs (default 1, or the world file's; CAIRN_CLOCK beats both)\n"
    "  --env FILE      write the environment that leads programs to this world, for `. FILE`, once it listens\n"
    "  --ledger FILE   write each accepted change as a line of JSON\n"
    "  --log FILE      write each request as a line\n"
    "  --dump FILE     at the end, write what the world has become, and its ledger, as JSON\n"
    "  --fault JSON    what goes wrong on purpose, as in the world file's list; may be given again\n"
    "  --seed N        seed of the ids that the world makes up (default 1)\n"
    "  --postgres      each database is a real PostgreSQL server; MAJOR=FOLDER says where programs of a major version are,\n"
    "                  besides Debian's\n"
    "  --help          show this text\n"
    "  --version       show the version\n"
    "\n"
    "  faults [KIND|SERVICE]         which kinds of faults there are, and which are switched on\n"
    "  fault KIND [PARAM=VALUE]...   switch one on\n"
    "  mend [KIND|NUMBER]            switch it off; all, without a word\n"
    "  operations [SERVICE]          which operations are served\n";

static const struct option options[] = {
    { "world", required_argument, NULL, 'w' },  { "port", required_argument, NULL, 'p' },
    { "speed", required_argument, NULL, 's' },  { "env", required_argument, NULL, 'e' },
    { "ledger", required_argument, NULL, 'l' }, { "log", required_argument, NULL, 'g' },
    { "dump", required_argument, NULL, 'd' },   { "fault", required_argument, NULL, 'f' },
    { "seed", required_argument, NULL, 'i' },   { "postgres", no_argument, NULL, 'P' },
    { "help", no_argument, NULL, 'h' },         { "version", no_argument, NULL, 'V' },
    { NULL, 0, NULL, 0 },
};

static void
usage(const char *why, const char *what)
{
    fprintf(stderr, "cairn-sim: %s%s; see cairn sim --help\n", why, what);
}

/* The options that are numbers, and what they may be. */
static const struct range {
    const char *name;
    double min, max;
} ranges[] = { { "port", 0, 65535 }, { "speed", 1e-3, 1e9 }, { "seed", 0, 1e15 } };

static int
read_number(json_t *into, const struct range *range, const char *text)
{
    char *end;
    double x;

    errno = 0;
    x = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(x >= range->min && x <= range->max))
        return -1;
    json_object_set_new(into, range->name, json_real(x));
    return 0;
}

static int
read_value(json_t *into, const char *name, const char *text)
{
    if (strcmp(name, "fault") == 0) {
        if (!json_object_get(into, name))
            json_object_set_new(into, name, json_array());
        json_array_append_new(json_object_get(into, name), json_string(text));
        return 0;
    }
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (strcmp(ranges[i].name, name) == 0)
            return read_number(into, &ranges[i], text);
    json_object_set_new(into, name, json_string(text));
    return 0;
}

/* The words behind the options: MAJOR=FOLDER. */
static int
read_words(char **words, json_t *into)
{
    json_t *programs = json_object_get(into, "postgres");

    for (; *words; words++) {
        size_t digits = strspn(*words, "0123456789");

        if (!programs || digits == 0 || (*words)[digits] != '=' || (*words)[digits + 1] != '/')
            return usage("unexpected argument ", *words), -1;
        json_object_setn_new(programs, *words, digits, json_string(*words + digits + 1));
    }
    return 0;
}

/* 0 to go on; otherwise 1, and *status is the exit status. */
static int
read_options(int argc, char **argv, json_t *into, int *status)
{
    int index = 0;
    int c;

    *status = EXIT_USAGE;
    while ((c = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (c == 'h' || c == 'V') {
            fputs(c == 'h' ? help : "cairn-sim " VERSION_TEXT "\n", stdout);
            *status = 0;
            return 1;
        }
        if (c == '?')
            return 1;
        if (c == 'P')
            json_object_set_new(into, "postgres", json_object());
        else if (read_value(into, options[index].name, optarg) < 0)
            return usage("a number that is not one, or out of range: ", optarg), 1;
    }
    if (read_words(argv + optind, into) < 0)
        return 1;
    if (!json_object_get(into, "world"))
        return usage("--world FILE is missing", ""), 1;
    return 0;
}

/* A descriptor that becomes readable when the program is to end. */
static int
stop_descriptor(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int
turn(void *context, struct cairn_error *err)
{
    return luahost_turn(context, err);
}

static int
serve(const json_t *settings, const char *folder, struct keeper *keeper, struct cairn_error *err)
{
    struct http_besides besides = { .every = TURN_MS, .run = turn };
    struct luahost *host = NULL;
    struct http_server *server = NULL;
    int stop = stop_descriptor();
    int rc = -1;

    if (stop < 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "watch signals: %s", strerror(errno));
    if (luahost_open(&host, folder, settings, keeper, err) < 0)
        goto out;
    if (http_open(&server, (unsigned)json_number_value(json_object_get(settings, "port")), luahost_handle, host, err) < 0)
        goto out;
    if (luahost_ready(host, http_port(server), err) < 0)
        goto out;
    printf("cairn-sim: ready on http://127.0.0.1:%u\n", http_port(server));
    fflush(stdout);
    besides.context = host;
    besides.fd = keeper ? keeper_fd(keeper) : -1;
    rc = http_serve(server, stop, keeper ? &besides : NULL, err);
    if (rc == 0)
        rc = luahost_finish(host, err);
out:
    http_close(server);
    luahost_close(host);
    close(stop);
    return rc;
}

/* The keeper comes first, while this process holds nothing that it would inherit. */
static int
run(json_t *settings, struct cairn_error *err)
{
    const char *folder = getenv("CAIRN_SIM_MODELS");
    const char *clock = getenv("CAIRN_CLOCK");
    struct keeper *keeper = NULL;
    int rc;

    if (clock && *clock)
        json_object_set_new(settings, "clock", json_string(clock));
    if (json_object_get(settings, "postgres") && keeper_open(&keeper, err) < 0)
        return -1;
    rc = serve(settings, folder && *folder ? folder : SIM_DIR, keeper, err);
    keeper_close(keeper);
    return rc;
}

int
main(int argc, char **argv)
{
    json_t *settings = json_object();
    struct cairn_error err = { 0 };
    int status = 0;

    if (argc > 1 && client_knows(argv[1])) {
        json_decref(settings);
        return client_run(argv + 1, argc - 1);
    }
    if (read_options(argc, argv, settings, &status) == 0) {
        status = 0;
        if (run(settings, &err) < 0) {
            fprintf(stderr, "cairn-sim: %s\n", err.text);
            status = err.kind == CAIRN_ERR_INVALID ? EXIT_USAGE : 1;
        }
    }
    json_decref(settings);
    return status;
}
