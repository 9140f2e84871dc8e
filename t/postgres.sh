# postgres.sh: a real PostgreSQL server on the loopback address, gone with the test; sourced after lib.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
#   need_postgres                skips the whole test where PostgreSQL's server isn't installed
#   pg_start [tls]               a fresh server on a free port: superuser $PG_USER with $PG_PASSWORD, by SCRAM; with
#                                `tls` its certificate is for localhost, of the authority in $T/pg-ca.pem
#   pg_stop [fast|immediate]     end it; immediate: as in a crash
#   pg_again                     start the one that was stopped again: same data, same port
#   pg_kill                      kill -9 of the whole server, as in a power failure
#   psql_do SQL [DATABASE]       run SQL as the superuser; its rows are on stdout, values separated by |
#   pg_section [NAME]            lines for cairn.yaml: the section `postgres` with the connection NAME (main if left
#                                out) to this server, and its password among `secrets`
#
# Variables: $PG_PORT, $PG_USER, $PG_PASSWORD, $PG_LOG (the server's log). The server listens on 127.0.0.1 only, and its
# processes belong to nobody when the test runs as root, because PostgreSQL refuses root.

PG_USER=super
PG_PASSWORD=sup3r-0f-the-t3st
PG_PORT=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
PG_HOME=$T/pg
PG_LOG=$PG_HOME/log
PG_BIN=
# Debian's, the newest; elsewhere the one in the PATH.
for lib_dir in /usr/lib/postgresql/[1-9]/bin /usr/lib/postgresql/[1-9][0-9]/bin; do
    [ ! -x "$lib_dir/initdb" ] || PG_BIN=$lib_dir
done
[ -n "$PG_BIN" ] || PG_BIN=$(command -v initdb | sed 's,/initdb$,,')

need_postgres() {
    [ -n "$PG_BIN" ] || skip_all 'there is no PostgreSQL server here (package postgresql)'
}

# With `exec`, so that a pid is that of the program itself.
pg_as() { # CMD...
    if [ "$(id -u)" -eq 0 ]; then
        exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
    fi
    exec "$@"
}

pg_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=an authority of the test' \
        -keyout "$T/pg-ca.key" -out "$T/pg-ca.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout "$PG_HOME/server.key" -out "$PG_HOME/server.csr" 2>/dev/null
    echo 'subjectAltName=DNS:localhost,DNS:*.db.example' >"$PG_HOME/server.ext"
    openssl x509 -req -in "$PG_HOME/server.csr" -CA "$T/pg-ca.pem" -CAkey "$T/pg-ca.key" -CAcreateserial -days 2 \
        -extfile "$PG_HOME/server.ext" -out "$PG_HOME/server.crt" 2>/dev/null
    chmod 600 "$PG_HOME/server.key"
}

pg_start() { # [tls]
    rm -rf "$PG_HOME"
    mkdir -p "$PG_HOME"
    printf '%s\n' "$PG_PASSWORD" >"$PG_HOME/password"
    [ "${1:-}" != tls ] || pg_certificate
    if [ "$(id -u)" -eq 0 ]; then
        chmod 711 "$T"
        chown -R nobody "$PG_HOME"
    fi
    (cd "$PG_HOME" && pg_as "$PG_BIN/initdb" --pgdata=data --username="$PG_USER" --pwfile=password --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C --no-sync --no-instructions) >"$T/pg.init" 2>&1 || {
        cat "$T/pg.init"
        return 1
    }
    cat >>"$PG_HOME/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $PG_PORT
unix_socket_directories = ''
max_connections = 40
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
fsync = off
wal_level = logical
max_prepared_transactions = 4
log_statement = all
autovacuum = off
${1:+ssl = on}
${1:+ssl_cert_file = '$PG_HOME/server.crt'}
${1:+ssl_key_file = '$PG_HOME/server.key'}
END
    pg_again
}

pg_ready() {
    "$PG_BIN/pg_isready" -q -h 127.0.0.1 -p "$PG_PORT"
}

pg_again() {
    (cd "$PG_HOME" && pg_as "$PG_BIN/postgres" -D "$PG_HOME/data") >>"$PG_LOG" 2>&1 &
    echo "$!" >"$T/pg.pid"
    end_with_test "$!" QUIT # an immediate shutdown, which leaves no shared memory behind
    until_true 400 pg_ready || {
        tail -n 20 "$PG_LOG"
        return 1
    }
}

pg_end() { # SIGNAL
    lib_pid=$(cat "$T/pg.pid")
    lib_since=$(sed -n "s/^$lib_pid \([0-9]*\) .*/\1/p" "$T/.children" | tail -n 1)
    end_child "$lib_pid" "$lib_since" "$1"
    until_true 400 gone "$lib_pid" "$lib_since"
}

pg_stop() { # [fast|immediate]
    case ${1:-fast} in
    immediate) pg_end QUIT ;;
    *) pg_end INT ;;
    esac
}

# The children of a server that is killed end by themselves; until they have, its data can't be opened again.
pg_kill() {
    lib_backends=$(pgrep -P "$(cat "$T/pg.pid")" || :)
    pg_end KILL
    for lib_backend in $lib_backends; do
        kill -KILL "$lib_backend" 2>/dev/null || :
    done
}

psql_do() { # SQL [DATABASE]
    PGPASSWORD=$PG_PASSWORD "$PG_BIN/psql" -X -A -t -q -v ON_ERROR_STOP=1 \
        "host=127.0.0.1 port=$PG_PORT user=$PG_USER dbname=${2:-postgres}" -c "$1"
}

pg_section() { # [NAME]
    cat <<END
postgres:
  connections:
    ${1:-main}:
      { user: $PG_USER, password: { secret: pg_password }, database: postgres, host: 127.0.0.1, port: $PG_PORT, sslmode: disable }
secrets:
  pg_password: { value: $PG_PASSWORD }
END
}
