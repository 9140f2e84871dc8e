#!/bin/sh
# crash-points.t: killed at each named crash point, the upgrade by blue/green ends like one that nobody disturbed.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
: "${CAIRN_TEST_SAMPLES:=1}"
. "$SRC/t/crash.sh"

crash_sweep
finish
