# canned.pl: an HTTP server on the loopback address that gives prepared replies in their order; used by tests.
# SPDX-License-Identifier: MIT
#
# perl canned.pl DIR    writes its port to DIR/port, the n-th request to DIR/request.N, and answers with DIR/reply.N; after
#   the last one it ends. A reply is "STATUS REASON", headers, an empty line, the body.
use strict;
use warnings;
use IO::Socket::INET;

my $dir = shift // die "canned.pl: no folder\n";

sub slurp {
    open my $in, '<:raw', $_[0] or die "canned.pl: $_[0]: $!\n";
    local $/;
    return scalar <$in>;
}

sub spill {
    my ($path, $text) = @_;
    open my $out, '>:raw', "$path.new" or die "canned.pl: $path: $!\n";
    print $out $text;
    close $out;
    rename "$path.new", $path;
}

# One request from a connection; nothing at its end.
sub request {
    my ($client) = @_;
    my $text = '';
    while ($text !~ /\r\n\r\n/) {
        sysread($client, $text, 65536, length $text) or return;
    }
    my ($length) = $text =~ /^content-length:\s*(\d+)/im;
    my $head = index($text, "\r\n\r\n") + 4;
    while (length($text) < $head + ($length // 0)) {
        sysread($client, $text, 65536, length $text) or return;
    }
    return $text;
}

$SIG{ALRM} = sub { exit 3 };
alarm 60;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8, Proto => 'tcp', ReuseAddr => 1)
    or die "canned.pl: $!\n";
spill("$dir/port", $server->sockport);
my $n = 1;
while (-e "$dir/reply.$n") {
    my $client = $server->accept or last;
    my $text = request($client) // next;
    spill("$dir/request.$n", $text);
    my ($head, $body) = split /\n\n/, slurp("$dir/reply.$n"), 2;
    $body //= '';
    $head =~ s/\n/\r\n/g;
    print $client "HTTP/1.1 $head\r\nConnection: close\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    close $client;
    $n++;
}
