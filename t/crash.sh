# crash.sh: a run that is killed on its way must end like one that isn't; sourced after lib.sh and flow.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
#   EXAMPLE                    the folder of examples/ whose workflow it is; gc-notify if unset
#   crash_world                makes the world in which each of the runs happens: that of EXAMPLE. A test that needs
#                              another defines it anew
#   reference [ARG...]         a run that nobody disturbs: its world, its ledger and its crash points, for later
#   keep_reference             what the world is now is what it should be
#   same_as_reference          the world and the ledger are the same, no change was made twice, nobody was asked more
#   crash_at POINT:N           a run in which one process is killed: that which passes the point for the N-th time
#   crash_sweep                tests: the reference, then a crash at each of its points. A point is passed many times:
#                              CAIRN_TEST_SAMPLES of them are tried for each (`all` for every one), spread over the run.
#                              If it is unset, one is, and only of those points whose names match CRASH_POINTS (what is
#                              recorded and not sent, what is sent and not answered, if that is unset). `make check-crash`
#                              tries all; `cairn rehearse --crash-everywhere` is the same for authors.

crash_world() {
    use_world "${EXAMPLE:-gc-notify}"
}

reference() {
    crash_world
    CAIRN_CRASH_LOG=$T/points answered run_flow "$@" >"$T/run.log" 2>&1 || {
        tail -n 30 "$T/run.log"
        return 1
    }
    keep_reference
}

keep_reference() {
    world >"$T/want.world"
    ledger >"$T/want.ledger"
    shown --count approvals >"$T/want.approvals"
}

same_as_reference() {
    world >"$T/got.world"
    ledger >"$T/got.ledger"
    shown --count approvals >"$T/got.approvals"
    diff -u "$T/want.ledger" "$T/got.ledger" || return 1
    diff -u "$T/want.world" "$T/got.world" || return 1
    diff -u "$T/want.approvals" "$T/got.approvals" || return 1
    test "$(changed_twice)" = 0 || return 1
    cairn verify @last >/dev/null
}

crash_at() {
    crash_world
    crashing "$1" carried run_flow >"$T/run.log" 2>&1 || {
        lib_rc=$?
        tail -n 30 "$T/run.log"
        echo "status $lib_rc"
        return 1
    }
    same_as_reference
}

# Lines POINT:N, evenly spread over the N that there are.
crash_picks() {
    lib_points=${CRASH_POINTS:-^(engine.committed|worker.http.sent)$}
    [ -z "${CAIRN_TEST_SAMPLES:-}" ] || lib_points=.
    sort "$T/points" | uniq -c | awk -v points="$lib_points" -v samples="${CAIRN_TEST_SAMPLES:-1}" '
        $2 !~ points { next }
        samples == "all" { for (i = 1; i <= $1; i++) print $2 ":" i; next }
        {
            n = samples < $1 ? samples : $1
            for (i = 0; i < n; i++) print $2 ":" int(1 + (i + 0.5) * $1 / n)
        }'
}

crash_sweep() {
    it 'a run that nobody disturbs goes through' 'reference'
    for lib_pick in $(crash_picks); do
        it "killed at $lib_pick it ends the same" "crash_at $lib_pick"
    done
}
