# sim.sh: how the simulator's tests talk to it: signed requests by curl; sourced after lib.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
#   rds ACTION [NAME=VALUE...]    one call; the XML is its output; fails with curl's status when refused
#   refused CODE ACTION [...]     the call is refused with that code
#   text TAG                      what the elements TAG on standard input hold, one per line
#   fault JSON                    add a fault
#   AGENT=TEXT                    the User-Agent of these calls
#   lambda METHOD PATH [BODY]     one call to Lambda; PATH is below /2015-03-31/functions/
#   untried SERVICE AGENT         operations of the service that the log, the file `log`, has no sound answer of for that program
#   world_head                    the common part of the tests' worlds
#   world_books                   section rds with one instance, books

KEY=AKIACAIRNTEST0000001
SECRET=test/secret+of+the+operator

signed() { # SERVICE CURL-ARGUMENT...
    lib_service=$1
    shift
    curl -sS --fail-with-body --noproxy '*' --max-time 20 --user "$KEY:$SECRET" -A "${AGENT:-curl}" \
        --aws-sigv4 "aws:amz:ca-central-1:$lib_service" "$@"
}

rds() {
    lib_form="Action=$1&Version=2014-10-31"
    shift
    for lib_pair in "$@"; do
        lib_form="$lib_form&$(printf %s "$lib_pair" | sed 's/%/%25/g; s/+/%2B/g; s/&/%26/g; s/ /%20/g')"
    done
    signed rds --data "$lib_form" "$CAIRN_SIM_URL/"
}

refused() {
    lib_code=$1
    shift
    lib_rc=0
    rds "$@" >refused.xml || lib_rc=$?
    [ "$lib_rc" = 22 ] && [ "$(text Code <refused.xml)" = "$lib_code" ] && return 0
    echo "expected the refusal $lib_code, got status $lib_rc: $*" >&2
    cat refused.xml >&2
    return 1
}

text() {
    grep -o "<$1>[^<]*" | sed "s/^<$1>//"
}

fault() {
    curl -sS --fail-with-body --noproxy '*' -d "$1" "$CAIRN_SIM_URL/_sim/fault"
}

lambda() {
    lib_method=$1 lib_path=$2
    shift 2
    if [ $# -gt 0 ]; then
        set -- -H 'Content-Type: application/json' --data "$1"
    fi
    signed lambda -X "$lib_method" "$@" "$CAIRN_SIM_URL/2015-03-31/functions/$lib_path"
}

untried() { # SERVICE AGENT
    sim_get "/_sim/operations?service=$1" | jq -r '.[].operation' | sort >served
    sed -n "s|^[^ ]* [^ ]* [^ ]* $1 \([A-Za-z]*\) 2.* by/$2.*|\1|p" log | sort -u >tried
    [ -s served ] && comm -23 served tried
}

world_head() {
    cat <<EOF
account: "239043911459"
region: ca-central-1
clock: { start: "2024-02-13T14:00:00Z" }
credentials:
  - { access_key: $KEY, secret: $SECRET }
EOF
}
world_books() {
    cat <<EOF
rds:
  zone: czone
  parameter_groups: { pg-13: { family: postgres13 } }
  instances:
    books: { engine: postgres, version: "13.15", class: db.m6g.large, parameter_group: pg-13 }
EOF
}
