#!/bin/sh
# rds-restore-crash.t: killed at the crash points, a restore ends like one that nobody disturbed.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"

# The engine's own points are tried by other workflows; here it is about what the world has done when a process dies.
EXAMPLE=restore

# The digest of a secret that holds an address with the run's id in it differs from run to run; its host is compared.
world() {
    sim_get /_sim/world >"$T/found.json"
    perl -MJSON::PP -e '
        sub strip {
            my ($v) = @_;
            if (ref $v eq "HASH") {
                delete $v->{sha256};
                strip($_) for values %$v;
            }
        }
        local $/;
        my $world = decode_json(<>);
        strip($world);
        print JSON::PP->new->canonical->pretty->encode($world);
    ' "$T/found.json"
}

CRASH_POINTS='^worker.http.sent$'
crash_sweep
finish
