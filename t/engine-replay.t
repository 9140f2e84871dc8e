#!/bin/sh
# engine-replay.t: one driver, the stored source, and the comparison of a replay with the journal.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

flow gated <<'END'
return cairn.workflow {
  summary = "A change before and after a question",
  locks = function () return { "probe:one" } end,
  run = function ()
    probe.create { name = "before" }
    cairn.approve { title = "Go on?" }
    probe.create { name = "after" }
    return "the old script"
  end,
}
END

stop_at_gate() {
    must_fail 3 run_flow gated
    [ "$(effects)" = "create before" ]
}

it 'a run that asks a question stops with status 3 and says how to answer' '
    stop_at_gate
    grep -q "cairn approve" err
'
it 'an answer is recorded with who gave it, and resume goes on' '
    stop_at_gate
    cairn approve @last --comment "looks good"
    cairn resume @last
    [ "$(effects)" = "create before
create after" ]
    records outcome | grep -q "looks good"
'
it 'a rejection ends in status 4' '
    stop_at_gate
    cairn reject @last --comment "not today"
    must_fail 4 cairn resume @last
    [ "$(effects)" = "create before" ]
'
it 'a workflow file that was changed meanwhile does not disturb the run' '
    stop_at_gate
    cp gated.lua gated.kept
    echo "this is not Lua" >gated.lua
    cairn approve @last
    cairn resume @last -o json >got
    cp gated.kept gated.lua
    grep -q "the old script" got
'
it 'another source that leaves out what was begun is a mismatch: status 6, and nothing is sent' '
    stop_at_gate
    sed "/Go on?/d; /{ name = .after/d" gated.lua >shorter.lua
    must_fail 6 cairn resume @last --flow shorter.lua 2>err
    grep -q "the script gives nothing" err
    [ "$(effects)" = "create before" ]
'
it 'another source that does the same so far is taken up by resume --flow' '
    stop_at_gate
    sed "s/after/later/; s/the old script/the new script/" gated.lua >mended.lua
    cairn approve @last
    cairn resume @last --flow mended.lua
    [ "$(effects)" = "create before
create later" ]
    [ -n "$(records source)" ]
'
it 'another source that did something else is a mismatch: both sides are shown, status 6, nothing is sent' '
    stop_at_gate
    sed "s/\"before\"/\"elsewhere\"/" gated.lua >other.lua
    cairn approve @last
    must_fail 6 cairn resume @last --flow other.lua >got
    cat got
    grep -q "before" got
    grep -q "elsewhere" got
    [ "$(effects)" = "create before" ]
'
it 'after a mismatch the run goes on with its own source' '
    cairn resume @last
    [ "$(effects)" = "create before
create after" ]
'
it 'a second run on the same target is refused with status 7 and names the first' '
    stop_at_gate
    first=$(cairn runs -o json | jq -r ".runs[0].id")
    must_fail 7 cairn run gated.lua 2>got
    grep -q "$first" got
    [ "$(cairn runs -o json | jq ".runs | length")" = 1 ]
'
it 'of two drivers of one run one drives and the other says who does, with status 7' '
    stop_at_gate
    background first cairn resume @last --wait
    until_true 200 grep -q "taken over" first.err
    must_fail 7 cairn resume @last 2>got
    grep -q "$(cat first.pid)\|process" got
    cairn approve @last
    wait_for first
    [ "$(effects)" = "create before
create after" ]
'
it 'a run that has ended can not be resumed' 'must_fail 2 cairn resume @last'
it 'verify proves the chain of a run' 'cairn verify @last'
it 'an edited record is named by verify, and the run is not driven on' '
    stop_at_gate
    sqlite3 state/cairn.db "update records set body = replace(body, '"'before', 'behind'"') where body like '"'%before%'"'"
    must_fail any cairn verify @last 2>got
    grep -q "record" got
    cairn approve @last || true
    must_fail any cairn resume @last
    [ "$(effects)" = "create before" ]
'
finish
