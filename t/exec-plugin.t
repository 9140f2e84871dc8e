#!/bin/sh
# exec-plugin.t: the plugin exec: programs as steps, what they are given, what is kept of them, and their end.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

CONFIG='{"programs":["sh","./tool","cat","missing","/etc/passwd"],"env":["FLAVOUR","MY_TOKEN"],"timeout_s":20,"output_max":4096}'
CAIRN_FOLDER=$T
CAIRN_LIBEXEC=$BUILD
export CAIRN_FOLDER CAIRN_LIBEXEC

plugin() { # ACTION ARGS [ACTION ARGS]...; the replies are in `got`
    rc=0
    "$BUILD/call-plugin" "$BUILD/plugins/.libs/exec.so" "$CONFIG" "$@" >got 2>log || rc=$?
    cat got log
    return "$rc"
}
sh_args() { # COMMAND [MORE-JSON]
    jq -cn --arg c "$1" '{argv: ["sh", "-c", $c]} + '"${2:-{\}}"
}
value() { # FILTER
    tail -n 1 got | jq -r ".value$1"
}
error() { # KIND TEXT
    tail -n 1 got | jq -e --arg kind "$1" --arg text "$2" '.error | .kind == $kind and (.text | contains($text))'
}
gone() { # PID
    test ! -e "/proc/$1" || grep -q '^State:.Z' "/proc/$1/status"
}

it 'output, errors and status are the result' '
    plugin look "$(sh_args "echo out; echo err >&2")"
    test "$(value .output)" = out && test "$(value .errors)" = err && test "$(value .status)" = 0
'
it 'a status that is not allowed is a failure with what was written' '
    must_fail 1 plugin look "$(sh_args "echo no such table >&2; exit 3")"
    error failed "run sh: it ended with status 3: no such table"
    plugin look "$(sh_args "exit 3" "{allow: [3, 4]}")"
    test "$(value .status)" = 3
    plugin set "$(sh_args "exit 77" "{any_status: true}")"
    test "$(value .status)" = 77
'
it 'only programs on the list are run, and no shell reads the arguments' '
    must_fail 1 plugin look "{\"argv\":[\"bash\",\"-c\",\"touch ran\"]}"
    error denied "run bash: the configuration doesn'"'"'t allow it; if it should, add it to the list exec.programs"
    must_fail 1 plugin look "{\"argv\":[]}"
    must_fail 1 plugin look "{\"argv\":[\"sh\",1]}"
    CONFIG="{}" must_fail 1 plugin look "$(sh_args "touch ran")"
    error denied "exec.programs"
    test ! -e ran
    plugin look "{\"argv\":[\"sh\",\"-c\",\"printf %s \\\"\$1\\\"\",\"x\",\"\$(id); * | >\"]}"
    test "$(value .output)" = "\$(id); * | >"
'
it 'a program that can not be started says why, and nothing was done' '
    must_fail 1 plugin trigger "{\"argv\":[\"missing\"]}"
    error not_found "run missing"
    must_fail 1 plugin trigger "{\"argv\":[\"/etc/passwd\"]}"
    error denied "run /etc/passwd"
    must_fail 1 plugin trigger "$(sh_args "true" "{cwd: \"nowhere\"}")"
    error not_found "/nowhere"
'
it 'paths start from the folder of the configuration' '
    mkdir sub
    printf "#!/bin/sh\npwd\n" >tool
    chmod +x tool
    cd sub
    plugin look "{\"argv\":[\"./tool\"]}"
    test "$(value .output)" = "$T"
    plugin look "{\"argv\":[\"./tool\"],\"cwd\":\"sub\"}"
    test "$(value .output)" = "$T/sub"
