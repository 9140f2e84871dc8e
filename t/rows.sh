# rows.sh: real servers behind the simulated world, and the rows in them; sourced after lib.sh and postgres.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
#   real_place                   worlds that are started from now on have their scratch folders below $T/tmp
#   real_sim WORLD [ARG...]      start_sim with real servers there
#   real_world EXAMPLE [ARG...]  use_world (flow.sh) with real servers
#   connect                      lines for cairn.yaml: the connection `main` to the database that a step names
#   at HOST SQL [DATABASE]       run SQL as the master (shop, $PGPASSWORD) of the database behind a host's short name;
#                                rows are on stdout, values separated by |
#   leads HOST                   the address of a host: 127.0.0.1:PORT
#   world_orders VERSION GROUP [SQL-LINE]...   of section rds: an instance with 1000 rows, and a proxy before it
#   nothing_left                 neither a server nor a folder of this test's worlds is there any more
#   ends_with_nothing_left       waits for that; else says what is left
#   workload                     the program examples/workload
#   writers [HOST...]            it writes rows from now on, a pool for each host, into rows.log
#   writers_end                  it stops, and rows.report says what became of the rows

PGPASSWORD=simulated-master PGUSER=shop PGDATABASE=orders
export PGPASSWORD PGUSER PGDATABASE

real_place() {
    mkdir -p "$T/tmp"
    if [ "$(id -u)" -eq 0 ]; then
        chmod 711 "$T"
        chmod 1777 "$T/tmp"
    fi
    TMPDIR=$T/tmp
    export TMPDIR
}

# The simulator gets the time to take everything along.
end_gently() {
    sed -i "s/^\($(cat "$T/sim.pid") .*\) KILL$/\1 TERM/" "$T/.children"
}

real_sim() { # WORLD [ARG...]
    real_place
    start_sim "$@" --postgres
    end_gently
}

real_world() { # EXAMPLE [ARG...]
    real_place
    use_world "$@" --postgres
    end_gently
}

connect() {
    cat <<END
postgres:
  connections:
    main: { user: $PGUSER, password: { secret: master }, database: $PGDATABASE, sslmode: prefer }
secrets:
  master: { value: $PGPASSWORD }
END
}

leads() { # HOST: the part before the first dot
    awk -v host="$1" '{ split($1, part, "."); if (part[1] == host) print $2 }' "$CAIRN_POSTGRES_THROUGH"
}

at() { # HOST SQL [DATABASE]
    lib_to=$(leads "$1")
    "$PG_BIN/psql" -X -A -t -q -v ON_ERROR_STOP=1 \
        "host=127.0.0.1 port=${lib_to#*:} user=$PGUSER dbname=${3:-$PGDATABASE} connect_timeout=10" -c "$2"
}

world_orders() { # VERSION GROUP [SQL-LINE]...
    cat <<END
  instances:
    orders:
      engine: postgres
      version: "$1"
      class: db.m6g.large
      parameter_group: $2
      username: shop
      database: orders
      sql: |
        create table orders (id serial primary key, note text);
        insert into orders (note) select 'n' || g from generate_series(1, 1000) g;
END
    shift 2
    for lib_line; do
        echo "        $lib_line"
    done
    cat <<END
  proxies:
    orders-proxy:
      role_arn: arn:aws:iam::239043911459:role/proxy
      subnets: [subnet-1, subnet-2]
      auth: [{ secret_arn: "arn:aws:secretsmanager:ca-central-1:239043911459:secret:orders" }]
      require_tls: false
      instance: orders
END
}

# Those of other tests are none of ours: each server and each tool works in the folder of its world.
nothing_left() {
    [ -z "$(ls -A "$T/tmp")" ] && [ -z "$(servers_left)" ]
}

servers_left() {
    find /proc/[0-9]*/cwd -prune -lname "$T/tmp/cairn-sim*" 2>/dev/null
}

ends_with_nothing_left() {
    until_true 600 nothing_left && return
    find "$T/tmp" | head -n 20
    servers_left
    return 1
}

workload() {
    "$BUILD/examples/workload/workload" "$@"
}

full_name() { # HOST
    awk -v host="$1" '{ split($1, part, "."); if (part[1] == host) print $1 }' "$CAIRN_POSTGRES_THROUGH"
}

writers() { # HOST...: the first is the database itself
    PGHOST=$(full_name "$1")
    export PGHOST
    workload prepare
    for lib_host in "$@"; do
        PGHOST=$(full_name "$lib_host")
        background "pool-$lib_host" "$BUILD/examples/workload/workload" write "$T/rows.log" "$lib_host" 2
    done
    PGHOST=$(full_name "$1")
}

writers_end() {
    for lib_pid in "$T"/pool-*.pid; do
        kill "$(cat "$lib_pid")"
        until_true 200 not_there "$(cat "$lib_pid")"
    done
    workload report "$T/rows.log" >"$T/rows.report"
}

not_there() { # PID
    ! kill -0 "$1" 2>/dev/null || grep -q '^[0-9]* (.*) Z' "/proc/$1/stat"
}
