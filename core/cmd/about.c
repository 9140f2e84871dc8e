/*
 * about.c: the commands `version`, `completion` and `sim`.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/command.h"
#include "cmd/print.h"
#include "cmd/status.h"
#include "common/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
about_version(struct context *context, struct cairn_error *err)
{
    json_t *json = json_pack("{s:s, s:s, s:[i,i]}", "schema", "cairn.version/1", "version", VERSION_TEXT, "abi",
                             (int)CAIRN_ABI_MAJOR, (int)CAIRN_ABI_MINOR);

    (void)err;
    if (context->json)
        print_json(json);
    else
        printf("cairn %s (plugin ABI %u.%u)\n", VERSION_TEXT, CAIRN_ABI_MAJOR, CAIRN_ABI_MINOR);
    json_decref(json);
    return STATUS_DONE;
}

int
about_completion(struct context *context, struct cairn_error *err)
{
    (void)context;
    (void)err;
    options_complete();
    return STATUS_DONE;
}

/* The simulator is a program of its own: this process becomes it. */
int
about_sim(struct context *context, struct cairn_error *err)
{
    const char *folder = getenv("CAIRN_LIBEXEC");
    size_t count = json_array_size(context->words);
    char **argv = alloc_zero(count + 2, sizeof(*argv));
    char *path = alloc_printf("%s/cairn-sim", folder && *folder ? folder : HELPER_DIR);

    argv[0] = path;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = alloc_str(command_word(context, i));
    execv(path, argv);
    cairn_fail(err, CAIRN_ERR_FAILED, "start %s: %s", path, strerror(errno));
    for (size_t i = 0; i <= count; i++)
        free(argv[i]);
    free(argv);
    return -1;
}
