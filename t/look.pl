# look.pl: a value out of a JSON file, by the names on the way to it; used by behaviour tests.
# SPDX-License-Identifier: MIT
#
# perl look.pl [--keys | --count | --find NAME] FILE NAME...
#   prints the value (texts and numbers as they are, the rest as canonical JSON; nothing when it isn't there)
#   --keys   the names of a map, sorted, with blanks between them     --count  how many members a list or map has
#   --find   every value of that name at any depth below, one a line
use strict;
use warnings;
use JSON::PP;

my $json = JSON::PP->new->canonical->allow_nonref;
my ($mode, $wanted) = ('', '');
if (@ARGV && $ARGV[0] =~ /^--(keys|count|find)$/) {
    $mode = $1;
    shift;
    $wanted = shift if $mode eq 'find';
}
my $file = shift // die "look.pl: no file\n";
open my $in, '<:raw', $file or die "look.pl: $file: $!\n";
my $value = decode_json(do { local $/; <$in> });
for my $name (@ARGV) {
    $value = ref $value eq 'HASH' ? $value->{$name} : ref $value eq 'ARRAY' ? $value->[$name] : undef;
}

sub text {
    my ($v) = @_;
    return !defined $v ? '' : JSON::PP::is_bool($v) ? ($v ? 'true' : 'false') : ref $v ? $json->encode($v) : $v;
}

sub find {
    my ($v) = @_;
    if (ref $v eq 'HASH') {
        for my $name (sort keys %$v) {
            print text($v->{$name}), "\n" if $name eq $wanted;
            find($v->{$name});
        }
    } elsif (ref $v eq 'ARRAY') {
        find($_) for @$v;
    }
}

if ($mode eq 'keys') {
    print join(' ', sort keys %{ $value // {} }), "\n";
} elsif ($mode eq 'count') {
    print ref $value eq 'HASH' ? scalar keys %$value : ref $value eq 'ARRAY' ? scalar @$value : 0, "\n";
} elsif ($mode eq 'find') {
    find($value);
} else {
    print text($value), "\n";
}
