#!/bin/sh
# engine-stopped.t: a process that stood still while the world went on does nothing that is no longer its to do.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"
CAIRN_CLOCK=$(date +%s)000:$(date +%s)000:1
export CAIRN_CLOCK

flow two <<'END'
return cairn.workflow { summary = "Two steps, the first of which takes a while",
  run = function ()
    probe.create { name = "a", trouble = "slow:1500" }
    probe.create { name = "b" }
  end }
END

begin_two() { # leaves the first step under way: the driver's pid is in driver.pid, the worker's in worker.pid
    fresh
    background driver "$BUILD/run" cairn run two.lua --no-input
    until_true 200 test -s probe/trouble-create-a
    pgrep -P "$(cat driver.pid)" -x cairn-worker >worker.pid
    [ -z "$(effects)" ]
}
stands_still() { # PID
    grep -q "^State:.T" "/proc/$1/status"
}

it 'a driver that stands still keeps its run: nobody else drives it meanwhile, and it goes on where it was' '
    begin_two
    kill -STOP "$(cat driver.pid)"
    until_true 200 stands_still "$(cat driver.pid)"
    must_fail 7 cairn resume @last --no-input 2>err
    grep -q "process $(cat driver.pid) of" err
    until_true 200 grep -q "^create a " probe/ledger # the worker does not need it
    must_fail 7 cairn resume @last --no-input
    [ "$(effects)" = "create a" ]
    kill -CONT "$(cat driver.pid)"
    wait_for driver
    [ "$(effects | tr "\n" ",")" = "create a,create b," ]
    cairn verify @last
'
it 'a worker that stands still when its driver is killed never makes its request, also not after the run was taken over' '
    begin_two
    worker=$(cat worker.pid)
    since=$(started "$worker")
    kill -STOP "$worker"
    until_true 200 stands_still "$worker"
    kill -9 "$(cat driver.pid)"
    until_true 200 gone "$worker" "$since"
    [ -z "$(effects)" ]
    cairn resume @last --no-input
    [ "$(effects | tr "\n" ",")" = "create a,create b," ]
'
it 'a worker that stands still for a while is waited for, and its step is done once' '
    begin_two
    kill -STOP "$(cat worker.pid)"
    until_true 200 stands_still "$(cat worker.pid)"
    kill -CONT "$(cat worker.pid)"
    wait_for driver
    [ "$(effects | tr "\n" ",")" = "create a,create b," ]
'
finish
