#!/bin/sh
# rds-promote-crash.t: a promotion over three stages that is killed at each of its crash points ends like one that isn't.
# SPDX-License-Identifier: MIT
CAIRN_TEST_SPEED=${CAIRN_TEST_SPEED:-150000}
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"
# shellcheck disable=SC2034
EXAMPLE=minor-rollout

crash_sweep
finish
