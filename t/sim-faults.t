#!/bin/sh
# sim-faults.t: the simulator does wrong what it is told to do wrong, writes down what took effect, and trusts no signature.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2046
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'EOF'
rds:
  clusters:
    shop: { engine: aurora-postgresql, version: "11.21", instances: { shop-0: { class: db.r6g.large } } }
  instances:
    books: { engine: postgres, version: "13.15", class: db.m6g.large }
lambda:
  functions: { api: { version: 1 } }
cloudflare:
  token: cf-token
  zones: { 0123456789abcdef0123456789abcdef: { name: example.org, scripts: [page] } }
faults:
  - { match: { action: GetAlias }, do: throttle, times: 1 }
EOF
} >world.yaml

changes() {
    sim_get /_sim/verdict | sed 's/^{"changes":\([0-9]*\),.*/\1/'
}
fails() { # STATUS-OF-CURL ACTION [NAME=VALUE...]
    lib_want=$1
    shift
    lib_rc=0
    rds "$@" >out 2>err || lib_rc=$?
    [ "$lib_rc" = "$lib_want" ] && return 0
    echo "curl ended with $lib_rc, not $lib_want" >&2
    cat out err >&2
    return 1
}
group() { # NAME
    echo "CreateDBParameterGroup DBParameterGroupName=$1 DBParameterGroupFamily=postgres13 Description=text"
}
tag() { # VALUE
    echo "AddTagsToResource ResourceName=arn:aws:rds:ca-central-1:239043911459:db:books Tags.Tag.1.Key=k Tags.Tag.1.Value=$1"
}

