#!/bin/sh
# crash-random.sh: kill the engine, the script host or a worker at random instants of an upgrade; `make check-crash`.
# SPDX-License-Identifier: MIT
#
# usage: t/crash-random.sh [COUNT [SEED]]     200 times; each ends like an upgrade that nobody disturbed
count=${1:-200}
seed=${2:-$(date +%s)}
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"
echo "# seed $seed"

draw() { # BELOW: the next number of the series, in $drawn
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    drawn=$((seed / 65536 % $1))
}

victim() { # NAME: a process of the engine's, or the engine itself
    if [ "$1" = cairn ]; then
        echo "$engine"
        return
    fi
    tr ' ' '\n' <"/proc/$engine/task/$engine/children" 2>/dev/null | while read -r pid; do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || echo "$pid"
    done | shuf -n 1
}

# Go on after the first command ended with that status; when it died before there was a run, from the beginning.
again() { # STATUS
    if [ "$(begun)" = yes ]; then
        carried sh -c "exit $1"
    else
        carried run_flow
    fi
}

disturbed() { # NAME MS
    use_world gc-notify
    begin_flow
    answer_until "$2"
    hit=$(victim "$1")
    [ -z "$hit" ] || kill -KILL "$hit" 2>/dev/null || :
    answer_until 120000
    first=0
    wait "$engine" || first=$?
    echo "hit ${hit:-nothing}, then status $first" >>"$T/run.log"
    again "$first" >>"$T/run.log" 2>&1 || {
        tail -n 40 "$T/run.log"
        return 1
    }
    same_as_reference
}

it 'an upgrade that nobody disturbs goes through' '
    use_world gc-notify
    begin_flow
    answer_until 120000
    wait "$engine" || { tail -n 40 run.log; exit 1; }
    now=$(now_ms)
    echo $((now - began)) >span
    keep_reference
'
read -r span <"$T/span"
i=0
while [ "$i" -lt "$count" ]; do
    i=$((i + 1))
    draw 3
    case $drawn in
    0) who=cairn ;;
    1) who=cairn-script ;;
    *) who=cairn-worker ;;
    esac
    draw "$span"
    it "$who killed after $drawn ms of $span: it ends the same" "disturbed $who $drawn"
done
finish
