# aws.sh: a world and how the tests of the AWS plugins call them; sourced after lib.sh and sim.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
#   json NAME=TEXT NAME:=JSON...      arguments, where they are long
#   ok PLUGIN ACTION [ARGS]           the call succeeds; its reply is in the file `reply`
#   fails KIND PLUGIN ACTION [ARGS]   it fails with that kind of error
#   seen WHAT PLUGIN ACTION [ARGS]    observe answers done, absent, conflict or unknown
#   has TEXT... / lacks TEXT...       in the reply
#   value NAME...                     a member of the reply's value
#   later DURATION                    puts the world's clock forward, and that of the plugins with it
#   fault JSON                        trouble in the world
#   changes                           how many changes the world has accepted
#   resource instance|cluster NAME    its resource id
#
# Variables: $config, $token and $started of the calls that follow; $mine and $other are two tokens.

{
    world_head
    cat <<'EOF'
  - { access_key: AKIAEXPIRED000000001, secret: old/secret, token: old-token, expires: "2024-01-01T00:00:00Z" }
  - { access_key: AKIAFOREIGN000000001, secret: foreign/secret, account: "111122223333" }
rds:
  zone: czone
  blue_green_with_proxy: kept
  parameter_groups:
    in-11: { family: aurora-postgresql11 }
    in-15: { family: aurora-postgresql15 }
    pg-13: { family: postgres13, parameters: { rds.logical_replication: 1 } }
    pg-15: { family: postgres15, parameters: { rds.logical_replication: 1 } }
  cluster_parameter_groups:
    cl-11: { family: aurora-postgresql11, parameters: { rds.force_ssl: 1, rds.logical_replication: 1 } }
    cl-15: { family: aurora-postgresql15, parameters: { rds.logical_replication: 1 } }
  clusters:
    shop:
      engine: aurora-postgresql
      version: "11.21"
      parameter_group: cl-11
      deletion_protection: true
      tags: { team: shop }
      instances:
        shop-0: { class: db.r6g.large, parameter_group: in-11 }
        shop-1: { class: db.r6g.large, parameter_group: in-11 }
  instances:
    books:
      engine: postgres
      version: "13.15"
      class: db.m6g.large
      parameter_group: pg-13
      deletion_protection: true
      tags: { team: books }
    spare: { engine: postgres, version: "13.15", class: db.m6g.large, parameter_group: pg-13 }
  proxies:
    door:
      cluster: shop
      role_arn: arn:aws:iam::239043911459:role/door
      subnets: [subnet-1, subnet-2]
      security_groups: [sg-1]
      auth: [{ secret_arn: "arn:aws:secretsmanager:ca-central-1:239043911459:secret:a", description: "of the app" }]
      pool:
        max_connections: 90
        max_idle: 45
        borrow_timeout: 60
        pinning: [EXCLUDE_VARIABLE_SETS]
        init_query: SET x=1
      endpoints:
        door-ro: { role: READ_ONLY, tags: { team: shop } }
      tags: { team: shop }
lambda:
  functions:
    api:
      version: 7
      aliases: { live: 7 }
      variables:
        URI: "postgresql://app:planted-Sn0wy0wl@old.example:5432/app?x=1"
        MODE: fast
      reply: { ok: true }
EOF
} >world.yaml

config='{"account":"239043911459","region":"ca-central-1"}'
arn=arn:aws:rds:ca-central-1:239043911459
mine=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1
other=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2
token=$mine
started=0
CAIRN_LIBEXEC=$BUILD
export CAIRN_LIBEXEC

# One call; the reply is in the file `reply`. MODE is run or observe.
plug() { # MODE PLUGIN ACTION [ARGS]
    lib_mode=$1 lib_plugin=$2 lib_action=$3
    shift 3
    "$BUILD/call-plugin" -m "$lib_mode" -t "$token" -s "$started" "$BUILD/plugins/.libs/$lib_plugin.so" \
        "$config" "$lib_action" "${1:-"{}"}" >reply
}
json() { # NAME=TEXT | NAME:=JSON ...
    lib_json=
    for lib_text; do
        case ${lib_text%%=*} in
            *:) lib_json="$lib_json,\"${lib_text%%:=*}\":${lib_text#*:=}" ;;
            *) lib_json="$lib_json,\"${lib_text%%=*}\":\"${lib_text#*=}\"" ;;
        esac
    done
    printf '{%s}' "${lib_json#,}"
}
ok() { # PLUGIN ACTION [ARGS]
    plug run "$@" && return 0
    cat reply >&2
    return 1
}
fails() { # KIND PLUGIN ACTION [ARGS]
    lib_kind=$1
    shift
    ! plug run "$@" && grep -q "\"kind\":\"$lib_kind\"" reply && return 0
    echo "expected the error $lib_kind:" >&2
    cat reply >&2
    return 1
}
seen() { # done|absent|conflict|unknown PLUGIN ACTION [ARGS]
    lib_seen=$1
    shift
    plug observe "$@" && grep -q "\"seen\":\"$lib_seen\"" reply && return 0
    echo "expected to see $lib_seen:" >&2
    cat reply >&2
    return 1
}
has() { # TEXT...: each is in the reply
    for lib_text; do
        grep -qF "$lib_text" reply || { echo "not in the reply: $lib_text" >&2; cat reply >&2; return 1; }
    done
}
lacks() { # TEXT...: none is in the reply
    for lib_text; do
        ! grep -qF "$lib_text" reply || { echo "in the reply: $lib_text" >&2; return 1; }
    done
}
value() { # NAME...: of the reply's value
    perl "$SRC/t/look.pl" reply value "$@"
}
# The world's clock put forward, and that of the plugins with it.
later() { # DURATION
    advance "$1"
    lib_clock
}
lib_clock() {
    follow_clock
    started=$(jq .ms clock.json)
}
fault() { # JSON
    curl -sS --fail-with-body --noproxy '*' -X POST --data "$1" "$CAIRN_SIM_URL/_sim/fault" >/dev/null
}
changes() {
    sim_get /_sim/verdict | sed 's/.*"changes":\([0-9]*\).*/\1/'
}
resource() { # instance|cluster NAME: its resource id
    plug run rds "describe_$1" "{\"id\":\"$2\"}"
    value resource_id
}
