#!/bin/sh
# broken-cloud.t: a cloud that isn't the right one, doesn't let us in, or answers nonsense gives one error with its place
# and the documented status; nothing is done in vain, and the run goes on when the cause is mended.
# SPDX-License-Identifier: MIT
#
# CAIRN_TEST_SAMPLES=all meets each trouble with each deed that it is named for, otherwise with the last, which changes
# something where one does; and each trouble of a cloud at each service, otherwise at RDS and one other.
# shellcheck disable=SC2016,SC2154
. "$(dirname "$0")/lib.sh"

CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG
printf 0 >count

# What is done, by name: each with something of its own in the world for each COUNT.
cat >do.lua <<'END'
local sts = cairn.plugin "sts"
local rds = cairn.plugin "rds"
local lambda = cairn.plugin "lambda"
local kubernetes = cairn.plugin "kubernetes"
local cloudflare = cairn.plugin "cloudflare"

local cluster = "notification-canada-ca-staging-cluster"
local route = "api.notification.alpha.example/*"
local deeds = {
  caller = function () return sts.caller_identity {} end,
  describe = function () return rds.describe_cluster { id = cluster } end,
  tag = function (n)
    return rds.add_tags { arn = "arn:aws:rds:ca-central-1:239043911459:cluster:" .. cluster, tags = { ["n" .. n] = n } }
  end,
  snapshot = function (n) return rds.create_cluster_snapshot { cluster = cluster, name = "s" .. n } end,
  configuration = function () return lambda.get_configuration { ["function"] = "api-lambda" } end,
  host = function (n, last)
    return lambda.replace_host { ["function"] = "api-lambda", variable = "SQLALCHEMY_DATABASE_URI", from = last, to = "h" .. n }
  end,
  secret = function () return kubernetes.read_secret { name = "notify-api-database" } end,
  key = function (n, _, last)
    return kubernetes.replace_host { name = "notify-api-database", key = "POSTGRES_SQL", from = last, to = "h" .. n }
  end,
  restart = function () return kubernetes.restart { kind = "deployment", name = "notify-api" } end,
  route = function () return cloudflare.get_route { pattern = route } end,
  script = function (_, last) return cloudflare.set_route { pattern = route, script = last } end,
}

return cairn.workflow {
  summary = "One action",
  params = {
    deed = { type = "string", required = true },
    n = { type = "string", required = true },
    last = { type = "string", default = "" },
    last_key = { type = "string", default = "" },
  },
  run = function (p) return deeds[p.deed](p.n, p.last, p.last_key) end,
}
END

config() {
    { cat "$SRC/examples/gc-notify/cairn.yaml"; echo "state: $T/state"; } >"$CAIRN_CONFIG"
}

changes() {
    sim_get /_sim/ledger | jq length
}

heal() {
    curl -sS --noproxy '*' -X DELETE "$CAIRN_SIM_URL/_sim/fault" >/dev/null
    config
}

fault() { # KIND SERVICE TIMES
    curl -sS --fail-with-body --noproxy '*' -d "{\"match\": {\"service\": \"$2\"}, \"do\": \"$1\", \"times\": $3}" "$CAIRN_SIM_URL/_sim/fault" >/dev/null
}

# The hosts that the two URLs lead to now.
host_now() { # VARIABLE
    sim_get /_sim/world | jq -r ".. | .$1? | strings" | sed 's|.*@||; s|[:/].*||; q'
}

next_deed() { # DEED: another thing to do, as the arguments in $deed_args
    count=$(($(cat count) + 1))
    printf %s "$count" >count
    deed_args="-p deed=$1 -p n=$count"
    [ "$1" != host ] || deed_args="$deed_args -p last=$(host_now SQLALCHEMY_DATABASE_URI)"
    if [ "$1" = script ]; then
        script=$([ -e maintained ] && echo edge-router || echo maintenance)
        if [ -e maintained ]; then rm maintained; else : >maintained; fi
        deed_args="$deed_args -p last=$script"
    fi
    [ "$1" != key ] || deed_args="$deed_args -p last_key=$(host_now POSTGRES_SQL)"
}

is_read() {
    case $1 in caller | describe | configuration | secret | route) return 0 ;; esac
    return 1
}

