#!/bin/sh
# engine-cancel.t: cancels, interrupts and workers that fail, at the moments at which they are least welcome.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

speed() { # of the run's clock: how many times faster than the wall's
    CAIRN_CLOCK=$(date +%s)000:$(date +%s)000:$1
    export CAIRN_CLOCK
}

state() {
    cairn runs -o json | jq -r ".runs[-1].state"
}

ends_with() { # STATUS NAME
    pid=$(cat "$2.pid")
    until_true 200 sh -c "! kill -0 $pid || grep -q '^State:.Z' /proc/$pid/status"
    must_fail "$1" wait_for "$2"
}

flow held <<'END'
return cairn.workflow { summary = "A change in a block that has to be left",
  params = { trouble = { type = "string" } },
  run = function (p)
    cairn.during(function () probe.set { name = "maintenance", value = "on" } end,
      function () probe.set { name = "maintenance", value = "off" } end,
      function () probe.create { name = "x", trouble = p.trouble } end)
  end }
END
begin_held() { # TROUBLE
    fresh
    background driver "$BUILD/run" cairn run held.lua --no-input -p trouble="$1"
    until_true 200 test -s probe/trouble-create-x
}
off() { # the block was left
    [ "$(cat probe/value-maintenance)" = "\"off\"" ]
}

it 'a cancel does not wait for the next attempt of a step that was refused' '
    speed 1
    begin_held notyet:99
    cairn cancel @last
    ends_with 8 driver
    off
    [ "$(effects | grep -c create)" = 0 ]
'
it 'a cancel waits until it is known what became of a step in doubt' '
    speed 20
    begin_held doubt-before
    cairn cancel @last
    ends_with 8 driver
    off
    step=$(records intent | jq -r "select(.action == \"create\") | .id")
    [ "$(records outcome | jq -r "select(.id == \"$step\") | .how")" = observed ]
'
it 'a cancel during the last step of a block leaves the block' '
    speed 1
    begin_held slow:1500
    cairn cancel @last
    ends_with 8 driver
    off
    [ "$(effects | grep -c create)" = 1 ]
'
it 'an interrupt does not wait for the next attempt either, and resume makes it' '
    speed 1
    begin_held notyet:1
    kill -INT "$(cat driver.pid)"
    ends_with 3 driver
    [ "$(state)" = waiting ]
    speed 2000
    cairn resume @last
    [ "$(effects | grep -c create)" = 1 ]
'
it 'a cancel of a run whose script host was killed leaves the block first' '
    speed 1
    begin_held slow:1500
    kill -9 "$(pgrep -P "$(cat driver.pid)" -x cairn-script)"
    ends_with 1 driver
    [ "$(state)" = failed ]
    [ "$(cat probe/value-maintenance)" = "\"on\"" ]
    cairn cancel @last
    [ "$(state)" = cancelled ]
    off
'
flow failing <<'END'
return cairn.workflow { summary = "A slow change, and a script that fails at once after it",
  run = function () probe.create { name = "x", trouble = "slow:1500" }; error "gone wrong" end }
END
it 'a cancel that comes while the run is about to fail is not lost' '
    speed 1
    fresh
    background driver "$BUILD/run" cairn run failing.lua --no-input
    until_true 200 test -s probe/trouble-create-x
    cairn cancel @last
    ends_with 8 driver
    [ "$(state)" = cancelled ]
'

flow triggering <<'END'
return cairn.workflow { summary = "A trigger after a read",
  run = function () probe.echo { value = 1 }; probe.trigger { name = "x" } end }
END
sed 's/probe.echo { value = 1 }; //' triggering.lua >triggering2.lua
it 'a trigger that no worker could take was not sent: the run fails, and nobody is asked' '
    speed 2000
    run_flow triggering
    mkdir -p libexec
    ln -sf "$BUILD/cairn-script" libexec/cairn-script
    rm -f probe/ledger
    rc=0
    CAIRN_PLUGIN_PATH=$BUILD/t/plugins/.libs CAIRN_LUA_PATH=$SRC/lua CAIRN_LIBEXEC=$T/libexec \
        "$BUILD/cairn" run triggering2.lua >out 2>err || rc=$?
    cat err
    [ "$rc" = 1 ]
    [ -z "$(records doubt)" ]
    cairn resume @last
    [ "$(effects)" = "trigger x" ]
'

flow polling <<'END'
return cairn.workflow { summary = "A wait whose worker dies",
  run = function ()
    probe.create { name = "x" }
    return cairn.wait { title = "x", every = 5, poll = function ()
      return probe.read { name = "x", trouble = "crash-before" }.token ~= nil
    end }
  end }
END
it 'a worker that dies in a poll costs that poll only' '
    speed 2000
    run_flow polling
    [ "$(state)" = "done" ]
'

flow mute <<'END'
return cairn.workflow { summary = "A look that can not tell and gives no reason",
  run = function () probe.evident { name = "x", trouble = "mute" } end }
END
it 'a look that gives no reason stops the run in state unknown all the same' '
    must_fail 5 run_flow mute
    [ "$(state)" = unknown ]
'

flow destroying <<'END'
return cairn.workflow { summary = "Destroy one of two",
  run = function () probe.create { name = "victim" }; probe.create { name = "other" }; probe.destroy { name = "victim" } end }
END
it 'the name that was typed for one target destroys no other one: status 6' '
    must_fail 3 run_flow destroying
    sed "s/destroy { name = \"victim\"/destroy { name = \"other\"/" destroying.lua >changed.lua
    cairn approve @last --typed victim
    must_fail 6 cairn resume @last --flow changed.lua
    [ "$(effects | grep -c destroy)" = 0 ]
    cairn resume @last
    [ "$(effects | tail -1)" = "destroy victim" ]
'
finish
