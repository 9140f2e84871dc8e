#!/bin/sh
# engine-flow.t: what workflows are made of: parallel, waits, windows, during, undo, cancel, signals, secrets.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

flow branches <<'END'
return cairn.workflow {
  summary = "Two branches, a wait and a window",
  run = function ()
    local got = cairn.parallel {
      a = function ()
        probe.create { name = "a1" }
        cairn.sleep(30)
        probe.create { name = "a2" }
        return 1
      end,
      b = function ()
        for i = 1, 3 do
          probe.guarded { name = "b" .. i }
        end
        return 2.5
      end,
    }
    local token = cairn.wait { title = "a2 is there", every = 10, poll = function ()
      return probe.read { name = "a2" }.token, "looking"
    end }
    cairn.window "Sun:00:00-Sat:23:59"
    return { got = got, seen = token ~= nil }
  end,
}
END
it 'branches run side by side and their results come under their keys' '
    run_flow branches -o json
    jq -e ".value == {\"got\": {\"a\": 1, \"b\": 2.5}, \"seen\": true}" out
    [ "$(effects | sort | uniq -d)" = "" ]
    [ "$(effects | wc -l)" = 5 ]
'
it 'the polls of a wait leave no record' '[ "$(records intent | grep -c "probe.*read")" = 0 ]'

flow undone <<'END'
return cairn.workflow {
  summary = "Three changes with their undo, then a failure",
  params = { no_return = { type = "boolean", default = false } },
  run = function (p)
    cairn.undo("take back one", function () probe.set { name = "one", value = "off" } end)
    probe.set { name = "one", value = "on" }
    cairn.undo("take back two", function () probe.set { name = "two", value = "off" } end)
    cairn.during(function ()
      probe.set { name = "maintenance", value = "on" }
    end, function ()
      probe.set { name = "maintenance", value = "off" }
    end, function ()
      probe.create { name = "inside" }
      if p.no_return then
        cairn.point_of_no_return "from here on"
      end
      probe.create { name = "failing", trouble = "fail" }
    end)
  end,
}
END
it 'leave runs when the body fails' '
    must_fail 1 run_flow undone
    effects | tail -1 | grep -q "set maintenance"
    [ "$(cat probe/value-maintenance)" = "\"off\"" ]
'
it 'resume enters again, repeats the failed step, and leaves' '
    cairn resume @last
    [ "$(cat probe/value-maintenance)" = "\"off\"" ]
    [ "$(effects | grep -c "set maintenance")" = 4 ]
    [ "$(effects | grep -c "create failing")" = 1 ]
'
it 'rollback runs the undo list, newest first, and ends the run' '
    must_fail 1 run_flow undone
    cairn rollback @last
    [ "$(effects | tail -2)" = "set two
set one" ]
    [ "$(cairn runs -o json | jq -r ".runs[0].state")" = rolled_back ]
'
it 'rollback is refused behind a point of no return' '
    must_fail 1 run_flow undone -p no_return=true
    must_fail 2 cairn rollback @last 2>got
    grep -q "point of no return" got
'

flow waiting <<'END'
return cairn.workflow {
  summary = "Wait in a block that has to be left",
  locks = function () return { "probe:waiting" } end,
  run = function ()
    return cairn.during(function ()
      probe.set { name = "maintenance", value = "on" }
    end, function ()
      probe.set { name = "maintenance", value = "off" }
    end, function ()
      return cairn.signal "go"
    end)
  end,
}
END
it 'cancel leaves the block, ends the run with status 8, and frees its locks' '
    must_fail 3 run_flow waiting
    cairn cancel @last --reason "wrong database"
    [ "$(cat probe/value-maintenance)" = "\"off\"" ]
    must_fail 2 cairn resume @last
    must_fail 3 cairn run waiting.lua
'
it 'a signal that was sent before it is asked for is not lost' '
    must_fail 3 run_flow waiting
    cairn signal @last other "{\"n\": 1}"
    cairn signal @last go "{\"n\": 2}"
    cairn resume @last -o json >got
    jq -e ".value.n == 2" got
'

flow destroying <<'END'
return cairn.workflow {
  summary = "Make and destroy",
  run = function ()
    probe.create { name = "victim" }
    probe.destroy { name = "victim" }
  end,
}
END
it 'a destructive step asks for the name of its target' '
    must_fail 3 run_flow destroying
    [ "$(effects)" = "create victim" ]
'
it 'a wrong name does not confirm it' '
    cairn approve @last --typed wrong || true
    must_fail 3 cairn resume @last
    [ "$(effects)" = "create victim" ]
'
it 'the right name does' '
    cairn approve @last --typed victim
    cairn resume @last
    [ "$(effects | tail -1)" = "destroy victim" ]
'
it 'so does --confirm on the command line' '
    run_flow destroying --confirm victim
    [ "$(effects | tail -1)" = "destroy victim" ]
'

flow secretive <<'END'
return cairn.workflow {
  summary = "Pass a secret on",
  run = function ()
    local got = probe.secret {}
    cairn.log("the secret is " .. tostring(got.value))
    probe.set { name = "kept", value = got.value }
  end,
}
END
it 'a secret passes through a script to a plugin, and is nowhere in clear' '
    fresh
    printf "state: %s/state\nplugin_path: [%s/t/plugins/.libs]\nsecrets: {mine: {value: planted-canary}}\n" "$T" "$BUILD" >"$CAIRN_CONFIG"
    printf "probe: {dir: %s/probe, secret: {secret: mine}}\n" "$T" >>"$CAIRN_CONFIG"
    cairn run secretive.lua >out 2>err
    cat err
    grep -q planted-canary probe/value-kept
    must_fail any grep -rq planted-canary state out err
'
it 'a script that fails tells file and line' '
    printf "local x\nreturn cairn.workflow { summary = \"x\", run = function () return x.y end }\n" >bad.lua
    must_fail 1 cairn run bad.lua >got
    grep -q "bad.lua:2" got
'
it 'a script that never ends is ended, and the run can be resumed or rolled back' '
    printf "return cairn.workflow { summary = \"x\", run = function () while true do end end }\n" >endless.lua
    must_fail 1 cairn run endless.lua
    cairn runs -o json | jq -e ".runs[-1].state == \"failed\""
'
finish
