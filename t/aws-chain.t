#!/bin/sh
# aws-chain.t: each way to get AWS keys, through cairn and against the simulator: whose they are, that changes are made
# with them, that they are got anew when they end, and that no secret is left anywhere.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'END'
  - { access_key: AKIACAIRNSECOND00001, secret: second/secret, user: second }
sts:
  roles:
    plain: { max_session: 2h }
    outside: { external_id: "with blanks=1" }
    first: { trusted: [operator] }
    last: { trusted: [first] }
    web: { web_identity: the-web-token-of-the-pod }
    foreign: { account: "111122223333" }
    machine: {}
metadata:
  instance: { role: machine }
  container: { role: machine, token: the-token-of-the-container }
END
    world_books
} >world.yaml
cat >change.lua <<'END'
local sts, rds = cairn.plugin "sts", cairn.plugin "rds"
return cairn.workflow {
  summary = "Say who does it, and do it",
  params = { n = { type = "string", required = true } },
  run = function (p)
    local who = sts.caller_identity {}
    cairn.report("arn", who.arn)
    cairn.report("source", who.source)
    rds.add_tags { arn = "arn:aws:rds:ca-central-1:239043911459:db:books", tags = { n = p.n } }
  end,
}
END
CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG
printf 'aws:\n  region: ca-central-1\n  account: "239043911459"\nstate: %s/state\n' "$T" >cairn.yaml
mkdir -p "$HOME/.aws"

#   by SOURCE ARN [ENV...]    a run with these variables and no other keys changes something as ARN, with the keys of SOURCE
by() {
    by_source=$1 by_arn=$2
    shift 2
    (
        unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
        for by_pair; do export "${by_pair?}"; done
        cairn run change.lua -p n="$lib_count" --no-input >run.out 2>run.err
    ) || { cat run.err; return 1; }
    cairn show @last -o json >shown.json
    [ "$(jq -r .reports.source shown.json)" = "$by_source" ] || { jq .reports shown.json; return 1; }
    jq -r .reports.arn shown.json | grep -q "^arn:aws:$by_arn\$" || { jq .reports shown.json; return 1; }
    sim_get /_sim/ledger | jq -e "[.[] | select(.action == \"AddTagsToResource\")] | length == $lib_count - 1"
}
assumed=sts::239043911459:assumed-role

it 'the world starts' 'start_sim world.yaml'

it 'keys of the environment' '
    by "the environment" iam::239043911459:user/operator AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET
'
printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$KEY" "$SECRET" >"$HOME/.aws/credentials"
cat >>"$HOME/.aws/credentials" <<'END'
[second]
aws_access_key_id = AKIACAIRNSECOND00001
aws_secret_access_key = second/secret
END
it 'keys of the credentials file' '
    by "profile default" iam::239043911459:user/operator
'
cat >"$HOME/.aws/config" <<'END'
[profile plain]
role_arn = arn:aws:iam::239043911459:role/plain
source_profile = default
role_session_name = somebody@example.org
duration_seconds = 7200
[profile outside]
role_arn = arn:aws:iam::239043911459:role/outside
source_profile = default
external_id = with blanks=1
[profile first]
role_arn = arn:aws:iam::239043911459:role/first
source_profile = default
[profile last]
role_arn = arn:aws:iam::239043911459:role/last
source_profile = first
[profile of-environment]
role_arn = arn:aws:iam::239043911459:role/first
credential_source = Environment
[profile of-container]
role_arn = arn:aws:iam::239043911459:role/plain
credential_source = EcsContainer
[profile of-instance]
role_arn = arn:aws:iam::239043911459:role/plain
credential_source = Ec2InstanceMetadata
[profile web]
role_arn = arn:aws:iam::239043911459:role/web
web_identity_token_file = WEB
role_session_name = pod
[profile by-web]
role_arn = arn:aws:iam::239043911459:role/plain
source_profile = web
role_session_name = chained
[profile process]
credential_process = "PROCESS" --profile "a b"
[profile by-process]
role_arn = arn:aws:iam::239043911459:role/plain
source_profile = process
[profile itself]
role_arn = arn:aws:iam::239043911459:role/plain
source_profile = itself
aws_access_key_id = AKIACAIRNSECOND00001
aws_secret_access_key = second/secret
[profile foreign]
role_arn = arn:aws:iam::111122223333:role/foreign
source_profile = default
[profile strange]
role_arn = arn:aws:iam::239043911459:role/last
source_profile = default
END
printf 'the-web-token-of-the-pod\n' >web.token
cat >process <<END
#!/bin/sh
echo "asked with \$# words, keys: \${AWS_ACCESS_KEY_ID:-none}" >&2
[ "\$2" = "a b" ] || exit 4
cat "$T/process.json"
END
chmod +x process
printf '{"Version":1,"AccessKeyId":"AKIACAIRNSECOND00001","SecretAccessKey":"second/secret"}\n' >process.json
sed -i "s|WEB|$T/web.token|; s|PROCESS|$T/process|" "$HOME/.aws/config"

