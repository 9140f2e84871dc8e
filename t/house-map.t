#!/bin/sh
# house-map.t: the map of the house shows every room.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
cd "$SRC" || exit 1

sources() {
    find core plugins sim lua workflows bench include -name '*.c' -o -name '*.h' -o -name '*.lua' -o -name '*.sh' | sort
}

it 'every source file has a line in doc/ARCHITECTURE.md under its folder' '
    sources | while read -r file; do
        case $file in *.h) [ ! -e "${file%.h}.c" ] || continue ;; esac
        awk -v folder="### $(dirname "$file")/" -v file="- \`$(basename "$file")\`" "
            /^### / { here = (\$0 == folder) }
            here && index(\$0, file) == 1 { found = 1 }
            END { exit !found }
        " doc/ARCHITECTURE.md || { echo "not on the map: $file"; exit 1; }
    done
'
it 'every file on the map is there' '
    awk "/^### / { folder = \$2 } /^- \`/ { split(\$0, part, \"\`\"); print folder part[2] }" doc/ARCHITECTURE.md | while read -r file; do
        [ -e "$file" ] || { echo "on the map, but not there: $file"; exit 1; }
    done
'
it 'every source file begins with a sentence and the licence' '
    sources | while read -r file; do
        head -n 25 "$file" | grep -q "SPDX-License-Identifier: MIT" || { echo "$file"; exit 1; }
    done
'
finish
