import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../../src/report/report.ts'
import { outcomes, picture, type Rehearsal, rehearse, states, verified } from './kit.ts'
import { mustRun } from './must-run.ts'
import { stateOf } from './state-of.ts'

// What is written is there, and something else keeps it from being so: a drop-in, a mask, a lock, a cleaner of /run.

const [gateway, device] = ['ssh-gw.guest.internal', 'host-a.lan.internal'] as const
const unit = `reverse-tunnel-${gateway}.service`
const { clients: _, ...pair } = picture

let it: Rehearsal
let account: string
beforeAll(async () => {
  it = await rehearse(pair)
  expect((await it.provision([it.file])).code).toBe(0)
  account = (await mustRun(it.lab.machine(gateway), `getent passwd | grep -o '^tunnel-[^:]*'`)).trim()
}, 300_000)
afterAll(() => it?.down())

const at = (name: string) => (script: string) => mustRun(it.lab.machine(name), script)
const onDevice = (script: string) => at(device)(script)
const onGateway = (script: string) => at(gateway)(script)
const both = () => Promise.all([gateway, device].map((name) => stateOf(it.lab.machine(name))))
/** Without what runs, which may just be trying again. */
const files = async () => (await both()).map((rows) => rows.filter((row) => !row.startsWith('reverse-tunnel-')))
const summaries = ({ hosts }: Report) =>
  hosts.flatMap(({ changes }) => changes.map(({ resource, summary }) => `${resource}: ${summary}`)).join('\n')
const show = (...properties: string[]) =>
  onDevice(`systemctl show --value ${properties.map((each) => `-p ${each}`).join(' ')} ${unit} | sort`)

/** Verify calls it a difference in these words and touches nothing; one run mends it, and the next has nothing to do. */
async function mended(host: string, words: RegExp | string): Promise<void> {
  const before = await files()
  const found = await it.report(['verify', it.file])
  expect(outcomes(found.report)).toContain(`${host} differs`)
  expect(found.code).not.toBe(0)
  expect(summaries(found.report)).toMatch(words)
  expect(await files()).toEqual(before)
  const run = await it.report([it.file])
  expect({ code: run.code, states: states(run.report), hosts: outcomes(run.report) }).toEqual({
    code: 0,
    states: ['ok'],
    hosts: [gateway, device].map((name) => `${name} ${name === host ? 'changed' : 'ok'}`),
  })
  await nothingToDo()
}

async function nothingToDo(): Promise<void> {
  const { code, report } = await it.report([it.file])
  expect({ code, hosts: outcomes(report) }).toEqual({ code: 0, hosts: [`${gateway} ok`, `${device} ok`] })
}

async function undone(): Promise<void> {
  expect((await it.provision(['undo', it.file])).code).toBe(0)
}

