#!/bin/sh
# engine-retry.t: what a resume of a failed run takes back, looks at anew, and does again.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

flow during <<'END'
return cairn.workflow { summary = "Two steps fail within a mode that is left",
  run = function ()
    cairn.stage("work", function ()
      cairn.during(function () probe.set { name = "mode", value = 1 } end,
        function () probe.set { name = "mode", value = 0 } end,
        function ()
          probe.create { name = "x", trouble = "fail" }
          probe.create { name = "y", trouble = "fail" }
        end)
    end)
  end }
END
flow check <<'END'
return cairn.workflow { summary = "A check fails until somebody mends the world",
  run = function ()
    cairn.during(function () probe.set { name = "mode", value = 1 } end,
      function () probe.set { name = "mode", value = 0 } end,
      function ()
        local there = pcall(probe.read, { name = "wanted" })
        pcall(probe.read, { name = "other" })
        cairn.report("there", there)
        cairn.check(there, "wanted is there")
        probe.create { name = "x" }
      end)
  end }
END
flow caught <<'END'
return cairn.workflow { summary = "An error is caught, cleaned up after, and raised again",
  run = function ()
    local ok, err = pcall(probe.create, { name = "x", trouble = "fail" })
    if not ok then
      probe.set { name = "clean", value = 1 }
      error(err)
    end
    probe.create { name = "y" }
  end }
END
flow destroy <<'END'
return cairn.workflow { summary = "Something is destroyed",
  run = function ()
    probe.create { name = "x" }
    probe.destroy { name = "x" }
  end }
END

values() { # the values that mode was set to, and what was made, in order
    records intent | jq -r '"\(.action) \(.args.name) \(.args.value // "")"' | tr '\n' ';'
}

it 'blocks that were left are entered again before a failed step is repeated' '
    must_fail 1 run_flow during
    must_fail 1 cairn resume @last
    cairn resume @last
    effects >got
    printf "%s\n" "set mode" "set mode" "set mode" "create x" "set mode" "set mode" "create y" "set mode" >want
    diff -u want got
    [ "$(values)" = "set mode 1;create x ;set mode 0;set mode 1;create y ;set mode 0;set mode 1;set mode 0;" ]
    cairn verify @last
'
it 'a check that failed looks at the world anew, within the blocks around it' '
    must_fail 1 run_flow check
    must_fail 1 cairn resume @last
    echo "create wanted 00000000000000000000000000000001 1" >>probe/ledger
    cairn resume @last
    effects >got
    printf "%s\n" "set mode" "set mode" "set mode" "set mode" "create wanted" "set mode" "create x" "set mode" >want
    diff -u want got
    [ "$(records note | jq -c "select(.op == \"report\").value" | tr "\n" " ")" = "false false true " ]
'
it 'what was done because of a caught error does not bind the repeated run' '
    must_fail 1 run_flow caught
    cairn resume @last
    effects >got
    printf "%s\n" "set clean" "create x" "create y" >want
    diff -u want got
'
it 'a destructive step that was rejected is asked about again, and not done before' '
    must_fail 3 run_flow destroy --no-input
    cairn reject @last
    must_fail 4 cairn resume @last --no-input
    [ "$(effects)" = "create x" ]
    must_fail 3 cairn resume @last --no-input
    [ "$(effects)" = "create x" ]
    cairn approve @last --typed x
    cairn resume @last --no-input
    [ "$(effects | tr "\n" ";")" = "create x;destroy x;" ]
    cairn verify @last
'
finish
