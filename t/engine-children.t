#!/bin/sh
# engine-children.t: no process outlives the engine that started it, and a run survives the death of each of its children.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"
CAIRN_CLOCK=$(date +%s)000:$(date +%s)000:1
export CAIRN_CLOCK

flow busy <<'END'
return cairn.workflow { summary = "A branch that hangs, one that waits",
  run = function ()
    cairn.parallel {
      a = function () probe.create { name = "a", trouble = "hang" } end,
      b = function ()
        cairn.wait { title = "never", every = 1, poll = function () return probe.read { name = "b", trouble = "hang" }.token end }
      end,
    }
  end }
END

children() {
    pgrep -P "$(cat driver.pid)" -x "cairn-(script|worker)"
}

gone() { # PID...
    for pid in "$@"; do
        [ ! -e "/proc/$pid" ] || grep -q "^State:.Z" "/proc/$pid/status" || return 1
    done
}

begin_busy() {
    fresh
    background driver "$BUILD/run" cairn run busy.lua --no-input
    until_true 200 test -s probe/trouble-create-a
    until_true 200 test -s probe/trouble-read-b
    children >pids
    [ "$(wc -l <pids)" = 3 ]
}

it 'an engine that is killed leaves no script host and no worker, also none that hangs' '
    begin_busy
    kill -9 "$(cat driver.pid)"
    # shellcheck disable=SC2046
    until_true 200 gone $(cat pids)
'
it 'a second interrupt ends the engine at once with status 130, and all its children' '
    begin_busy
    kill -INT "$(cat driver.pid)"
    # two that are pending at once would count as one
    until_true 200 grep -q "^ShdPnd:[[:space:]]*0*\$" "/proc/$(cat driver.pid)/status"
    kill -INT "$(cat driver.pid)"
    must_fail 130 wait_for driver
    # shellcheck disable=SC2046
    until_true 200 gone $(cat pids)
    [ -z "$(effects)" ]
'
finish
