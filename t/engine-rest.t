#!/bin/sh
# engine-rest.t: runs that wait for people: when they rest, what wakes them, and what was said before they asked.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

state() {
    cairn runs -o json | jq -r ".runs[-1].state"
}

asks() { # NAME: the run of this background command has put its question
    until_true 200 grep -q "asks" "$1.err"
}

ends() { # NAME: the background command has ended, by itself
    pid=$(cat "$1.pid")
    until_true 200 sh -c "! kill -0 $pid || grep -q '^State:.Z' /proc/$pid/status"
    wait_for "$1"
}

flow branches <<'END'
return cairn.workflow { summary = "A question in one branch, work in the other",
  run = function ()
    cairn.parallel {
      a = function () cairn.approve { title = "Go on?" }; probe.create { name = "a" } end,
      b = function () probe.create { name = "b1" }; probe.create { name = "b2" } end,
    }
  end }
END
it 'a branch goes on while another one asks' '
    must_fail 3 run_flow branches
    [ "$(effects)" = "create b1
create b2" ]
    [ "$(state)" = waiting ]
    cairn approve @last
    cairn resume @last
    [ "$(effects | tail -1)" = "create a" ]
    cairn verify @last
'

flow destroying <<'END'
return cairn.workflow { summary = "Make and destroy",
  run = function () probe.create { name = "victim" }; probe.destroy { name = "victim" } end }
END
it 'a run that was put away wakes when the name of a target is typed elsewhere' '
    fresh
    background driver cairn run destroying.lua --wait --no-input
    asks driver
    cairn approve @last --typed victim
    ends driver
    [ "$(effects | tail -1)" = "destroy victim" ]
'
it 'it wakes when that is rejected, too' '
    fresh
    background driver cairn run destroying.lua --wait --no-input
    asks driver
    cairn reject @last
    rc=0
    ends driver || rc=$?
    [ "$rc" = 4 ]
    [ "$(effects)" = "create victim" ]
'

flow gated <<'END'
return cairn.workflow { summary = "A question, then a change",
  run = function () cairn.approve { title = "Go on?" }; probe.create { name = "after" } end }
END
it 'an answer that was given while nobody drove the run is taken up by a resume that waits' '
    must_fail 3 run_flow gated
    cairn approve @last
    background driver cairn resume @last --wait --no-input
    ends driver
    [ "$(effects)" = "create after" ]
'
it 'an answer to a question that is not open does not keep the run from its rest' '
    must_fail 3 run_flow gated
    sqlite3 state/cairn.db "insert into inbox (run, message) select id, '"'"'{"op":"answer","id":"99","by":"me","ok":true}'"'"' from runs"
    must_fail 3 timeout 20 "$BUILD/run" cairn resume @last --no-input
    [ "$(state)" = waiting ]
'

flow signalled <<'END'
return cairn.workflow { summary = "A signal that comes early",
  run = function () cairn.approve { title = "Go on?" }; return cairn.signal "go" end }
END
it 'a signal that was sent before it was asked for reaches a run that stays' '
    fresh
    background driver cairn run signalled.lua --wait --no-input -o json
    asks driver
    cairn signal @last go "{\"n\": 2}"
    cairn approve @last
    ends driver
    jq -e ".value.n == 2" driver.out
'

flow settled <<'END'
return cairn.workflow { summary = "Two changes at once",
  run = function ()
    cairn.undo("take back", function () probe.create { name = "undone" } end)
    cairn.parallel {
      a = function () probe.set { name = "a", value = 1, trouble = "hang" } end,
      b = function () probe.set { name = "b", value = 1, trouble = "hang" } end,
    }
  end }
END
it 'a rollback settles all steps in doubt before it begins, and repeats none' '
    fresh
    background driver "$BUILD/run" cairn run settled.lua
    until_true 200 test -s probe/trouble-set-a
    until_true 200 test -s probe/trouble-set-b
    kill -9 "$(cat driver.pid)"
    until_true 200 cairn rollback @last
    [ "$(effects)" = "create undone" ]
    [ "$(state)" = rolled_back ]
'
finish
