# restore.sh: what the tests of the restore workflows look at; sourced after lib.sh and flow.sh.
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
#   reported KEY             what the run reported under that key last, as JSON
#   settings_of FILE NAME    the settings of an instance in a file of `world`, without its identity, for comparing
#   in_world FILE PERL       examples/$EXAMPLE/world.yaml, changed by a Perl expression, as the world of the next use_world
#   until_asked TEXT CMD...  the command, then approve and resume until a question bears that text
#   asked TEXT               does the open question bear it?

reported() {
    shown reports "$1"
}

settings_of() {
    perl -MJSON::PP -e '
        my ($file, $name) = @ARGV;
        open my $in, "<:raw", $file or die "$file: $!\n";
        my $instance = decode_json(do { local $/; <$in> })->{rds}{instances}{$name} or die "$file: no $name\n";
        delete @$instance{qw(id resource_id restored_from)};
        delete @{ $instance->{tags} }{qw(cairn:run cairn:step)};
        delete $instance->{zone} if $instance->{multi_az}; # RDS chooses both
        print JSON::PP->new->canonical->pretty->encode($instance);
    ' "$1" "$2"
}

in_world() {
    perl -0pe "$1" "$SRC/examples/$EXAMPLE/world.yaml" >"$T/world.yaml"
    ! cmp -s "$SRC/examples/$EXAMPLE/world.yaml" "$T/world.yaml" || { echo "the world is as before: $1" >&2; return 1; }
}

asked() {
    shown why | grep -q "$1"
}

until_asked() { # TEXT CMD...
    lib_text=$1
    shift
    lib_status=0
    "$@" >>run.log 2>&1 || lib_status=$?
    lib_left=9
    while [ "$lib_status" -eq 3 ] && [ "$lib_left" -gt 0 ] && ! asked "$lib_text"; do
        lib_left=$((lib_left - 1))
        approve_open >>run.log 2>&1
        lib_status=0
        cairn resume @last --no-input >>run.log 2>&1 || lib_status=$?
    done
    asked "$lib_text" || { tail -n 30 run.log; return 1; }
}
