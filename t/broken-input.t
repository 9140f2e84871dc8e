#!/bin/sh
# broken-input.t: a broken config, workflow, parameter or plugin gives one error with its place, and nothing is changed.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

#   told STATUS PLACE WHY COMMAND...   the command ends with STATUS; stderr has one line "cairn: PLACE...WHY..." (fixed
#                                      texts) and one line "next: "; the ledger shows no effect
told() {
    want=$1 place=$2 why=$3
    shift 3
    rm -f probe/ledger
    must_fail "$want" "$@" >out 2>err || { cat err; return 1; }
    cat err
    [ "$(grep -c "^cairn: " err)" = 1 ]
    [ "$(grep -c "^next: " err)" = 1 ]
    grep "^cairn: " err >line
    grep -qF -e "$place" line
    grep -qF -e "$why" line
    [ "$(effects)" = "" ]
}

# No run came into being.
no_run() {
    [ "$(cairn runs -o json | jq ".runs | length")" = 0 ]
}

flow one <<'END'
return cairn.workflow {
  summary = "One change",
  params = { name = { type = "string", default = "a" } },
  run = function (p) return probe.create { name = p.name } end,
}
END

# ---- the config ----

fresh
cp "$CAIRN_CONFIG" good.yaml

# A test for each: LINE of the mistake|what the error says|the config, in which HEAD is the two lines of a good one.
config_is_refused() { # LINE WHY TEXT
    printf '%b' "$3" | sed "s|HEAD|state: $T/state\nplugin_path: [$BUILD/t/plugins/.libs]|; s|DIR|$T/probe|" >"$CAIRN_CONFIG"
    told 2 "cairn.yaml:$1:" "$2" cairn run one.lua
    cp good.yaml "$CAIRN_CONFIG"
    no_run
}

while IFS='|' read -r title line why text; do
    [ -n "$title" ] || continue
    it "a config with $title is refused with its line" "config_is_refused '$line' '$why' '$text'"
