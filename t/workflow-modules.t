#!/bin/sh
# workflow-modules.t: names, times and versions, as workflows reckon with them.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"

it 'names, times and versions are reckoned as they should be' '
    cairn run "$SRC/t/flows/modules.lua"
'
finish
