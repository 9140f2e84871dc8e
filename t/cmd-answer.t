#!/bin/sh
# cmd-answer.t: how people answer runs, the exit statuses that follow, and the JSON that tells of it.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

flow gate <<'END'
return cairn.workflow {
  summary = "A question",
  locks = function () return { "target:one" } end,
  run = function ()
    cairn.stage("ask", function ()
      cairn.approve { title = "Go on?", details = { effect = "none", n = 1 } }
    end)
    cairn.report("answer", { yes = true })
    cairn.stage("do", function () probe.create { name = "a" } end)
    return { ended = true }
  end,
}
END
flow two <<'END'
return cairn.workflow {
  summary = "Two questions and a signal",
  run = function ()
    return cairn.parallel {
      a = function () return cairn.approve { title = "First?" }.comment end,
      b = function () return cairn.approve { title = "Second?" }.comment end,
      c = function () return cairn.signal "go" end,
    }
  end,
}
END
flow named <<'END'
return cairn.workflow {
  summary = "A name to be typed",
  run = function () return cairn.approve { title = "Delete it?", confirm = "prod-db" }.by end,
}
END
flow destroy <<'END'
return cairn.workflow {
  summary = "A destructive step",
  run = function ()
    probe.create { name = "old" }
    return probe.destroy { name = "old" }
  end,
}
END
flow trigger <<'END'
return cairn.workflow {
  summary = "A step without evidence",
  run = function () return probe.trigger { name = "x", trouble = "doubt-after" } end,
}
END
flow undo <<'END'
return cairn.workflow {
  summary = "A way back",
  run = function ()
    probe.set { name = "x", value = 1 }
    cairn.undo("set x back", function () probe.set { name = "x", value = 0 } end)
    error { kind = "failed", text = "the moon is green" }
  end,
}
END
flow denied <<'END'
return cairn.workflow { summary = "Not ours", run = function () error { kind = "denied", text = "wrong account" } end }
END
show() { # JQ-FILTER
    cairn show @last -o json >show.json
    jq -e "$1" show.json >/dev/null || { jq . show.json; return 1; }
}

it 'a run that only asks comes to rest with status 3, and says how to answer' '
    must_fail 3 run_flow gate
    grep -q "^next: cairn approve [0-9a-z]* (or: cairn reject" err
    show ".schema == \"cairn.run/1\" and .state == \"waiting\" and .why == \"it asks: Go on?\" and .driver == null"
    show "[.commands[] | select(has(\"ok\") | not) | .op] == [\"gate\"]"
    show ".stages[0] | .title == \"ask\" and (has(\"ended\") | not)"
    cairn show @last | grep -q "effect: none"
'
it 'its lock keeps other runs out with status 7, and they name it' '
    id=$(cairn runs -o json | jq -r ".runs[0].id")
    must_fail 7 cairn run gate.lua 2>err
    grep -q "$id" err
    grep -q "^next: cairn show $id" err
'
it 'a yes is taken up by the next resume, and the report tells of it' '
    cairn approve @last --comment "checked twice" -o json >told
    jq -e ".schema == \"cairn.told/1\" and .told == \"approved\" and .driver == null" told
    cairn resume @last >out 2>err
    show ".state == \"done\" and .value.ended and .reports.answer.yes and .approvals[0].comment == \"checked twice\""
    show ".approvals[0].ok and (.approvals[0].by | test(\"@\")) and .approvals[0].waited_ms >= 0"
    show "[.stages[] | [.title, .ok]] == [[\"ask\", true], [\"do\", true]]"
    show ".resumes[0].kind == \"resumed\" and .epoch == 2"
    grep -q "approved  by .*Go on?  # checked twice" out
'
it 'a no fails the run with status 4, and resume asks again' '
    must_fail 3 run_flow gate
    cairn reject @last --comment "not today" >/dev/null 2>&1
    must_fail 4 cairn resume @last >out 2>err
    show ".state == \"failed\" and .error.kind == \"denied\" and (.error.text | test(\"not today\"))"
    [ -z "$(effects)" ]
    must_fail 3 cairn resume @last >out 2>err
'
it 'a driver that waits takes an answer from another process up' '
    fresh
    background run "$BUILD/run" cairn run gate.lua --wait
    until_true 200 grep -q "^next: cairn approve [0-9a-z]* (or: cairn reject [0-9a-z]*)$" run.err
    cairn approve @last -o json >told
    jq -e ".driver | test(\"process [0-9]\")" told
    wait_for run
    show ".state == \"done\""
