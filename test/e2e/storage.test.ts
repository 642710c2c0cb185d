import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomes, picture, type Rehearsal, rehearse } from './kit.ts'
import { mustRun } from './must-run.ts'
import { stateOf } from './state-of.ts'

// A Pi whose card is protected by an overlay in memory, and one whose undo would be gone with the power.

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal']
const { clients: _, ...pair } = picture

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(pair)
}, 300_000)
afterAll(() => it?.down())

const inside = (script: string) => mustRun(it.lab.machine(device), script)
const apply = () => it.report([it.file], { timeoutMs: 240_000 })

/** As after `raspi-config nonint enable_overlayfs` and a reboot, as far as a machine of the lab can show it. */
const overlay = {
  on: () =>
    inside('sed "s/$/ overlayroot=tmpfs/" /proc/cmdline >/run/cmdline && mount --bind /run/cmdline /proc/cmdline'),
  off: () => inside('umount /proc/cmdline'),
}

async function refused(words: string) {
  const before = await stateOf(it.lab.machine(device))
  const { code, report } = await apply()
  expect({ code, hosts: outcomes(report) }).toMatchObject({
    code: 1,
    hosts: expect.arrayContaining([`${device} rejected`]),
  })
  const { error } = report.hosts.find(({ name }) => name === device) ?? {}
  expect(error?.message).toContain(words)
  expect(await stateOf(it.lab.machine(device))).toEqual(before)
  return error?.hint
}

test('where the next reboot would forget what is changed, the device is left alone, and the way out is told', async () => {
  await overlay.on()
  expect(await refused('its root is an overlay in memory (overlayroot=tmpfs)')).toContain('disable_overlayfs')
  await overlay.off()
}, 300_000)

test('so is one that could not undo after a power cut', async () => {
  await inside('mkdir -p /var/lib/provision && mount -t tmpfs tmpfs /var/lib/provision')
  expect(await refused('/var/lib/provision is in memory')).toContain('findmnt -T /var/lib/provision')
  await inside('umount /var/lib/provision')
}, 300_000)

test('one that has all it should is verified with its overlay on, and a run has nothing to say', async () => {
  expect((await apply()).code).toBe(0)
  await overlay.on()
  const { code, report } = await apply()
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 0, hosts: [`${gateway} ok`, `${device} ok`] })
  expect((await it.report(['verify', it.file])).code).toBe(0)
  await overlay.off()
}, 300_000)
