#!/bin/sh
# valgrind.sh: the C tests, and an engine that drives a whole upgrade, under valgrind; `make check-valgrind`.
# SPDX-License-Identifier: MIT
#
# usage: t/valgrind.sh PROGRAM...     the built C tests
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
command -v valgrind >/dev/null || skip_all "valgrind is not installed"
grind="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"

for program in "$@"; do
    leaks=
    case $program in
    *script-hostile) continue ;; # what it measures is time
    *kubernetes-kubeconfig) leaks=--leak-check=no ;; # it forks for programs that aren't there: that child's leaks don't count
    esac
    it "valgrind finds nothing in $(basename "$program")" "cd '$BUILD' && $grind $leaks ./$program"
done

# The engine itself; its children are programs of their own.
cairn() {
    # shellcheck disable=SC2086
    case $1 in
    run | resume) "$BUILD/run" $grind --log-file="$T/grind.%p" "$BUILD/cairn" "$@" ;;
    *) "$BUILD/run" cairn "$@" ;;
    esac
}

it 'valgrind finds nothing in an engine that drives an upgrade' '
    SPEED=600
    use_world gc-notify
    answered run_flow -p ignore_windows=true >out 2>&1 || { tail out; false; }
    cat grind.*
    [ -z "$(cat grind.*)" ]
'
finish
