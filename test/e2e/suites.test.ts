import { expect, test } from 'vitest'
import { outcomes, person, picture, rehearse, states } from './kit.ts'

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const { clients: _, ...pair } = picture

test.each([
  { old: 'Debian 11', suite: 'bullseye' },
  { old: 'Debian 12', suite: 'bookworm' },
  { old: 'a gateway of Debian 13 and a device of Debian 12', suite: { [gateway]: 'trixie', [device]: 'bookworm' } },
  { old: 'a gateway of Debian 12 and a device of Debian 13', suite: { [gateway]: 'bookworm', [device]: 'trixie' } },
] as const)('it works on $old', async ({ suite }) => {
  const it = await rehearse(pair, { suite })
  try {
    const version = async (name: string) =>
      (await it.lab.machine(name).sh('. /etc/os-release; echo $VERSION_CODENAME')).stdout
    const wanted = (name: string) => `${typeof suite === 'string' ? suite : suite[name]}\n`
    expect([await version(gateway), await version(device)]).toEqual([wanted(gateway), wanted(device)])
    const first = await it.report([it.file])
    expect({ code: first.code, hosts: outcomes(first.report), states: states(first.report) }).toEqual({
      code: 0,
      hosts: [`${gateway} changed`, `${device} changed`],
      states: ['ok'],
    })
    const second = await it.report([it.file])
    expect({ code: second.code, hosts: outcomes(second.report) }).toEqual({
      code: 0,
      hosts: [`${gateway} ok`, `${device} ok`],
    })
    const { stdout } = await person(it.lab.machine(gateway), 'exec 3<>/dev/tcp/127.0.0.1/9022; head -n 1 <&3')
    expect(stdout).toContain('SSH-2.0-OpenSSH')
  } finally {
    await it.down()
  }
})
