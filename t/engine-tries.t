#!/bin/sh
# engine-tries.t: how often a call that is refused for a passing reason is made: by the configuration, and by a bucket
# that all calls of a plugin share.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

flow one <<'END'
return cairn.workflow { summary = "One call that is refused at first",
  params = { trouble = { type = "string", required = true } },
  run = function (p)
    local ok, err = pcall(probe.create, { name = "x", trouble = p.trouble })
    return ok and "made" or err.kind
  end }
END
flow many <<'END'
return cairn.workflow { summary = "Many branches call a service that refuses all of them",
  run = function ()
    local branches = {}
    for n = 1, 20 do
      branches[n] = function () return (pcall(probe.create, { name = "x" .. n, trouble = "throttle:1000" })) end
    end
    local made = 0
    for _, ok in ipairs(cairn.parallel(branches)) do made = made + (ok and 1 or 0) end
    return made
  end }
END
# The value of a run with `attempts: N` in its configuration; nothing to leave it out.
value() { # N FLOW ARG...
    fresh
    [ -z "$1" ] || echo "attempts: $1" >>"$CAIRN_CONFIG"
    value_flow=$2
    shift 2
    cairn run "$T/$value_flow.lua" "$@" >"$T/out" 2>"$T/err" || { cat "$T/err" >&2; return 1; }
    cairn show @last -o json | jq -r .value
}
refusals() { # how many calls the service has refused
    cat "$T"/probe/trouble-* | wc -c
}

it 'a call is made as often as the configuration says, and not once more' '
    test "$(value 3 one -p trouble=throttle:2)" = made
    test "$(effects)" = "create x"
    test "$(value 3 one -p trouble=throttle:3)" = throttled
    test "$(refusals)" = 3
    test -z "$(effects)"
'
it 'twelve times if it says nothing, and once if it says one' '
    test "$(value "" one -p trouble=throttle:11)" = made
    test "$(value "" one -p trouble=throttle:50)" = throttled
    test "$(refusals)" = 12
    test "$(value 1 one -p trouble=throttle:1)" = throttled
    test "$(refusals)" = 1
'
it 'a change that may have been done is no matter of attempts: it is looked up' '
    test "$(value 1 one -p trouble=doubt-after)" = made
    test "$(effects)" = "create x"
'
it 'twenty branches together make a hundred tries more, then the bucket is empty and each refusal is the last' '
    test "$(value 100 many)" = 0
    test "$(refusals)" = 120
'
it 'what is no number of attempts is an error of the configuration, with its line' '
    for wrong in 0 1001 -1 many 2.5; do
        fresh
        echo "attempts: $wrong" >>"$CAIRN_CONFIG"
        must_fail 2 cairn run "$T/one.lua" -p trouble=none 2>err
        grep -q "cairn.yaml:4: .*attempts: it must be a number from 1 to 1000" err || { cat err; exit 1; }
    done
'
finish
