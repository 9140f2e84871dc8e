#!/bin/sh
# stack.t: states of Terraform and exports of Pulumi as cairn.stack reads them, and how they differ from what is live.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
cat >cairn.yaml <<EOT
exec: { programs: [cat, sh], cwd: $SRC/t/stacks }
EOT
CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG

read_stack() { # STACK-JSON [LIVE-JSON]
    cairn run "$SRC/t/flows/stack.lua" --no-input -p stack="$1" -p live="${2:-{\}}"
}
reported() { # KEY FILTER: of the last run's report, as compact JSON
    cairn show @last -o json | jq -c --arg key "$1" ".reports[\$key] $2"
}
field() { # NAME: what the drift says of it: declared, live, queued
    cairn show @last -o json | jq -c --arg name "$1" \
        '.reports.drift[] | select(.field == $name) | [.declared, .live, .queued]'
}

it 'a state of Terraform tells its managed databases, in modules too, and the outputs that are asked for' '
    read_stack "{\"file\":\"state-v4.json\",\"outputs\":[\"rds_version\"]}"
    test "$(reported stack ".kind")" = "\"terraform\""
    test "$(reported stack ".outputs")" = "{\"rds_version\":\"13.15\"}"
    test "$(reported stack ".databases | keys")" = "[\"orders\",\"shop\"]"
    test "$(reported stack ".databases.orders.engine_version")" = "\"13.15\""
    test "$(reported stack ".databases.orders.backup_retention")" = "7"
'
it 'so does `terraform show -json`, with modules within modules' '
    read_stack "{\"command\":[\"sh\",\"-c\",\"cat show.json\"],\"outputs\":[\"rds_version\",\"nothing\"]}"
    test "$(reported stack ".outputs")" = "{\"rds_version\":\"13.15\"}"
    test "$(reported stack ".databases")" = "{\"orders\":{\"class\":\"db.m6g.large\",\"engine_version\":\"13\"}}"
'
it 'an export of Pulumi tells what the program declares, and nothing that is about to be deleted' '
    read_stack "{\"file\":\"pulumi.json\",\"outputs\":[\"rdsVersion\"]}" "{\"engine_version\":\"12.19\",\"class\":\"db.t3.medium\"}"
    test "$(reported stack ".kind")" = "\"pulumi\""
    test "$(reported stack ".outputs")" = "{\"rdsVersion\":\"12.19\"}"
    test "$(reported stack ".databases | keys")" = "[\"orders\"]"
    test "$(reported drift "")" = "[{\"database\":\"orders\",\"declared\":\"12.17\",\"field\":\"engine_version\",\"live\":\"12.19\"}]"
'
it 'no secret of a state leaves the worker' '
    for file in state-v4.json show.json pulumi.json; do
        read_stack "{\"file\":\"$file\",\"outputs\":[\"rds_version\"]}"
    done
    ! grep -rq hunter2 "$XDG_STATE_HOME"
'
it 'drift is told by field; a version that is queued is on its way, and a short one stands for what AWS made of it' '
    read_stack "{\"file\":\"state-v4.json\"}" "{\"engine_version\":\"13.14\",\"class\":\"db.m6g.xlarge\",\"deletion_protection\":false,\"maintenance_window\":\"sun:04:00-sun:04:30\",\"pending\":{\"engine_version\":\"13.15\"}}"
    test "$(field engine_version)" = "[\"13.15\",\"13.14\",true]"
    test "$(field class)" = "[\"db.m6g.large\",\"db.m6g.xlarge\",null]"
    test "$(field deletion_protection)" = "[true,false,null]"
    test "$(reported drift "| length")" = 3
    read_stack "{\"file\":\"show.json\"}" "{\"engine_version\":\"13.14\"}"
    test "$(reported drift "")" = "[]"
'
it 'what is no stack is refused, with a text that says so' '
    printf "%s" "{\"version\":3,\"terraform_version\":\"0.11.14\",\"modules\":[]}" >old.json
    must_fail 1 read_stack "{\"file\":\"$T/old.json\"}" 2>err
    grep -q "version 3 of Terraform.s state isn.t known, only 4" err
    echo "{}" >none.json
    must_fail 1 read_stack "{\"file\":\"$T/none.json\"}" 2>err
    grep -q "no state of Terraform and no export of Pulumi" err
    must_fail 1 read_stack "{}" 2>err
    grep -q "neither a command nor a file" err
'
finish
