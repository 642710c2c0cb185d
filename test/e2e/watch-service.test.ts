import { chmod, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../src/lab/local.ts'
import type { HistoryReport } from '../../src/watch/history.ts'
import { root } from '../dist.ts'
import { isShown, linesOf, shownBelow } from './docs/page.ts'
import { outcomes, type Rehearsal, rehearse } from './kit.ts'
import { mustRun } from './must-run.ts'

/**
 * The watcher as a service beside a gateway, as docs/watch.md says it, with a key that can only look: there, and on
 * gateways with the oldest systems.
 */
const gateway = 'ssh-gw.guest.internal'
const gateways = { [gateway]: 'trixie', 'gw-9-2': 'bookworm', 'gw-8-4': 'bullseye' } as const
const names = Object.keys(gateways)
const [socket, sshd] = ['host-a.lan.internal', 'host-b.lan.internal'] as const
const forwards = (port: number, listener: string) =>
  names.map((name) => ({ gateway: name, port, host: 'localhost', hostPort: 22, listener }))
const inventory = {
  login: { user: 'user001' },
  gateways: Object.fromEntries(names.map((name) => [name, {}])),
  devices: { [socket]: { forwards: forwards(9022, 'socket') }, [sshd]: { forwards: forwards(9023, 'sshd') } },
  watch: { after: 5 },
}
const there = '/etc/provision/inventory.json'

let it: Rehearsal
let unit: string
let before: string
let lookingBefore: string

const inside = async (script: string, name: string = gateway) => (await mustRun(it.lab.machine(name), script)).trim()
/** `provision watch` on the gateway, by its root. */
const watch = async (words: string, as = '', file = there) => {
  const { code, stdout, stderr } = await it.lab.machine(gateway).sh(`${as} provision watch ${file} ${words}`)
  return { code, said: stdout + stderr }
}
const here = async (line: string) => {
  const { code, stdout, stderr } = await it.lab.run(['sh', '-c', line], {
    env: { CI: 'true', PATH: `${it.folder}/bin:${process.env.PATH}` },
    timeoutMs: 60_000,
  })
  expect({ line, code, stderr: code === 0 ? '' : stderr }).toMatchObject({ code: 0 })
  return stdout
}
/** What is on the gateways that was not there, or is there no more; not what logs and runs leave. */
const things = async () => (await Promise.all(names.map(thingsOn))).join('\n')
const thingsOn = (name: string) =>
  inside(
    `
    find /etc /usr/local /var/lib /run/systemd/system -xdev ! -path '/var/lib/provision/*' ! -name '*-' ! -name '.pwd.lock' \
      ! -path '/etc/provision*' ! -path '/var/lib/systemd/*' ! -path '/var/lib/private' | sort
    ls -d /run/provision* 2>/dev/null; getent passwd | cut -d : -f 1; systemctl list-units --all --plain --no-legend 'provision*' | sed 's/  */ /g; /@/d; /provision-recover/d'
  `,
    name,
  )

/** What docs/watch.md shows, of one gateway, is what was said. */
async function expectShown(words: string, all: string): Promise<void> {
  const others = names.filter((name) => name !== gateway)
  const said = linesOf(all.replaceAll(names.join(', '), gateway)).filter(
    (line) => !others.some((name) => line.includes(` ${name} `)),
  )
  const shown = await shownBelow('watch.md', `sudo provision watch ${there} ${words}`)
  const id = /provision-watch-(\w{8})/.exec(shown.join())?.[1]
  const own = unit.replace(/^.*-|[.].*$/g, '')
  expect(
    isShown(
      shown.map((line) => line.replaceAll(id ?? own, own)),
      said,
    ),
    all,
  ).toBe(true)
}

beforeAll(async () => {
  it = await rehearse(inventory, { suite: gateways })
  const { code, stderr, report } = await it.report([it.file])
  expect({ code, stderr: code === 0 ? '' : stderr, hosts: outcomes(report) }).toMatchObject({ code: 0 })
  // What everybody has beside their inventory.
  await cp((await it.lab.run(['printenv', 'PROVISION_KNOWN_HOSTS'])).stdout.trim(), join(it.folder, 'known_hosts'))
  // provision on the gateway, and a `provision` of that name here.
  const disk = it.lab.machine(gateway).root
  await cp(process.execPath, join(disk, 'usr/bin/node'))
  for (const part of ['bin', 'dist', 'package.json'])
    await cp(join(root, part), join(disk, 'usr/lib/provision', part), { recursive: true })
  await symlink('/usr/lib/provision/bin/provision.js', join(disk, 'usr/bin/provision'))
  await mkdir(join(it.folder, 'bin'))
  await writeFile(
    join(it.folder, 'bin/provision'),
    `#!/bin/sh\nexec ${process.execPath} ${root}/bin/provision.js "$@"\n`,
  )
  await chmod(join(it.folder, 'bin/provision'), 0o755)
  const { id } = JSON.parse(await readFile(it.file, 'utf8'))
  unit = `provision-watch-${id}.service`
})
afterAll(() => it?.down())

test('it is installed beside the gateway by what --on says, once its key is let in', async () => {
  before = await things()
  const told = await here(`provision watch ${it.file} --install --on ${gateway}`)
  const lines = told.split('\n').flatMap((line) => (/^ {2}provision /.test(line) ? [line.trim()] : []))
  expect(lines.length).toBe(5)
  for (const line of lines.slice(0, 3)) await here(line)

  await inside(`chmod 600 ${there}`)
  expect(await watch('--install')).toEqual({ code: 2, said: expect.stringContaining(`chmod o+rX ${there}`) })
  await inside(`chmod 644 ${there}`)
  expect(await watch('--install', 'runuser -u nobody --')).toEqual({
    code: 2,
    said: expect.stringContaining('with sudo'),
  })
  const mailing = there.replace('.json', '-mail.json')
  await inside(`sed '1s/{/{ "alerts": [{ "mail": "ops@example.org" }],/' ${there} >${mailing}`)
  expect(await watch('--install', '', mailing)).toEqual({
    code: 2,
    said: expect.stringContaining(`${mailing}:1:24 alerts[0].mail: the program sendmail does not work`),
  })
  expect(await things()).toBe(before)

  const first = await watch('--install')
  expect(first).toEqual({ code: 1, said: expect.stringContaining(`${names.join(', ')} must let its key in first`) })
  await expectShown('--install', first.said)
  expect(await things()).toBe(before)
  for (const line of lines.slice(3)) await here(line)
  const again = await it.report([it.file])
  expect({ code: again.code, hosts: outcomes(again.report) }).toEqual({
    code: 0,
    hosts: [...names, socket, sshd].map((name) => `${name} ok`),
  })
  lookingBefore = await things()

  const second = await watch('--install --least-privilege')
  expect(second, second.said).toMatchObject({ code: 0 })
  for (const name of names) expect(second.said).toContain(`proved: 14 attempts with its key on ${name} were refused`)
  await expectShown('--install --least-privilege', second.said)
  expect(await watch('--install')).toEqual({ code: 0, said: expect.stringContaining('runs already, as it should') })
  expect(
    Number(await inside(`systemd-analyze security ${unit} | grep -o '[0-9.]* OK'`).then((it) => it.split(' ')[0])),
  ).toBeLessThanOrEqual(1.5)
}, 120_000)

const show = (what: string) => inside(`systemctl show -p ${what} --value ${unit}`)
const soon = (look: () => Promise<boolean>) => until(async () => (await look()) || undefined, { timeoutMs: 30_000 })

test('with that key it sees both kinds of tunnel, and an outage as the watcher of a person does', async () => {
  expect(await soon(async () => (await show('StatusText')) === '2 of 2 devices are up')).toBe(true)
  const units = names.map((name) => `reverse-tunnel-${name}.service`).join(' ')
  const tunnels = (act: 'stop' | 'start') =>
    Promise.all([socket, sshd].map((name) => inside(`systemctl ${act} ${units}`, name)))
  const at = Date.now()
  await tunnels('stop')
  const history = async () => {
    const state = `/var/lib/${unit.replace('.service', '')}`
    return JSON.parse(await inside(`provision history ${there} --state ${state} --json`)) as HistoryReport
  }
  expect(await soon(async () => (await history()).outages.length === 2)).toBe(true)
  const { outages } = await history()
  expect(outages.map(({ condition, name, state }) => `${condition} ${name} ${state}`).sort()).toEqual(
    [`down ${socket} no-tunnel`, `down ${sshd} no-tunnel`].sort(),
  )
  for (const { begin } of outages) expect(Math.abs(Date.parse(begin) - at)).toBeLessThan(5000)
  await tunnels('start')
  expect(await soon(async () => (await history()).outages.every(({ end }) => end !== undefined))).toBe(true)
}, 90_000)

test('what somebody allows its key is seen each night: by the key itself, and without it by verify', async () => {
  const old = 'gw-8-4'
  const opened = '/etc/ssh/sshd_config.d/00-provision-look-*.conf'
  await inside(`cp -p ${opened} /root/; sed -i '/PermitOpen/d' ${opened}; systemctl reload ssh`, old)
  const [tried, compared] = await Promise.all([
    watch('--install --least-privilege'),
    it.report(['verify', it.file, '--limit', old]),
  ])
  expect(tried.code, tried.said).toBe(1)
  expect(tried.said).toMatch(
    /fails: gw-8-4 refuses its key -L to the gateway itself, 127.0.0.1:22\n.*\n.*by PermitOpen/,
  )
  expect({ code: compared.code, hosts: outcomes(compared.report) }).toEqual({ code: 4, hosts: [`${old} differs`] })
  expect(await show('ActiveState')).toBe('active')
  await inside(
    `cp -p /root/00-provision-look-* /etc/ssh/sshd_config.d/; rm /root/00-provision-look-*; systemctl reload ssh`,
    old,
  )
}, 60_000)

test('systemd starts it again when it is frozen', async () => {
  const drop = `/run/systemd/system/${unit}.d`
  await inside(
    `mkdir -p ${drop}; printf '[Service]\\nWatchdogSec=4\\n' >${drop}/quick.conf; systemctl daemon-reload; systemctl restart ${unit}`,
  )
  const pid = await show('MainPID')
  await inside(`kill -STOP ${pid}`)
  expect(await soon(async () => (await show('NRestarts')) === '1')).toBe(true)
  expect(await soon(async () => (await show('ActiveState')) === 'active')).toBe(true)
  expect(await show('MainPID')).not.toBe(pid)
  await inside(`rm -r ${drop}; systemctl daemon-reload`)
}, 60_000)

test('it is taken away without a trace, and its key with it', async () => {
  const gone = await watch('--uninstall')
  expect(gone, gone.said).toMatchObject({ code: 0, said: expect.stringContaining('was taken away, with its key') })
  await inside(/rm -r .*/.exec(gone.said)?.[0] ?? 'false')
  expect(await things()).toBe(lookingBefore)
  await here(`provision cp --inventory ${it.file} ${gateway}:${there} ${it.file}`)
  expect(JSON.parse(await readFile(it.file, 'utf8')).watch).toEqual({ after: 5 })
  await here(`provision ${it.file}`)
  expect(await things()).toBe(before)
  expect(await watch('--uninstall')).toEqual({ code: 0, said: expect.stringContaining('there is no service') })
}, 90_000)
