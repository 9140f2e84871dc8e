#!/bin/sh
# autogen.sh: make ./configure from a clone.
# SPDX-License-Identifier: MIT
set -e
cd "$(dirname "$0")"
exec autoreconf --install --warnings=all
