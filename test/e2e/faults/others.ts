import { inside, type Pair } from './pair.ts'

/** How else people keep a tunnel, on a pair that is provisioned: same account, same key, same port, another unit. */
export interface Other {
  /** ClientAlive on the gateway: interval and count. Absent: sshd's own default, which never asks. */
  readonly asks?: readonly [number, number]
  readonly service: (dial: string) => string
}

/** As in most guides. */
export const plain: Other = {
  service: (dial) => `ExecStart=/usr/bin/ssh -N ${dial}
Restart=always`,
}

/** autossh as its manual advises: no monitor port, keepalives of ssh on both sides. */
export const autossh: Other = {
  asks: [5, 3],
  service: (dial) => `Environment=AUTOSSH_GATETIME=0
ExecStart=/usr/bin/autossh -M 0 -N -o ServerAliveInterval=5 -o ServerAliveCountMax=3 ${dial}
Restart=always`,
}

const settings = '/etc/ssh/sshd_config.d/00-reverse-tunnel*.conf'

/** Takes our units away from a pair and gives it this one. */
export async function changeTo(other: Other, pair: Pair): Promise<Pair> {
  const { gateway, device, port } = pair
  const asks = other.asks
    ? `s/ClientAliveInterval.*/ClientAliveInterval ${other.asks[0]}/; s/ClientAliveCountMax.*/ClientAliveCountMax ${other.asks[1]}/`
    : '/ClientAlive/d'
  await inside(gateway, `sed -i '${asks}' ${settings} && systemctl reload ssh`)
  const dial = [
    '-F none -T -i /etc/reverse-tunnel/id_ed25519',
    `-o UserKnownHostsFile=/etc/reverse-tunnel/known_hosts -o HostKeyAlias=${gateway.name}`,
    `-o ExitOnForwardFailure=yes -R 127.0.0.1:${port}:localhost:22 tunnel@${gateway.name}`,
  ].join(' ')
  const text = `[Unit]
Wants=network-online.target
After=network-online.target
[Service]
${other.service(dial)}
[Install]
WantedBy=multi-user.target
`
  await inside(
    device,
    `systemctl disable --now $(systemctl list-unit-files --no-legend 'reverse-tunnel-*' | cut -d ' ' -f 1)
dpkg --install /srv/packages/autossh_*.deb >/dev/null
printf %s '${text}' >/etc/systemd/system/tunnel.service
systemctl enable --now tunnel`,
  )
  return { ...pair, unit: 'tunnel.service' }
}
