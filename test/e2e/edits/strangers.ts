import { readFile } from 'node:fs/promises'
import type { Machine } from '../../../src/lab/index.ts'
import { until } from '../../../src/lab/local.ts'
import { mustRun } from '../must-run.ts'

/**
 * Who was there first, and has nothing to do with provision, though names and ports look like it: an account `tunnel-cam`
 * with files and a process, `reverse-tunnel-web.service` that listens on a port, an account `reverse-tunnel-x`, an sshd
 * with a second port, and Bob's own `ssh -R` of the port that is ours, on another address.
 */
export const taken = { web: 9044, sshd: 2222, bob: '127.0.0.2:9022' } as const

const accounts = String.raw`
useradd -m -s /bin/bash -c 'made by hand' tunnel-cam
echo frames >/home/tunnel-cam/frames
chown tunnel-cam: /home/tunnel-cam/frames
useradd -r -M -s /usr/sbin/nologin reverse-tunnel-x
useradd -m -s /bin/bash bob
unit() {
  printf '[Unit]\nDescription=%s\n[Service]\nUser=%s\nExecStart=%s\n[Install]\nWantedBy=multi-user.target\n' "$1" "$2" "$3" \
    >/etc/systemd/system/$1
  systemctl enable -q --now $1
}
unit cam.service tunnel-cam '/usr/bin/sleep infinity'
`

const onTheGateway = String.raw`
printf '%s\n' 'use IO::Socket::INET;' \
  'my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:${taken.web}", Listen => 5, ReuseAddr => 1) or die;' \
  'while (my $c = $s->accept) { print $c "web\n"; close $c }' >/usr/local/bin/web.pl
unit reverse-tunnel-web.service reverse-tunnel-x '/usr/bin/perl /usr/local/bin/web.pl'
printf 'Port 22\nPort ${taken.sshd}\nMatch User bob\n  GatewayPorts clientspecified\n' >/etc/ssh/sshd_config.d/90-ports.conf
systemctl reload ssh
`

const onTheDevices = `
unit reverse-tunnel-web.service reverse-tunnel-x '/usr/bin/sleep infinity'
`

export async function moveIn(gateway: Machine, devices: readonly Machine[]): Promise<void> {
  await mustRun(gateway, `${accounts}${onTheGateway}`)
  await Promise.all(devices.map((machine) => mustRun(machine, `${accounts}${onTheDevices}`)))
}

/** Bob dials from this device, and again when it boots. */
export async function letBobDial(gateway: Machine, from: Machine): Promise<void> {
  const key = await mustRun(
    from,
    `su - bob -c 'mkdir -pm 700 .ssh && ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519 && cat .ssh/id_ed25519.pub'`,
  )
  await mustRun(
    gateway,
    `su - bob -c 'umask 077; mkdir -p .ssh; cat >.ssh/authorized_keys' <<'END'\n${key.trim()}\nEND`,
  )
  const hostKey = (await readFile(`${gateway.root}/etc/ssh/ssh_host_ed25519_key.pub`, 'utf8')).trim()
  const options = ['ExitOnForwardFailure=yes', 'ServerAliveInterval=5', 'BatchMode=yes'].map((word) => `-o ${word}`)
  await mustRun(
    from,
    `echo '${gateway.name} ${hostKey}' >/home/bob/.ssh/known_hosts
    printf '%s\\n' '[Unit]' 'StartLimitIntervalSec=0' '[Service]' 'User=bob' \
      'ExecStart=/usr/bin/ssh -N ${options.join(' ')} -R ${taken.bob}:localhost:22 bob@${gateway.name}' \
      'Restart=always' 'RestartSec=1' '[Install]' 'WantedBy=multi-user.target' >/etc/systemd/system/bobs-way.service
    systemctl enable -q --now bobs-way.service`,
  )
  await bobIsThere(gateway)
}

/** Bob's session holds its port. */
export async function bobIsThere(gateway: Machine): Promise<void> {
  const there = async () => (await gateway.sh(`ss -Hltn 'sport = :9022' | grep -qF '${taken.bob} '`)).code === 0
  const came = await until(async () => (await there()) || undefined, { timeoutMs: 20_000, everyMs: 100 })
  if (!came) throw new Error(`${taken.bob} does not listen on ${gateway.name}`)
}
