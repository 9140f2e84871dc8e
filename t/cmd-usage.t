#!/bin/sh
# cmd-usage.t: what the command line says to those who use it wrongly, and what it prints where.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"
fresh

# Two lines on stderr, "cairn: ..." and "next: cairn ...", nothing on stdout.
refused() { # STATUS PATTERN ARG...
    refused_status=$1
    refused_pattern=$2
    shift 2
    must_fail "$refused_status" cairn "$@" >out 2>err || { cat err; return 1; }
    cat err
    [ ! -s out ] && [ "$(wc -l <err)" -eq 2 ] && sed -n 1p err | grep -q "^cairn: .*$refused_pattern" \
        && sed -n 2p err | grep -q '^next: .*cairn '
}

flow plain <<'END'
return cairn.workflow {
  summary = "A parameter",
  params = { count = { type = "integer", required = true, help = "how many" }, list = { type = "list" } },
  run = function (p) return p.count end,
}
END

it 'a command that is not known is refused with status 2' 'refused 2 "no command frobnicate" frobnicate'
it 'a family without its second word is refused' 'refused 2 "it is cairn plugin list, or cairn plugin describe" plugin'
it 'but has its help' 'cairn plugin --help | grep -q "plugin describe NAME"'
it 'an unknown option is refused, and the nearest one is named' 'refused 2 "did you mean --param" run --parm a=1 x.lua'
it 'an option without its value is refused' 'refused 2 "needs a value" run plain.lua --param'
it 'an option that takes no value is refused one' 'refused 2 "takes no value" runs --no-input=yes'
it 'a missing argument is refused' 'refused 2 "cairn show .OPTION" show'
it 'an argument too many is refused' 'refused 2 "it is cairn runs" runs x'
it 'an output that is neither table nor json is refused' 'refused 2 "table or json" -o yaml runs'
it 'an argument that is not UTF-8 is refused' 'refused 2 "not UTF-8" show "$(printf "\377")"'
it 'a workflow file that is missing is refused' 'refused 2 "missing.lua" run missing.lua'
it 'a workflow with a mistake is refused with its place' '
    echo "return cairn.workflow {" >broken.lua
    refused 2 "broken.lua" run broken.lua
'
it 'a file that returns no workflow is refused' '
    echo "return 1" >none.lua
    refused 2 "cairn.workflow" run none.lua
'
it 'a parameter without a value is refused' 'refused 2 "NAME=VALUE" run plain.lua -p count'
it 'a parameter that is given twice is refused' 'refused 2 "given twice" run plain.lua -p count=1 -p count=2'
it 'a parameter of the wrong type is refused' 'refused 2 "count" run plain.lua -p count=many'
it 'an unknown parameter is refused, and the nearest one is named' 'refused 2 "mean count" run plain.lua -p coutn=1'
it 'a parameter that is missing is refused' 'refused 2 "count: it is missing" run plain.lua'
it 'nothing is recorded of what was refused' '[ "$(cairn runs -o json | jq ".runs | length")" = 0 ]'
it 'a configuration that is missing is refused' 'refused 2 "nowhere.yaml" --config nowhere.yaml runs'
it 'an unknown key of the configuration is refused with file, line and the nearest key' '
    printf "environment: test\nheartbeet: 3\n" >bad.yaml
    refused 2 "bad.yaml:2: heartbeet.*heartbeat" --config bad.yaml plugin list
'
it 'a clock that is malformed is refused' 'CAIRN_CLOCK=soon refused 2 "CAIRN_CLOCK" runs'
it 'a run that is not there is refused' 'refused 2 "no run" show @last; refused 2 "nosuch" show nosuch'
it 'a plugin or an action that is not there is refused' '
    refused 2 "there are: .*probe" plugin describe nosuch
    refused 2 "no such action" plugin describe probe.nosuch
'
it 'a store that can not be made is refused' '
    : >file
    refused 2 "file" --state file/state runs
'

it 'a run that has ended takes nothing more' '
    cairn run plain.lua -p count=3 >out 2>err
    for command in "resume @last" "rollback @last" "cancel @last" "approve @last" "reject @last" "signal @last go"; do
        refused 2 "it is done" $command
    done
    refused 2 "it is done" resolve @last:1 --done --reason x
'
it 'resolve wants either answer, a reason, and a value that is JSON' '
    refused 2 "either --done or --not-done" resolve @last:1 --reason x
    refused 2 "either --done or --not-done" resolve @last:1 --done --not-done --reason x
    refused 2 "how you know" resolve @last:1 --done
    refused 2 "belongs to --done" resolve @last:1 --not-done --reason x --value 1
    refused 2 "not JSON" resolve @last:1 --done --reason x --value "{"
    refused 2 "RUN:STEP" resolve @last --done --reason x
'

it 'the common options may stand before the command or after it' '
    cairn -o json runs >before
    cairn runs -o json >after
    cairn runs --output=json >third
    cairn runs -ojson >fourth
    cmp before after
    cmp before third
    cmp before fourth
    jq -e ".runs | length == 1" before
'
it '--state names another store, relative to where we are' '
    cairn --state elsewhere runs -o json | jq -e ".runs == []"
    [ -e elsewhere/cairn.db ]
'
it 'a value may begin with a dash, and what follows -- is no option' '
    cairn run -p count=-4 -- plain.lua >out 2>err
    cairn show @last -o json | jq -e ".value == -4"
'
it 'help is on stdout with status 0, for all commands and for each' '
    cairn --help >all
    grep -q "^usage: cairn" all
    cairn help | cmp - all
    sed -n "s/^  \(plugin [a-z]*\|[a-z][a-z]*\).*/\1/p" all >names
    [ "$(wc -l <names)" -ge 17 ]
    while read -r name; do
        [ "$name" = sim ] || cairn $name --help | grep -q "^usage: cairn $name " || { echo "$name"; exit 1; }
    done <names
'
it 'without a command the usage is shown with status 2' 'must_fail 2 cairn >out && grep -q "^usage: cairn" out'
it 'the version is shown' '
    cairn --version | grep -q "^cairn [0-9]"
    cairn version -o json >version
    jq -e ".schema == \"cairn.version/1\" and (.version | type) == \"string\" and (.abi | length) == 2" version
'
it 'sim becomes the simulator, with its own options' '
    cairn sim --help | grep -q -e "--world FILE"
    must_fail 2 cairn sim --nosuch
'
it 'a result that can not be written is a failure' '
    [ ! -w /dev/full ] || { must_fail 1 cairn runs >/dev/full 2>err && grep -q "write the result" err; }
'
finish
