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

title() {
    head -n 1 "$source/t/mutants/$1.patch"
}

test_of() {
    sed -n '2s/^caught by: //p' "$source/t/mutants/$1.patch"
}

provide_copy() {
    [ ! -e "$copy/build/config.status" ] || return 0
    mkdir -p "$copy/source" "$copy/build" &&
        (cd "$source" && tar -cf - --exclude=./build --exclude=./.git --exclude="./${copy#"$source"/}" .) | tar -xf - -C "$copy/source" &&
        (cd "$copy/build" && ../source/configure -q)
}

build() {
    make -s -C "$copy/build" -j2 tests >"$copy/build.log" 2>&1
}

try() { # TEST
    case $1 in
    *.t) lib_program=$copy/source/$1 ;;
    *) lib_program=$copy/build/$1 ;;
    esac
    (cd "$copy/build" && CAIRN_BUILD=$copy/build timeout 900 "$lib_program") >"$copy/test.log" 2>&1
}

# Without the bug, once for each test.
passes() { # TEST
    case $passed in
    *" $1 "*) return 0 ;;
    esac
    build && try "$1" && passed="$passed$1 "
}

judge() { # NAME: caught, or why not
    build || { echo "it doesn't build, see $copy/build.log" && return; }
    if try "$(test_of "$1")"; then
        echo "NOT CAUGHT by $(test_of "$1")"
    else
        echo "caught by $(test_of "$1")"
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
    test=$(test_of "$name")
    if ! passes "$test"; then
        verdict="$test fails without it, see $copy/test.log"
    elif ! patch -s -p1 -d "$copy/source" <"$source/t/mutants/$name.patch"; then
        verdict="the patch doesn't fit"
    else
        verdict=$(judge "$name")
        patch -s -R -p1 -d "$copy/source" <"$source/t/mutants/$name.patch" || exit 2
    fi
    case $verdict in
    'caught by '*) ;;
    *) left=$((left + 1)) ;;
    esac
    printf '%s: %s: %s\n' "$name" "$(title "$name")" "$verdict"
done
echo "$# mutants, $left not caught"
[ "$left" -eq 0 ]
