#!/bin/sh
# secrets.t: planted secrets are in no record, log, terminal, command line or environment while an upgrade runs.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/upgrade.sh"

password=planted-Sn0wy0wl-7d1f # in the world's Kubernetes secret and Lambda variables

it 'an upgrade runs with its token in the configuration, watched all the time' '
    use_world gc-notify
    token=$CLOUDFLARE_API_TOKEN
    unset CLOUDFLARE_API_TOKEN
    printf "%s" "$token" >"$T/token"
    printf "secrets: {edge: {file: token}}\n" >>cairn.yaml
    sed "s/^cloudflare:.*/&\n  token: {secret: edge}/" cairn.yaml >cairn.new && mv cairn.new cairn.yaml
    grep -q "token: {secret: edge}" cairn.yaml
    background spy perl "$SRC/t/spy.pl" "$T/stop" "cairn-worker|cairn-script" "$password" "$token" "$AWS_SECRET_ACCESS_KEY"
    rc=0
    answered upgrade >run.out 2>run.err || rc=$?
    touch stop
    wait_for spy || { cat spy.out; false; }
    [ "$rc" = 0 ] || { tail run.err; false; }
    grep -q "seen: [1-9]" spy.out
'
it 'no secret is in the state folder, the logs, or what was printed' '
    for secret in "$password" "$(cat token)" "$AWS_SECRET_ACCESS_KEY"; do
        ! grep -rqF -e "$secret" -e "$(printf %s "$secret" | base64)" "$XDG_STATE_HOME" run.out run.err
    done
'
it 'the secrets did reach the world: the route was set, the keys still hold the password' '
    sim_get /_sim/ledger | grep -q cloudflare
    sim_get /_sim/world | grep -q "$password"
'
finish
