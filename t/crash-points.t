#!/bin/sh
# crash-points.t: killed at each named crash point, the upgrade ends like one that nobody disturbed.
# SPDX-License-Identifier: MIT
#
# A point is passed many times: CAIRN_TEST_SAMPLES of them are tried for each (2 if unset; `all` for every one), spread
# over the run. CAIRN_TEST_POINTS limits it to names that match a pattern.
. "$(dirname "$0")/lib.sh"
samples=${CAIRN_TEST_SAMPLES:-2}
points=${CAIRN_TEST_POINTS:-.}
. "$SRC/t/upgrade.sh"
. "$SRC/t/crash.sh"

it 'an upgrade that nobody disturbs goes through' 'reference'

# Lines POINT:N, evenly spread over the N that there are.
picks() {
    sort "$T/points" | uniq -c | grep -E "$points" | awk -v samples="$samples" '
        samples == "all" { for (i = 1; i <= $1; i++) print $2 ":" i; next }
        {
            n = samples < $1 ? samples : $1
            for (i = 0; i < n; i++) print $2 ":" int(1 + (i + 0.5) * $1 / n)
        }'
}

for pick in $(picks); do
    it "killed at $pick it ends the same" "crash_at $pick"
done
finish
