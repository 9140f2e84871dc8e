# aws-cli.sh: how tests drive the simulator by the real `aws` program; sourced after lib.sh and sim.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
#   aws_programs                       those that are installed: a version 1 is `aws` mostly, Debian's is /usr/bin/aws
#   with_aws PROGRAM                   the calls that follow are its; `aws` if that was never said
#   a SERVICE OPERATION [...]          one call; its output is text
#   is WORDS SERVICE OPERATION [...]   the call's output is these words
#   fails CODE SERVICE OPERATION [...] the call fails with this code
#
# Variables: $arn, how the ARNs of RDS begin.

aws --version >/dev/null 2>&1 || skip_all 'there is no aws program (package awscli)'

AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET AWS_DEFAULT_REGION=ca-central-1 AWS_PAGER='' AWS_MAX_ATTEMPTS=1
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION AWS_PAGER AWS_MAX_ATTEMPTS
arn=arn:aws:rds:ca-central-1:239043911459

aws_programs() {
    for lib_program in "$(command -v aws || :)" /usr/bin/aws; do
        [ ! -x "$lib_program" ] || ! "$lib_program" --version >/dev/null 2>&1 || echo "$lib_program"
    done | awk '!seen[$0]++'
}

with_aws() { # PROGRAM
    lib_aws=$1
}

a() { # SERVICE OPERATION [ARGUMENT...]
    "${lib_aws:-aws}" --endpoint-url "$CAIRN_SIM_URL" --output text "$@"
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
