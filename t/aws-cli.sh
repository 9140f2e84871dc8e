# aws-cli.sh: how tests drive the simulator by the real `aws` program; sourced after lib.sh and sim.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
#   aws_programs                       those to try: Debian's, or what `aws` is; with CAIRN_TEST_AWS=all those that are there
#   with_aws PROGRAM                   the calls that follow are its; not within `it`
#   aws_as_is ARGUMENT...              one call, with no more said than this
#   a SERVICE OPERATION [...]          one call to the simulator; its output is text
#   is WORDS SERVICE OPERATION [...]   the call's output is these words
#   fails CODE SERVICE OPERATION [...] the call fails with this code
#
# Variables: $arn, how the ARNs of RDS begin; $of, the name and version of the program.

AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET AWS_DEFAULT_REGION=ca-central-1 AWS_PAGER='' AWS_MAX_ATTEMPTS=1
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION AWS_PAGER AWS_MAX_ATTEMPTS
arn=arn:aws:rds:ca-central-1:239043911459

find_aws() {
    for lib_program in /usr/bin/aws "$(command -v aws || :)"; do
        if [ ! -x "$lib_program" ] || ! "$lib_program" --version >/dev/null 2>&1; then continue; fi
        echo "$lib_program"
        [ "${CAIRN_TEST_AWS:-}" = all ] || break
    done | awk '!seen[$0]++'
}
lib_programs=$(find_aws)
[ -n "$lib_programs" ] || skip_all 'there is no aws program (package awscli)'
aws_programs() {
    echo "$lib_programs"
}

# Most of a call's time goes into loading the program. Where it is a script of Python, that is done once: aws-calls.py.
# With CAIRN_TEST_AWS=all it is started anew for each call.
with_aws() { # PROGRAM
    lib_aws=$1 lib_calls=
    lib_python=$(sed -n '1s/^#! *\(\/[^ ]*python[0-9.]*\)$/\1/p' "$lib_aws")
    [ "${CAIRN_TEST_AWS:-}" = all ] || [ -z "$lib_python" ] || load_aws
    [ -n "$lib_calls" ] || of=$("$lib_aws" --version 2>&1 | cut -d' ' -f1)
}
load_aws() {
    lib_calls=$(mktemp -d "$T/calls.XXXXXX")/fifo
    mkfifo "$lib_calls"
    background aws-calls "$lib_python" "$SRC/t/aws-calls.py" "$lib_calls"
    until_true 1200 loaded "$!"
    of=$(sed -n 's/^ready //p' "$T/aws-calls.out")
    [ -n "$of" ] || { sed 's/^/# aws-calls: /' "$T/aws-calls.err"; lib_calls=; }
}
loaded() { # PID
    grep -q ready "$T/aws-calls.out" || ! kill -0 "$1"
}

called() { # ARGUMENT...
    lib_call=$(mktemp -d "$lib_calls.XXXXXX")
    mkfifo "$lib_call/status"
    env -0 >"$lib_call/env"
    printf '%s\0' "$PWD" "$@" >"$lib_call/words"
    echo "$lib_call" >"$lib_calls"
    read -r lib_rc <"$lib_call/status"
    cat "$lib_call/out"
    cat "$lib_call/err" >&2
    return "$lib_rc"
}

aws_as_is() { # ARGUMENT...
    if [ -n "${lib_calls:-}" ]; then called "$@"; else "${lib_aws:-aws}" "$@"; fi
}

a() { # SERVICE OPERATION [ARGUMENT...]
    aws_as_is --endpoint-url "$CAIRN_SIM_URL" --output text "$@"
}

is() { # WANTED SERVICE OPERATION [ARGUMENT...]: the words of the output
    lib_wanted=$1
    shift
    lib_got=$(a "$@" | tr -s '[:space:]' ' ' | sed 's/ $//')
    [ "$lib_got" = "$lib_wanted" ] && return 0
    echo "wanted \"$lib_wanted\", got \"$lib_got\": $*" >&2
    return 1
}

fails() { # CODE SERVICE OPERATION [ARGUMENT...]
    lib_code=$1
    shift
    lib_rc=0
    a "$@" >fails.out 2>fails.err || lib_rc=$?
    [ "$lib_rc" -ne 0 ] && grep -q "($lib_code)" fails.err && return 0
    echo "wanted the error $lib_code: $*" >&2
    cat fails.out fails.err >&2
    return 1
}
