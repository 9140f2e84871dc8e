# probe.sh: a world of one folder for tests of the engine: plugin probe, whose ledger shows each effect. Sourced after lib.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
#   flow NAME <<EOF ... EOF     write the workflow NAME.lua; `probe` is the plugin in it
#   run_flow NAME [ARG...]      run it in a fresh state; progress is in err, stdout in out
#   fresh                       a fresh state and ledger
#   effects                     the ledger: a line "ACTION NAME" for each effect, in order
#   records [KIND]              the journal of the last run, a JSON record a line

# The run's clock is fast: pauses between looks cost nothing.
CAIRN_CLOCK=$(date +%s)000:$(date +%s)000:2000
export CAIRN_CLOCK
CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG

fresh() {
    rm -rf "$T/state" "$T/probe"
    mkdir -p "$T/probe"
    printf 'state: %s/state\nplugin_path: [%s/t/plugins/.libs]\nprobe: {dir: %s/probe}\n' "$T" "$BUILD" "$T" >"$CAIRN_CONFIG"
}

flow() {
    { echo 'local probe = cairn.plugin "probe"'; cat; } >"$T/$1.lua"
}

run_flow() {
    flow_name=$1
    shift
    fresh
    cairn run "$T/$flow_name.lua" "$@" >"$T/out" 2>"$T/err"
}

effects() {
    [ ! -e "$T/probe/ledger" ] || cut -d' ' -f1,2 "$T/probe/ledger"
}

records() {
    cairn show @last --records -o json | jq -c --arg kind "${1:-}" '.records[] | select($kind == "" or .kind == $kind)'
}
