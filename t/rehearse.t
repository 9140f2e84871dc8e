#!/bin/sh
# rehearse.t: rehearsals of workflows: in a world of their own, killed everywhere, with each fault; and of a plugin that lies.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

cat >world.yaml <<'EOT'
account: "123456789012"
region: ca-central-1
cloudflare:
  token: of-the-operator
  zones:
    0123456789abcdef:
      name: example.com
      scripts: [site, maintenance]
      routes:
        - { pattern: "example.com/*", script: site }
        - { pattern: "files.example.com/*" }
EOT
cat >cairn.yaml <<'EOT'
environment: rehearsed
cloudflare:
  zone: 0123456789abcdef
  zone_name: example.com
EOT
cat >honest.lua <<'EOT'
local cloudflare = cairn.plugin "cloudflare"
return cairn.workflow {
  summary = "Show a page",
  params = { script = { type = "string", required = true, help = "the page" } },
  run = function (p)
    local page = cairn.stage("page", function ()
      return cloudflare.set_route { pattern = "example.com/*", script = p.script }
    end)
    cairn.approve { title = "Go on?" }
    cairn.wait { title = "the page", every = 10, poll = function ()
      local now = cloudflare.get_route { pattern = "example.com/*" }
      return now.script == p.script, now.script
    end }
    cairn.parallel {
      a = function () return cloudflare.set_route { pattern = "a.example.com/*", script = "site" } end,
      b = function () return cloudflare.set_route { pattern = "b.example.com/*", script = "site" } end,
    }
    cairn.report("page", p.script)
    return { id = page.id }
  end,
}
EOT
cat >lying.lua <<'EOT'
local liar = cairn.plugin "liar"
return cairn.workflow { summary = "One step", run = function ()
  liar.add { zone = "0123456789abcdef" }
end }
EOT
cat >refused.lua <<'EOT'
local cloudflare = cairn.plugin "cloudflare"
return cairn.workflow { summary = "One step", run = function ()
  cloudflare.set_route { pattern = "example.com/*", script = "not there" }
end }
EOT

mkdir "$T/tmp"
TMPDIR=$T/tmp
# What a user may have: none of it may matter.
AWS_PROFILE=none KUBECONFIG=/none CLOUDFLARE_API_TOKEN=none CLOUDFLARE_API_BASE_URL=https://none.example CAIRN_CONFIG=/none
CAIRN_PLUGIN_PATH=$BUILD/plugins/.libs:$BUILD/t/plugins/.libs
export TMPDIR AWS_PROFILE KUBECONFIG CLOUDFLARE_API_TOKEN CLOUDFLARE_API_BASE_URL CAIRN_CONFIG CAIRN_PLUGIN_PATH

rehearse() {
    cairn rehearse "$@"
}
left_behind() {
    find "$T/tmp" "$XDG_STATE_HOME" -mindepth 1
}

it 'a rehearsal runs a workflow to its end in a world of its own, and answers what it asks' '
    rehearse honest.lua -p script=maintenance -o json >got 2>log
    [ "$(jq -r "[.ok, .run.state, (.ledger | length), (.twice | length), (.run.approvals | length)] | @csv" got)" = "true,\"done\",3,0,1" ]
    [ "$(jq -r .schema got)" = cairn.rehearsal/1 ]
    rehearse honest.lua -p script=maintenance >got 2>log
    grep -q "^    cloudflare.UpdateRoute example.com/\* (maintenance)$" got
'
it 'an example folder gives world, configuration and arguments; the command line beats it' '
    mkdir folder
    cp cairn.yaml folder/
    sed "s/files.example.com/other.example.com/" world.yaml >folder/world.yaml
    printf "# comment\n\nscript=maintenance\n" >folder/arguments
    rehearse honest.lua --example folder -o json >got 2>log
    [ "$(jq -r ".run.params.script" got)" = maintenance ]
    rehearse honest.lua --example folder -p script=site -o json >got 2>log
    [ "$(jq -r ".run.params.script" got)" = site ]
    [ "$(jq ".ledger | length" got)" = 2 ]
    [ "$(jq -r .world got)" = "$T/folder/world.yaml" ]
'
it 'what a run can not be begun with is status 2, and a run that fails is 1' '
    must_fail 2 rehearse honest.lua
    must_fail 2 rehearse honest.lua -p script=site --world none.yaml
    must_fail 2 rehearse none.lua
    must_fail 2 rehearse honest.lua -p script=site --double
    must_fail 2 rehearse honest.lua -p script=site --crash-at engine
    must_fail 2 rehearse honest.lua -p script=site --crash-everywhere --sample 0
    must_fail 1 rehearse refused.lua
    must_fail 1 rehearse refused.lua --crash-everywhere --sample 1
