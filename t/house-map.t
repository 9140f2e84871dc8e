#!/bin/sh
# house-map.t: the map of the house shows every room.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
cd "$SRC" || exit 1

sources() {
    find core plugins sim lua workflows bench include -name '*.c' -o -name '*.h' -o -name '*.lua' -o -name '*.sh' | sort
}

# FOLDER/FILE of each line of the map.
on_map() {
    awk '/^### / { folder = $2 } /^- `/ { split($0, part, "`"); print folder part[2] }' doc/ARCHITECTURE.md | sort
}

# A header that stands beside its .c file has no line of its own.
rooms() {
    sources >"$T/sources"
    awk 'NR == FNR { if (sub(/\.c$/, "")) beside[$0 ".h"]; next } !($0 in beside)' "$T/sources" "$T/sources"
}

it 'every source file has a line in doc/ARCHITECTURE.md under its folder, and no other file has one' '
    rooms | sort >"$T/rooms"
    on_map >"$T/map"
    diff -u "$T/rooms" "$T/map"
'
it 'every source file begins with a sentence and the licence' '
    sources | xargs awk "
        FNR == 1 && file { if (!found) print file; found = 0 }
        { file = FILENAME }
        FNR <= 25 && /SPDX-License-Identifier: MIT/ { found = 1 }
        END { if (!found) print file }
    " >"$T/without"
    diff -u /dev/null "$T/without"
'
it 'every script that a make target starts is in the tree' '
    grep -o "[$](srcdir)/[a-z-]*/[a-z-]*[.]sh\|[$](srcdir)/build-aux/[a-z-]*" Makefile.am | sed "s,.*srcdir)/,," | sort -u >"$T/started"
    grep -q "^t/crash-random.sh$" "$T/started"
    while read -r file; do
        [ -e "$file" ] || { echo "there is no $file"; exit 1; }
    done <"$T/started"
'
finish
