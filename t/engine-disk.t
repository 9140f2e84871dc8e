#!/bin/sh
# engine-disk.t: a journal that can't be written, as on a full disk: nothing is sent that isn't on record.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

flow many <<'END'
return cairn.workflow {
  summary = "Changes, one after the other",
  run = function ()
    for i = 1, 20 do
      probe.create { name = "a" .. i }
    end
  end,
}
END

# No file can grow beyond so many KB.
limited() { # KB CMD...
    (
        trap '' XFSZ
        ulimit -f $(($1 * 2))
        shift
        "$@"
    )
}
intents() {
    records intent | jq -r .token | sort
}
sent() {
    [ ! -e "$T/probe/ledger" ] || cut -d' ' -f3 "$T/probe/ledger" | sort
}
# It fails somewhere on the way, and each change that was made is on record.
fails_at() { # KB
    fresh
    must_fail any limited "$1" cairn run "$T/many.lua" >out 2>err
    grep -q "full\|too large\|disk" err || { cat err; return 1; }
    sent >was.sent
    records >/dev/null || return 0 # not even the run
    intents >was.recorded
    comm -23 was.sent was.recorded >unrecorded
    test ! -s unrecorded
}

it 'a change whose intent can not be written is not sent, wherever that happens' '
    stopped=0
    for limit in 240 420 440 460 480 500 520 540; do
        fails_at $limit || { echo "at $limit KB"; exit 1; }
        n=$(wc -l <was.sent)
        [ "$n" -lt 20 ] || { echo "at $limit KB all was done"; exit 1; }
        stopped=$((stopped + (n > 0)))
    done
    test "$stopped" -ge 4
'
it 'with room again a resume does the rest, and nothing twice' '
    cairn resume @last
    test "$(effects | wc -l)" = 20
    test -z "$(effects | sort | uniq -d)"
'
finish
