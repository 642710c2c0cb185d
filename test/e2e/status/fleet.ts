/** The gateway that all tunnels end at. */
export const gateway = 'ssh-gw.guest.internal'

/** Devices, called by what is special about their tunnels. */
export const [ok, gone, stale, shared] = ['ok', 'gone', 'stale', 'shared'].map((name) => `${name}.lan.internal`) as [
  string,
  string,
  string,
  string,
]

const own = (port: number, more: object = {}) => ({ port, host: 'localhost', hostPort: 22, ...more })

/** All of them, and a machine that has no forward. */
export const inventory = {
  login: { user: 'user001' },
  gateways: { [gateway]: {} },
  devices: {
    [ok]: { forwards: [own(9022)] },
    [gone]: { forwards: [own(9023), own(9033)] },
    [stale]: { forwards: [own(9024)] },
    [shared]: { forwards: [own(9025, { listener: 'sshd' })] },
    'alone.lan.internal': { address: '192.0.2.1' },
  },
}

const { 'alone.lan.internal': _, ...devices } = inventory.devices
/** The machine that has no forward is none that anybody looks at, so it need not be there. */
export const booted = { ...inventory, devices }