'
it 'killed at each point, an honest workflow ends the same' '
    rehearse honest.lua -p script=maintenance --crash-everywhere --sample 1 --seed 3 -o json >got
    [ "$(jq ".ok" got)" = true ]
    [ "$(jq ".points | length" got)" -ge 33 ]
    [ "$(jq ".tried == (.points | length)" got)" = true ]
    [ "$(jq ".missed" got)" -le 4 ]
    [ "$(jq ".run.state" got)" = "\"done\"" ]
'
it 'the same seed kills at the same points and makes the same ids, another does not' '
    for seed in 7 7 8; do
        rehearse honest.lua -p script=maintenance --crash-everywhere --points "worker.http.written" --sample 1 --seed "$seed" -o json |
            jq -c "[.run.value.id, (.crashes | map(select(startswith(\"worker\"))))]" >>ids
    done
    [ "$(sed -n 1p ids)" = "$(sed -n 2p ids)" ]
    [ "$(sed -n 1p ids)" != "$(sed -n 3p ids)" ]
'
it 'the resume is killed, too' '
    rehearse honest.lua -p script=maintenance --crash-everywhere --double --points "*.sent" --sample 2 --seed 3 >got
    grep -q "^pairs        4 of them$" got
    grep -q "^divergences  0$" got
'
it 'a plugin that lies is found, with both ledgers side by side and the command that shows it again' '
    must_fail 1 rehearse lying.lua --crash-everywhere --points "worker.http.*" --seed 1 >got 2>log
    cat got log
    grep -q "^killed at worker.http.written:1 it does not end the same:$" got
    grep -q "^    undisturbed  *disturbed$" got
    grep -q "^    cloudflare.CreateRoute example.com/2/\* (site)   cloudflare.CreateRoute example.com/2/\* (site)$" got
    grep -q "^                 *> cloudflare.CreateRoute example.com/3/\* (site)$" got
    again=$(sed -n "s/^  repeat it: cairn //p" got | grep written)
    must_fail 1 cairn $again >again 2>&1
    grep -q "^divergences  1$" again
    ! grep -q "killed at worker.http.sending" got # nothing was done yet
'
it 'each request meets each fault, and an honest workflow ends the same' '
    rehearse honest.lua -p script=maintenance --faults >got
    cat got
    for request in ListRoutes CreateRoute UpdateRoute; do grep "^cloudflare.$request " got; done
    grep -q "^cloudflare.UpdateRoute  *same  *" got
    grep -q "^divergences  0$" got
'
it 'a fault shows the plugin that lies, too' '
    must_fail 1 rehearse lying.lua --fault "{\"match\":{\"action\":\"CreateRoute\"},\"do\":\"cut_after\"}" >got 2>log
    grep -q "OTHER" got
    rehearse lying.lua --fault "{\"match\":{\"action\":\"CreateRoute\"},\"do\":\"slow\"}"
'
it 'nothing is left behind, also after an interruption; --keep leaves it all' '
    [ -z "$(left_behind)" ] || { left_behind; exit 1; }
    background swept "$BUILD/run" cairn rehearse honest.lua -p script=maintenance --crash-everywhere
    until_true 200 sh -c "ls $T/tmp/cairn-rehearsal.*/trial-2"
    pgrep -P "$(cat swept.pid)" >children
    kill -INT "$(cat swept.pid)"
    rc=0
    wait_for swept || rc=$?
    [ "$rc" = 130 ]
    [ -s children ]
    while read -r pid; do [ ! -e "/proc/$pid" ] || exit 1; done <children
    [ -z "$(left_behind)" ] || { left_behind; exit 1; }
    rehearse honest.lua -p script=maintenance --keep >/dev/null 2>log
    [ -s "$(sed -n "s/^kept: //p" log)/run/state/cairn.db" ]
'
it 'killed itself, it takes its processes along' '
    background swept "$BUILD/run" cairn rehearse honest.lua -p script=maintenance --crash-everywhere
    until_true 200 sh -c "ls $T/tmp/cairn-rehearsal.*/trial-2"
    pgrep -P "$(cat swept.pid)" >children
    kill -KILL "$(cat swept.pid)"
    [ -s children ]
    while read -r pid; do until_true 100 test ! -e "/proc/$pid"; done <children
'
finish
