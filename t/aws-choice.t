#!/bin/sh
# aws-choice.t: which profile and which region count where several are named, and what a resume under another one may do.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2154
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'END'
  - { access_key: AKIACAIRNSECOND00001, secret: second/secret, user: second }
  - { access_key: AKIACAIRNFOREIGN0001, secret: foreign/secret, user: stranger, account: "111122223333" }
END
    world_books
} >world.yaml
cat >change.lua <<'END'
local rds = cairn.plugin "rds"
local arn = "arn:aws:rds:ca-central-1:239043911459:db:books"
return cairn.workflow {
  summary = "Change something, ask, and change something else",
  run = function ()
    rds.add_tags { arn = arn, tags = { one = "1" } }
    cairn.approve { title = "Go on?" }
    rds.add_tags { arn = arn, tags = { two = "2" } }
  end,
}
END
CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG
config() { # LINE...: of the section aws
    printf 'state: %s/state\naws:\n  account: "239043911459"\n' "$T" >cairn.yaml
    for line; do echo "  $line" >>cairn.yaml; done
}
mkdir -p "$HOME/.aws"
cat >"$HOME/.aws/credentials" <<END
[default]
aws_access_key_id = $KEY
aws_secret_access_key = $SECRET
[second]
aws_access_key_id = AKIACAIRNSECOND00001
aws_secret_access_key = second/secret
[foreign]
aws_access_key_id = AKIACAIRNFOREIGN0001
aws_secret_access_key = foreign/secret
END
printf '[profile second]\nregion = eu-west-3\n' >"$HOME/.aws/config"

# With none of the simulator's variables that name keys or a region, but with these.
with() { # NAME=VALUE... -- CMD...
    (
        unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_DEFAULT_REGION
        while [ "$1" != -- ]; do
            export "${1?}"
            shift
        done
        shift
        "$@"
    )
}
seen() { # USER REGION NAME=VALUE...: as whom and where a run would act
    seen_want="$1 $2"
    shift 2
    with "$@" -- cairn doctor sts -o json >doctor.json 2>doctor.err || { cat doctor.json doctor.err; return 1; }
    seen_got=$(jq -r '.checks[] | select(.name == "sts").details | "\(.arn | sub(".*/"; "")) \(.region)"' doctor.json)
    [ "$seen_got" = "$seen_want" ] || { echo "wanted $seen_want, got $seen_got"; return 1; }
}
refused() { # TEXT NAME=VALUE...
    refused_text=$1
    shift
    must_fail 1 with "$@" -- cairn doctor sts >doctor.out 2>&1
    grep -qF -- "$refused_text" doctor.out || { cat doctor.out; return 1; }
}

it 'the world starts' 'start_sim world.yaml'
it 'the profile of the configuration goes before AWS_PROFILE, that before AWS_DEFAULT_PROFILE, and that before default' '
    config "region: ca-central-1"
    seen operator ca-central-1
    seen second ca-central-1 AWS_DEFAULT_PROFILE=second
    seen second ca-central-1 AWS_PROFILE=second AWS_DEFAULT_PROFILE=default
    config "region: ca-central-1" "profile: second"
    seen second ca-central-1 AWS_PROFILE=default
    seen second ca-central-1 AWS_PROFILE=nobody
'
it 'a profile that is named and is not there is refused' '
    config "region: ca-central-1"
    refused nobody AWS_PROFILE=nobody
'
it 'AWS_REGION goes before AWS_DEFAULT_REGION, that before the region of the profile; a difference is told' '
    config
    seen second eu-west-3 AWS_PROFILE=second
    seen second us-west-2 AWS_PROFILE=second AWS_DEFAULT_REGION=us-west-2
    ! grep "the former counts" doctor.err || exit 1
    seen second ca-central-1 AWS_PROFILE=second AWS_DEFAULT_REGION=us-west-2 AWS_REGION=ca-central-1
    grep -q "AWS_REGION says ca-central-1 and AWS_DEFAULT_REGION says us-west-2: the former counts" doctor.err
    seen second ca-central-1 AWS_PROFILE=second AWS_DEFAULT_REGION=ca-central-1 AWS_REGION=ca-central-1
    ! grep "the former counts" doctor.err || exit 1
'
it 'the region of the configuration goes before that of the profile, and a variable that says another is refused' '
    config "region: ca-central-1"
    seen second ca-central-1 AWS_PROFILE=second
    refused "the configuration says ca-central-1 and AWS_DEFAULT_REGION says us-west-2" AWS_DEFAULT_REGION=us-west-2
    refused "the configuration says ca-central-1 and AWS_REGION says us-west-2" AWS_REGION=us-west-2 AWS_DEFAULT_REGION=ca-central-1
    seen operator ca-central-1 AWS_REGION=ca-central-1 AWS_DEFAULT_REGION=us-west-2
'
it 'no region anywhere is refused with where to set one' '
    config
    refused "set region in section aws of the configuration, or AWS_REGION"
'
it 'a run that began with one profile goes on with another of the same account, and with none of another account' '
    config "region: ca-central-1"
    must_fail 3 with -- cairn run change.lua --no-input
    cairn approve @last
    must_fail any with AWS_PROFILE=foreign -- cairn resume @last 2>err
    grep -q "belong to 111122223333" err || { cat err; exit 1; }
    [ "$(sim_get /_sim/ledger | jq length)" = 1 ]
    with AWS_PROFILE=second -- cairn resume @last
    [ "$(sim_get /_sim/ledger | jq length)" = 2 ]
    with AWS_PROFILE=second -- cairn logs @last >logs
    grep -q "credentials of profile default: .*user/operator" logs
    grep -q "credentials of profile second: .*user/second" logs
'
finish
