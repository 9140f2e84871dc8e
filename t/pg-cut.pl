# pg-cut.pl: a connection to PostgreSQL that breaks at a chosen statement; used by the tests of the plugin postgres.
# SPDX-License-Identifier: MIT
#
#   perl pg-cut.pl TO-PORT before|after|never TEXT PORT-FILE
#
# Listens on a free port, which goes to PORT-FILE, and passes on what comes. The first time that the client sends TEXT,
# in any case of letters: `before` breaks the connection and passes nothing on, `after` passes it on and breaks before
# the answer comes back; later connections live. What the client sent is on stdout.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($to, $when, $text, $file) = @ARGV;
my $listener = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1') or die "listen: $!";
my $select = IO::Select->new($listener);
my %other;    # each end of a connection -> the opposite one
my %client;   # the ends on the client's side
my $done = $when eq 'never';

open(my $port, '>', "$file.new") or die "$file: $!";
print $port $listener->sockport, "\n";
close($port);
rename("$file.new", $file) or die "$file: $!";
$| = 1;

sub end_both {
    for my $end (@_) {
        $select->remove($end);
        delete $client{$end};
        delete $other{$end};
        close($end);
    }
}

sub accept_one {
    my $client = $listener->accept or return;
    my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to);
    unless ($server) {
        close($client);
        return;
    }
    $other{$client} = $server;
    $other{$server} = $client;
    $client{$client} = 1;
    $select->add($client, $server);
}

while (1) {
    for my $end ($select->can_read) {
        if ($end == $listener) {
            accept_one();
            next;
        }
        my $opposite = $other{$end} or next;
        my $n = sysread($end, my $bytes, 65536);
        unless ($n) {
            end_both($end, $opposite);
            next;
        }
        print $bytes if $client{$end};
        my $cut = !$done && $client{$end} && $bytes =~ /\Q$text\E/i;
        syswrite($opposite, $bytes) unless $cut && $when eq 'before';
        if ($cut) {
            $done = 1;
            select(undef, undef, undef, 0.05) if $when eq 'after';
            end_both($end, $opposite);
        }
    }
}
