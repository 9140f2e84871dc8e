#!/bin/sh
# house-layering.t: who has the journal has no Lua, who has the script has no journal, who has secrets has neither.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

# Files below FOLDER that include something that matches.
includers() { # FOLDER PATTERN
    [ -d "$SRC/$1" ] || { echo "no folder $1" >&2; return 1; }
    grep -rlE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$2" "$SRC/$1" --include='*.[ch]' || :
}

it 'the engine runs no Lua and speaks to nobody outside' '
    test -z "$(includers core/engine "(lua|lauxlib|curl/|expat|microhttpd)")"
'
it 'the script host has no journal, no network and no event loop' '
    test -z "$(includers core/script "(sqlite3|curl/|uv\.h|engine/|worker/)")"
'
it 'the worker has neither journal nor Lua' '
    test -z "$(includers core/worker "(sqlite3|lua|lauxlib|engine/|script/)")"
'
it 'what all share belongs to none of them' '
    test -z "$(includers core/common "(sqlite3|lua|lauxlib|curl/|uv\.h|engine/|script/|worker/)")"
'
it 'a plugin knows only the contract, its neighbours and general libraries' '
    test -z "$(includers plugins "(core/|engine/|script/|worker/|sqlite3|lua|uv\.h)")"
'
it 'the simulator knows nothing of engine, script host, worker and plugins' '
    test -z "$(includers sim "(engine/|script/|worker/|plugins/|sqlite3)")"
'
it 'every file of ours says what it is for and under which licence' '
    cd "$SRC"
    for file in $(find core plugins sim lua workflows include t bench examples -type f -name "*.[chlst]*"); do
        case $file in *.[ch] | *.lua | *.t | *.sh) ;; *) continue ;; esac
        head -n 4 "$file" | grep -q "SPDX-License-Identifier: MIT" || { echo "$file: no licence line"; bad=1; }
    done
    test -z "${bad:-}"
'
finish