done <<'END'
an unknown key|4|hearbeat: unknown key, did you mean heartbeat?|HEAD\nprobe: {dir: DIR}\nhearbeat: 3\n
an unknown section|4|clodflare: unknown key, and no plugin has a section of that name; did you mean cloudflare?|HEAD\nprobe: {dir: DIR}\nclodflare: {zone: x}\n
an unknown key in a section|5|probe.secrt: unknown key, did you mean secret?|HEAD\nprobe:\n  dir: DIR\n  secrt: x\n
a number of the wrong type|4|workers: it must be a number from 1 to 64|HEAD\nprobe: {dir: DIR}\nworkers: many\n
a list of the wrong type|2|plugin_path: it must be a list of folders|state: x\nplugin_path: here\n
a section of the wrong type|3|probe: unknown key; if it is the section of a plugin, it must be a map|HEAD\nprobe: yes please\n
a value of the wrong type in a section|4|probe.dir: it must be of type string; put it in quotes|HEAD\nprobe:\n  dir: 3\n
a required value missing|3|probe.dir: it is missing|HEAD\nprobe: {}\n
an empty section|3|probe.dir: it is missing|HEAD\nprobe:\n
a bracket that never closes|4|did not find expected|HEAD\nprobe: {dir: DIR\n
a tab|4|found character that cannot start any token|HEAD\nprobe:\n\tdir: DIR\n
a key twice|4|a second key probe|HEAD\nprobe: {dir: DIR}\nprobe: {dir: DIR}\n
a list at its top|1|it must be a map of keys|- state\n- plugin_path\n
an alias|3|anchors, aliases and tags are not supported|HEAD\nprobe: &a {dir: DIR}\n
control characters|1|control characters are not allowed|\0001\0002\n
two documents|3|more than one document|HEAD\n---\nHEAD\n
a folder that is not there|2|plugin_path.0: there is no folder /nonexistent|state: x\nplugin_path: [/nonexistent]\n
a secret that nobody defines|3|probe.secret: secret mine is not among `secrets`|HEAD\nprobe: {dir: DIR, secret: {secret: mine}}\n
a secret of no known source|4|secrets.mine: unknown source flie; it must be env, file or value|HEAD\nsecrets:\n  mine: {flie: x}\n
a secret of an unset variable|4|secrets.mine: the environment variable NOT_SET is not set|HEAD\nsecrets:\n  mine: {env: NOT_SET}\nprobe: {dir: DIR, secret: {secret: mine}}\n
a secret of a missing file|4|secrets.mine: open /nonexistent: No such file or directory|HEAD\nsecrets:\n  mine: {file: /nonexistent}\nprobe: {dir: DIR, secret: {secret: mine}}\n
END

it 'a config that is not there is refused by its name' '
    told 2 nothere.yaml "No such file or directory" cairn run --config nothere.yaml one.lua
    rm "$CAIRN_CONFIG"
    told 2 cairn.yaml "No such file or directory (it is named by CAIRN_CONFIG)" cairn run one.lua
    mkdir "$CAIRN_CONFIG"
    told 2 cairn.yaml "not a regular file" cairn run one.lua
    rmdir "$CAIRN_CONFIG"
    cp good.yaml "$CAIRN_CONFIG"
    no_run
'

flow failing <<'END'
return cairn.workflow {
  summary = "A change that fails once",
  run = function () return probe.create { name = "a", trouble = "fail" } end,
}
END

it 'a config that breaks between two resumes is refused, and the run goes on when it is mended' '
    must_fail 1 run_flow failing
    printf "state: %s/state\nplugin_path: [%s/t/plugins/.libs]\nprobe: {dir: 3}\n" "$T" "$BUILD" >"$CAIRN_CONFIG"
    told 2 cairn.yaml:3: "probe.dir: it must be of type string" cairn resume @last
    printf "state: %s/state\nplugin_path: [%s/t/plugins/.libs]\nprobe: {dir: %s/probe\n" "$T" "$BUILD" "$T" >"$CAIRN_CONFIG"
    told 2 cairn.yaml:4:1: "did not find expected" cairn resume @last
    cp good.yaml "$CAIRN_CONFIG"
    cairn resume @last
    [ "$(effects)" = "create a" ]
    cairn verify @last
'

# ---- the workflow ----

flow_is_refused() { # PLACE WHY TEXT
    fresh
    printf '%b' "$3" >bad.lua
    told 2 "$1" "$2" cairn run bad.lua
    no_run
}

printf 'return {\n' >badmod.lua
while IFS='|' read -r title place why text; do
    [ -n "$title" ] || continue
    it "a workflow with $title is refused with its place" "flow_is_refused '$place' '$why' '$text'"
done <<'END'
a syntax error|bad.lua:2:|unexpected symbol near <eof>|return cairn.workflow {\n
no workflow to return|bad.lua:|the file must return cairn.workflow{...}|cairn.workflow { summary = "x", run = function () end }\n
nothing in it|bad.lua:|the file must return cairn.workflow{...}|
a table of another kind|bad.lua:|the file must return cairn.workflow{...}|return { run = function () end }\n
no run function|bad.lua:|run is missing|return cairn.workflow { summary = "x" }\n
an unknown key|bad.lua:|rnu|return cairn.workflow { summary = "x", rnu = 1, run = function () end }\n
an unknown key in its params|bad.lua: params: a|unknown key tipe; did you mean type?|return cairn.workflow { summary = "x", params = { a = { tipe = "string" } }, run = function () end }\n
a param of an unknown type|bad.lua: params: a|its type must be string|return cairn.workflow { summary = "x", params = { a = { type = "strnig" } }, run = function () end }\n
locks that fail|bad.lua:1:|boo|return cairn.workflow { summary = "x", locks = function () error("boo") end, run = function () end }\n
an unknown plugin|bad.lua:1:|there are: |local x = cairn.plugin "prob"\nreturn cairn.workflow { summary = "x", run = function () end }\n
an unknown action at its top|bad.lua:2:|see `cairn plugin describe probe`|local probe = cairn.plugin "probe"\nlocal f = probe.craete\nreturn cairn.workflow { summary = "x", run = f }\n
an unknown module|bad.lua:1:|there is no module|require "cairn.naems"\n
a module that has a syntax error|badmod.lua:|unexpected symbol|local m = require "badmod"\nreturn m\n
a step at its top|bad.lua:2:|there is no run yet|local probe = cairn.plugin "probe"\nprobe.create { name = "a" }\n
a global variable|bad.lua:1:|there are no global variables in a workflow|x = 1\n
compiled Lua in it|bad.lua:|it is compiled Lua; give its text|\0033Lua\n
a NUL byte in it|bad.lua:|not a text|return\0000\n
END

it 'a workflow that is not there is refused by its name' '
    fresh
    told 2 "open nothere.lua" "No such file or directory" cairn run nothere.lua
    told 2 "open ." "not a regular file" cairn run .
    no_run
'

# A mistake that only shows when the run is at it: the run stops there, and goes on with the mended text.
run_is_stopped() { # PLACE WHY CALL
    fresh
    printf 'local probe = cairn.plugin "probe"\nreturn cairn.workflow { summary = "x", run = function ()\n%b\nend }\n' "$3" >bad.lua
    told 1 "$1" "$2" cairn run bad.lua
    grep -q "^next: mend the workflow, then: cairn resume --flow bad.lua " err
    printf 'local probe = cairn.plugin "probe"\nreturn cairn.workflow { summary = "x", run = function ()\nprobe.create { name = "b" }\nend }\n' >bad.lua
    cairn resume --flow bad.lua @last
    [ "$(effects)" = "create b" ]
}

while IFS='|' read -r title place why text; do
    [ -n "$title" ] || continue
    it "a run with $title stops with its place, and goes on with the mended text" "run_is_stopped '$place' '$why' '$text'"
done <<'END'
an unknown action|bad.lua:3:|the plugin has no action|probe.craete { name = "a" }
an unknown argument|bad.lua:3: probe.create: nmae|there is no such parameter; did you mean name?|probe.create { nmae = "a" }
an argument of the wrong type|bad.lua:3: probe.create: name|it must be of type string, and is of type integer|probe.create { name = 3 }
a missing argument|bad.lua:3: probe.create: name|it is missing|probe.create {}
an argument that is no table|bad.lua:3: probe.create|it takes one table of named arguments|probe.create "a"
an argument that can not be passed|bad.lua:3: probe.create: args.trouble|a function|probe.create { name = "a", trouble = print }
a module that was not loaded at the top|bad.lua:3: require|require it at the top of a file|require "nope"
a library that no script has|bad.lua:3:|(global |io.open("/etc/passwd")
END

# ---- the workflow's parameters ----

cat >params.lua <<'END'
local probe = cairn.plugin "probe"
return cairn.workflow {
  summary = "Parameters of each type",
  params = {
    name = { type = "string", required = true, help = "whose it is" },
    size = { type = "integer" },
    on = { type = "boolean" },
    list = { type = "list" },
    map = { type = "map" },
    key = { type = "string", secret = true },
  },
  run = function (p) return probe.create { name = p.name } end,
}
END
while IFS='|' read -r title place why args; do
    [ -n "$title" ] || continue
    it "$title is refused by its name" "fresh; told 2 '$place' '$why' cairn run params.lua $args; no_run"
done <<'END'
a missing parameter|params: name|it is missing: whose it is|
an unknown parameter|params: nmae|there is no such parameter; did you mean name?|-p nmae=a
a word for a number|params: size|"big" is not of type integer|-p name=a -p size=big
a word for yes or no|params: on|"perhaps" is not of type boolean|-p name=a -p on=perhaps
a list that was cut off|params: list|"[1," is not of type list|-p name=a -p list=[1,
a list for a map|params: map|"[1]" is not of type map|-p name=a -p map=[1]
a parameter without a value|read the command line|a parameter is NAME=VALUE, not name|-p name
a parameter given twice|read the command line|parameter name is given twice|-p name=a -p name=b
a secret on the command line|params: key|give the name of one of the configuration|-p name=a -p key=hunter2
an unknown option|read the command line|there is no option --nmae|--nmae
a word too many|read the command line|it is cairn run [OPTION...] FLOW|more
END

# ---- plugins ----

plugins() {
    fresh
    rm -rf plugins
    mkdir plugins
    cp "$BUILD/t/plugins/.libs/probe.so" plugins/
    sed -i "s|^plugin_path.*|plugin_path: [$T/plugins]|" "$CAIRN_CONFIG"
}

abi() { # NAME FILE CC-ARGUMENT...
    abi_name=$1 abi_file=$2
    shift 2
    ${CC:-cc} -shared -fPIC -I"$SRC/include" -o "plugins/$abi_name.so" "$@" "$SRC/t/abi/$abi_file.c"
}

cut_to() { # BYTES: more of it than the kernel's pages are whole, or less
    head -c "$1" plugins/probe.so >part
    cat part >plugins/probe.so
}

plugin_is_refused() { # STATUS PLACE WHY HARM
    plugins
    eval "$4"
    told "$1" "$2" "$3" cairn run one.lua
    told "$1" "$2" "$3" cairn plugin list
    no_run
}

while IFS='|' read -r title status place why harm; do
    [ -n "$title" ] || continue
    it "a plugin $title is refused by its file" "plugin_is_refused '$status' '$place' '$why' '$harm'"
done <<'END'
of a newer major ABI|2|plugins/old.so: |it was built for plugin ABI 2.3, and this cairn has 1.0; build it again|abi old plugin-1.0 -DMAJOR=2 -DMINOR=3
of an older major ABI|2|plugins/old.so: |it was built for plugin ABI 0.9, and this cairn has 1.0; build it again|abi old plugin-1.0 -DMAJOR=0 -DMINOR=9
without its table|2|plugins/unsound.so: |it exports no cairn_plugin|abi unsound plugin-unsound -DWITHOUT_TABLE
that lacks what its class needs|2|plugins/unsound.so: |action act needs an observe function, because its class is create|abi unsound plugin-unsound "-DACTION=.effect=CAIRN_CREATE,.run=nothing"
that its group may write to|4|plugins/probe.so: |others may write to it (mode 0775)|chmod 775 plugins/probe.so
that everybody may write to|4|plugins/probe.so: |others may write to it (mode 0757)|chmod 757 plugins/probe.so
in a folder that its group may write to|4|plugins: |others may write to it (mode 0775)|chmod 775 plugins
that is a link|4|plugins/probe.so: |it is not a regular file but a link|mv plugins/probe.so real.so; ln -s ../real.so plugins/probe.so
that is a folder|4|plugins/probe.so: |it is not a regular file|rm plugins/probe.so; mkdir plugins/probe.so
of which only the head is there|2|plugins/probe.so: |it was cut off after 3000 bytes; copy or build it again|cut_to 3000
of which the middle is missing|2|plugins/probe.so: |it was cut off after 20000 bytes; copy or build it again|cut_to 20000
of which the end is missing|2|plugins/probe.so: |it was cut off after |cut_to -100
that is a text|2|plugins/probe.so: |it is not a shared object|echo "not found" >plugins/probe.so
that is empty|2|plugins/probe.so: |it is not a shared object|: >plugins/probe.so
under another name|2|plugins/probes.so: |it calls itself probe|mv plugins/probe.so plugins/probes.so
that crashes while it is loaded|1|plugins/rude.so: |its worker was ended by signal 6|cp "$BUILD/t/plugins/bad/.libs/rude.so" plugins/
END

it 'a plugin that breaks between two resumes is refused, and the run goes on when it is mended' '
    plugins
    must_fail 1 cairn run failing.lua
    chmod 775 plugins/probe.so
    told 4 plugins/probe.so: "others may write to it" cairn resume @last
    chmod 755 plugins/probe.so
    mv plugins/probe.so probe.so
    told 2 cairn.yaml:3: "probe: unknown key, and no plugin has a section of that name" cairn resume @last
    mv probe.so plugins/
    cairn resume @last
    [ "$(effects)" = "create a" ]
'
it 'a run that used another build of a plugin shows the choice' '
    plugins
    must_fail 1 cairn run failing.lua
    strip plugins/probe.so
    told 2 "plugin probe" "is not the one that the run used" cairn resume @last
    grep -q "^next: cairn resume --accept-plugins " err
    cairn resume --accept-plugins @last
    [ "$(effects)" = "create a" ]
'
finish
