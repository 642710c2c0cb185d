# delay.pl MS[/LOSS[/KBIT]] NAMESPACE NAMESPACE: a cable between two network namespaces whose frames take MS milliseconds, either
# way; of a hundred, LOSS are lost, and KBIT kilobits go through in a second. Its ends are called `slow`; it is there when a
# line has been said, and gone when this is ended. (netem is no part of every kernel.)
use strict; use warnings;
use Socket; use Time::HiRes qw(time);
$| = 1;
my ($link, @namespaces) = @ARGV;
if (@namespaces == 1) { side(shift @namespaces, split m{/}, $link); exit }
socketpair(my $one, my $other, AF_UNIX, SOCK_DGRAM, 0) or die "socketpair: $!";
my @children;
for my $end ([$one, $namespaces[0]], [$other, $namespaces[1]]) {
  my ($socket, $namespace) = @$end;
  my $pid = fork // die; push @children, $pid; next if $pid;
  open STDIN, '+<&', $socket or die; close $one; close $other;
  exec 'nsenter', "--net=/run/netns/$namespace", $^X, $0, $link, $namespace;
}
$SIG{TERM} = $SIG{INT} = sub { kill TERM => @children; exit };
wait; kill TERM => @children;

sub side {
  my ($namespace, $ms, $loss, $kbit) = @_;
  sysopen my $tap, '/dev/net/tun', 2 or die "tun: $!";
  my $request = pack 'Z16 S x22', 'slow', 0x1002;   # IFF_TAP | IFF_NO_PI
  ioctl $tap, 0x400454ca, $request or die "TUNSETIFF: $!";
  open my $socket, '+<&=', 0 or die;
  print "there\n";
  my (@held, $frame);
  my $free = 0;   # when what was sent before is on its way
  while (1) {
    my $readers = ''; vec($readers, fileno $_, 1) = 1 for $tap, $socket;
    my $wait = @held ? $held[0][0] - time : undef;
    select $readers, undef, undef, defined $wait && $wait < 0 ? 0 : $wait;
    if (vec $readers, fileno $tap, 1) {
      next unless my $size = sysread $tap, $frame, 65536;
      # So many wait in front of a narrow cable, as at a modem.
      next if $loss && rand 100 < $loss or $kbit && @held >= 200;
      $free = time if $free < time;
      $free += $size * 8 / 1000 / $kbit if $kbit;
      push @held, [$free + $ms / 1000, $frame];
    }
    if (vec $readers, fileno $socket, 1) { sysread $socket, $frame, 65536 or exit; syswrite $tap, $frame }
    while (@held && $held[0][0] <= time) { syswrite $socket, (shift @held)->[1] }
  }
}
