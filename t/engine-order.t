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

# Lines "sent EFFECT TOKEN", "wrote" and "synced", in the order in which the engine's system calls ended.
trace() {
    fresh
    strace -f -y -qq -s 600 -e trace=pwrite64,fdatasync,fsync,write,sendmsg -o trace.raw "$BUILD/cairn" run "$T/many.lua" \
        >out 2>err || { cat err; return 1; }
    awk '
        /cairn.db-wal>/ && /pwrite64\(/ { print "wrote"; next }
        /cairn.db-wal>/ && /(fdatasync|fsync)\(/ && / = 0/ { print "synced"; next }
        /\\"mode\\":\\"run\\"/ { match($0, /\\"action\\":\\"[a-z]*/); print "sent", substr($0, RSTART + 13, RLENGTH - 13) }
    ' trace.raw >events
}

uninstalled() {
    CAIRN_PLUGIN_PATH=$BUILD/plugins/.libs CAIRN_LUA_PATH=$SRC/lua CAIRN_LIBEXEC=$BUILD
    export CAIRN_PLUGIN_PATH CAIRN_LUA_PATH CAIRN_LIBEXEC
}

it 'a run can be traced' 'uninstalled; trace; [ "$(grep -c "^sent" events)" = 40 ]'
it 'each change is sent after all that was written is on the disk' '
    awk "
        /^wrote/ { unsynced = 1 }
        /^synced/ { unsynced = 0; synced = 1 }
        /^sent (create|set)/ { n++; if (unsynced || !synced) { print \"too early: \" NR; bad = 1 } synced = 0 }
        END { exit bad || n != 20 }
    " events
'
it 'there is one sync for each change and none for a read' '
    # beginning and end of the run have one each
    [ "$(grep -c "^synced" events)" -le 22 ]
'
finish
