# upgrade.sh: what tests of the upgrade in place share; sourced after lib.sh and flow.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
#   begin EXAMPLE [ARG...]     a run in a new world, up to its first question or its end; its status is in $status. The
#                              clock is so fast that windows are near: they are ignored
#   go_on                      resume; the same
#   asked TEXT                 is that what it asks?
#   until_asked TEXT           approve what is asked before that
#   trouble JSON / mended      switch a fault on; all off
#   upgrades                   how many times the upgrade was asked for
#   version INSTANCE           what it has now
#   modify INSTANCE FORM       change the instance behind the run's back

[ -n "${CAIRN_TEST_SPEED:-}" ] || SPEED=6000

begin() { # EXAMPLE [ARG...]
    lib_world=$1
    shift
    rm -f world.yaml
    use_world "$lib_world"
    world >before.json
    status=0
    run_flow -p ignore_windows=true "$@" >run.log 2>&1 || status=$?
}

go_on() {
    status=0
    cairn resume @last --no-input >>run.log 2>&1 || status=$?
}

# For `answered`.
go_on_plain() {
    if [ "$status" -eq 3 ]; then
        return 3
    fi
    cairn resume @last --no-input >>run.log 2>&1
}

# Has the simulator been asked for the upgrade?
began_upgrade() {
    ledger | grep -q "^rds ModifyDBInstance"
}

# Has an upgrade failed, and is that over?
failed_upgrade() { # INSTANCE
    world >rest.json
    grep -q "cannot be upgraded" rest.json && test "$(look rest.json rds instances "$1" status)" = available
}

# Is nothing pending, and nothing going on?
at_rest() {
    world >rest.json
    ! look --find pending rest.json rds instances | grep -q allocated && grep -q '"status" : "available"' rest.json
}

asked() {
    [ "$status" = 3 ] && shown why | grep -q "$1" && return 0
    echo "status $status; not asked: $1"
    tail -n 20 run.log
    return 1
}

# For `answered`.
go_on_plain() {
    if [ "$status" -eq 3 ]; then
        return 3
    fi
    cairn resume @last --no-input >>run.log 2>&1
}

# Has the simulator been asked for the upgrade?
began_upgrade() {
    ledger | grep -q "^rds ModifyDBInstance"
}

# Has an upgrade failed, and is that over?
failed_upgrade() { # INSTANCE
    world >rest.json
    grep -q "cannot be upgraded" rest.json && test "$(look rest.json rds instances "$1" status)" = available
}

# Is nothing pending, and nothing going on?
at_rest() {
    world >rest.json
    ! look --find pending rest.json rds instances | grep -q allocated && grep -q '"status" : "available"' rest.json
}

until_asked() {
    lib_left=9
    while [ "$status" -eq 3 ] && [ "$lib_left" -gt 0 ] && ! asked "$1" >/dev/null; do
        lib_left=$((lib_left - 1))
        approve_open
        go_on
    done
    asked "$1"
}

trouble() {
    curl -sS --fail-with-body --noproxy '*' --max-time 20 -d "$1" "$CAIRN_SIM_URL/_sim/fault" >faults.json
}

mended() {
    curl -sS --fail-with-body --noproxy '*' --max-time 20 -X DELETE "$CAIRN_SIM_URL/_sim/fault" >faults.json
}

upgrades() {
    ledger | grep -c "^rds ModifyDBInstance" || :
}

version() {
    world >now.json
    look now.json rds instances "$1" version
}

modify() { # INSTANCE FORM
    curl -sS --fail-with-body --noproxy '*' --max-time 20 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
        --aws-sigv4 "aws:amz:$AWS_REGION:rds" \
        --data "Action=ModifyDBInstance&Version=2014-10-31&DBInstanceIdentifier=$1&$2" "$CAIRN_SIM_URL/" >modified.xml
}
