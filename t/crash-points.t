#!/bin/sh
# crash-points.t: killed at each named crash point, the upgrade by blue/green ends like one that nobody disturbed.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"

CRASH_POINTS='^(engine.(committed|sending|due)|worker.(http.sent|replied)|script.command)$'
crash_sweep
finish
