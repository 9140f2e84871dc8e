#!/bin/sh
# aws-expiry.t: keys that end in the middle of a run: they are got anew where that is possible, whose they are is looked at
# anew, and where it isn't, the run stops and goes on with new ones.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2154
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'END'
  - { access_key: AKIACAIRNFOREIGN0001, secret: foreign/secret, user: stranger, account: "111122223333" }
sts:
  roles:
    plain: {}
    web: { web_identity: the-web-token }
END
    world_books
} >world.yaml
cat >change.lua <<'END'
local rds = cairn.plugin "rds"
local arn = "arn:aws:rds:ca-central-1:239043911459:db:books"
return cairn.workflow {
  summary = "Change something, and once more when the keys have ended",
  params = { n = { type = "string", required = true } },
  run = function (p)
    rds.add_tags { arn = arn, tags = { ["before" .. p.n] = p.n } }
    cairn.signal "go"
    rds.add_tags { arn = arn, tags = { ["after" .. p.n] = p.n } }
  end,
}
END
CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG
printf 'aws:\n  region: ca-central-1\n  account: "239043911459"\nstate: %s/state\n' "$T" >cairn.yaml
mkdir -p "$HOME/.aws"
changes() {
    sim_get /_sim/ledger | jq length
}
changed_to() { # NUMBER
    [ "$(changes)" = "$1" ]
}
#   ends_within STATUS [COMMAND...]   a run makes its first change; then all temporary keys end, the command is done, and the
#                                     run goes on and ends with the status; its lines are in err
ends_within() {
    ends_status=$1
    shift
    ends_before=$(changes)
    : >sim.log
    background engine "$BUILD/run" cairn run change.lua -p n="$lib_count" --wait --no-input
    until_true 1200 changed_to "$((ends_before + 1))"
    curl -sS --fail-with-body --noproxy '*' -X POST "$CAIRN_SIM_URL/_sim/expire" >/dev/null
    "$@"
    cairn signal @last go
    ends_rc=0
    wait_for engine || ends_rc=$?
    cat engine.err
    cp engine.err err
    [ "$ends_rc" = "$ends_status" ]
}
temporary() { # keys of a session into the environment
    signed sts --data "Action=GetSessionToken&Version=2011-06-15" "$CAIRN_SIM_URL/" >session.xml
    AWS_ACCESS_KEY_ID=$(text AccessKeyId <session.xml) AWS_SECRET_ACCESS_KEY=$(text SecretAccessKey <session.xml)
    AWS_SESSION_TOKEN=$(text SessionToken <session.xml) expires=$(text Expiration <session.xml)
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
}
it 'the world starts' 'start_sim world.yaml --log sim.log'
it 'keys of the environment that end in the middle stop the run, and resume goes on with new ones' '
    before=$(changes)
    temporary
    ends_within 4 :
    [ "$(changes)" = "$((before + 1))" ]
    grep -q "^cairn: run [^ ]* failed: change.lua:9: rds.add_tags .*ExpiredToken: .*(by the keys of the environment: get new ones, then cairn resume)$" err
    [ "$(grep -c "^next: " err)" = 1 ]
    must_fail 4 cairn resume @last
    [ "$(changes)" = "$((before + 1))" ]
    temporary
    cairn resume @last
    [ "$(changes)" = "$((before + 2))" ]
'
it 'keys that are known to have ended are not even sent' '
    before=$(changes)
    : >sim.log
    must_fail 4 env AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z "$BUILD/run" cairn run change.lua -p n=known 2>err
    grep -q "find credentials: those of the environment expired at 2020-01-01T00:00:00Z: get new ones, then cairn resume$" err
    ! grep -e " sts " -e " rds " sim.log
'
cat >"$HOME/.aws/config" <<END
[profile plain]
role_arn = arn:aws:iam::239043911459:role/plain
source_profile = operator
[profile operator]
aws_access_key_id = $KEY
aws_secret_access_key = $SECRET
[profile web]
role_arn = arn:aws:iam::239043911459:role/web
web_identity_token_file = $T/web.token
[profile process]
credential_process = sh "$T/process"
END
no_keys() {
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
}
it 'keys of a role are got anew in the middle, and whose they are is asked anew' '
    before=$(changes)
    no_keys
    export AWS_PROFILE=plain
    ends_within 0 :
    [ "$(changes)" = "$((before + 2))" ]
    [ "$(grep -c " sts AssumeRole 200" sim.log)" = 2 ]
    [ "$(grep -c " sts GetCallerIdentity 200" sim.log)" = 2 ]
'
it 'a web identity is got anew with the token that is in the file by then' '
    before=$(changes)
    no_keys
    export AWS_PROFILE=web
    echo the-web-token >web.token
    ends_within 0 :
    [ "$(changes)" = "$((before + 2))" ]
    ends_within 4 cp change.lua web.token
    grep -q "InvalidIdentityToken" err
    [ "$(changes)" = "$((before + 3))" ]
    echo the-web-token >web.token
    cairn resume @last
    [ "$(changes)" = "$((before + 4))" ]
'
it 'a program that gives keys of another account the second time stops the run before anything is changed there' '
    before=$(changes)
    temporary
    cat >process <<END
if [ -e asked ]; then
    echo "{\"Version\":1,\"AccessKeyId\":\"AKIACAIRNFOREIGN0001\",\"SecretAccessKey\":\"foreign/secret\"}"
else
    echo "{\"Version\":1,\"AccessKeyId\":\"$AWS_ACCESS_KEY_ID\",\"SecretAccessKey\":\"$AWS_SECRET_ACCESS_KEY\",\"SessionToken\":\"$AWS_SESSION_TOKEN\"}"
fi
END
    no_keys
    export AWS_PROFILE=process
    ends_within 4 touch asked
    grep -q "the configuration says 239043911459, and the credentials of the credential_process of profile process belong to 111122223333" err
    [ "$(changes)" = "$((before + 1))" ]
'
finish