# A request with a date of our choice, signed here.
dated() { # DATE
    date=$1 host=${CAIRN_SIM_URL#http://} body='Action=DescribeDBInstances&Version=2014-10-31'
    signature=$(perl -MDigest::SHA=sha256_hex,hmac_sha256,hmac_sha256_hex -e '
        my ($date, $host, $body, $secret) = @ARGV;
        my $day = substr($date, 0, 8);
        my $request = join("\n", "POST", "/", "", "host:$host", "x-amz-date:$date", "", "host;x-amz-date", sha256_hex($body));
        my $scope = "$day/ca-central-1/rds/aws4_request";
        my $key = "AWS4$secret";
        $key = hmac_sha256($_, $key) for $day, "ca-central-1", "rds", "aws4_request";
        print hmac_sha256_hex("AWS4-HMAC-SHA256\n$date\n$scope\n" . sha256_hex($request), $key);
    ' "$date" "$host" "$body" "$SECRET")
    scope=$KEY/$(printf %.8s "$date")/ca-central-1/rds/aws4_request
    curl -sS --fail-with-body --noproxy '*' -H "X-Amz-Date: $date" -d "$body" -H "Authorization: AWS4-HMAC-SHA256 \
Credential=$scope, SignedHeaders=host;x-amz-date, Signature=$signature" "$CAIRN_SIM_URL/" >out
}

it 'the world starts' 'start_sim world.yaml --ledger ledger --log log'

it 'a throttled call has no effect, and its repeat passes' '
    fault "{\"match\":{\"service\":\"rds\",\"action\":\"CreateDBParameterGroup\"},\"do\":\"throttle\"}"
    refused Throttling $(group g1)
    test "$(changes)" = 0
    rds $(group g1)
    test "$(changes)" = 1
'
it 'an internal error has no effect; error_5xx_after has' '
    fault "{\"do\":\"error_5xx\",\"match\":{\"target\":\"g2\"},\"times\":2}"
    rds $(group g3)
    refused InternalFailure $(group g2)
    refused InternalFailure $(group g2)
    rds $(group g2)
    fault "{\"do\":\"error_5xx_after\",\"match\":{\"target\":\"g4\"}}"
    fails 22 $(group g4)
    test "$(changes)" = 4
    refused DBParameterGroupAlreadyExists $(group g4)
'
it 'a connection cut before the effect leaves none; one cut after it does' '
    fault "{\"do\":\"cut_before\",\"match\":{\"action\":\"CreateDBParameterGroup\"}}"
    fails 52 $(group g5)
    test "$(changes)" = 4
    fault "{\"do\":\"cut_after\",\"match\":{\"action\":\"CreateDBParameterGroup\"}}"
    fails 52 $(group g5)
    test "$(changes)" = 5
    grep -q "\"target\":\"g5\"" ledger
'
it 'a reply can be slow, truncated, or a page in HTML' '
    fault "{\"do\":\"truncate\",\"match\":{\"action\":\"DescribeDBInstances\"}}"
    fails 18 DescribeDBInstances
    fault "{\"do\":\"html\",\"match\":{\"action\":\"DescribeDBInstances\"}}"
    rds DescribeDBInstances | grep -q "<html>"
    fault "{\"do\":\"slow\",\"ms\":300,\"match\":{\"action\":\"DescribeDBInstances\"}}"
    signed rds -o out -w "%{time_total}" -d "Action=DescribeDBInstances&Version=2014-10-31" "$CAIRN_SIM_URL/" >took
    grep -q books out
    awk "{ exit !(\$1 >= 0.3) }" took
    test "$(changes)" = 5
'
it 'other requests are answered while one is held back' '
    fault "{\"do\":\"slow\",\"ms\":5000,\"match\":{\"action\":\"DescribeDBClusters\"}}"
    rds DescribeDBClusters >held &
    until_true 100 grep -q DescribeDBClusters log
    rds DescribeDBInstances | grep -q books
    test ! -s held
    kill $!
'
it 'a stale read shows the state before the last change, as often as it is told to' '
    fault "{\"do\":\"stale\",\"match\":{\"action\":\"DescribeDBInstances\"},\"times\":2}"
    rds ModifyDBInstance DBInstanceIdentifier=books DeletionProtection=true
    rds DescribeDBInstances DBInstanceIdentifier=books | text DeletionProtection | grep -qx false
    rds DescribeDBInstances DBInstanceIdentifier=books | text DeletionProtection | grep -qx false
    rds DescribeDBInstances DBInstanceIdentifier=books | text DeletionProtection | grep -qx true
    fault "{\"do\":\"stale\",\"match\":{\"action\":\"DescribeDBParameterGroups\"}}"
    rds $(group g6)
    refused DBParameterGroupNotFound DescribeDBParameterGroups DBParameterGroupName=g6
    rds DescribeDBParameterGroups DBParameterGroupName=g6
'
it 'expired credentials, and faults by number of the request and of other services' '
    fault "{\"do\":\"expired\",\"match\":{\"action\":\"DescribeDBInstances\",\"n\":2}}"
    rds DescribeDBInstances
    refused ExpiredToken DescribeDBInstances
    rds DescribeDBInstances
    must_fail 22 lambda GET api/aliases/none >out
    grep -q "Rate exceeded" out
    fault "{\"do\":\"throttle\",\"match\":{\"service\":\"cloudflare\"}}"
    must_fail 22 curl -sS --fail-with-body --noproxy "*" -H "Authorization: Bearer cf-token" \
        "$CAIRN_SIM_URL/client/v4/user/tokens/verify" >out
    grep -q "\"success\":false" out
'
it 'a fault with a mistake in it is refused with its place, and faults can be forgotten' '
    must_fail 22 fault "{\"do\":\"throtle\",\"match\":{}}" >out
    grep -q "do: there is no kind of fault throtle; did you mean throttle?" out
    must_fail 22 fault "{\"do\":\"slow\",\"match\":{\"acton\":\"X\"}}" >out
    grep -q "match.acton: unknown key; did you mean action?" out
    must_fail 22 fault "not json" >out
    fault "{\"do\":\"throttle\",\"match\":{}, \"times\": 100}"
    curl -sS --noproxy "*" -X DELETE "$CAIRN_SIM_URL/_sim/fault" | grep -qx "\[\]"
    rds DescribeDBInstances
'
it 'after a change, so many reads see what was before it: what was made is not found yet' '
    fault "{\"do\":\"lag\",\"match\":{\"action\":\"CreateDBParameterGroup\"},\"reads\":3}"
    rds $(group lag1)
    rds DescribeDBInstances
    refused DBParameterGroupNotFound DescribeDBParameterGroups DBParameterGroupName=lag1
    refused DBParameterGroupNotFound DescribeDBParameterGroups DBParameterGroupName=lag1
    rds DescribeDBParameterGroups DBParameterGroupName=lag1
    fault "{\"do\":\"lag\",\"match\":{\"target\":\"lag2\"},\"reads\":4,\"flapping\":true}"
    rds $(group lag3)
    rds DescribeDBParameterGroups DBParameterGroupName=lag3
    rds $(group lag2)
    rds DescribeDBParameterGroups DBParameterGroupName=lag3
    for n in 1 2; do
        rds DescribeDBParameterGroups DBParameterGroupName=lag2
        refused DBParameterGroupNotFound DescribeDBParameterGroups DBParameterGroupName=lag2
    done
    rds DescribeDBParameterGroups DBParameterGroupName=lag2
'
it 'a person at a terminal lists the kinds of faults, switches one on, and mends it' '
    cairn sim faults >out
    grep -q "^No fault is switched on" out || grep -q "^Switched on" out
    grep -q "^  refuse_switchover (rds)" out
    cairn sim mend >out
    cairn sim fault throttle service=rds action=DescribeDBInstances times=2 >out
    grep -q "throttle action=DescribeDBInstances service=rds times=2" out
    refused Throttling DescribeDBInstances
    cairn sim faults slow >out
    grep -q "ms=INTEGER  so late, on the wall clock (default 1000)" out
    cairn sim mend throttle | grep -qx "No fault is switched on."
    rds DescribeDBInstances >out
'
it 'each mistake of theirs is one clear error' '
    must_fail 2 cairn sim fault throtle 2>err
    grep -qx "cairn-sim: do: there is no kind of fault throtle; did you mean throttle?; see cairn sim faults" err
    must_fail 2 cairn sim fault throttle tims=2 2>err
    grep -qx "cairn-sim: tims: unknown key; did you mean times?" err
    must_fail 2 cairn sim fault throttle twice 2>err
    grep -q "expected PARAM=VALUE, not twice" err
    must_fail 2 cairn sim mend stale 2>err
    grep -qx "cairn-sim: no fault stale is switched on" err
    must_fail 2 cairn sim fault 2>err
    grep -q "a word is missing behind fault" err
    must_fail 2 env -u CAIRN_SIM_URL "$BUILD/run" cairn sim faults 2>err
    grep -q "CAIRN_SIM_URL is not set" err
    must_fail 1 env CAIRN_SIM_URL=http://127.0.0.1:1 "$BUILD/run" cairn sim faults 2>err
    grep -q "does it still run?" err
'
it 'the ledger has the caller, and the verdict finds a change that was made twice by one step' '
    AGENT="cairn/1 run/01abcdef step/7 token/0123456789abcdef"
    rds $(tag one)
    sim_get /_sim/verdict | grep -q "\"twice\":\[\]"
    tail -n 1 ledger | grep -q "\"run\":\"01abcdef\",\"step\":\"7\",\"token\":\"0123456789abcdef\""
    AGENT="cairn/1 run/01abcdef step/8 token/8888888888abcdef"
    rds $(tag one)
    sim_get /_sim/verdict | grep -q "\"twice\":\[\]"
    AGENT="cairn/1 run/01abcdef step/7 token/0123456789abcdef"
    rds $(tag two)
    sim_get /_sim/verdict | grep -q "\"twice\":\[\]"
    rds $(tag one)
    sim_get /_sim/verdict | grep -q "\"twice\":\[{\"action\":\"AddTagsToResource\""
    test "$(wc -l <ledger)" = "$(changes)"
'
it 'a request that was signed a while ago, or changed on its way, is refused' '
    dated "$(date -u +%Y%m%dT%H%M%SZ)"
    must_fail 22 dated "$(date -u -d "-20 minutes" +%Y%m%dT%H%M%SZ)"
    grep -q "Signature expired" out
    must_fail 22 dated "$(date -u -d "+20 minutes" +%Y%m%dT%H%M%SZ)"
    must_fail 22 dated 20241399T999999Z
    grep -q IncompleteSignature out
    curl -sv --noproxy "*" --user "$KEY:$SECRET" --aws-sigv4 aws:amz:ca-central-1:rds \
        -d "Action=DescribeDBInstances&Version=2014-10-31" "$CAIRN_SIM_URL/" 2>sent >/dev/null
    grep -iE "^> (authorization|x-amz-date|x-amz-content-sha256): " sent | sed "s/^> //; s/\r$//" >headers
    set --
    while read -r line; do set -- "$@" -H "$line"; done <headers
    curl -sS --fail-with-body --noproxy "*" "$@" -d "Action=DescribeDBInstances&Version=2014-10-31" "$CAIRN_SIM_URL/" >out
    must_fail 22 curl -sS --fail-with-body --noproxy "*" "$@" -d "Action=DescribeDBClusters&Version=2014-10-31" \
        "$CAIRN_SIM_URL/" >out
    grep -q SignatureDoesNotMatch out
    test "$(changes)" = "$(wc -l <ledger)"
'
it 'an unknown operation, version or path is said to be so' '
    refused InvalidAction DescribeNothing
    must_fail 22 signed rds -d "Action=DescribeDBInstances&Version=2010-01-01" "$CAIRN_SIM_URL/"
    must_fail 22 sim_get /nothing
    stop_sim
'
same() { # RUN FILE SPEED
    unset CAIRN_CLOCK # of the world before
    start_sim world.yaml --speed "$3"
    AGENT="cairn/1 run/$1 step/3 token/$1$1$1$1"
    rds $(group "books-$1")
    rds CreateDBSnapshot DBInstanceIdentifier=books DBSnapshotIdentifier="books-cairn-$1" Tags.Tag.1.Key=cairn:step \
        Tags.Tag.1.Value="$1$1$1$1"
    advance 10m
    rds DeleteDBInstance DBInstanceIdentifier=books SkipFinalSnapshot=true
    advance 10m
    sim_get /_sim/world >"$2"
    stop_sim
}
it 'two runs that did the same leave the same world, whatever their names and their pace' '
    same 01hq4yzk w1 1
    same 01zzzzzz w2 50
    diff w1 w2
    grep -q "books-cairn-RUN" w1
    grep -q "\"cairn:step\":\"TOKEN\"" w1
'
finish
