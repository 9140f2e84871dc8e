# spy.pl: look into the command lines and environments of all processes for texts that must not be there.
# SPDX-License-Identifier: MIT
#
# spy.pl STOP PROGRAMS TEXT...: until the file STOP is there, and for two minutes at most. PROGRAMS is a pattern for the
# programs whose environment counts; command lines count of all. Prints a line for each find, and at its end how many
# processes of the pattern it saw.
use strict;
use warnings;

my ($stop, $programs, @texts) = @ARGV;
my $pattern = join '|', map { quotemeta } @texts;
my (%found, %seen);
my $end = time + 120;

sub content {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return <$file> // '';
}

while (!-e $stop && time < $end) {
    for my $dir (glob '/proc/[0-9]*') {
        my ($pid) = $dir =~ /(\d+)/;
        next if $pid == $$;
        my $command = content("$dir/cmdline");
        next if $command =~ /spy\.pl/;
        my $ours = $command =~ /^[^\0]*(?:$programs)(?:\0|$)/;
        $seen{$pid} = 1 if $ours;
        $found{"command line of $pid"} = 1 if $command =~ /$pattern/;
        $found{"environment of $pid ($command)"} = 1 if $ours && content("$dir/environ") =~ /$pattern/;
    }
    select undef, undef, undef, 0.01;
}
print "found: $_\n" for sort keys %found;
print 'seen: ', scalar keys %seen, "\n";
exit(%found ? 1 : 0);
