/*
 * logs.c: log files of instances: which there are, and text out of them; used by rds.c and modify.c.
 * SPDX-License-Identifier: MIT
 *
 * A log may be large: what is returned, and with it what is recorded, is bounded.
 */
#include "logs.h"

#include "buffer.h"

#include <string.h>

#define MAX_BYTES (1 << 20) /* of one result */
#define MAX_FILES 1000

static int
list_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    static const struct shape fields[] = {
        { "LogFileName", "name", CAIRN_STR },
        { "LastWritten", "written", CAIRN_INT },
        { "Size", "size", CAIRN_INT },
        { 0 },
    };
    const struct xml_node *at = xml_get(result, "DescribeDBLogFiles/DescribeDBLogFilesDetails");
    struct cairn_value *list = context;

    (void)err;
    for (; at && cairn_count(list) < MAX_FILES; at = xml_next(at)) {
        struct cairn_value *file = cairn_map();

        shape_copy(file, at, fields);
        cairn_add(list, file);
    }
    return 0;
}

static int
list(struct cairn_call *call, const char *instance, const char *part, int64_t since, struct cairn_value *files,
     struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();

    cairn_put(params, "DBInstanceIdentifier", cairn_str(instance));
    if (part)
        cairn_put(params, "FilenameContains", cairn_str(part));
    if (since > 0)
        cairn_put(params, "FileLastWritten", cairn_strf("%lld", (long long)since));
    return rds_pages(call, "DescribeDBLogFiles", params, list_page, files, err);
}

int
logs_list(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *files = cairn_list();
    int rc = list(call, cairn_get_str(args, "id", ""), cairn_get_str(args, "contains", NULL),
                  cairn_get_int(args, "since", 0), files, err);

    cairn_put(out, "files", files);
    return rc;
}

int
logs_has(struct cairn_call *call, const char *instance, const char *part, int64_t since, struct cairn_error *err)
{
    struct cairn_value *files = cairn_list();
    int rc = list(call, instance, part, since, files, err);

    if (rc == 0)
        rc = cairn_count(files) > 0;
    cairn_free(files);
    return rc;
}

/* One portion is added to `text`; what is to be asked for next is left in `args`. */
static int
portion(struct cairn_call *call, struct cairn_value *params, struct buffer *text, int *more, struct cairn_error *err)
{
    struct query query = {
        .service = &rds_service, .action = "DownloadDBLogFilePortion", .params = params, .reads = 1
    };
    const struct xml_node *result;
    struct xml_node *reply;

    if (query_send(&reply, call, &query, err) < 0)
        return -1;
    result = xml_get(reply, "DownloadDBLogFilePortionResult");
    buffer_str(text, xml_text(result, "LogFileData", ""));
    *more = xml_bool(result, "AdditionalDataPending", 0);
    cairn_put(params, "Marker", cairn_str(xml_text(result, "Marker", "")));
    xml_free(reply);
    return 0;
}

/* From a marker on: the beginning of what there is counts. The end of a log: its last bytes do. */
static struct cairn_value *
bounded(const char *text, size_t len, size_t max, int from_marker)
{
    if (len <= max)
        return cairn_strn(text, len);
    return cairn_strn(from_marker ? text : text + len - max, max);
}

int
logs_text(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    static const struct query_field arguments[] = {
        { "id", "DBInstanceIdentifier" },
        { "file", "LogFileName" },
        { "marker", "Marker" },
        { "lines", "NumberOfLines" },
        { 0 },
    };
    int64_t max = cairn_get_int(args, "max_bytes", 65536);
    int from_marker = cairn_get_str(args, "marker", NULL) != NULL;
    struct cairn_value *params = cairn_map();
    struct buffer text = { 0 };
    int more = 0;
    int rc = 0;

    if (max < 1 || max > MAX_BYTES) {
        cairn_free(params);
        return cairn_fail(err, CAIRN_ERR_INVALID, "log text: max_bytes must be 1 to %d", MAX_BYTES);
    }
    query_fields(params, args, arguments);
    do
        rc = portion(call, params, &text, &more, err);
    while (rc == 0 && more && from_marker && text.len < (size_t)max && !cairn_cancelled(call));
    if (rc == 0) {
        cairn_put(out, "text", bounded(text.text ? text.text : "", text.len, (size_t)max, from_marker));
        cairn_put(out, "marker", cairn_copy(cairn_get(params, "Marker")));
        cairn_put(out, "more", cairn_bool(more));
        cairn_put(out, "cut", cairn_bool(text.len > (size_t)max));
    }
    buffer_release(&text);
    cairn_free(params);
    return rc;
}
