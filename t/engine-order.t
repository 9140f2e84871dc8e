#!/bin/sh
# engine-order.t: a traced run: no changing step leaves before its intent is on the disk.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"
command -v strace >/dev/null || skip_all "strace is not installed"

flow many <<'END'
return cairn.workflow {
  summary = "Changes and reads by turns",
  run = function ()
    for i = 1, 10 do
      probe.create { name = "a" .. i }
      probe.read { name = "a" .. i }
      probe.read { name = "a" .. i }
      probe.set { name = "b", value = i }
    end
  end,
}
END

# Lines "wrote TOKEN", "synced" and "sent ACTION TOKEN", in the order in which the engine's system calls ended.
trace() {
    fresh
    strace -f -y -qq -s 5000 -e trace=pwrite64,fdatasync,fsync,write,sendmsg -o trace.raw "$BUILD/cairn" run "$T/many.lua" \
        >out 2>err || { cat err; return 1; }
    perl -ne '
        if (/pwrite64\([^,]*cairn\.db-wal>/) { print "wrote $1\n" while /\\"token\\":\\"([0-9a-f]{32})/g }
        elsif (/f(?:data)?sync\([^,]*cairn\.db-wal>(.*)/) { print "synced\n" if $1 =~ /= 0/; $open = $1 =~ /unfinished/ }
        elsif (/f(?:data)?sync resumed>.*= 0/) { print "synced\n" if $open; $open = 0 }
        elsif (/\\"mode\\":\\"run\\",\\"action\\":\\"([a-z]+)\\".*\\"token\\":\\"([0-9a-f]{32})/) { print "sent $1 $2\n" }
    ' trace.raw >events
}

uninstalled() {
    CAIRN_PLUGIN_PATH=$BUILD/plugins/.libs CAIRN_LUA_PATH=$SRC/lua CAIRN_LIBEXEC=$BUILD
    export CAIRN_PLUGIN_PATH CAIRN_LUA_PATH CAIRN_LIBEXEC
}

it 'a run can be traced' 'uninstalled; trace; [ "$(grep -c "^sent" events)" = 40 ]'
it 'each change is sent after its own intent is on the disk' '
    awk "
        /^wrote/ { written[\$2] = 1 }
        /^synced/ { for (t in written) durable[t] = 1 }
        /^sent (create|set)/ { n++; if (!durable[\$3]) { print \"too early: \" NR; bad = 1 } }
        END { exit bad || n != 20 }
    " events
'
finish