#   stops STATUS WHY AFTER DEED [HARM...]   with HARM, shell commands that hold for one command, the run stops with one
#                                           error, and AFTER changes (`some`: at least one, of a SET that was repeated);
#                                           without it, resume ends it: the change is made once
stops() {
    stop_status=$1 stop_why=$2 stop_after=$3 deed=$4
    shift 4
    heal
    next_deed "$deed"
    before=$(changes)
    rc=0
    (
        eval "$*"
        # shellcheck disable=SC2086
        must_fail "$stop_status" cairn run do.lua $deed_args >out 2>err
    ) || rc=$?
    cat err
    [ "$rc" = 0 ]
    [ "$(grep -c "^cairn: " err)" = 1 ]
    [ "$(grep -c "^next: " err)" = 1 ]
    grep "^cairn: run [^ ]* failed: do.lua:[0-9]*: [a-z]*\.[a-z_]* *" err >line
    grep -qF -e "$stop_why" line
    grep -q "^next: mend the cause, then: cairn resume [^ ]* (or take back what was done: cairn rollback [^ ]*)$" err
    after=$(($(changes) - before))
    [ "$after" = "$stop_after" ] || { [ "$stop_after" = some ] && [ "$after" -gt 0 ]; }
    heal
    cairn resume @last >out 2>err || { cat err; return 1; }
    after=$(($(changes) - before))
    if is_read "$deed"; then
        [ "$after" = 0 ]
    else
        [ "$after" = 1 ] || { [ "$stop_after" = some ] && [ "$after" -gt 0 ]; }
    fi
}

it 'the world starts' '
    config
    start_sim "$SRC/examples/gc-notify/world.yaml" --speed 20000
    [ "$(changes)" = 0 ]
'
it 'each deed is done when nothing is wrong, and changes are made once' '
    for deed in caller describe tag snapshot configuration host secret key restart route script; do
        next_deed "$deed"
        before=$(changes)
        cairn run do.lua $deed_args
        after=$(($(changes) - before))
        if is_read "$deed"; then [ "$after" = 0 ]; else [ "$after" = 1 ]; fi
    done
'

# ---- not the right world, not let in ----
# What is wrong|status|what the error says|the deeds|the harm

sampled() { # DEEDS
    if [ "${CAIRN_TEST_SAMPLES:-}" = all ]; then
        echo "$1"
    else
        echo "${1##* }"
    fi
}

each() { # TITLE STATUS WHY DEEDS HARM
    for each_deed in $(sampled "$4"); do
        it "$1 stops $each_deed with status $2" "stops '$2' '$3' 0 $each_deed '$5'"
    done
}

while IFS='|' read -r title status why deeds harm; do
    [ -n "$title" ] || continue
    each "$title" "$status" "$why" "$deeds" "$harm"
done <<'END'
another account|4|check the account: the configuration says 111122223333, and the credentials of the environment belong to 239043911459|caller describe tag host|sed -i s/239043911459/111122223333/ "$CAIRN_CONFIG"
another region in the environment|4|choose the region: the configuration says ca-central-1 and AWS_REGION says us-east-1|caller describe tag host|AWS_REGION=us-east-1
another region in the configuration|4|us-east-1|describe tag host|sed -i s/ca-central-1/us-east-1/ "$CAIRN_CONFIG"; unset AWS_REGION AWS_DEFAULT_REGION
a configuration without the account|1|set account in section aws of the configuration, before anything is changed|tag host|sed -i /account:/d "$CAIRN_CONFIG"
a wrong secret key|4|SignatureDoesNotMatch|describe host|AWS_SECRET_ACCESS_KEY=wrong
a wrong key id|4|InvalidClientTokenId|describe tag|AWS_ACCESS_KEY_ID=AKIAWRONG
the lack of credentials|4|find credentials: there are none: set AWS_ACCESS_KEY_ID|describe host|unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
half of the credentials|4|the environment has AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY|caller tag|unset AWS_SECRET_ACCESS_KEY
credentials known to be expired|4|expired at 2020-01-01T00:00:00Z|describe tag|export AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z
a profile that is not there|4|neither of the shared files has profile nobody|describe tag|sed -i "s/^aws:/aws:\n  profile: nobody/" "$CAIRN_CONFIG"
another cluster|4|the configuration expects production|secret key restart|sed -i "s/cluster: .*/cluster: production/" "$CAIRN_CONFIG"
a kubeconfig that is not there|1|find a kubeconfig: there is none at /nonexistent|secret restart|KUBECONFIG=/nonexistent
a kubeconfig that is not YAML|1|bad.kubeconfig|secret restart|echo "{ clusters: [" >bad.kubeconfig; KUBECONFIG=$T/bad.kubeconfig
a token that the cluster does not know|4|HTTP 401|secret key restart|sed "s/\"token\":\"[^\"]*/\"token\":\"wrong/" "$KUBECONFIG" >wrong.kubeconfig; KUBECONFIG=$T/wrong.kubeconfig
another zone|4|find the zone|route script|sed -i "s/zone: .*/zone: \"00000000000000000000000000000000\"/" "$CAIRN_CONFIG"
another name of the zone|4|the configuration expects example.org|route script|sed -i "s/zone_name: .*/zone_name: example.org/" "$CAIRN_CONFIG"
a token that Cloudflare does not know|4|Authentication error|route script|CLOUDFLARE_API_TOKEN=wrong
the lack of a token for Cloudflare|4|set cloudflare.token or CLOUDFLARE_API_TOKEN|route script|unset CLOUDFLARE_API_TOKEN
an address where nobody listens|1|http://127.0.0.1:1|describe tag host|AWS_ENDPOINT_URL=http://127.0.0.1:1
an address of another scheme|1|it must begin with https:// or http://|describe tag|AWS_ENDPOINT_URL=ftp://127.0.0.1
a cluster where nobody listens|1|127.0.0.1:1|secret key restart|sed "s|http://127.0.0.1:[0-9]*|http://127.0.0.1:1|" "$KUBECONFIG" >closed.kubeconfig; KUBECONFIG=$T/closed.kubeconfig
an address of Cloudflare where nobody listens|1|http://127.0.0.1:1|route script|CLOUDFLARE_API_BASE_URL=http://127.0.0.1:1
END

