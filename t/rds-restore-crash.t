#!/bin/sh
# rds-restore-crash.t: killed at the crash points, a restore ends like one that nobody disturbed.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"

# The engine's own points are tried by other workflows; here it is about what the world has done when a process dies.
[ -n "${CAIRN_TEST_SAMPLES:-}" ] || CAIRN_TEST_POINTS=${CAIRN_TEST_POINTS:-'worker.http.sent'}
CAIRN_TEST_SAMPLES=${CAIRN_TEST_SAMPLES:-1}
EXAMPLE=restore
crash_sweep
finish
