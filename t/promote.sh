# promote.sh: a world of stages and what is asked of it; sourced by the tests of rds-promote after lib.sh and flow.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
#   world_with EXPRESSION...     the example's world, changed by sed expressions
#   version / queued INSTANCE    the version that it has, that waits for its window ("null" for none)
#   changes ACTION TARGET        how many there were
#   alerts                       what was sent, "SEVERITY: TITLE" a line
#   reported KEY FILTER          of the last run's report
#   asked TEXT                   the last run shows it
#   somebody_changes INSTANCE MEMBERS   a modify_instance of somebody else

EXAMPLE=minor-rollout

world_with() { # EXPRESSION...
    cp "$SRC/examples/$EXAMPLE/world.yaml" "$T/world.yaml"
    for lib_expression; do
        sed -i "$lib_expression" "$T/world.yaml"
    done
    use_world "$EXAMPLE"
}
lib_instance() { # ID FILTER
    sim_get /_sim/world | jq -r --arg id "$1" ".rds.instances | .[] | select(.id == \$id) | $2"
}
version() { # INSTANCE
    lib_instance "$1" .version
}
queued() { # INSTANCE
    lib_instance "$1" .pending.version
}
changes() { # ACTION TARGET
    sim_get /_sim/ledger | jq --arg a "$1" --arg t "$2" '[.[] | select(.action == $a and .target == $t)] | length'
}
alerts() {
    sim_get /_sim/world | jq -r '.web.messages[] | .severity + ": " + .title'
}
reported() { # KEY FILTER
    cairn show @last -o json | jq -r --arg key "$1" ".reports[\$key] | $2"
}
asked() { # TEXT
    cairn show @last | grep -qF "$1"
}
somebody_changes() { # INSTANCE MEMBERS
    CAIRN_LIBEXEC=$BUILD "$BUILD/call-plugin" "$BUILD/plugins/.libs/rds.so" \
        '{"account":"239043911459","region":"eu-west-1"}' modify_instance \
        "{\"id\":\"$1\",\"resource_id\":\"$(lib_instance "$1" .resource_id)\",$2}"
}
