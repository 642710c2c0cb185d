import type { ForwardState } from '../../src/report/report.ts'
import type { ForwardStatus, GatewayStatus, StatusReport } from '../../src/report/status/status.ts'

export const at = '2026-11-24T10:05:12.000Z'
const ago = (seconds: number) => new Date(Date.parse(at) - seconds * 1000).toISOString()

export const gateway: GatewayStatus = {
  name: 'ssh-gw.guest.internal',
  state: 'ok',
  since: ago(10 * 86_400),
  runsOn: { os: 'Debian GNU/Linux 13 (trixie)', kernel: '6.12.20', sshd: 'OpenSSH_10.0' },
}

export const forward: ForwardStatus = {
  device: 'host-a.lan.internal',
  gateway: gateway.name,
  bindAddress: '127.0.0.1',
  port: 9022,
  state: 'ok',
  hostKey: 'SHA256:abc',
  latencyMs: 120,
  lastProof: at,
  since: ago(3 * 86_400 + 4 * 3600),
  session: { since: ago(3 * 86_400 + 4 * 3600), from: '203.0.113.7' },
  recovery: { powerCut: 10, silentLink: 20, frozenClient: 15 },
  runsOn: {
    os: 'Debian GNU/Linux 13 (trixie)',
    model: 'Raspberry Pi 4 Model B Rev 1.5',
    sshd: 'OpenSSH_10.0p2 Debian-7',
  },
}

/** The same device in another state. */
export function troubled(state: ForwardState, more: Partial<ForwardStatus> = {}): ForwardStatus {
  const { runsOn: _r, hostKey: _h, latencyMs: _l, session: _s, ...rest } = forward
  const error = { message: 'there is no tunnel behind port 9022', hint: 'on the device: systemctl status' }
  const next = 'provision doctor inventory.json --device host-a.lan.internal'
  return { ...rest, state, since: ago(41 * 60), lastProof: ago(7200), error, next, ...more }
}

export function report(more: Partial<StatusReport> = {}): StatusReport {
  return {
    version: 1,
    command: 'status',
    inventory: 'inventory.json',
    at,
    seconds: 1.23,
    exitCode: 0,
    gateways: [gateway],
    forwards: [forward],
    without: [],
    wire: { connections: 2, execs: 2 },
    ...more,
  }
}

/** Of many devices, some of them in some trouble, on as many gateways. */
export function fleet(devices: number, gateways: number): StatusReport {
  const all = Array.from({ length: gateways }, (_, n) => ({ ...gateway, name: `ssh-gw${n + 1}.example.internal` }))
  const troubles: Readonly<Record<number, ForwardState>> = {
    3: 'no-tunnel',
    11: 'stale',
    26: 'no-tunnel',
    33: 'wrong-device',
    47: 'device-sshd-down',
    52: 'unverified',
  }
  const forwards = Array.from({ length: devices }, (_, n) => {
    const device = `${['sensor', 'camera', 'printer', 'logger'][n % 4]}${String(Math.floor(n / 4) + 1).padStart(2, '0')}.site.internal`
    const state = troubles[n] ?? 'ok'
    const one = state === 'ok' ? forward : troubled(state)
    const since = ago(40 + n * 3777)
    return all
      .slice(0, n % 3 === 0 ? gateways : 1)
      .map(({ name }) => ({ ...one, device, gateway: name, port: 9101 + n, since }))
  }).flat()
  return report({ gateways: all, forwards, exitCode: forwards.every(({ state }) => state === 'ok') ? 0 : 1 })
}
