#!/bin/sh
# cmd-terminal.t: cairn at a terminal: live lines, questions that are asked right away, Ctrl-C.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"
command -v script >/dev/null || skip_all "no program script, which makes a terminal"

lacks() { # PATTERN FILE...: `! grep` would not end a test
    if grep "$@"; then
        return 1
    fi
}

# Start it on a terminal of its own; what type says goes there, what it shows is in tty.out.
terminal() { # ARG...
    rm -f keys
    mkfifo keys
    exec 9<>keys
    # A command in the background has no input but its own redirection.
    background tty env TERM=xterm SHELL=/bin/sh \
        sh -c 'exec script -qfec "$1" /dev/null <keys' sh "'$BUILD/run' cairn $*"
}
type() { # TEXT
    printf '%b' "$1" >&9
}
shown() { # PATTERN
    until_true 200 grep -q "$1" tty.out || { cat -v tty.out; return 1; }
}

flow ask <<'END'
return cairn.workflow {
  summary = "Two questions",
  run = function ()
    local first = cairn.approve { title = "Go \27[2Jon?", details = { reason = "why\rnot" } }
    local second = cairn.approve { title = "Delete it?", confirm = "prod-db" }
    return { comment = first.comment, by = second.by }
  end,
}
END
flow nap <<'END'
return cairn.workflow {
  summary = "A nap",
  run = function () cairn.sleep { seconds = 2000, title = "nap" } end,
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

it 'a question is asked at the terminal until the answer is one' '
    fresh
    terminal run ask.lua
    shown "yes or no"
    type "perhaps\n"
    shown "yes or no.*perhaps"
    type "yes all checks are green\n"
    shown "type prod-db to go on"
    type "yes\n"
    type "prod-db\n"
    wait_for tty
    cairn show @last -o json >show.json
    jq -e ".state == \"done\" and .value.comment == \"all checks are green\" and (.approvals | length) == 2" show.json
'
it 'what a question says can not move the cursor' '
    lacks "$(printf "\033")\[2J" tty.out
    grep -q "Go ?\[2Jon?" tty.out
    lacks "why$(printf "\r")not" tty.out
'
it 'a no at the terminal fails the run with status 4' '
    fresh
    terminal run ask.lua
    shown "yes or no"
    type "no, not today\n"
    must_fail 4 wait_for tty
    cairn show @last -o json | jq -e ".approvals[0] | (.ok | not) and (.text | test(\"not today\"))"
'
it 'an answer from elsewhere ends the question' '
    fresh
    terminal run ask.lua
    shown "yes or no"
    cairn approve @last
    shown "type prod-db to go on"
    type "prod-db\n"
    wait_for tty
'
it 'a terminal that is closed leaves the answer to others' '
    fresh
    terminal run ask.lua
    shown "yes or no"
    type "\004"
    shown "no answer here; from another terminal: cairn approve"
    cairn approve @last
    shown "asks: Delete it?"
    cairn approve @last --typed prod-db
    wait_for tty
'
it '--no-input asks nothing, even at a terminal' '
    fresh
    terminal run ask.lua --no-input
    must_fail 3 wait_for tty
    lacks "yes or no" tty.out
'
it 'a live line shows what is open, and nothing of it stays behind' '
    fresh
    terminal run nap.lua
    wait_for tty
    grep -q " nap, .* left" tty.out
    grep -q "$(printf "\033")\[1A$(printf "\033")\[2K" tty.out
    grep -c "nap, .* left" tty.out >drawn
    [ "$(cat drawn)" -ge 2 ]
'
it 'there are colors, but not with NO_COLOR or --no-color' '
    fresh
    NO_COLOR= terminal run nap.lua
    wait_for tty
    grep -q "$(printf "\033")\[1m" tty.out
    terminal run nap.lua
    wait_for tty
    lacks "$(printf "\033")\[[0-9]*m" tty.out
    NO_COLOR= terminal run nap.lua --no-color
    wait_for tty
    lacks "$(printf "\033")\[[0-9]*m" tty.out
'
it 'the first Ctrl-C finishes the step in flight and stops with status 3' '
    fresh
    terminal run slow.lua
    shown "probe.create a"
    type "\003"
    must_fail 3 wait_for tty
    cat -v tty.out
    effects
    records
    grep -q "next: cairn resume" tty.out
    [ "$(effects)" = "create a" ]
    [ -z "$(records doubt)" ]
'
it 'the second Ctrl-C ends it at once with status 130, and nothing is lost' '
    fresh
    terminal run slow.lua
    shown "probe.create a"
    type "\003"
    shown "Ctrl-C again ends at once"
    type "\003"
    must_fail 130 wait_for tty || { cat -v tty.out; exit 1; }
    cairn resume @last >out 2>err
    cat err; effects; records
    [ "$(effects | sort)" = "$(printf "create a\ncreate b")" ]
'
finish
