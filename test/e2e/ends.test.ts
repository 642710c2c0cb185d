import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import { place, type Rehearsal, rehearse } from './kit.ts'
import { mustRun } from './must-run.ts'
import { slowly } from './slow.ts'

// A command has ended when its report is out. On a slow link much is still being opened at that moment.

const [gateway, device] = ['gw', 'far']
const someone = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFk3P/eRoTcteB+c+zqEJXX0v6qvz9J95bgxaaN0Qap4 someone'
const withKey = { accounts: { user001: { authorizedKeys: [someone] } } }
const inventory = (more: object = {}) => ({
  login: { user: 'user001' },
  gateways: { [gateway]: more },
  devices: { [device]: { forwards: ['127.0.0.1:9022:localhost:22'], ...more } },
})

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory())
  const { code, stderr } = await it.provision([it.file])
  if (code !== 0) throw new Error(stderr)
})
afterAll(() => it?.down())

/** A run that an undo can take back, and the tunnel stands. */
async function changed() {
  for (const more of [{}, withKey]) {
    await it.rewrite(inventory(more))
    const { code, stderr } = await it.provision([it.file])
    if (code !== 0) throw new Error(stderr)
  }
}

/** Seconds from the last byte of the report to the end of the process; the report as well. */
function lingering(
  words: readonly string[],
): Promise<{ readonly seconds: number; readonly said: string; readonly code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = it.spawn(words, { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    let last = performance.now()
    const late = setTimeout(() => child.kill('SIGKILL'), 110_000)
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk
      last = performance.now()
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      clearTimeout(late)
      resolve({ seconds: (performance.now() - last) / 1000, said, code })
    })
  })
}

const commands: readonly (readonly [string, (file: string) => readonly string[]])[] = [
  ['verify', (file) => ['verify', file, '--timeout', '30']],
  ['drill', (file) => ['drill', file, '--device', device, '--yes', '--only', 'kill', '--timeout', '30']],
  ['undo', (file) => ['undo', file, '--timeout', '30']],
  ['doctor', (file) => ['doctor', file, '--device', device, '--timeout', '30']],
  ['status', (file) => ['status', file, '--timeout', '30']],
]

describe.each(['node-ssh', 'openssh'])('with 300 ms to the device, over %s', (transport) => {
  beforeAll(changed)

  test.each(commands)('%s ends within two seconds of its report', async (_, words) => {
    const { seconds, said, code } = await slowly(it.lab, device, 300, () =>
      lingering([...words(it.file), '--transport', transport]),
    )
    expect(said).not.toBe('')
    // 0 and 1 are the codes of reports; a mistake in the words would be 2, and nothing reached 3.
    expect([0, 1], said).toContain(code)
    expect(seconds, said).toBeLessThan(2)
  })

  test('an undo that is refused in the midst of it ends as soon', async () => {
    await changed()
    // The look and the change are let through, what would confirm it is not.
    const sudo = `#!/bin/sh\necho >>/tmp/asked; [ $(wc -l </tmp/asked) -le 2 ] || { echo "sudo: broken" >&2; exit 1; }\nexec /usr/bin/sudo "$@"\n`
    await place(it.lab.machine(gateway), { path: '/usr/local/bin/sudo', text: sudo })
    await mustRun(it.lab.machine(gateway), 'chmod 755 /usr/local/bin/sudo')
    onTestFinished(async () => {
      await mustRun(it.lab.machine(gateway), 'rm -f /usr/local/bin/sudo /tmp/asked')
      const settled = async () =>
        (await it.lab.machine(gateway).sh('[ ! -e /var/lib/provision/current ]')).code === 0 || undefined
      await until(settled, { timeoutMs: 60_000 })
    })
    const { seconds, said, code } = await lingering([
      'undo',
      it.file,
      '--confirm-within',
      '5',
      '--transport',
      transport,
    ])
    expect(said).toMatch(new RegExp(`^${gateway} +unknown`, 'm'))
    expect(code, said).toBe(3)
    expect(seconds, said).toBeLessThan(2)
  })
})
