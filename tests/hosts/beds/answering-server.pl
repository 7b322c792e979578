# The server that machines of a bed talk to: perl answering-server.pl PORT…
# In Perl, because every Debian machine has that (perl-base), also one whose root is an initramfs without Node.
#
# On each port, IPv4 and IPv6, TCP, any number of connections:
#   a line             -> "pong"
#   "send N"           -> N bytes, all of them "x"
#   "count"            -> the number of bytes that this connection has sent so far
#   an HTTP request    -> 200; GET /bytes/N has N bytes as its body, /streams/resources lists resources as a management API does,
#                         anything else "pong"
# UDP on the same port: every datagram comes back as it was.
use strict;
use warnings;
use Socket qw(:all);
use IO::Handle;

$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'DEFAULT';
my (%tcp, %udp);
for my $port (@ARGV) {
    my $address = pack_sockaddr_in6($port, Socket::IN6ADDR_ANY);
    for my $type (SOCK_STREAM, SOCK_DGRAM) {
        socket(my $socket, AF_INET6, $type, 0) or die "socket: $!\n";
        setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 0) or die "IPV6_V6ONLY: $!\n";
        setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
        bind($socket, $address) or die "port $port: $!\n";
        if ($type == SOCK_STREAM) { listen($socket, 128) or die "listen: $!\n"; $tcp{fileno $socket} = $socket }
        else { $udp{fileno $socket} = $socket }
    }
}

while (1) {
    my $wanted = '';
    vec($wanted, $_, 1) = 1 for keys %tcp, keys %udp;
    next if select(my $ready = $wanted, undef, undef, undef) < 0;
    for my $number (grep { vec($ready, $_, 1) } keys %tcp) {
        accept(my $client, $tcp{$number}) or next;
        my $child = fork;
        if (defined $child && $child == 0) { serve($client); exit 0 }
        close $client;
    }
    for my $number (grep { vec($ready, $_, 1) } keys %udp) {
        my $from = recv($udp{$number}, my $datagram, 65536, 0);
        send($udp{$number}, $datagram, 0, $from) if defined $from;
    }
}

sub serve {
    my ($client) = @_;
    setsockopt($client, IPPROTO_TCP, TCP_NODELAY, 1);
    $client->autoflush(1);
    my ($received, $request, $close) = (0, undef, 0);
    while (defined(my $line = <$client>)) {
        $received += length $line;
        $line =~ s/\r?\n\z//;
        if (defined $request) {
            $close = 1 if $line =~ /^connection:\s*close/i;
            next if $line ne '';
            my ($method, $path) = split ' ', $request;
            my ($type, $body) = ('text/plain', "pong\n");
            if ($path =~ m{^/bytes/(\d+)}) { $body = 'x' x $1 }
            elsif ($path eq '/streams/resources') {
                ($type, $body) = ('application/json', '{"resources":[{"name":"instances","resource":"/streams/instances"}],"total":1}');
            }
            print $client "HTTP/1.1 200 OK\r\nContent-Type: $type\r\nContent-Length: " . length($body) . "\r\n\r\n";
            print $client $body unless $method eq 'HEAD';
            return if $close;
            $request = undef;
        }
        elsif ($line =~ m{^[A-Z]+ \S+ HTTP/1}) { $request = $line }
        elsif ($line =~ /^send (\d+)$/) { print $client 'x' x $1 }
        elsif ($line eq 'count') { print $client "$received\n" }
        else { print $client "pong\n" }
    }
}
