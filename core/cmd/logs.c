/*
 * logs.c: write and show the log lines of a run; called by run.c, and the command `logs`.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/logs.h"

#include "cmd/command.h"
#include "cmd/print.h"
#include "cmd/status.h"
#include "common/alloc.h"
#include "engine/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLLOW_US 200000

static char *
path_of(const char *state_dir, const char *run)
{
    return alloc_printf("%s/logs/%s.jsonl", state_dir, run);
}

static int
write_line(const char *state_dir, const char *run, const char *line)
{
    char *folder = alloc_printf("%s/logs", state_dir);
    char *path = path_of(state_dir, run);
    int fd, failed;

    mkdir(folder, 0700);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    free(path);
    free(folder);
    if (fd < 0)
        return -1;
    failed = write(fd, line, strlen(line)) != (ssize_t)strlen(line);
    close(fd);
    return failed ? -1 : 0;
}

void
logs_append(const char *state_dir, const char *run, int64_t t, const char *text)
{
    static int told;
    json_t *json = json_pack("{s:I, s:s}", "t", (json_int_t)t, "text", text);
    char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
    char *whole = alloc_printf("%s\n", line ? line : "{}");

    if (write_line(state_dir, run, whole) < 0 && !told) {
        fprintf(stderr, "cairn: write the log of run %s: %s\n", run, strerror(errno));
        told = 1;
    }
    free(whole);
    free(line);
    json_decref(json);
}

/* ---- show ---- */

static void
show_line(const char *line)
{
    json_t *json = json_loads(line, 0, NULL);
    char *text = print_clean(json_string_value(json_object_get(json, "text")));
    char when[21];

    print_time(when, json_integer_value(json_object_get(json, "t")));
    printf("%s  %s\n", when, text);
    free(text);
    json_decref(json);
}

/* Whole lines from where the file was left; what is written only in part waits for the next look. */
static void
read_lines(FILE *file, void (*take)(void *data, const char *line), void *data)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    clearerr(file);
    while ((len = getline(&line, &size, file)) > 0) {
        if (line[len - 1] != '\n') {
            fseek(file, -len, SEEK_CUR);
            break;
        }
        line[len - 1] = '\0';
        take(data, line);
    }
    free(line);
}

static void
take_for_table(void *data, const char *line)
{
    (void)data;
    show_line(line);
}

static void
take_for_json(void *data, const char *line)
{
    json_t *json = json_loads(line, 0, NULL);

    if (json)
        json_array_append_new(data, json);
}

static void
take_as_it_is(void *data, const char *line)
{
    (void)data;
    puts(line);
}

static int
is_driven(const struct context *context, const char *id)
{
    struct cairn_error err = { 0 };
    char *driver = NULL;
    int driven = lock_holder(&driver, context->config->state, id, &err) == 0 && driver;

    free(driver);
    return driven;
}

/* As long as somebody drives the run, and then once more. */
static void
follow(const struct context *context, const char *id, const char *path)
{
    FILE *file = NULL;
    int driven = 1;

    do {
        driven = is_driven(context, id);
        if (!file)
            file = fopen(path, "re");
        if (file)
            read_lines(file, context->json ? take_as_it_is : take_for_table, NULL);
        fflush(stdout);
        if (driven)
            usleep(FOLLOW_US);
    } while (driven && !ferror(stdout));
    if (file)
        fclose(file);
}

static void
show_all(const struct context *context, const char *id, const char *path)
{
    FILE *file = fopen(path, "re");
    json_t *lines = json_array();
    json_t *json;

    if (file)
        read_lines(file, context->json ? take_for_json : take_for_table, lines);
    if (file)
        fclose(file);
    json = json_pack("{s:s, s:s, s:o}", "schema", "cairn.logs/1", "run", id, "lines", lines);
    if (context->json)
        print_json(json);
    json_decref(json);
}

int
logs_show(struct context *context, struct cairn_error *err)
{
    struct store_run row = { 0 };
    char *path;

    if (command_open(context, err) < 0 || store_find(context->store, command_word(context, 0), &row, err) < 0)
        return -1;
    path = path_of(context->config->state, row.id);
    if (command_flag(context, "follow"))
        follow(context, row.id, path);
    else
        show_all(context, row.id, path);
    free(path);
    store_run_release(&row);
    return STATUS_DONE;
}
