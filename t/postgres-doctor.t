#!/bin/sh
# postgres-doctor.t: `cairn doctor` says where the connections of the configuration lead, and what is wrong with them.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/postgres.sh"
need_postgres

CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG
verified="sslrootcert: $T/pg-ca.pem"

config() { # NAME: LINE...
    printf 'state: %s/state\nsecrets: { pg: { value: %s }, app: { value: of-the-app } }\npostgres:\n  connections:\n' \
        "$T" "$PG_PASSWORD" >"$CAIRN_CONFIG"
    for line; do
        echo "    $line" >>"$CAIRN_CONFIG"
    done
}
main() { # MORE
    echo "main: { user: super, password: { secret: pg }, host: localhost, port: $PG_PORT, $1 }"
}
well() { # TEXT: the line of the plugin has it
    cairn doctor postgres >out 2>err || { cat out err; return 1; }
    grep "^ok       postgres " out | grep -qF -- "$1" || { cat out; return 1; }
}
sick() { # TEXT: the one problem, with the next command
    must_fail 1 cairn doctor postgres >out 2>err
    cat out err
    [ "$(grep -c "^problem " out)" = 1 ]
    grep -A3 "^problem  postgres " out | grep -qF -- "$1"
    grep -q "^next: mend the cause, then once more: cairn doctor$" err
}

pg_start tls || exit 1

it 'the server, as whom, how it is secured, and whether it takes writes' '
    config "$(main "$verified")"
    well "seen main (localhost:$PG_PORT/postgres): PostgreSQL $(psql_do "show server_version"), as super, TLSv1.3, verified, takes writes"
    config "$(main "sslmode: require")"
    well "as super, TLSv1.3, the server isn'"'"'t verified, takes writes"
    config "$(main "sslmode: disable")"
    well "as super, no TLS, takes writes"
    cairn doctor -o json >json
    jq -e ".checks[] | select(.name == \"postgres\").details.servers[0] |
        .connection == \"main\" and .user == \"super\" and .tls == \"no TLS\" and .writable" json
'
it 'a server that is read-only is no problem, and said' '
    psql_do "create role app login password \$\$of-the-app\$\$"
    psql_do "alter role app set default_transaction_read_only = on"
    config "$(main "$verified")" "other: { user: app, password: { secret: app }, host: localhost, port: $PG_PORT, $verified }" \
        "later: { user: app, $verified }"
    well "; other (localhost:$PG_PORT/postgres): PostgreSQL "
    grep -qF "as app, TLSv1.3, verified, read-only; later: it has no host, each call gives one" out
'
it 'a wrong password, another authority, and a server that is not there are problems of the connection' '
    config "main: { user: super, password: { secret: app }, host: localhost, port: $PG_PORT, $verified }"
    sick "postgres.connections.main (localhost:$PG_PORT/postgres): connect: "
    grep -qF "(SQLSTATE 28P01)" out
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=else -keyout else.key -out else.pem
    config "$(main "sslrootcert: $T/else.pem")"
    sick "certificate verify failed"
    config "$(main "$verified")" "gone: { user: super, host: 127.0.0.1, port: 1, sslmode: disable }"
    sick "postgres.connections.gone (127.0.0.1:1/postgres): connect: "
    grep -q "main (localhost:$PG_PORT/postgres): PostgreSQL" out
'
it 'a server that never answers does not hold the others up' '
    perl -MIO::Socket::INET -e "
        \$| = 1;
        my \$s = IO::Socket::INET->new(Listen => 16, LocalAddr => q(127.0.0.1)) or die;
        print \$s->sockport, qq(\n);
        sleep 600" >silent & end_with_test $!
    until_true 200 test -s silent
    config "silent: { user: super, host: 127.0.0.1, port: $(cat silent), sslmode: disable }" "$(main "$verified")"
    sick "postgres.connections.silent (127.0.0.1:$(cat silent)/postgres): connect: no answer in time"
    grep -q "main (localhost:$PG_PORT/postgres): PostgreSQL" out
'
it 'no password is in what it says' '
    ! grep -rqF -e "$PG_PASSWORD" -e of-the-app out err json "$T/state"
'
it 'without a section postgres it is not asked' '
    echo "state: $T/state" >"$CAIRN_CONFIG"
    cairn doctor >out 2>err
    grep -q "^unused   postgres " out
'
finish
