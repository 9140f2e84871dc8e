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
it 'every workflow has a row in the table, with an example to try it by' '
    for flow in "$SRC"/workflows/*.lua; do
        name=workflows/$(basename "$flow")
        row=$(grep "^| \`$name\`" "$SRC/README.md") || { echo "no row: $name"; exit 1; }
        example=$(echo "$row" | sed -n "s,.*| .*\`\./demo\( [a-z-]*\)\{0\,1\}\`.*,\1,p" | tr -d " ")
        grep -q "^# The arguments of .cairn run $name. " "$SRC/examples/${example:-gc-notify}/arguments" ||
            { echo "no ./demo of it: $row"; exit 1; }
    done
'
it 'every example has its world, its configuration, its arguments, what ./demo does with it, and a text' '
    for folder in "$SRC"/examples/*/; do
        [ ! -e "$folder/arguments" ] && [ ! -e "$folder/world.yaml" ] && continue
        for file in README.md arguments cairn.yaml demo world.yaml; do
            [ -s "$folder/$file" ] || { echo "there is no $folder$file"; exit 1; }
        done
        grep -q "^speed=[1-9]" "$folder/demo"
    done
'
it 'every file that the README names is there' '
    grep -o "\`[a-z]*/[A-Za-z0-9_./-]*\`" "$SRC/README.md" | tr -d "\`" | while read -r file; do
        [ -e "$SRC/$file" ] || { echo "there is no $file"; exit 1; }
    done
'
finish
