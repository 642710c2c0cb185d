# processes.pl begin PID FILE | end PID | count FILE: the processes of a machine, counted by the kernel itself (acct(2)).
#
# Accounting belongs to a PID namespace: that of PID, which is PID 1 of a machine. Each process that ends there leaves a record
# in FILE, which has to be empty and on this machine. `count` prints a line for each program: how often, a tab, its name. A
# process that only ran on in its parent's program has ` (fork)` behind its name.
use strict; use warnings;
use POSIX ();
my ($what, @words) = @ARGV;
if ($what eq 'count') {
  open my $file, '<:raw', $words[0] or die "$words[0]: $!";
  my %count;
  while (read $file, my $record, 64) {   # struct acct_v3
    my ($flag, $name) = unpack 'C x47 Z16', $record;
    $count{$flag & 1 ? "$name (fork)" : $name}++;
  }
  print "$count{$_}\t$_\n" for sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
} elsif ($what eq 'within') {
  my $number = { x86_64 => 163, aarch64 => 89, riscv64 => 89, armv7l => 51, i686 => 51 }->{(POSIX::uname)[4]} or die 'acct(2): unknown here';
  (@words ? syscall $number, $words[0] : syscall $number, 0) == 0 or die "acct: $!";
} else {
  my ($pid, @file) = @words;
  exec 'nsenter', '--target', $pid, '--pid', $^X, $0, 'within', $what eq 'begin' ? @file : ();
}
