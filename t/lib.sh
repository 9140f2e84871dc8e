# lib.sh: what behaviour tests share: TAP, a folder of their own, a simulated world; sourced by each as its first act.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
#   it 'a sentence that is true' 'commands'   one test; the commands run under set -e in a subshell, in its folder
#   must_crash CMD...            the command is killed by SIGKILL
#   must_fail STATUS CMD...      the command exits with STATUS (or, for `any`, 1..125): a death by signal never counts
#   start_sim WORLD [ARG...]     a simulated world on loopback; its variables hold for every command that follows;
#                                with the clock that SIM_CLOCK says, if it is set
#   stop_sim                     end it
#   sim_get PATH                 ask the simulator: sim_get /_sim/ledger
#   advance DURATION             put the world's clock forward; follow_clock: programs started from now on go by it, too
#   until_true TRIES CMD...      repeat the command every 50 ms until it succeeds
#   background NAME CMD...       start it; its pid is in the file NAME.pid, its output in NAME.out; ended with the test
#   wait_for NAME                wait for it; the status is its own
#   finish                       prints the plan; the last line of every test file
#
# Variables: $T this test's folder (also the current one), $SRC the sources, $BUILD the build ($CAIRN_BUILD, else the
# first there is of build/check, build/demo, build, and the sources). `cairn` is the uninstalled one. HOME and the XDG
# folders are in $T; requests to any host but loopback end at a closed port. CAIRN_TEST_KEEP=1 keeps $T.

SRC=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${CAIRN_BUILD:-}
if [ -z "$BUILD" ]; then
    for dir in "$SRC/build/check" "$SRC/build/demo" "$SRC/build" "$PWD" "$SRC"; do
        [ ! -x "$dir/run" ] || { BUILD=$dir; break; }
    done
fi
[ -x "${BUILD:-.}/run" ] || { echo "Bail out! no build found: set CAIRN_BUILD to the folder where make ran"; exit 1; }
BUILD=$(cd "$BUILD" && pwd)

T=$(mktemp -d "${TMPDIR:-/tmp}/cairn-test.XXXXXX") || exit 1
cd "$T" || exit 1

# Nothing of the user's own settings may reach a test, and nothing of a test the world.
for name in $(env | sed -n 's/^\(AWS_[A-Z0-9_]*\|CAIRN_[A-Z0-9_]*\|KUBE[A-Z0-9_]*\|CLOUDFLARE_[A-Z0-9_]*\)=.*/\1/p'); do
    case $name in CAIRN_TEST_*) ;; *) unset "$name" ;; esac
done
CAIRN_BUILD=$BUILD
HOME=$T/home
XDG_STATE_HOME=$T/home/state XDG_CONFIG_HOME=$T/home/config XDG_CACHE_HOME=$T/home/cache XDG_RUNTIME_DIR=$T/home/run
HTTPS_PROXY=http://127.0.0.1:1 HTTP_PROXY=http://127.0.0.1:1 NO_PROXY=127.0.0.1,localhost
https_proxy=$HTTPS_PROXY http_proxy=$HTTP_PROXY no_proxy=$NO_PROXY
AWS_EC2_METADATA_DISABLED=true
LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1
export CAIRN_BUILD HOME XDG_STATE_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR HTTPS_PROXY HTTP_PROXY NO_PROXY
export https_proxy http_proxy no_proxy AWS_EC2_METADATA_DISABLED LC_ALL TZ NO_COLOR
mkdir -p "$XDG_STATE_HOME" "$XDG_CONFIG_HOME" "$XDG_CACHE_HOME" && mkdir -m 700 "$XDG_RUNTIME_DIR"

lib_count=0
lib_failed=0
lib_children=$T/.children # one line "PID STARTED SIGNAL" for each child that the test must not leave behind
: >"$lib_children"

