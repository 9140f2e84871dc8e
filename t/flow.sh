# flow.sh: start, answer and look at runs of a workflow in a simulated world; sourced after lib.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
#   use_world EXAMPLE [SIM-ARG...]   the world of examples/EXAMPLE (or $T/world.yaml if it exists), its config, its
#                                    arguments and its workflow ($FLOW), on a fast clock; forgets earlier runs
#   run_flow [ARG...]                cairn run the workflow with the example's arguments; those given here win
#   answered CMD...                  the command, then for each question: approve, resume; the last status
#   carried CMD...                   the same, and resumed as well when the engine, the script host or a worker died
#   crashing POINT:N CMD...          the command, where the process that passes that point for the N-th time is killed
#   killed_at POINT:N CMD...         the command, answered, is killed there
#   fails_its_test [ARG...]          run_flow with a smoke test that passes when the file `works` is there; it isn't
#   begin_flow [ARG...]              run_flow in the background, by one engine: $engine; its lines are in run.log
#   answer_until MS                  answer what it asks until so many ms have passed since, or it has ended
#   world / ledger                   what the world is, and what was changed in it, in a form that can be compared
#   changed_twice                    how many changes were made twice
#   look [OPTION] FILE NAME...       a value of a JSON file (look.pl)
#   shown [OPTION] NAME...           the same of `cairn show @last -o json`

SPEED=${CAIRN_TEST_SPEED:-3000}

use_world() {
    lib_example=$1
    shift
    stop_sim
    rm -rf "$XDG_STATE_HOME"
    mkdir -p "$XDG_STATE_HOME"
    for lib_file in "$SRC/examples/$lib_example"/*; do
        case ${lib_file##*/} in world.yaml | README.md | demo) ;; *) cp -R "$lib_file" "$T/" ;; esac
    done
    # The first line of the arguments says whose they are.
    FLOW=$SRC/$(sed -n '1s,^# The arguments of `cairn run \(workflows/[a-z-]*\.lua\)` .*,\1,p' "$T/arguments")
    [ -f "$T/world.yaml" ] || cp "$SRC/examples/$lib_example/world.yaml" "$T/world.yaml"
    CAIRN_CONFIG=$T/cairn.yaml
    export CAIRN_CONFIG
    start_sim "$T/world.yaml" --speed "$SPEED" "$@"
}

run_flow() {
    set -- --no-input "$@"
    while read -r lib_line; do
        case "$lib_line ! $* " in
        ' ! '* | '#'*) ;;
        *" ! "*" ${lib_line%%=*}="*) ;;
        *) set -- -p "$lib_line" "$@" ;;
        esac
    done <"$T/arguments"
    cairn run "$FLOW" "$@"
}

# Approve what is asked, with the name that is to be typed where one is.
approve_open() {
    cairn show @last -o json >"$T/asked.json"
    perl -MJSON::PP -e '
        local $/;
        for my $command (@{ decode_json(<>)->{commands} }) {
            next if $command->{op} ne "gate" || exists $command->{ok};
            print "$command->{id} ", $command->{confirm} // "", "\n";
        }
    ' "$T/asked.json" | while read -r lib_gate lib_typed; do
        cairn approve @last --gate "$lib_gate" ${lib_typed:+--typed "$lib_typed"} --comment 'answered by a test'
    done
}

answered() {
    lib_status=0
    "$@" || lib_status=$?
    lib_left=20
    while [ "$lib_status" -eq 3 ] && [ "$lib_left" -gt 0 ]; do
        lib_left=$((lib_left - 1))
        approve_open
        lib_status=0
        cairn resume @last --no-input || lib_status=$?
    done
    return "$lib_status"
}

# 137: the engine was killed. 1: a run stands failed because its script host died. Each is followed by a plain resume;
# or, if it died before there was a run at all, by the same command again.
carried() {
    lib_carried=0
    answered "$@" || lib_carried=$?
    lib_crashes=5
    while [ "$lib_carried" -ne 0 ] && [ "$lib_crashes" -gt 0 ]; do
        lib_crashes=$((lib_crashes - 1))
        case $lib_carried:$(begun) in
        137:yes | 1:yes) set -- cairn resume @last --no-input ;;
        *:no) ;;
        *) return "$lib_carried" ;;
        esac
        lib_carried=0
        answered "$@" || lib_carried=$?
    done
    return "$lib_carried"
}

crashing() { # POINT:N CMD...
    rm -f "$T/passed"
    CAIRN_CRASH_AT=$1 CAIRN_CRASH_LOG=$T/passed
    export CAIRN_CRASH_AT CAIRN_CRASH_LOG
    shift
    lib_crashing=0
    "$@" || lib_crashing=$?
    unset CAIRN_CRASH_AT CAIRN_CRASH_LOG
    return "$lib_crashing"
}

killed_at() { # POINT:N CMD...
    lib_point=$1
    shift
    must_crash crashing "$lib_point" answered "$@"
}

fails_its_test() { # ARG...
    echo "exec: { programs: [cat] }" >>"$T/cairn.yaml"
    rm -f "$T/works"
    must_fail 1 answered run_flow "$@" -p "smoke=[{\"command\":[\"cat\",\"$T/works\"]}]" >"$T/run.log" 2>&1
    shown why | grep "works: No such file"
}

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# One engine for the whole run, in the background; its pid is in $engine.
begin_flow() { # ARG...
    (
        cairn() { exec "$BUILD/run" cairn "$@"; }
        run_flow --wait "$@"
    ) >"$T/run.log" 2>&1 &
    engine=$!
    end_with_test "$engine"
    began=$(now_ms)
}

alive() { # PID
    case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
    '' | Z*) return 1 ;;
    esac
}

# Answer what the engine asks until so many ms have passed or it has ended.
answer_until() { # MS
    while alive "$engine" && [ $(($(now_ms) - began)) -lt "$1" ]; do
        approve_open >/dev/null 2>&1 || :
        sleep 0.02
    done
}

begun() {
    if cairn show @last >/dev/null 2>&1; then
        echo yes
    else
        echo no
    fi
}

look() {
    perl "$SRC/t/look.pl" "$@"
}

# The option of look.pl comes before the file, the names behind it.
shown() {
    cairn show @last -o json >"$T/shown.json"
    case ${1:-} in
    --*)
        lib_option=$1
        shift
        look "$lib_option" "$T/shown.json" "$@"
        ;;
    *) look "$T/shown.json" "$@" ;;
    esac
}

world() {
    sim_get /_sim/world >"$T/found.json"
    perl -MJSON::PP -e '
        local $/; print JSON::PP->new->canonical->pretty->encode(decode_json(<>));
    ' "$T/found.json"
}

ledger() {
    sim_get /_sim/ledger >"$T/ledger.json"
    perl -MJSON::PP -e '
        local $/;
        for my $entry (@{ decode_json(<>) }) {
            my $target = $entry->{target} // "";
            $target =~ s/$entry->{caller}{run}/RUN/g if $entry->{caller}{run};
            printf "%s %s %s\n", $entry->{service} // "", $entry->{action} // "", $target;
        }
    ' "$T/ledger.json"
}

changed_twice() {
    sim_get /_sim/verdict >"$T/verdict.json"
    look --count "$T/verdict.json" twice
}
