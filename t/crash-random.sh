#!/bin/sh
# crash-random.sh: kill the engine, the script host or a worker at random instants of an upgrade; `make check-crash`.
# SPDX-License-Identifier: MIT
#
# usage: t/crash-random.sh [COUNT [SEED]]     200 times; each ends like an upgrade that nobody disturbed
count=${1:-200}
seed=${2:-$(date +%s)}
. "$(dirname "$0")/lib.sh"
. "$SRC/t/upgrade.sh"
. "$SRC/t/crash.sh"
echo "# seed $seed"

random() { # BELOW: the next number of the series
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    echo $((seed / 65536 % $1))
}

# A process of the engine's by its name, or the engine; nothing when there is none just now.
victim() { # NAME ENGINE
    if [ "$1" = cairn ]; then
        echo "$2"
        return
    fi
    tr ' ' '\n' <"/proc/$2/task/$2/children" 2>/dev/null | while read -r pid; do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || echo "$pid"
    done | shuf -n 1
}

# The first command is killed after so many ms; what follows is left in peace.
disturbed() { # VICTIM MS
    use_world gc-notify
    upgrade >"$T/run.log" 2>&1 &
    engine=$!
    echo "$engine $(started "$engine")" >>"$lib_children"
    sleep "$(echo "$2" | awk '{ printf "%.3f", $1 / 1000 }')"
    hit=$(victim "$1" "$engine")
    [ -z "$hit" ] || kill -KILL "$hit" 2>/dev/null || :
    first=0
    wait "$engine" || first=$?
    carried sh -c "exit $first" >>"$T/run.log" 2>&1 || {
        tail -n 40 "$T/run.log"
        return 1
    }
    same_as_reference
}

it 'an upgrade that nobody disturbs goes through' reference
span=${CAIRN_TEST_SPAN:-5000}
i=0
while [ "$i" -lt "$count" ]; do
    i=$((i + 1))
    case $(random 3) in
    0) who=cairn ;;
    1) who=cairn-script ;;
    *) who=cairn-worker ;;
    esac
    ms=$(random "$span")
    it "$who killed after $ms ms: it ends the same" "disturbed $who $ms"
done
finish
