#!/bin/sh
# readme.t: what the README shows works as it stands there.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
CAIRN_CONFIG=$SRC/examples/instance/cairn.yaml
export CAIRN_CONFIG

it 'the first workflow stops at its question with status 3' '
    start_sim "$SRC/examples/instance/world.yaml" --speed 5000
    sed -n "/^\`\`\`lua$/,/^\`\`\`$/p" "$SRC/README.md" | sed "1d;\$d" >restart.lua
    database=$(sed -n "s/^database=//p" "$SRC/examples/instance/arguments")
    must_fail 3 cairn run restart.lua -p database="$database"
    cairn show @last | grep -q "Restart $database?"
'
it 'approved and resumed, it restarts the instance once' '
    cairn approve @last
    cairn resume @last
    [ "$(sim_get /_sim/ledger | jq -c "[.[] | select(.action == \"RebootDBInstance\")] | length")" = 1 ]
'
it 'every file that the README names is there' '
    grep -o "\`[a-z]*/[A-Za-z0-9_./-]*\`" "$SRC/README.md" | tr -d "\`" | while read -r file; do
        [ -e "$SRC/$file" ] || { echo "there is no $file"; exit 1; }
    done
'
finish
