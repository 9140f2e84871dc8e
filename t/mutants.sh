#!/bin/sh
# mutants.sh: can the tests fail? Each patch of t/mutants seeds one bug into a copy of the sources; the test that the
# patch names must catch it, and must pass without it. Used by `make check-mutants`, from the build folder.
# SPDX-License-Identifier: MIT
#
# usage: t/mutants.sh [NAME...]      all of them if none is named; the copy is build folder/mutants
#
# A patch begins with what is wrong after it, and `caught by: TEST`: a file of the sources or a program of the build.
set -u
source=$(cd "$(dirname "$0")/.." && pwd)
copy=$PWD/mutants
passed=' '
seeded=

# What was edited since the last time comes along.
provide_copy() {
    mkdir -p "$copy/source" "$copy/build" || return 1
    (cd "$source" && tar -cf - --exclude=./build --exclude=./.git --exclude="./${copy#"$source"/}" .) |
        tar -xf - -C "$copy/source" --keep-newer-files 2>"$copy/copy.log"
    [ -e "$copy/build/config.status" ] || (cd "$copy/build" && ../source/configure -q)
}

# Also when it is interrupted: the copy is used again.
unseed() {
    [ -z "$seeded" ] || patch -s -R -p1 -d "$copy/source" <"$seeded"
    seeded=
}
trap unseed EXIT
trap 'exit 130' INT TERM HUP

build() {
    make -s -C "$copy/build" -j2 tests >"$copy/build.log" 2>&1
}

try() { # TEST
    case $1 in
    *.t) program=$copy/source/$1 ;;
    *) program=$copy/build/$1 ;;
    esac
    (cd "$copy/build" && CAIRN_BUILD=$copy/build CMOCKA_MESSAGE_OUTPUT=TAP timeout 900 "$program") >"$copy/test.log" 2>&1
}

# Without the bug, once for each test.
passes() { # TEST
    case $passed in
    *" $1 "*) return 0 ;;
    esac
    build && try "$1" && passed="$passed$1 "
}

# A test that hangs or dies has not said what is wrong: only one that says `not ok` has caught it.
judge() { # TEST
    if ! build; then
        echo "it doesn't build, see $copy/build.log"
    elif try "$1"; then
        echo "NOT CAUGHT by $1"
    elif grep -q '^not ok' "$copy/test.log"; then
        echo "caught by $1: $(sed -n '/^not ok/{s/^not ok [0-9]* - //p;q;}' "$copy/test.log")"
    else
        echo "$1 died, see $copy/test.log"
    fi
}

all() {
    for file in "$source"/t/mutants/*.patch; do
        basename "$file" .patch
    done
}

# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(all)
provide_copy || exit 2
left=0
for name; do
    patch=$source/t/mutants/$name.patch
    if [ ! -f "$patch" ]; then
        echo "$0: there is no mutant $name; see: ls t/mutants" >&2
        exit 2
    fi
    test=$(sed -n '2s/^caught by: //p' "$patch")
    if ! passes "$test"; then
        verdict="$test fails without it, see $copy/build.log and $copy/test.log"
    elif ! patch -s -p1 -d "$copy/source" <"$patch"; then
        verdict="the patch doesn't fit"
    else
        seeded=$patch
        verdict=$(judge "$test")
        unseed
    fi
    case $verdict in
    'caught by '*) ;;
    *) left=$((left + 1)) ;;
    esac
    printf '%s: %s: %s\n' "$name" "$(head -n 1 "$patch")" "$verdict"
done
echo "$# mutants, $left not caught"
[ "$left" -eq 0 ]
