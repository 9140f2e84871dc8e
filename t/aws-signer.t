#!/bin/sh
# aws-signer.t: the plugins' signer and the simulator's verifier against botocore, which knows neither, on random requests.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"

python=/usr/bin/python3
"$python" -c 'import awscli, botocore.auth' 2>/dev/null || "$python" -c 'import botocore.auth' 2>/dev/null ||
    skip_all "there is no botocore for $python (package awscli)"
seed=${CAIRN_TEST_SEED:-1}

signer() { # same|changed COUNT
    "$python" "$SRC/t/aws-signer.py" "$1" "$BUILD/sign-request" "$2" "$seed" >out || { tail -n 40 out; return 1; }
}

it '500 random requests get the same Authorization from the plugins and from botocore, and verify in the simulator' '
    signer same 500
    grep -qx "500 requests, 0 wrong; changed: " out
'
it 'with one bit changed, of whatever is signed, none of them verifies' '
    signer changed 500
    grep -qx "[0-9]* requests, 0 wrong; changed: body date headers method path query region secret service" out
'
finish
