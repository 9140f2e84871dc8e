#!/bin/sh
# rds-restore-swap-crash.t: killed at the crash points, a restore by swap ends like one that nobody disturbed.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"

# The others when asked for: CAIRN_TEST_SAMPLES=1 tries each.
[ -n "${CAIRN_TEST_SAMPLES:-}" ] || CAIRN_TEST_POINTS=${CAIRN_TEST_POINTS:-'worker.http.sent|engine.committed|worker.replied'}
CAIRN_TEST_SAMPLES=${CAIRN_TEST_SAMPLES:-1}
EXAMPLE=restore-swap
crash_sweep
finish
