#!/bin/sh
# blue-green-back.t: up to the switchover an upgrade can be taken back, and then the world is as it was.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"

# What must be as before. Not compared: what only ever grows (events, versions of functions, generations), the
# annotation by which a workload was restarted, and the inner ids of a proxy that was made again.
compare() { # FILE
    perl -MJSON::PP -e '
        sub strip {
            my ($v) = @_;
            if (ref $v eq "HASH") {
                delete @$v{qw(events last versions annotations generation id)};
                strip($_) for values %$v;
            } elsif (ref $v eq "ARRAY") {
                strip($_) for @$v;
            }
        }
        local $/;
        my $world = decode_json(<>);
        strip($world);
        print JSON::PP->new->canonical->pretty->encode($world);
    ' "$1"
}

# Go as far as the question that bears this text, reject it, and take everything back.
go_and_back() { # TEXT
    use_world gc-notify
    world >before.json
    lib_status=0
    run_flow >run.log 2>&1 || lib_status=$?
    lib_left=9
    while [ "$lib_status" -eq 3 ] && [ "$lib_left" -gt 0 ] && ! asked "$1"; do
        lib_left=$((lib_left - 1))
        approve_open
        lib_status=0
        cairn resume @last --no-input >>run.log 2>&1 || lib_status=$?
    done
    asked "$1"
    cairn reject @last --comment 'not today'
    must_fail 4 cairn resume @last --no-input >>run.log 2>&1
    test "$(shown state)" = failed
    answered cairn rollback @last --no-input >>run.log 2>&1 || { tail -n 30 run.log; return 1; }
    test "$(shown state)" = rolled_back
    world >after.json
    compare before.json >want
    compare after.json >got
    diff -u want got
    test "$(changed_twice)" = 0
}

asked() {
    shown why | grep -q "$1"
}

it 'rejected before the first restart, nothing of it is left' 'go_and_back "Restart notification"'
it 'rejected before the proxy is deleted, addresses and settings are as they were' 'go_and_back "Delete the proxy"'
it 'rejected before the switchover, the proxy is there again and green is gone' 'go_and_back "Switch notification"'
there_is_a_snapshot() {
    world >now.json
    test "$(look --count now.json rds snapshots)" = 1
}
it 'killed while the snapshot is being made, a rollback leaves none' '
    SPEED=60
    rm -f world.yaml
    use_world instance
    world >before.json
    must_fail 3 run_flow >run.log 2>&1
    approve_open
    "$BUILD/run" cairn resume @last --no-input >run.log 2>&1 &
    pid=$!
    until_true 800 there_is_a_snapshot
    kill -9 "$pid"
    wait "$pid" || :
    test "$(look now.json rds snapshots orders-cairn-RUN-before status)" = creating
    answered cairn rollback @last --no-input >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    test "$(shown state)" = rolled_back
    world >after.json
    test "$(look --count after.json rds snapshots)" = 0
    for what in instances groups; do
        test "$(look before.json rds "$what")" = "$(look after.json rds "$what")"
    done
    rm world.yaml
'
it 'behind the switchover there is no way back' '
    use_world gc-notify
    lib_status=0
    run_flow >run.log 2>&1 || lib_status=$?
    lib_left=9
    while [ "$lib_status" -eq 3 ] && [ "$lib_left" -gt 0 ] && ! asked "Delete the old database"; do
        lib_left=$((lib_left - 1))
        approve_open
        lib_status=0
        cairn resume @last --no-input >>run.log 2>&1 || lib_status=$?
    done
    asked "Delete the old database"
    ledger >want
    must_fail any cairn rollback @last --no-input 2>err
    cat err
    grep -i "no return" err
    ledger >got
    diff -u want got
'
it 'the old database is kept when its deletion is rejected' '
    cairn reject @last --comment "we keep it for a week"
    cairn resume @last --no-input
    test "$(shown state)" = done
    shown reports "old database kept" | grep "we keep it"
    world >after.json
    test -n "$(look after.json rds clusters notification-canada-ca-staging-cluster-old1 resource_id)"
'
finish
