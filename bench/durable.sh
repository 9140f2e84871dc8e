#!/bin/sh
# durable.sh: what durability costs: commits for each change and each read, and steps per second beside raw SQLite commits.
# SPDX-License-Identifier: MIT
#
# Figures are ratios within one run on one machine; each of them is the median of three rounds that alternate with the baseline.
set -eu
build=$(cd "${1:-.}" && pwd)
source=$(cd "$(dirname "$0")" && pwd)
count=${BENCH_STEPS:-300}
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT

mkdir -p "$T/probe"
printf 'state: %s/state\nplugin_path: [%s/t/plugins/.libs]\nprobe: {dir: %s/probe}\n' "$T" "$build" "$T" >"$T/cairn.yaml"

cairn() {
    "$build/run" cairn --config "$T/cairn.yaml" --no-input "$@"
}

# seconds -p NAME=VALUE... : wall time of one run of steps.lua; the number of commits it made is left in $T/commits
seconds() {
    rm -f "$T/points"
    begin=$(date +%s.%N)
    CAIRN_CRASH_LOG=$T/points cairn run "$source/steps.lua" "$@" >"$T/out" 2>&1 || { cat "$T/out" >&2; exit 1; }
    end=$(date +%s.%N)
    grep -c '^engine.committed$' "$T/points" >"$T/commits" || true
    echo "$begin $end" | awk '{ printf "%.6f\n", $2 - $1 }'
}

median() {
    sort -n | sed -n 2p
}

seconds -p changes=1 >"$T/warm"
base=$(cat "$T/commits")
seconds -p changes=$((count + 1)) >"$T/warm"
changes=$(cat "$T/commits")
seconds -p changes=1 -p reads="$count" >"$T/warm"
reads=$(cat "$T/commits")

for round in 1 2 3; do
    empty=$(seconds -p changes=0)
    full=$(seconds -p changes="$count")
    raw=$("$build/bench/raw_commits" "$T/raw$round.db" "$count")
    echo "$full $empty $raw" | awk -v n="$count" '{ t = $1 - $2; printf "%.4f\n", (n / t) / (n / $3) }' >>"$T/ratio"
    echo "$empty $raw" | awk -v n="$count" '{ printf "%.2f\n", $1 / ($2 / n) }' >>"$T/start"
done

echo "commits for each change in steady state:  $(echo "$changes $base $count" | awk '{ printf "%.3f", ($1 - $2) / $3 }')"
echo "commits for each read:                    $(echo "$reads $base $count" | awk '{ printf "%.3f", ($1 - $2) / $3 }')"
echo "durable steps per second / raw commits:   $(median <"$T/ratio")"
echo "an empty run, in raw commits:             $(median <"$T/start")"
