/*
 * address.c: where a call's connection leads, out of the configuration and the call's arguments; used by connection.c.
 * SPDX-License-Identifier: MIT
 *
 * Nothing but the configuration counts: no PG* variables, no service file, no ~/.pgpass; and, in a simulated world,
 * where CAIRN_POSTGRES_THROUGH says that a name leads. The password goes to libpq as
 * a value of its own, never in a connection string, which libpq would quote in its errors.
 */
#include "address.h"

#include "common/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define DEFAULT_PORT 5432

static const struct {
    const char *name;
    enum cairn_type type;
} keys[] = {
    { "user", CAIRN_STR },        { "password", CAIRN_STR }, { "database", CAIRN_STR }, { "sslmode", CAIRN_STR },
    { "sslrootcert", CAIRN_STR }, { "host", CAIRN_STR },     { "port", CAIRN_INT },
};

/* ---- the configuration ------------------------------------------------------------------------------------------- */

static int
check_keys(const char *name, const struct cairn_value *connection, struct cairn_error *err)
{
    for (size_t i = 0; i < cairn_count(connection); i++) {
        const char *key = cairn_key(connection, i);
        size_t k = 0;

        while (k < sizeof(keys) / sizeof(*keys) && strcmp(keys[k].name, key) != 0)
            k++;
        if (k == sizeof(keys) / sizeof(*keys))
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "configuration postgres.connections.%s.%s: unknown key; there are user, password, "
                              "database, sslmode, sslrootcert, host, port",
                              name, key);
        if (cairn_type(cairn_at(connection, i)) != keys[k].type)
            return cairn_fail(err, CAIRN_ERR_INVALID, "configuration postgres.connections.%s.%s: it must be %s", name,
                              key, keys[k].type == CAIRN_INT ? "an integer" : "a text");
    }
    return 0;
}

/* A server that isn't verified may be anybody's, who then has the password: that has to be asked for. */
static int
check_tls(const char *name, const struct cairn_value *connection, struct cairn_error *err)
{
    static const char *const modes[] = { "verify-full", "verify-ca", "require", "prefer", "disable" };
    const char *mode = cairn_get_str(connection, "sslmode", "verify-full");
    const char *root = cairn_get_str(connection, "sslrootcert", NULL);
    const char *host = cairn_get_str(connection, "host", "");
    int known = 0;

    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
        known |= strcmp(mode, modes[i]) == 0;
    if (!known)
        return cairn_fail(
            err, CAIRN_ERR_INVALID,
            "configuration postgres.connections.%s.sslmode: it is verify-full, verify-ca, require, prefer "
            "or disable, not %s",
            name, mode);
    if (strncmp(mode, "verify", 6) == 0 && !root && *host != '/')
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "configuration postgres.connections.%s.sslrootcert: %s needs it, the file of the authorities "
                          "(for RDS global-bundle.pem of truststore.pki.rds.amazonaws.com); or set sslmode: require",
                          name, mode);
    if (root && *root != '/')
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "configuration postgres.connections.%s.sslrootcert: write the whole path, from / on", name);
    return 0;
}

static int
check_connection(const char *name, const struct cairn_value *connection, struct cairn_error *err)
{
    if (cairn_type(connection) != CAIRN_MAP)
        return cairn_fail(err, CAIRN_ERR_INVALID, "configuration postgres.connections.%s: it must be a map", name);
    if (check_keys(name, connection, err) < 0)
        return -1;
    if (!cairn_get_str(connection, "user", NULL))
        return cairn_fail(err, CAIRN_ERR_INVALID, "configuration postgres.connections.%s.user: it is missing", name);
    return check_tls(name, connection, err);
}

/* A worker is started without them; whatever starts this one otherwise must not lead it elsewhere. */
static void
forget_variables(void)
{
    char name[64];
    size_t i = 0;

    while (environ[i]) {
        size_t len = strcspn(environ[i], "=");

        if (strncmp(environ[i], "PG", 2) != 0 || len >= sizeof(name)) {
            i++;
            continue;
        }
        snprintf(name, sizeof(name), "%.*s", (int)len, environ[i]);
        unsetenv(name); /* what comes behind it moves up */
    }
}

int
address_check_config(struct cairn_call *call, struct cairn_error *err)
{
    const struct cairn_value *connections = cairn_get(cairn_config(call), "connections");
    const struct cairn_value *through = cairn_get(cairn_config(call), "through");

    forget_variables();
    for (size_t i = 0; i < cairn_count(connections); i++)
        if (check_connection(cairn_key(connections, i), cairn_at(connections, i), err) < 0)
            return -1;
    for (size_t i = 0; i < cairn_count(through); i++) {
        const char *to = cairn_as_str(cairn_at(through, i), NULL);

        if (!to || !*to || *to == ':')
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "configuration postgres.through.%s: it must be an address, like 127.0.0.1:15432",
                              cairn_key(through, i));
    }
    return 0;
}

/* ---- a call's address -------------------------------------------------------------------------------------------- */

static void
add(struct address *a, const char *name, const char *value)
{
    if (!value || a->count + 1 >= ADDRESS_MAX)
        return;
    a->names[a->count] = name;
    a->values[a->count++] = value;
}

static const struct cairn_value *
find_connection(struct cairn_call *call, const char *name, const char *what, struct cairn_error *err)
{
    const struct cairn_value *connections = cairn_get(cairn_config(call), "connections");
    const struct cairn_value *found = cairn_get(connections, name);
    char names[256] = "";
    size_t len = 0;

    if (found)
        return found;
    for (size_t i = 0; i < cairn_count(connections) && len < sizeof(names) - 1; i++) {
        int n = snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "", cairn_key(connections, i));

        len += n > 0 ? (size_t)n : 0;
    }
    cairn_fail(err, CAIRN_ERR_INVALID, "%s: the configuration has no postgres.connections.%s%s%s", what, name,
               *names ? "; there are " : "", names);
    return NULL;
}

