# crash.sh: an upgrade that is killed on its way must end like one that isn't; sourced after lib.sh and upgrade.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
#   reference [ARG...]         an upgrade that nobody disturbs: its world, its ledger and its crash points, for later
#   keep_reference             what the world is now is what it should be
#   same_as_reference          the world and the ledger are the same, no change was made twice, nobody was asked more
#   crash_at POINT:N           an upgrade in which one process is killed: that which passes the point for the N-th time

reference() {
    use_world gc-notify
    CAIRN_CRASH_LOG=$T/points answered upgrade "$@" >"$T/run.log" 2>&1 || {
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
    use_world gc-notify
    rm -f "$T/passed"
    CAIRN_CRASH_AT=$1
    CAIRN_CRASH_LOG=$T/passed
    export CAIRN_CRASH_AT CAIRN_CRASH_LOG
    carried upgrade >"$T/run.log" 2>&1 || {
        lib_rc=$?
        unset CAIRN_CRASH_AT CAIRN_CRASH_LOG
        tail -n 30 "$T/run.log"
        echo "status $lib_rc"
        return 1
    }
    unset CAIRN_CRASH_AT CAIRN_CRASH_LOG
    same_as_reference
}