it 'a role by the keys of another profile, under its own session name' '
    by "role arn:aws:iam::239043911459:role/plain" $assumed/plain/somebody@example.org AWS_PROFILE=plain
'
it 'a role that wants an external id, under the name of the run' '
    by "role arn:aws:iam::239043911459:role/outside" "$assumed/outside/cairn-[0-9a-z]*" AWS_PROFILE=outside
'
it 'a role by another role' '
    by "role arn:aws:iam::239043911459:role/last" "$assumed/last/cairn-[0-9a-z]*" AWS_PROFILE=last
'
it 'keys of the environment go before a profile that only a variable names' '
    by "the environment" iam::239043911459:user/operator AWS_PROFILE=of-environment AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET
'
it 'a profile that the configuration names: the environment gives its role the keys, and nothing else' '
    sed -i "s/^aws:/aws:\n  profile: of-environment/" cairn.yaml
    by "role arn:aws:iam::239043911459:role/first" "$assumed/first/cairn-[0-9a-z]*" AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET
    sed -i "/profile:/d" cairn.yaml
'
it 'a role by the keys of the container' '
    by "role arn:aws:iam::239043911459:role/plain" "$assumed/plain/cairn-[0-9a-z]*" AWS_PROFILE=of-container \
        AWS_CONTAINER_CREDENTIALS_FULL_URI=$CAIRN_SIM_URL/_container/credentials \
        AWS_CONTAINER_AUTHORIZATION_TOKEN=the-token-of-the-container
'
it 'a role by the keys of the instance' '
    by "role arn:aws:iam::239043911459:role/plain" "$assumed/plain/cairn-[0-9a-z]*" AWS_PROFILE=of-instance \
        AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=$CAIRN_SIM_URL/_imds
'
it 'a web identity of the environment' '
    by "role arn:aws:iam::239043911459:role/web" "$assumed/web/from-the-environment" AWS_WEB_IDENTITY_TOKEN_FILE=$T/web.token \
        AWS_ROLE_ARN=arn:aws:iam::239043911459:role/web AWS_ROLE_SESSION_NAME=from-the-environment
'
it 'a web identity of a profile' '
    by "role arn:aws:iam::239043911459:role/web" $assumed/web/pod AWS_PROFILE=web
'
it 'a role by a web identity' '
    by "role arn:aws:iam::239043911459:role/plain" $assumed/plain/chained AWS_PROFILE=by-web
'
it 'a program, which is asked without a shell and without the keys of the environment' '
    by "the credential_process of profile process" iam::239043911459:user/second AWS_PROFILE=process
    grep -q "asked with 2 words, keys: none" run.err
'
it 'a role by a program' '
    by "role arn:aws:iam::239043911459:role/plain" "$assumed/plain/cairn-[0-9a-z]*" AWS_PROFILE=by-process
'
it 'a role by the keys of its own profile: keys go before a role only for a source' '
    by "role arn:aws:iam::239043911459:role/plain" "$assumed/plain/cairn-[0-9a-z]*" AWS_PROFILE=itself
'
it 'the keys of the container' '
    mv "$HOME/.aws" "$HOME/aside"
    by "the container'"'"'s endpoint" $assumed/machine/task AWS_CONTAINER_CREDENTIALS_FULL_URI=$CAIRN_SIM_URL/_container/credentials \
        AWS_CONTAINER_AUTHORIZATION_TOKEN=the-token-of-the-container
'
printf the-token-of-the-container >container.token
it 'the keys of the container, with the token of a file' '
    by "the container'"'"'s endpoint" $assumed/machine/task AWS_CONTAINER_CREDENTIALS_FULL_URI=$CAIRN_SIM_URL/_container/credentials \
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$T/container.token
'
it 'the keys of the instance' '
    by "the instance'"'"'s role machine" $assumed/machine/i-0123456789abcdef0 \
        AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=$CAIRN_SIM_URL/_imds/
    mv "$HOME/aside" "$HOME/.aws"
'
finish
