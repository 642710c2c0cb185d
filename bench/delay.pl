# delay.pl MS NAMESPACE NAMESPACE: a cable between two network namespaces whose frames take MS milliseconds, either way. Its
# ends are called `slow`; it is there when a line has been said, and gone when this is ended. (netem is no part of every kernel.)
use strict; use warnings;
use Socket; use Time::HiRes qw(time);
$| = 1;
my ($ms, @namespaces) = @ARGV;
if (@namespaces == 1) { side($ms / 1000, shift @namespaces); exit }
socketpair(my $one, my $other, AF_UNIX, SOCK_DGRAM, 0) or die "socketpair: $!";
my @children;
for my $end ([$one, $namespaces[0]], [$other, $namespaces[1]]) {
  my ($socket, $namespace) = @$end;
  my $pid = fork // die; push @children, $pid; next if $pid;
  open STDIN, '+<&', $socket or die; close $one; close $other;
  exec 'nsenter', "--net=/run/netns/$namespace", $^X, $0, $ms, $namespace;
}
$SIG{TERM} = $SIG{INT} = sub { kill TERM => @children; exit };
wait; kill TERM => @children;

sub side {
  my ($delay) = @_;
  sysopen my $tap, '/dev/net/tun', 2 or die "tun: $!";
  my $request = pack 'Z16 S x22', 'slow', 0x1002;   # IFF_TAP | IFF_NO_PI
  ioctl $tap, 0x400454ca, $request or die "TUNSETIFF: $!";
  open my $socket, '+<&=', 0 or die;
  print "there\n";
  my (@held, $frame);
  while (1) {
    my $readers = ''; vec($readers, fileno $_, 1) = 1 for $tap, $socket;
    my $wait = @held ? $held[0][0] - time : undef;
    select $readers, undef, undef, defined $wait && $wait < 0 ? 0 : $wait;
    if (vec $readers, fileno $tap, 1) { push @held, [time + $delay, $frame] if sysread $tap, $frame, 65536 }
    if (vec $readers, fileno $socket, 1) { sysread $socket, $frame, 65536 or exit; syswrite $tap, $frame }
    while (@held && $held[0][0] <= time) { syswrite $socket, (shift @held)->[1] }
  }
}