# A pid alone may belong to somebody else by now: with its start time it can't.
started() { # PID
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

end_child() { # PID STARTED SIGNAL
    [ -n "$2" ] && [ "$(started "$1")" = "$2" ] && kill "-$3" "$1" 2>/dev/null
}

gone() { # PID STARTED; one that nobody has waited for yet counts as gone
    [ "$(started "$1")" != "$2" ] || grep -q '^[0-9]* (.*) Z' "/proc/$1/stat"
}

lib_exit() {
    status=$?
    trap - EXIT INT TERM HUP
    while read -r pid since signal; do
        end_child "$pid" "$since" "$signal" || continue
        # One that takes its leave has until now to do so.
        [ "$signal" = KILL ] || until_true 200 gone "$pid" "$since" 2>/dev/null || end_child "$pid" "$since" KILL
    done <"$lib_children"
    cd / || exit 1
    if [ -n "${CAIRN_TEST_KEEP:-}" ]; then
        echo "# kept: $T"
    else
        rm -rf "$T"
    fi
    exit "$status"
}
trap lib_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The world's variables are in a file, so that a test that starts a world in one `it` has it in the next.
lib_world() {
    if [ -s "$T/sim.env" ]; then
        set -a
        # shellcheck disable=SC1091
        . "$T/sim.env"
        set +a
    fi
}

it() { # TITLE COMMANDS
    lib_count=$((lib_count + 1))
    # Not in a condition: there `set -e` would be without effect.
    (
        trap - EXIT
        lib_world
        set -e
        eval "$2"
    ) >"$T/.log" 2>&1
    lib_status=$?
    if [ "$lib_status" -eq 0 ]; then
        echo "ok $lib_count - $1"
    else
        lib_failed=$((lib_failed + 1))
        echo "not ok $lib_count - $1"
        echo "# status $lib_status"
        tail -n 60 "$T/.log" | sed 's/^/# /'
    fi
}

finish() {
    echo "1..$lib_count"
    [ "$lib_failed" -eq 0 ] || exit 1
    exit 0
}

skip_all() { # REASON: only for what this system lacks
    echo "1..0 # SKIP $1"
    exit 0
}

must_crash() {
    lib_rc=0
    "$@" || lib_rc=$?
    [ "$lib_rc" -eq 137 ] && return 0
    echo "expected a crash, got status $lib_rc: $*" >&2
    return 1
}

must_fail() { # STATUS|any CMD...
    lib_want=$1
    shift
    lib_rc=0
    "$@" || lib_rc=$?
    [ "$lib_want" = any ] && [ "$lib_rc" -ge 1 ] && [ "$lib_rc" -le 125 ] && return 0
    [ "$lib_rc" = "$lib_want" ] && return 0
    echo "expected status $lib_want, got $lib_rc: $*" >&2
    return 1
}

until_true() { # TRIES CMD...
    lib_tries=$1
    shift
    while [ "$lib_tries" -gt 0 ]; do
        if "$@" >/dev/null 2>&1; then
            return 0
        fi
        lib_tries=$((lib_tries - 1))
        sleep 0.05
    done
    echo "still not so: $*" >&2
    return 1
}

end_with_test() { # PID [SIGNAL]
    echo "$1 $(started "$1") ${2:-KILL}" >>"$lib_children"
}

background() { # NAME CMD...
    lib_name=$1
    shift
    # At once: what an earlier one of that name wrote must not be taken for its own.
    : >"$T/$lib_name.out" 2>"$T/$lib_name.err"
    "$@" >"$T/$lib_name.out" 2>"$T/$lib_name.err" &
    lib_pid=$!
    echo "$lib_pid" >"$T/$lib_name.pid"
    end_with_test "$lib_pid"
}

wait_for() { # NAME; only in the shell that started it
    wait "$(cat "$T/$1.pid")"
}

cairn() {
    "$BUILD/run" cairn "$@"
}

start_sim() { # WORLD [ARG...]
    lib_world_file=$1
    shift
    rm -f "$T/sim.env"
    unset CAIRN_CLOCK # an earlier world's: this one has its own
    background sim env ${SIM_CLOCK:+"CAIRN_CLOCK=$SIM_CLOCK"} \
        "$BUILD/run" cairn-sim --world "$lib_world_file" --env "$T/sim.env" "$@"
    if ! until_true 200 test -s "$T/sim.env"; then
        sed 's/^/# sim: /' "$T/sim.err"
        return 1
    fi
    lib_world
}

stop_sim() {
    lib_pid=$(cat "$T/sim.pid" 2>/dev/null) || return 0
    rm -f "$T/sim.env" "$T/sim.pid"
    # Pids come round again: the last line with it is the one that counts.
    lib_since=$(sed -n "s/^$lib_pid \([0-9]*\) .*/\1/p" "$lib_children" | tail -n 1)
    end_child "$lib_pid" "$lib_since" TERM || {
        echo "the simulator had ended by itself:"
        tail -n 5 "$T/sim.out" "$T/sim.err"
        return 1
    }
}

sim_get() { # PATH
    curl -sS --fail --noproxy '*' --max-time 20 "$CAIRN_SIM_URL$1"
}

advance() { # DURATION
    curl -sS --fail-with-body --noproxy '*' -X POST "$CAIRN_SIM_URL/_sim/advance?by=$1" >/dev/null
}

follow_clock() {
    sim_get /_sim/clock >"$T/clock.json"
    CAIRN_CLOCK=$(jq -r .setting "$T/clock.json")
    export CAIRN_CLOCK
}
