#!/bin/sh
# cmd-manual.t: the manual pages hold what the programs know: options, kinds of records, keys, functions.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
man=$SRC/doc/man
CAIRN_PLUGIN_PATH=$BUILD/plugins/.libs
export CAIRN_PLUGIN_PATH

# The part of cairn.1 that is about a command: from the heading that names it to the next heading.
part() { # COMMAND
    awk -v name="$1" '
        /^=head[12]/ {
            on = 0
            n = split(substr($0, 8), heads, ", ")
            for (i = 1; i <= n; i++) if (index(heads[i] " ", name " ") == 1) on = 1
        }
        on' "$man/cairn.1.pod"
}

options() { # the options of a help text
    grep -o -e '--[a-z][a-z-]*' | sort -u
}

cairn --help >all
cairn runs --help | options >common
sed -n 's/^  \(plugin [a-z]*\|[a-z][a-z]*\) .*/\1/p' all >names

it 'each command has a part in cairn(1)' '
    while read -r name; do
        [ -n "$(part "$name")" ] || { echo "$name"; exit 1; }
    done <names
'
it 'each option of each command is in its part of cairn(1), and no other is' '
    while read -r name; do
        [ "$name" != sim ] || continue
        cairn $name --help | options | comm -23 - common >want
        part "$name" | sed -n "/^=item/p" | grep -o -e "B<--[a-z-]*>" | grep -o -e "--[a-z-]*" | sort -u >have
        [ "$name" != reject ] || sed -i /--typed/d have # shares its part with approve
        diff want have || { echo "command $name"; exit 1; }
    done <names
'
it 'each option of all commands is in cairn(1)' '
    sed -n "/^=head1 OPTIONS OF ALL/,/^=head1 PROG/p" "$man/cairn.1.pod" >section
    while read -r option; do
        grep -q -e "B<$option>" section || { echo "$option"; exit 1; }
    done <common
'
it 'the exit statuses of cairn(1) are those of the program' '
    sed -n "s/^    STATUS_[A-Z]* = \([0-9]*\).*/\1/p" "$SRC/core/cmd/status.h" >want
    sed -n "/^=head1 EXIT STATUS/,/^=head1 ENV/s/^=item B<\([0-9]*\)>/\1/p" "$man/cairn.1.pod" >have
    [ "$(wc -l <want)" -eq 10 ]
    diff want have