'
it 'the environment is small: what the configuration names, what the call gives, and who asks' '
    FLAVOUR=sweet HIDDEN=x CAIRN_CLOCK= plugin look "$(sh_args "env | cut -d= -f1 | sort | tr \"\\n\" \" \"" "{env: {STAGE: \"main\"}}")"
    names=$(value .output)
    for name in FLAVOUR STAGE PATH HOME CAIRN_RUN CAIRN_STEP CAIRN_TOKEN CAIRN_ATTEMPT; do
        case " $names " in *" $name "*) ;; *) echo "no $name in: $names"; exit 1 ;; esac
    done
    for name in HIDDEN CAIRN_FOLDER CAIRN_LIBEXEC HTTPS_PROXY; do
        case " $names " in *" $name "*) echo "$name in: $names"; exit 1 ;; esac
    done
    plugin look "$(sh_args "echo \$CAIRN_TOKEN \$CAIRN_RUN \$CAIRN_STEP")"
    test "$(value .output)" = "00112233445566778899aabbccddeeff test-run 1"
    must_fail 1 plugin look "$(sh_args true "{env: {CAIRN_TOKEN: \"mine\"}}")"
    error invalid CAIRN_TOKEN
'
it 'the input goes to stdin, a long one too, and a program may leave it unread' '
    plugin look "{\"argv\":[\"cat\"],\"input\":\"hello\"}"
    test "$(value .output)" = hello
    long=$(head -c 120000 /dev/zero | tr "\\0" x)
    plugin look "{\"argv\":[\"sh\",\"-c\",\"wc -c\"],\"input\":\"$long\"}"
    test "$(value .output)" = 120000
    plugin look "{\"argv\":[\"sh\",\"-c\",\"exec true\"],\"input\":\"$long\"}"
    test "$(value .status)" = 0
'
it 'of a long output the beginning and the end are kept' '
    plugin look "$(sh_args "i=0; while [ \$i -lt 5000 ]; do echo line \$i; i=\$((i + 1)); done")"
    value .output >text
    head -n 1 text | grep -qx "line 0"
    tail -n 2 text | grep -qx "line 4999"
    grep -q "^\[\.\.\. [0-9]* bytes left out \.\.\.\]$" text
    test "$(wc -c <text)" -le 4200
'
it 'JSON is read, and of it only what is wanted is kept' '
    plugin look "$(sh_args "echo \"{\\\"a\\\":[{\\\"b\\\":1,\\\"password\\\":\\\"p\\\"}],\\\"c\\\":2}\"" "{json: true, keep: [\"a\", \"b\"]}")"
    test "$(value .value | jq -c .)" = "{\"a\":[{\"b\":1}]}"
    ! grep -q password got
    must_fail 1 plugin look "$(sh_args "echo nonsense" "{json: true}")"
    error failed "read the output of sh: parse JSON"
    must_fail 1 plugin look "$(sh_args "head -c 9000 /dev/zero" "{json: true}")"
    error failed "longer than output_max"
'
it 'bytes that are no text become one' '
    plugin look "$(sh_args "printf \"a\\\\000b\\\\377c\"")"
    test "$(value .output)" = "a?b�c"
'
it 'secrets are refused where others see them, and masked in what is written' '
    secret="{\"\$secret\":\"hunter2hunter2\"}"
    must_fail 1 plugin look "{\"argv\":[\"sh\",\"-c\",$secret]}"
    error invalid "argument 2 holds a secret"
    must_fail 1 plugin look "{\"argv\":[\"sh\"],\"env\":{\"PASSWORD\":$secret}}"
    error invalid "env.PASSWORD holds a secret"
    plugin look "{\"argv\":[\"sh\",\"-c\",\"tee /dev/stderr\"],\"input\":$secret}"
    test "$(value .output)" = "***" && test "$(value .errors)" = "***"
    ! grep -q hunter2 got log
    MY_TOKEN=abcdef123456 plugin look "$(sh_args "echo \$MY_TOKEN")"
    test "$(value .output)" = "***"
    plugin look "$(sh_args "echo of-the-vault" "{secret: true}")"
    test "$(value ".secret[\"\$secret\"]")" = of-the-vault
    test "$(value .output)" = null
    ! grep -q of-the-vault log
'
it 'at the deadline the whole group is killed' '
    must_fail 1 plugin set "$(sh_args "sleep 600 & echo \$! >sleeper; exec sleep 600" "{timeout_s: 1}")"
    error timeout "run sh: it didn'"'"'t end within"
    gone "$(cat sleeper)"
'
it 'what a program leaves running in its group ends with it' '
    plugin look "$(sh_args "sleep 600 >/dev/null 2>&1 & echo \$!")"
    until_true 100 gone "$(value .output)"
'
it 'a death by a signal is no answer' '
    must_fail 1 plugin trigger "$(sh_args "kill -9 \$\$")"
    error in_doubt "ended by signal 9"
'
it 'the program and what it started die with the worker' '
    rm -f pids
    background call "$BUILD/call-plugin" "$BUILD/plugins/.libs/exec.so" "$CONFIG" \
        set "$(sh_args "sleep 600 & echo \$! \$\$ >pids.new; mv pids.new pids; wait")"
    until_true 100 test -s pids
    read -r sleeper shell <pids
    kill -9 "$(pgrep -P "$(cat call.pid)")"
    until_true 100 gone "$sleeper"
    until_true 100 gone "$shell"
'
it 'a guarded program is not run when its check says that it is done' '
    args="{\"argv\":[\"sh\",\"-c\",\"echo x >>done.txt\"],\"check\":[\"sh\",\"-c\",\"test -e done.txt\"]}"
    plugin -observe:guarded "$args"
    tail -n 1 got | grep -q "\"seen\":\"absent\""
    plugin guarded "$args"
    test "$(value .already)" = false
    plugin -observe:guarded "$args"
    tail -n 1 got | grep -q "\"seen\":\"done\""
    plugin guarded "$args"
    test "$(value .already)" = true
    test "$(wc -l <done.txt)" = 1
'
it 'a check that can not tell stops everything, and its words are the evidence' '
    args="{\"argv\":[\"sh\",\"-c\",\"touch ran\"],\"check\":[\"sh\",\"-c\",\"echo the database is away; exit 2\"]}"
    plugin -observe:guarded "$args"
    tail -n 1 got | grep -q "\"seen\":\"unknown\""
    error failed "check by sh: it ended with status 2: the database is away"
    must_fail 1 plugin guarded "$args"
    error failed "the database is away"
    test ! -e ran
'
finish