# ---- a cloud in trouble for good ----
# fault|status|what the error says, for AWS by XML, AWS by JSON, Kubernetes, Cloudflare

lasting() { # FAULT STATUS AFTER WHY SERVICE DEEDS
    for each_deed in $(sampled "$6"); do
        it "$1 of $5 stops $each_deed with status $2" "stops '$2' '$4' '$3' $each_deed fault $1 $5 100000"
    done
}

turn=0
also() { # TURN WHICH: is this one of four its turn?
    [ "${CAIRN_TEST_SAMPLES:-}" = all ] || [ $(($1 % 4)) = "$2" ]
}
for kind in throttle error_5xx cut_before truncate html expired; do
    status=1
    case $kind in
        throttle) aws=Throttling lambda=TooManyRequests kubernetes="too many requests" cloudflare="too many requests" ;;
        error_5xx) aws=InternalFailure lambda=ServiceException kubernetes="HTTP 500" cloudflare="HTTP 500" ;;
        cut_before) aws="Empty reply" lambda="Empty reply" kubernetes="Empty reply" cloudflare="Empty reply" ;;
        truncate) aws="remaining to read" lambda="remaining to read" kubernetes="remaining to read" cloudflare="remaining to read" ;;
        html) aws="it is a page in HTML" lambda="it is a page in HTML" kubernetes="is there a proxy or a sign-in" cloudflare="is there a proxy" ;;
        expired) status=4 aws=ExpiredToken lambda=ExpiredToken kubernetes="HTTP 401" cloudflare="HTTP 403" ;;
    esac
    turn=$((turn + 1))
    also "$turn" 0 && lasting "$kind" "$status" 0 "$aws" sts "describe tag"
    also "$turn" 1 && lasting "$kind" "$status" 0 "$lambda" lambda "configuration host"
    also "$turn" 2 && lasting "$kind" "$status" 0 "$kubernetes" kubernetes "secret key"
    also "$turn" 3 && lasting "$kind" "$status" 0 "$cloudflare" cloudflare "route script"
    lasting "$kind" "$status" 0 "$aws" rds describe
    if [ "$kind" = truncate ]; then
        lasting "$kind" "$status" some "$aws" rds tag
        lasting "$kind" "$status" 1 "$aws" rds snapshot
    else
        lasting "$kind" "$status" 0 "$aws" rds "tag snapshot"
    fi
done

# ---- a cloud in trouble for a moment ----

#   passes FAULT SERVICE NTH DEED   the NTH request to SERVICE is struck: the run ends by itself, its change made once
passes() {
    heal
    next_deed "$4"
    before=$(changes)
    curl -sS --fail-with-body --noproxy '*' -d "{\"match\": {\"service\": \"$2\", \"n\": $3}, \"do\": \"$1\"}" "$CAIRN_SIM_URL/_sim/fault" >/dev/null
    # shellcheck disable=SC2086
    cairn run do.lua $deed_args >out 2>err || { cat err; return 1; }
    cat err
    must_fail any grep "^cairn: " err
    after=$(($(changes) - before))
    if is_read "$4"; then [ "$after" = 0 ]; else [ "$after" = 1 ] || { [ "$4" = tag ] && [ "$after" = 2 ]; }; fi
}

for kind in throttle error_5xx error_5xx_after cut_before cut_after truncate html; do
    it "$kind for a moment is overcome, and nothing is changed twice" "
        passes $kind rds 1 tag
        passes $kind rds 2 snapshot
        passes $kind lambda 2 host
        passes $kind kubernetes 3 key
        passes $kind cloudflare 3 script
    "
    [ "${CAIRN_TEST_SAMPLES:-}" = all ] || continue
    it "$kind for a moment is overcome by what looks only, and by what comes first" "
        passes $kind sts 1 describe
        passes $kind sts 1 tag
        passes $kind rds 1 describe
        passes $kind rds 1 snapshot
        passes $kind lambda 1 configuration
        passes $kind lambda 1 host
        passes $kind kubernetes 1 secret
        passes $kind kubernetes 2 restart
        passes $kind cloudflare 1 route
    "
done
it 'nothing was changed twice by a request that may be sent only once' '
    sim_get /_sim/verdict >verdict
    cat verdict
    jq -e "[.twice[] | select(.action != \"AddTagsToResource\")] == []" verdict
'
finish
