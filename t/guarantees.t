#!/bin/sh
# guarantees.t: what doc/GUARANTEES.md says is shown by a test of that title.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
cd "$SRC" || exit 1

# Lines FILE<tab>TITLE: "- `t/x.t`: the title." on one line or two; of C, the name of the function.
claims() {
    perl -0777 -ne '
        while (/^- `(t\/[a-z-]+\.(?:t|c))`: (.+?)\.(?=\s)/msg) {
            my ($file, $title) = ($1, $2);
            $title =~ s/\s+/ /g;
            print "$file\t$title\n";
        }
    ' doc/GUARANTEES.md
}

it 'each title that it names is the title of a test in that file' '
    claims >"$T/claims"
    [ "$(wc -l <"$T/claims")" -ge 20 ]
    while IFS="	" read -r file title; do
        case $file in
        *.c) grep -q "^$title(void" "$file" ;;
        *) grep -qF "it '"'"'$title'"'"'" "$file" ;;
        esac || { echo "$file has no test \"$title\""; exit 1; }
    done <"$T/claims"
'
it 'each file and each make target that it names is there' '
    grep -o "t/[a-z-]*\.[tc]\b" doc/GUARANTEES.md | sort -u | while read -r file; do
        [ -e "$file" ] || { echo "there is no $file"; exit 1; }
    done
    grep -o "make [a-z-]*" doc/GUARANTEES.md | sort -u | while read -r make target; do
        grep -q "^$target:" Makefile.am || { echo "there is no $make $target"; exit 1; }
    done
'
finish
