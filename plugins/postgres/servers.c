/*
 * servers.c: what `cairn doctor` asks: do the connections of the configuration lead to a server, and as whom? Used by
 * postgres.c.
 * SPDX-License-Identifier: MIT
 */
#include "actions.h"

#include "rows.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define ALL_MS 24000 /* for all of them: less than what doctor waits for the whole answer */
#define EACH_MS 8000 /* for one at most */

/* What the session is secured with: "TLSv1.3, verified". free() it. */
static char *
security(struct connection *c, const struct cairn_value *connection)
{
    int verified = strncmp(cairn_get_str(connection, "sslmode", "verify-full"), "verify", 6) == 0;

    if (!PQsslInUse(c->pg))
        return alloc_str("no TLS");
    return alloc_printf("%s, %s", PQsslAttribute(c->pg, "protocol"),
                        verified ? "verified" : "the server isn't verified");
}

/* "main (localhost:5432/postgres): PostgreSQL 15.8, as app, TLSv1.3, verified, takes writes"; free() it. */
static char *
in_words(const char *name, const struct connection *c, const struct cairn_value *server)
{
    return alloc_printf("%s (%s): PostgreSQL %s, as %s, %s, %s", name, c->where, cairn_get_str(server, "version", ""),
                        cairn_get_str(server, "user", ""), cairn_get_str(server, "tls", ""),
                        cairn_get_bool(server, "writable", 0)      ? "takes writes"
                        : cairn_get_bool(server, "in_recovery", 0) ? "a standby, read-only"
                                                                   : "read-only");
}

/* The row of one server with its name and `tls`, new; NULL with err. *owned_words is it for people. */
static struct cairn_value *
look(struct cairn_call *call, const char *name, const struct cairn_value *connection, int64_t ms, char **owned_words,
     struct cairn_error *err)
{
    struct connection_options options = {
        .what = name, .reads = 1, .timeout_ms = ms, .statement_ms = ms, .lock_ms = ms
    };
    struct cairn_value *args = cairn_map();
    struct cairn_value *server = NULL;
    struct cairn_value *rows = NULL;
    struct connection c = { 0 };

    cairn_put(args, "connection", cairn_str(name));
    if (connection_open(&c, call, args, &options, err) == 0 && connection_begin(&c, err) == 0)
        rows = rows_all(&c, look_server, 0, NULL, err);
    if (rows) {
        char *tls = security(&c, connection);

        server = cairn_copy(cairn_at(rows, 0));
        cairn_put(server, "connection", cairn_str(name));
        cairn_put(server, "tls", cairn_str(tls));
        *owned_words = in_words(name, &c, server);
        free(tls);
    }
    cairn_free(rows);
    connection_close(&c);
    cairn_free(args);
    return server;
}

/* Words that are added to a text of all servers. */
static void
add_words(char **text, char *owned_words)
{
    char *longer = alloc_printf("%s%s%s", *text ? *text : "", *text ? "; " : "", owned_words);

    free(*text);
    free(owned_words);
    *text = longer;
}

int
servers_look(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const struct cairn_value *connections = cairn_get(cairn_config(call), "connections");
    struct cairn_value *servers = cairn_list();
    struct cairn_value *problems = cairn_list();
    int64_t ms = cairn_count(connections) > ALL_MS / EACH_MS ? ALL_MS / (int64_t)cairn_count(connections) : EACH_MS;
    char *text = NULL;

    (void)args;
    (void)err;
    for (size_t i = 0; i < cairn_count(connections); i++) {
        const struct cairn_value *connection = cairn_at(connections, i);
        const char *name = cairn_key(connections, i);
        struct cairn_error why = { 0 };
        struct cairn_value *server;
        char *words = NULL;

        if (!*cairn_get_str(connection, "host", "")) {
            add_words(&text, alloc_printf("%s: it has no host, each call gives one", name));
            continue;
        }
        server = look(call, name, connection, ms, &words, &why);
        if (server) {
            cairn_add(servers, server);
            add_words(&text, words);
        } else {
            cairn_add(problems, cairn_strf("postgres.connections.%s", why.text));
        }
    }
    cairn_put(out, "seen", cairn_str(text ? text : "nothing"));
    cairn_put(out, "servers", servers);
    cairn_put(out, "problems", problems);
    free(text);
    return 0;
}
