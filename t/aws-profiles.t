#!/bin/sh
# aws-profiles.t: the same shared files, read by the real `aws` program and by cairn, make the same caller. Neither is
# told of the simulator: both ask AWS' own hosts, which a proxy leads to it.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws-cli.sh"

{
    world_head
    cat <<'END'
  - { access_key: AKIACAIRNSECOND00001, secret: second/secret, user: second }
sts:
  roles:
    plain: {}
    outside: { external_id: "with blanks=1" }
    first: { trusted: [operator] }
    last: { trusted: [first] }
    web: { web_identity: the-web-token }
END
} >world.yaml
mkdir -p "$HOME/.aws"
cat >"$HOME/.aws/credentials" <<END
# keys
[default]
aws_access_key_id = $KEY
aws_secret_access_key = $SECRET

[second]
aws_access_key_id=AKIACAIRNSECOND00001
aws_secret_access_key=second/secret
END
cat >"$HOME/.aws/config" <<END
[default]
region = ca-central-1
[profile plain]
role_arn = arn:aws:iam::239043911459:role/plain
source_profile = default
role_session_name = somebody@example.org
[profile outside]
role_arn = arn:aws:iam::239043911459:role/outside
source_profile = second
external_id = with blanks=1
role_session_name = of-second
[profile first]
role_arn = arn:aws:iam::239043911459:role/first
source_profile = default
role_session_name = one
[profile last]
role_arn = arn:aws:iam::239043911459:role/last
source_profile = first
role_session_name = two
[profile process]
credential_process = "$T/process" --profile "a b"
[profile by-process]
role_arn = arn:aws:iam::239043911459:role/plain
source_profile = process
role_session_name = by-process
[profile web]
role_arn = arn:aws:iam::239043911459:role/web
web_identity_token_file = $T/web.token
role_session_name = pod
END
printf the-web-token >web.token
cat >process <<'END'
#!/bin/sh
[ "$#:$2" = "2:a b" ] || exit 4
echo '{"Version":1,"AccessKeyId":"AKIACAIRNSECOND00001","SecretAccessKey":"second/secret"}'
END
chmod +x process
printf 'aws:\n  region: ca-central-1\n  account: "239043911459"\nstate: %s/state\n' "$T" >cairn.yaml
CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG

it 'the world starts' '
    start_sim world.yaml --log log
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=sts -keyout front.key -out front.crt \
        -addext "subjectAltName=DNS:sts.ca-central-1.amazonaws.com,DNS:sts.amazonaws.com" 2>/dev/null
'
lib_world
background front "$BUILD/tls-front" "${CAIRN_SIM_URL##*:}" front.crt front.key
until_true 200 test -s front.out
with_aws "$(aws_programs | head -n 1)"

# What is of the simulator, or of keys that go before a profile, is taken out of the environment.
outside() {
    unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
    HTTPS_PROXY=http://127.0.0.1:$(cat front.out) https_proxy=$HTTPS_PROXY AWS_CA_BUNDLE=$T/front.crt
    export HTTPS_PROXY https_proxy AWS_CA_BUNDLE
}
same() { # PROFILE ARN
    (
        outside
        export AWS_PROFILE="$1"
        aws_as_is --output text sts get-caller-identity --query "[Account,Arn]" >theirs
        cairn doctor sts -o json >doctor.json
    ) || { cat doctor.json; return 1; }
    jq -r '.checks[] | select(.name == "sts").details | "\(.account)\t\(.arn)"' doctor.json >ours
    diff theirs ours
    grep -qx "239043911459	$2" ours
}
roles=arn:aws:sts::239043911459:assumed-role

it 'keys of the file' 'same default arn:aws:iam::239043911459:user/operator; same second arn:aws:iam::239043911459:user/second'
it 'a role by the keys of another profile' 'same plain "$roles/plain/somebody@example.org"'
it 'a role that wants an external id' 'same outside "$roles/outside/of-second"'
it 'a role by another role' 'same last "$roles/last/two"'
it 'a program that answers keys' 'same process arn:aws:iam::239043911459:user/second'
it 'a role by the keys of a program' 'same by-process "$roles/plain/by-process"'
it 'a role by a web identity' 'same web "$roles/web/pod"'
it 'what one refuses the other refuses too' '
    rm -rf "$HOME/.aws/cli" # where the program keeps the keys of roles
    printf another-token >web.token
    outside
    export AWS_PROFILE=web
    rc=0
    aws_as_is sts get-caller-identity 2>theirs || rc=$? # 254
    test "$rc" -ne 0
    must_fail 1 cairn doctor sts >ours 2>&1
    grep -o "InvalidIdentityToken" theirs >one
    grep -o "InvalidIdentityToken" ours >other
    diff one other
'
it 'both have asked the simulator, for each kind of keys' '
    grep -h -o "sts [A-Za-z]* 200 by/[a-z-]*" log | sort -u >asked
    printf "sts %s 200 by/%s\n" AssumeRole aws-cli AssumeRole cairn AssumeRoleWithWebIdentity aws-cli \
        AssumeRoleWithWebIdentity cairn GetCallerIdentity aws-cli GetCallerIdentity cairn >wanted
    diff wanted asked
'
finish