'
it 'each schema that the commands print is in cairn(1)' '
    grep -oh "cairn\.[a-z]*/1" "$SRC"/core/cmd/*.c | sort -u >want
    [ "$(wc -l <want)" -ge 9 ]
    while read -r schema; do
        grep -q "$schema" "$man/cairn.1.pod" || { echo "$schema"; exit 1; }
    done <want
'
it 'each kind of record is in cairn-journal(7), and no other is' '
    awk "/^} kinds\[\]/,/^};/" "$SRC/core/engine/run.c" | grep -o "{ \"[a-z]*\"" | grep -o "[a-z]*" | sort >want
    sed -n "/^=head1 KINDS/,/^=head1 STATES/s/^=item //p" "$man/cairn-journal.7.pod" | sort >have
    [ "$(wc -l <want)" -ge 14 ]
    diff want have
'
it 'each crash point is in cairn-rehearse(7), and no other is' '
    {
        grep -rhoE "crash_point\(\"[a-z._]+\"" "$SRC/core" --include="*.c"
        grep -rhoE "host\.crash\(\"[a-z._]+\"" "$SRC/core" --include="*.lua"
    } | grep -oE "\"[a-z._]+\"" | tr -d "\"" | sort >want
    sed -n "/^=head1 CRASH/,/^=head1 [^C]/s/^=item //p" "$man/cairn-rehearse.7.pod" | tr -d " " | tr , "\n" | sort >have
    [ "$(wc -l <want)" -ge 40 ]
    diff want have
'
it 'each state of a run is in cairn-journal(7)' '
    awk "/ states\[\] = {/ { on = 1 } on { print } /};/ { on = 0 }" "$SRC/core/engine/run.c" |
        grep -o "\"[a-z_]*\"" | tr -d "\"" >want
    sed -n "/^=head1 STATES/,/^=head1 STEPS/p" "$man/cairn-journal.7.pod" >section
    [ "$(wc -l <want)" -ge 7 ]
    while read -r state; do
        grep -q "^=item.*\b$state\b" section || { echo "$state"; exit 1; }
    done <want
'
it 'each key of cairn itself is in cairn.yaml(5)' '
    sed -n "/own_keys\[\] = {/,/};/p" "$SRC/core/engine/config.c" | grep -o "\"[a-z_]*\"" | tr -d "\"" >want
    [ "$(wc -l <want)" -ge 7 ]
    sed -n "/^=head1 KEYS/,/^=head1 SEC/p" "$man/cairn.yaml.5.pod" >section
    while read -r key; do
        grep -q "^=item $key$" section || { echo "$key"; exit 1; }
    done <want
'
it 'each key of the plugins that come with cairn is in its section of cairn.yaml(5), and no other is' '
    cairn plugin list -o json | jq -r ".plugins[] | .name" >plugins
    [ "$(wc -l <plugins)" -ge 6 ]
    while read -r name; do
        cairn plugin describe "$name" -o json |
            jq -r ".plugin | select(.section) | .section as \$s | .config[] | \$s + \" \" + .name"
    done <plugins | sort -u >want
    sed -n "/^=head1 SECTIONS/,/^=head1 SEE/p" "$man/cairn.yaml.5.pod" |
        awk "/^=head2/ { s = \$2 } /^=item/ { print s, \$2 }" | sort >have
    diff want have
'
it 'each option of the simulator is in cairn-sim(1)' '
    cairn sim --help | options >want
    while read -r option; do
        grep -q -e "B<$option>" "$man/cairn-sim.1.pod" || { echo "$option"; exit 1; }
    done <want
'
it 'each function of workflow authors is in cairn-workflow(7)' '
    sed -n "s/^function \(cairn\.[a-z_]*\).*/\1/p" "$SRC/core/script/prelude.lua" >want
    [ "$(wc -l <want)" -ge 18 ]
    perl "$man/weave" "$SRC" "$man/cairn-workflow.7.pod" | grep "^=head2 " >have
    while read -r name; do
        grep -q "$name" have || { echo "$name"; exit 1; }
    done <want
'
it 'each host function of plugins is in cairn-plugin(7)' '
    grep -o "^CAIRN_API.*[ *]\(cairn_[a-z_0-9]*\)(" "$SRC/include/cairn/plugin.h" | grep -o "cairn_[a-z_0-9]*($" >want
    [ "$(wc -l <want)" -ge 40 ]
    perl "$man/weave" "$SRC" "$man/cairn-plugin.7.pod" >have
    while read -r name; do
        grep -qF "$name" have || { echo "$name"; exit 1; }
    done <want
'
it 'the pages are sound POD and name only pages that there are' '
    for page in "$man"/*.pod; do
        perl "$man/weave" "$SRC" "$page" >woven.pod
        podchecker -warnings woven.pod
        grep -o "L<[a-z.-]*([0-9])>" "$page" | sed "s/L<\(.*\)(\([0-9]\))>/\1.\2.pod/" | while read -r other; do
            [ -e "$man/$other" ] || { echo "$page: $other"; exit 1; }
        done
    done
'
it 'the completion script is bash, and completes commands and options' '
    cairn completion >complete
    bash -n complete
    bash -c ". ./complete; COMP_WORDS=(cairn roll); COMP_CWORD=1; _cairn; [ \"\${COMPREPLY[*]}\" = rollback ]"
    bash -c ". ./complete; COMP_WORDS=(cairn approve x --ty); COMP_CWORD=3; _cairn; [ \"\${COMPREPLY[*]}\" = --typed ]"
'
finish
