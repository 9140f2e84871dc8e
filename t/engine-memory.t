#!/bin/sh
# engine-memory.t: when memory is used up, a program ends with one line, and a resume goes on; nothing is done twice.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

# CAIRN_TEST_SAMPLES allocations of each program are tried (5 if unset; `all` for every one).
SAMPLES=${CAIRN_TEST_SAMPLES:-5}
EXHAUSTED=$BUILD/t/preload/.libs/exhausted.so

flow three <<'END'
return cairn.workflow {
  summary = "Three steps, one of them in doubt",
  run = function ()
    probe.create { name = "a" }
    probe.create { name = "b", trouble = "doubt-after" }
    cairn.report("echo", probe.echo { value = 1 })
    probe.guarded { name = "c" }
    return "ended"
  end,
}
END

# A folder of programs of which the one that is named runs out of memory.
exhaust() { # PROGRAM AT
    mkdir -p libexec
    for program in cairn cairn-script cairn-worker; do
        ln -sf "$BUILD/$program" "libexec/$program"
    done
    rm "libexec/$1"
    cat >"libexec/$1" <<END
#!/bin/sh
LD_PRELOAD=$EXHAUSTED EXHAUSTED_PROGRAM=$1 EXHAUSTED_AT=$2 EXHAUSTED_COUNT=$T/$1.count
export LD_PRELOAD EXHAUSTED_PROGRAM EXHAUSTED_AT EXHAUSTED_COUNT
exec "$BUILD/$1" "\$@"
END
    chmod +x "libexec/$1"
}

drive() { # ARG... of cairn
    CAIRN_LIBEXEC=$T/libexec CAIRN_LUA_PATH=$SRC/lua CAIRN_PLUGIN_PATH=$BUILD/plugins/.libs "$T/libexec/cairn" "$@"
}

count_of() { # PROGRAM
    fresh
    exhaust "$1" 0
    head -c 8 /dev/zero >"$1.count"
    drive run three.lua >out 2>err || { cat err >&2; return 1; }
    od -An -td8 "$1.count"
}

# Ends by itself, with a status that is documented and a last word that says why; then all is done, and once.
survives() { # PROGRAM AT
    fresh
    exhaust "$1" "$2"
    status=0
    drive run three.lua >out 2>err || status=$?
    case $status in
    0) ;;
    1) [ "$(grep -c "^cairn: " err)" = 1 ] ;; # a worker's end is told by the engine
    *) false ;;
    esac || { echo "$1, allocation $2: status $status"; cat err; return 1; }
    exhaust cairn 0
    if [ -n "$(cairn runs -o json | jq -r ".runs[].id")" ]; then
        [ "$(cairn runs -o json | jq -r ".runs[0].state")" = "done" ] || drive resume @last >out 2>err || { cat err; return 1; }
    else
        drive run three.lua >out 2>err || { cat err; return 1; }
    fi
    [ "$(effects | sort | tr "\n" ",")" = "create a,create b,guarded c," ] || { effects; return 1; }
    cairn verify @last >out
}

picks() { # TOTAL
    awk -v total="$1" -v samples="$SAMPLES" 'BEGIN {
        n = samples == "all" || samples > total ? total : samples
        for (i = 0; i < n; i++) print int(1 + (i + 0.5) * total / n)
    }'
}

each() { # PROGRAM
    total=$(($(count_of "$1")))
    [ "$total" -gt 100 ]
    for at in $(picks "$total"); do
        survives "$1" "$at"
    done
}

it 'an engine that has no memory ends with one line, and a resume does the rest' 'each cairn'
it 'a worker that has no memory ends, and the run goes on or is resumed' 'each cairn-worker'
finish
