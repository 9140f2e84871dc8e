#!/bin/sh
# secrets.t: a password in a Kubernetes secret, in a function and in the configuration is nowhere to be seen afterwards.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"

planted="planted-Sn0wy0wl-7d1f" # not exported: it would be in every environment

# The password as it may occur: as it is, in base64 at each of its three offsets, in hex, and percent-encoded.
forms() {
    perl -MMIME::Base64 -e '
        my $p = shift;
        print "$p\n", unpack("H*", $p), "\n", join("", map { sprintf "%%%02X", ord } split //, $p), "\n";
        for my $before (0 .. 2) {
            my $text = encode_base64("x" x $before . $p, "");
            $text =~ s/^.{4}// if $before;
            print substr($text, 0, length($text) - 4), "\n";
        }
    ' "$planted"
}

# Nothing below the given files and folders holds it in any form.
clean() {
    for lib_file in "$@"; do
        test -e "$lib_file" || { echo "there is no $lib_file"; return 1; }
    done
    must_fail any grep -rlaF -f "$T/known" "$@"
}

# What everybody can see of the engine and its children while they live: command lines, environments, limits.
watch() {
    while alive "$engine" && [ $(($(now_ms) - began)) -lt 120000 ]; do
        for pid in $engine $(cat "/proc/$engine/task/$engine/children" 2>/dev/null); do
            cat "/proc/$pid/cmdline" "/proc/$pid/environ" >>"$T/watched" 2>/dev/null || :
            [ "$pid" != "$engine" ] || continue
            grep 'core file' "/proc/$pid/limits" >>"$T/limits" 2>/dev/null || :
            cat "/proc/$pid/environ" >>"$T/children" 2>/dev/null || :
        done
        approve_open >/dev/null 2>&1 || :
    done
}

forms >known
use_world gc-notify
cat >>cairn.yaml <<END
secrets:
  database_password: { value: $planted }
  zone_token: { value: $CLOUDFLARE_API_TOKEN }
END
sed -i 's/^cloudflare:/cloudflare:\n  token: { secret: zone_token }/' cairn.yaml
unset CLOUDFLARE_API_TOKEN
sed -i '/CLOUDFLARE_API_TOKEN/d' sim.env

it 'the forms of a password are found where it is' '
    printf "postgresql://app:%s@host/db" "$planted" | base64 -w0 >encoded
    grep -qaF -f known encoded
    must_fail any clean encoded
    must_fail any clean world.yaml
'
it 'an upgrade goes through whose addresses hold a password' '
    begin_flow
    watch
    wait "$engine" || { tail -n 30 run.log; exit 1; }
    grep -qa cairn-worker watched
    cairn show @last >shown.txt
    cairn show @last -o json >shown.json
    cairn show @last --records -o json >records.json
    cairn logs @last >logs.txt
'
it 'the password is not in the state, the logs, the output, or what others see of the processes' '
    clean "$XDG_STATE_HOME" run.log shown.txt shown.json records.json logs.txt watched
'
it 'nor is the token of the zone, which came from the configuration' '
    token=$(sed -n "s/.*zone_token: { value: \(.*\) }/\1/p" cairn.yaml)
    test -n "$token"
    must_fail any grep -rqaF "$token" "$XDG_STATE_HOME" run.log shown.txt shown.json records.json logs.txt watched
'
it 'the keys of AWS are in no process but the one that the user gave them to' '
    test -s children
    must_fail any grep -rqaF "$AWS_SECRET_ACCESS_KEY" "$XDG_STATE_HOME" run.log records.json logs.txt children
'
it 'no child may leave a core dump' '
    test -s limits
    must_fail any grep -v "Max core file size  *0 " limits
'
it 'secrets pass through a script that cannot see them' '
    must_fail 3 cairn run "$SRC/t/flows/secrets.lua" --no-input >run.log 2>&1
    approve_open >>run.log 2>&1
    cairn resume @last --no-input >>run.log 2>&1 || { cat run.log; exit 1; }
    cairn show @last >shown.txt
    cairn show @last -o json >shown.json
    cairn show @last --records -o json >records.json
    clean "$XDG_STATE_HOME" run.log shown.txt shown.json records.json
    grep -q "secret" run.log
'
it 'and arrive unharmed, by their digests' '
    world >after.json
    look --find POSTGRES_SQL after.json kubernetes >want
    for key in COPY AGAIN; do
        look --find "$key" after.json kubernetes >got
        diff -u want got
    done
    look --find PASSWORD after.json kubernetes >got
    grep -F "$(printf %s "$planted" | sha256sum | cut -d" " -f1)" got
'
finish