'
it 'two open questions want to be told apart' '
    must_fail 3 run_flow two
    must_fail 2 cairn approve @last 2>err
    grep -q "First?" err
    grep -q "Second?" err
    must_fail 2 cairn approve @last --gate 99 2>err
    grep -q "99 is not open" err
    first=$(cairn show @last -o json | jq -r ".commands[] | select(.title == \"First?\") | .id")
    second=$(cairn show @last -o json | jq -r ".commands[] | select(.title == \"Second?\") | .id")
    cairn approve @last --gate "$first" --comment one 2>/dev/null
    cairn approve @last "$second" --comment two 2>/dev/null
    cairn signal @last go "[1, 2.5]" 2>/dev/null
    cairn resume @last >out 2>err
    show ".value == {\"a\": \"one\", \"b\": \"two\", \"c\": [1, 2.5]}"
'
it 'a question that wants a name to be typed takes no other answer' '
    must_fail 3 run_flow named
    must_fail 2 cairn approve @last 2>err
    grep -q "prod-db has to be typed" err
    must_fail 2 cairn approve @last --typed prod 2>err
    grep -q "not prod" err
    cairn approve @last --typed prod-db 2>/dev/null
    cairn resume @last >out 2>err
    show ".state == \"done\""
'
it '--confirm answers it beforehand' '
    run_flow named --confirm prod-db
    show ".approvals[0].comment | test(\"command line\")"
'
it 'a destructive step asks for the name of its target' '
    must_fail 3 run_flow destroy
    [ "$(effects)" = "create old" ]
    grep -q "typed old" err
    must_fail 2 cairn approve @last --typed new 2>err
    cairn approve @last --typed old 2>/dev/null
    cairn resume @last >out 2>err
    [ "$(effects | tail -n 1)" = "destroy old" ]
'
it 'and --confirm of that name lets it pass' 'run_flow destroy --confirm old && [ "$(effects | wc -l)" -eq 2 ]'
it 'an unknown outcome is status 5, and resolve says which command comes next' '
    must_fail 5 run_flow trigger
    show ".state == \"unknown\" and (.next | test(\"cairn resolve [0-9a-z]*:1 \"))"
    show ".doubts | length == 1"
    must_fail 2 cairn resolve @last:7 --done --reason x 2>err
    grep -q "no such step" err
    cairn resolve @last:1 --done --reason "seen in the console" --value "{\"n\": 1}" 2>err
    grep -q "^next: cairn resume" err
    cairn resume @last >out 2>err
    show ".value == {\"n\": 1} and .doubts[0].settled == \"a person said: done\""
    show ".doubts[0].reason == \"seen in the console\""
    [ "$(effects | wc -l)" -eq 1 ]
'
it 'a failure is status 1; rollback takes back what was done, with status 0' '
    must_fail 1 run_flow undo
    grep -q "the moon is green" err
    grep -q "^next: .*cairn resume .*cairn rollback" err
    cairn rollback @last >out 2>err
    show ".state == \"rolled_back\" and (.stages[] | select(.rollback) | .title == \"set x back\")"
    grep -q "undo: set x back" out
'
it 'a failure because of wrong credentials or another account is status 4' 'must_fail 4 run_flow denied'
it 'cancel ends a run that nobody drives, and frees its locks' '
    must_fail 3 run_flow gate
    cairn cancel @last --reason "not needed" >out 2>err
    show ".state == \"cancelled\" and (.resumes[] | select(.kind == \"cancel\") | .reason == \"not needed\")"
    must_fail 3 cairn run gate.lua >out 2>err
'
it 'cancel ends a failed run, too' '
    must_fail 1 run_flow undo
    cairn cancel @last >out 2>err
    show ".state == \"cancelled\""
'
it 'a run that is cancelled while it is driven ends with status 8' '
    fresh
    background run "$BUILD/run" cairn run gate.lua --wait
    until_true 200 grep -q "asks: Go on" run.err
    cairn cancel @last
    must_fail 8 wait_for run
'
it 'runs lists them all, oldest first, and the table says which were interrupted' '
    cairn runs -o json >runs.json
    jq -e ".schema == \"cairn.runs/1\" and (.runs | length) == 1 and .runs[0].state == \"cancelled\"" runs.json
    cairn runs | sed -n 1p | grep -q "^ID  *STATE  *STARTED"
'
it 'verify proves a sound journal' '
    cairn verify @last -o json >verdict
    jq -e ".schema == \"cairn.verify/1\" and .ok and .records > 5 and (.head | length) == 64" verdict
'
it 'verify finds a record that was edited, with status 1' '
    echo "UPDATE records SET body = replace(body, '\''Go on?'\'', '\''Go off?'\'')" | sqlite3 state/cairn.db
    must_fail 1 cairn verify @last -o json >verdict 2>err
    jq -e "(.ok | not) and (.error | test(\"was changed\"))" verdict
    must_fail 1 cairn show @last 2>err
'
finish
