#!/bin/sh
# aws-identity.t: whose credentials they are, and what becomes of trouble on the way.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws.sh"

it 'the world starts' 'start_sim world.yaml'

it 'the caller is who the credentials say' '
    ok sts caller_identity
    test "$(value account)" = 239043911459
    test "$(value arn)" = arn:aws:iam::239043911459:user/operator
    test -n "$(value user_id)"
'
it 'another account than the configured one is refused with both, before anything else is asked' '
    config="{\"account\":\"111111111111\",\"region\":\"ca-central-1\"}"
    fails denied rds describe_instance "{\"id\":\"books\"}"
    has "the configuration says 111111111111" "belong to 239043911459"
    fails denied rds delete_snapshot "{\"name\":\"x\"}"
    test "$(changes)" = 0
'
it 'another region than the configured one is refused with both' '
    config="{\"account\":\"239043911459\",\"region\":\"eu-west-1\"}"
    fails denied sts caller_identity
    has "the configuration says eu-west-1 and AWS_REGION says ca-central-1"
'
it 'without a configured account reading works and changing is refused' '
    config="{}"
    ok rds describe_instance "{\"id\":\"books\"}"
    fails invalid rds add_tags "{\"arn\":\"$arn:db:books\",\"tags\":{\"a\":\"b\"}}"
    has "set account in section aws"
'
it 'wrong, missing and expired credentials are refused without a secret in the text' '
    AWS_SECRET_ACCESS_KEY=wrong/secret fails denied rds describe_instance "{\"id\":\"books\"}"
    has SignatureDoesNotMatch
    AWS_SECRET_ACCESS_KEY="" fails denied sts caller_identity
    has "AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY"
    AWS_ACCESS_KEY_ID="" AWS_SECRET_ACCESS_KEY="" fails denied sts caller_identity
    has "there are none"
    AWS_ACCESS_KEY_ID=AKIAEXPIRED000000001 AWS_SECRET_ACCESS_KEY=old/secret AWS_SESSION_TOKEN=old-token \
        fails denied sts caller_identity
    has ExpiredToken
    AWS_CREDENTIAL_EXPIRATION=2024-01-01T00:00:00Z fails denied sts caller_identity
    has "expired at 2024-01-01T00:00:00Z"
    lacks old-token old/secret wrong/secret
'

# Keys in a file that is exchanged between two calls of one worker.
shared() { # KEY SECRET [TOKEN]
    mkdir -p "$HOME/.aws"
    printf "[ops]\naws_access_key_id = %s\naws_secret_access_key = %s\n" "$1" "$2" >"$HOME/.aws/credentials.new"
    [ -z "${3:-}" ] || echo "aws_session_token = $3" >>"$HOME/.aws/credentials.new"
    mv "$HOME/.aws/credentials.new" "$HOME/.aws/credentials"
}
two_calls() { # the second one waits for the file `go`; the replies are lines of two.out
    background two "$BUILD/call-plugin" "$BUILD/plugins/.libs/rds.so" \
        "{\"account\":\"239043911459\",\"region\":\"ca-central-1\",\"profile\":\"ops\"}" \
        list_tags "{\"arn\":\"$arn:db:books\"}" "@go" list_tags "{\"arn\":\"$arn:db:books\"}"
    until_true 200 grep -q . two.out
}
it 'credentials that were renewed in the file are taken up by a running worker' '
    rm -f go
    shared AKIAEXPIRED000000001 old/secret old-token
    two_calls
    grep -q "\"kind\":\"denied\"" two.out
    shared "$KEY" "$SECRET"
    : >go
    wait_for two
    sed -n 2p two.out | grep -q "\"team\":\"books\""
'
it 'credentials of another account that appear meanwhile are refused' '
    rm -f go
    shared "$KEY" "$SECRET"
    two_calls
    grep -q "\"team\":\"books\"" two.out
    shared AKIAFOREIGN000000001 foreign/secret
    : >go
    wait_for two || :
    sed -n 2p two.out | grep -q "belong to 111122223333"
'

tag='{"arn":"'$arn':db:books","tags":{"t":"1"}}'
it 'throttling is a refusal, although its status is 400' '
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"throttle\",\"times\":2}"
    fails throttled rds add_tags "$tag"
    fails throttled rds describe_instance "{\"id\":\"books\"}"
'
it 'a failure of the server leaves a change in doubt, and is a passing one for a read' '
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"error_5xx\",\"times\":2}"
    fails in_doubt rds add_tags "$tag"
    fails unavailable rds describe_instance "{\"id\":\"books\"}"
    fault "{\"match\":{\"service\":\"rds\",\"action\":\"AddTagsToResource\"},\"do\":\"error_5xx_after\"}"
    fails in_doubt rds add_tags "$tag"
'
it 'HTML instead of XML leaves a change in doubt, and is a passing failure for a read' '
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"html\",\"times\":2}"
    fails in_doubt rds add_tags "$tag"
    has "be read"
    fails unavailable rds describe_instance "{\"id\":\"books\"}"
    fault "{\"match\":{\"service\":\"lambda\"},\"do\":\"html\",\"times\":2}"
    fails in_doubt lambda publish_version "{\"function\":\"api\"}"
    fails unavailable lambda get_alias "{\"function\":\"api\",\"alias\":\"live\"}"
'
it 'a reply that was cut off leaves a change in doubt' '
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"truncate\",\"times\":1}"
    fails in_doubt rds add_tags "$tag"
    fault "{\"match\":{\"service\":\"rds\"},\"do\":\"truncate\",\"times\":1}"
    must_fail any plug run rds describe_instance "{\"id\":\"books\"}"
'
it 'a snapshot whose reply was lost is found by its mark, and taken only once' '
    snapshot="{\"instance\":\"books\",\"name\":\"books-lost\"}"
    before=$(changes)
    fault "{\"match\":{\"action\":\"CreateDBSnapshot\"},\"do\":\"cut_after\"}"
    fails in_doubt rds create_snapshot "$snapshot"
    seen done rds create_snapshot "$snapshot"
    ok rds create_snapshot "$snapshot"
    test "$(($(changes) - before))" = 1
    later 5m
'
it 'a snapshot that a stale look does not show yet is found when the second creation is refused' '
    snapshot="{\"instance\":\"books\",\"name\":\"books-stale\"}"
    fault "{\"match\":{\"action\":\"DescribeDBSnapshots\"},\"do\":\"stale\",\"times\":2}"
    ok rds create_snapshot "$snapshot"
    seen absent rds create_snapshot "$snapshot"
    fails not_yet rds create_snapshot "$snapshot"
    ok rds create_snapshot "$snapshot"
    later 5m
'
it 'a request that could not be sent is told apart' '
    AWS_ENDPOINT_URL_RDS=http://127.0.0.1:1 fails unavailable rds add_tags "$tag"
    AWS_ENDPOINT_URL=http://127.0.0.1:1 fails unavailable rds add_tags "$tag"
'
stop_sim
finish
