#!/bin/sh
# cmd-progress.t: what is told of a run while it is driven and afterwards: lines, heartbeat, logs, report.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

lacks() { # PATTERN FILE...: `! grep` would not end a test
    if grep "$@"; then
        return 1
    fi
}

flow work <<'END'
return cairn.workflow {
  summary = "Some of everything",
  run = function ()
    cairn.stage("look", function () probe.echo { value = 1 } end)
    cairn.stage("change", function ()
      probe.create { name = "a", trouble = "doubt-after" }
      cairn.sleep { seconds = 90, title = "settle down" }
    end)
    cairn.check(1 < 2, "one is less than two")
    cairn.report("writes down", "14 s")
    cairn.log("a line\27[31m of the script")
    return "ended"
  end,
}
END
flow long <<'END'
return cairn.workflow {
  summary = "A long sleep",
  run = function ()
    probe.create { name = "a" }
    cairn.sleep { seconds = 7200, title = "long nap" }
    probe.create { name = "b" }
  end,
}
END
flow slow <<'END'
return cairn.workflow {
  summary = "A slow step",
  run = function ()
    probe.create { name = "a", trouble = "slow:3000000" }
    probe.create { name = "b" }
  end,
}
END
flow nap <<'END'
return cairn.workflow { summary = "A nap", run = function () cairn.sleep { seconds = 600, title = "nap" } end }
END
begin_long() { # leaves the run asleep, driven by the process in long.pid
    fresh
    background long "$BUILD/run" cairn run long.lua
    until_true 200 grep -q "long nap" long.err
}

it 'without a terminal each change is a plain line on stderr, and the report is on stdout' '
    run_flow work
    lacks "$(printf "\033")" err out
    grep -q "^[0-9:]*  run [0-9a-z]*: .*work.lua$" err
    grep -q "^[0-9:]*  == change$" err
    grep -q "probe.create a: in doubt: " err
    grep -q "probe.create a: looked: done" err
    grep -q "probe.create a: was done already, seen after" err
    grep -q "sleeps: settle down" err
    grep -q "settle down: done after [0-9]" err
    grep -q "writes down: 14 s" err
    grep -q "run [0-9a-z]*: done$" err
    lacks "probe.echo" err
    grep -q "^state  *done$" out
    lacks "^state" err
'
it 'the report has stages with their time on the run'"'"'s clock, doubts and how they were settled, and checks' '
    run_flow work
    grep -q "^  done  *[0-9][0-9a-z ]*  change$" out
    grep -q "it was done: adopted" out
    grep -q "^writes down  14 s$" out
    grep -q "^checks  *1 held$" out
    grep -q "^result  *ended$" out
    cairn show @last -o json >show.json
    jq -e ".doubts[0] | .what == \"probe.create a\" and .looks[0].seen == \"done\"" show.json
    jq -e ".doubts[0].settled == \"it was done: adopted\"" show.json
    jq -e ".stages[1].title == \"change\" and .stages[1].ms >= 90000 and .stages[1].ok" show.json
    jq -e ".checks == [\"one is less than two\"] and .downtime.span == \"14 s\" and .plugins[0].name == \"probe\"" show.json
    jq -e ".commands | map(select(.plugin)) | .[1].action == \"create\" and .[1].how == \"observed\"" show.json
'
it 'with -o json the report is the only thing on stdout' '
    run_flow work -o json
    jq -e ".schema == \"cairn.run/1\" and .value == \"ended\"" out
'
it 'the log is kept, shown, and can not move the cursor' '
    run_flow work
    cairn logs @last >lines
    grep -q "a line?\[31m of the script" lines
    cairn logs @last -o json >logs.json
    jq -e ".schema == \"cairn.logs/1\" and (.lines[] | select(.text | test(\"of the script\")) | .t > 0)" logs.json
'
it 'logs --follow ends when nobody drives the run any more' '
    begin_long
    background logs "$BUILD/run" cairn logs -f @last
    wait_for long
    wait_for logs
'
it 'when nothing changes for long there is a heartbeat' '
    fresh
    echo "heartbeat: 1" >>"$CAIRN_CONFIG"
    cairn run long.lua >out 2>err
    grep -q "still, since .*  long nap, .* left" err
'
it 'SIGTERM finishes the step in flight, stops with status 3, and prints the line that resumes' '
    fresh
    background slow "$BUILD/run" cairn run slow.lua
    until_true 200 grep -q "probe.create a" slow.err
    kill -TERM "$(cat slow.pid)"
    must_fail 3 wait_for slow
    id=$(cairn runs -o json | jq -r ".runs[0].id")
    [ "$(tail -n 1 slow.err)" = "next: cairn resume $id" ]
    grep -q "probe.create a: done" slow.err
    cairn show @last -o json | jq -e ".why == \"it was interrupted\""
    cairn resume @last >out 2>err
    [ -z "$(records doubt)" ]
    [ "$(effects | wc -l)" -eq 2 ]
'
it 'a run whose driver was killed is shown as interrupted, and can be resumed' '
    fresh
    background slow "$BUILD/run" cairn run slow.lua
    until_true 200 grep -q "probe.create a" slow.err
    kill -KILL "$(cat slow.pid)"
    must_crash wait_for slow
    cairn runs | grep -q " interrupted "
    cairn show @last -o json | jq -e ".state == \"running\" and .driver == null and .next == \"cairn resume \" + .id"
    cairn resume @last >out 2>err
    [ "$(effects | wc -l)" -eq 2 ]
'
it 'of two drivers of one run the second is told who is the first, with status 7' '
    begin_long
    must_fail 7 cairn resume @last 2>err
    grep -q "process $(cat long.pid) of " err
    [ "$(wc -l <err)" -eq 2 ]
    cairn show @last -o json | jq -e ".driver | test(\"process\")"
    wait_for long
'
it 'several runs are resumed by one command, and driven side by side' '
    fresh
    for _ in 1 2; do must_fail 3 cairn run nap.lua --no-wait >out 2>err; done
    cairn resume -o json $(cairn runs -o json | jq -r ".runs[].id") >out 2>err
    [ "$(jq -r .state out)" = "$(printf "done\ndone")" ]
'
it '--no-wait stops with status 3 when only a timer is left' '
    must_fail 3 run_flow long --no-wait
    cairn show @last -o json | jq -e ".state == \"waiting\" and (.why | test(\"long nap\"))"
    cairn runs -o json | jq -e ".runs[0].wake | test(\"^20\")"
'
it 'another source that does something else is refused with status 6, and both sides are shown' '
    must_fail 3 run_flow long --no-wait
    sed "s/name = \"a\"/name = \"c\"/" long.lua >other.lua
    must_fail 6 cairn resume @last --flow other.lua >out 2>err
    grep -q "\"name\":\"a\"" err
    grep -q "\"name\":\"c\"" err
    [ "$(effects)" = "create a" ]
'
finish