/* "*.example.com" stands for all names below. */
static int
is_below(const char *pattern, const char *host)
{
    size_t len = strlen(host);
    size_t tail = strlen(pattern) - 1;

    return strncmp(pattern, "*.", 2) == 0 && len > tail && strcmp(host + len - tail, pattern + 1) == 0;
}

/* The line "HOST ADDRESS:PORT" of a file; NULL: there is none. free() it. */
static char *
find_line(FILE *file, const char *host)
{
    char name[256], to[280];
    char *found = NULL;

    while (!found && fscanf(file, "%255s %279s", name, to) == 2)
        if (strcasecmp(name, host) == 0)
            found = alloc_str(to);
    return found;
}

/* A socket's folder, this host, or a number: no name that anything has to say where it leads. */
static int
is_here(const char *host)
{
    unsigned char number[sizeof(struct in6_addr)];

    return *host == '/' || strcmp(host, "localhost") == 0 || inet_pton(AF_INET, host, number) == 1
           || inet_pton(AF_INET6, host, number) == 1;
}

/* In a simulated world the names lead where its file says, and nowhere else: it is read anew each time, because a name
 * may come at any time. */
static int
find_in_file(struct address *a, struct cairn_call *call, const char *what, struct cairn_error *err)
{
    const char *path = cairn_env(call, "CAIRN_POSTGRES_THROUGH");
    FILE *file;

    if (a->tunnel || !path || !*path || is_here(a->host))
        return 0;
    file = fopen(path, "re");
    if (!file)
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "%s: open %s (CAIRN_POSTGRES_THROUGH): %s", what, path,
                          strerror(errno));
    a->tunnel = find_line(file, a->host);
    fclose(file);
    return a->tunnel ? 0
                     : cairn_fail(err, CAIRN_ERR_UNAVAILABLE,
                                  "%s: %s has no address in this simulated world; CAIRN_POSTGRES_THROUGH is %s", what,
                                  a->host, path);
}

/* "HOST:PORT" counts before "HOST", and that before "*.DOMAIN". */
static void
find_tunnel(struct address *a, struct cairn_call *call)
{
    const struct cairn_value *through = cairn_get(cairn_config(call), "through");
    char *both = alloc_printf("%s:%s", a->host, a->port);
    const char *to = cairn_get_str(through, both, cairn_get_str(through, a->host, NULL));

    for (size_t i = 0; i < cairn_count(through) && !to; i++)
        if (is_below(cairn_key(through, i), a->host))
            to = cairn_as_str(cairn_at(through, i), NULL);
    a->tunnel = alloc_str(to);
    free(both);
}

/* An address of a tunnel that is a number is only where the packets go: the certificate is still the server's. */
static void
add_place(struct address *a)
{
    char *port = a->tunnel ? strrchr(a->tunnel, ':') : NULL;
    int numeric =
        a->tunnel && strspn(a->tunnel, "0123456789.") == (port ? (size_t)(port - a->tunnel) : strlen(a->tunnel));

    if (port)
        *port++ = '\0';
    if (a->tunnel && !numeric) {
        add(a, "host", a->tunnel);
    } else {
        add(a, "host", a->host);
        add(a, "hostaddr", a->tunnel);
    }
    add(a, "port", port ? port : a->port);
}

int
address_find(struct address *a, struct cairn_call *call, const struct cairn_value *args, const char *what,
             struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "connection", "");
    const struct cairn_value *connection = find_connection(call, name, what, err);
    const char *database = cairn_get_str(args, "database", cairn_get_str(connection, "database", "postgres"));
    const char *host = cairn_get_str(args, "host", cairn_get_str(connection, "host", NULL));
    int64_t port = cairn_get_int(args, "port", cairn_get_int(connection, "port", DEFAULT_PORT));

    if (!connection)
        return -1;
    if (!host || !*host)
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: neither the call nor postgres.connections.%s has a host", what,
                          name);
    if (strchr(host, ',')) /* libpq would try one after the other, each with the password */
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: %s is more than one host", what, host);
    if (port < 1 || port > 65535)
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s: %lld isn't a port", what, (long long)port);
    a->host = alloc_str(host);
    a->port = alloc_printf("%lld", (long long)port);
    a->where = alloc_printf("%s:%s/%s", a->host, a->port, database);
    a->application = alloc_printf("cairn/%s/%s", cairn_call_run(call), cairn_call_step(call));
    find_tunnel(a, call);
    if (find_in_file(a, call, what, err) < 0)
        return -1;
    add_place(a);
    add(a, "dbname", database);
    add(a, "user", cairn_get_str(connection, "user", NULL));
    add(a, "password", cairn_get_str(connection, "password", NULL));
    add(a, "sslmode", cairn_get_str(connection, "sslmode", "verify-full"));
    add(a, "sslrootcert", cairn_get_str(connection, "sslrootcert", NULL));
    add(a, "application_name", a->application);
    add(a, "client_encoding", "UTF8");
    add(a, "passfile", "/nonexistent");
    add(a, "gssencmode", "disable");
    add(a, "keepalives_idle", "20");
    add(a, "keepalives_interval", "5");
    add(a, "keepalives_count", "4");
    return 0;
}

void
address_release(struct address *a)
{
    free(a->host);
    free(a->port);
    free(a->tunnel);
    free(a->application);
    free(a->where);
    memset(a, 0, sizeof(*a));
}
