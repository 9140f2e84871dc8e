#!/bin/sh
# rds-restore-swap-crash.t: killed at the crash points, a restore by swap ends like one that nobody disturbed.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"

EXAMPLE=restore-swap
crash_sweep
finish