describe('a drop-in', () => {
  const override = `/etc/systemd/system/${unit}.d/override.conf`
  const all = '/etc/systemd/system/service.d/10-all.conf'

  test('that ends the restarts is overruled, and the tunnel is not interrupted', async () => {
    const clean = await both()
    await onDevice(`mkdir -p ${override.replace(/\/[^/]*$/, '')} ${all.replace(/\/[^/]*$/, '')}
      printf '[Service]\\nRestart=no\\n' >${override}
      printf '[Unit]\\nStartLimitIntervalSec=60\\nStartLimitBurst=2\\n[Service]\\nRestartSec=90\\n' >${all}
      systemctl daemon-reload`)
    const before = await both()
    const run = await show('InvocationID')
    await mended(device, `overrule Restart=no, set by ${override} for ${unit}`)
    expect((await show('Restart', 'RestartUSec', 'StartLimitIntervalUSec')).split('\n').filter(Boolean)).toEqual([
      '0',
      '200ms',
      'always',
    ])
    expect(await show('InvocationID')).toBe(run)
    expect(await onDevice(`cat ${override}`)).toBe('[Service]\nRestart=no\n')
    await onDevice('pkill -KILL -u reverse-tunnel ssh')
    expect(states(await verified(it))).toEqual(['ok'])
    await undone()
    expect(await both()).toEqual(before)
    expect(await show('Restart')).toBe('no\n')
    expect((await it.provision([it.file])).code).toBe(0)
    await onDevice(`rm -r ${override.replace(/\/[^/]*$/, '')}/override.conf ${all.replace(/\/[^/]*$/, '')}`)
    await mended(device, /remove .*zzzz-provision\.conf/)
    expect(await both()).toEqual(clean)
  }, 300_000)

  test('of a container that takes the key away is overruled, and the tunnel starts with it', async () => {
    const file = '/run/systemd/system/service.d/zzz-lxc-service.conf'
    await onDevice(`mkdir -p ${file.replace(/\/[^/]*$/, '')}
      printf '[Service]\\nProtectProc=default\\nNoNewPrivileges=no\\nLoadCredential=\\nPrivateNetwork=no\\n' >${file}
      systemctl daemon-reload; systemctl restart --no-block ${unit}; sleep 1`)
    await mended(device, `overrule LoadCredential=, set by ${file} for ${unit}`)
    await onDevice(`rm -r ${file.replace(/\/[^/]*$/, '')}`)
    await mended(device, /remove .*zzzz-provision\.conf/)
  }, 300_000)

  test('that is read after every drop-in of ours is refused, with its name', async () => {
    const file = `/etc/systemd/system/${unit}.d/zzzzz.conf`
    await onDevice(`mkdir -p ${file.replace(/\/[^/]*$/, '')}; printf '[Service]\\nUser=root\\n' >${file}`)
    const { code, report } = await it.report([it.file])
    expect({ code, hosts: outcomes(report) }).toEqual({ code: 1, hosts: [`${gateway} ok`, `${device} rejected`] })
    expect(report.hosts[1]?.error?.message).toContain(`${file} sets User=root for ${unit}`)
    await onDevice(`rm -r ${file.replace(/\/[^/]*$/, '')}; systemctl daemon-reload`)
    await nothingToDo()
  }, 300_000)
})

test('a masked unit is unmasked, and one that was only enabled is started', async () => {
  const path = `/etc/systemd/system/${unit}`
  await onDevice(`systemctl stop ${unit}; ln -sfn /dev/null ${path}; systemctl daemon-reload`)
  const before = await both()
  await mended(device, `unmask ${unit}, write ${unit}, start ${unit}`)
  await undone()
  expect(await both()).toEqual(before)
  expect((await it.provision([it.file])).code).toBe(0)
  await onDevice(`systemctl stop ${unit}`)
  await mended(device, `systemd-units reverse-tunnel-*: start ${unit}`)
}, 300_000)

test('an account that is locked, has expired or lost its shell is opened, and undo shuts it again', async () => {
  await onGateway(`chage -E 1 ${account}; usermod -L -s /bin/gone ${account} 2>/dev/null`)
  await onDevice('chage -d 0 reverse-tunnel')
  const before = await both()
  const found = await it.report(['verify', it.file])
  expect(outcomes(found.report)).toEqual([`${gateway} differs`, `${device} differs`])
  expect(summaries(found.report)).toBe(
    `accounts tunnel-*: set back the login shell of ${account}, unlock ${account}, remove the expiry date of ${account}\n` +
      'account reverse-tunnel: remove the password age of reverse-tunnel',
  )
  expect((await it.provision([it.file])).code).toBe(0)
  await nothingToDo()
  const shadow = (name: string) => `getent shadow ${name} | cut -d : -f 2,5,8`
  expect([await onGateway(shadow(account)), await onDevice(shadow('reverse-tunnel'))]).toEqual(['*::\n', '*::\n'])
  await undone()
  expect(await both()).toEqual(before)
  expect((await it.provision([it.file])).code).toBe(0)
}, 300_000)

test('folders in /run that were cleared away are made again, and the tunnel comes back through them', async () => {
  await onGateway('rm -rf /run/reverse-tunnel')
  await mended(gateway, `folders in /run/reverse-tunnel: make again those of ${account}, end the sessions`)
  await onGateway(`chmod 777 /run/reverse-tunnel/${account}`)
  await mended(gateway, /^folders in \/run\/reverse-tunnel: make again those of [^,]+$/)
}, 300_000)
