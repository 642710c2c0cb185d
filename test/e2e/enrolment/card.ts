import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { bundleOptions, defaultPlaybook, defined } from '../../../scripts/bundle.js'
import { isThere } from '../../../src/files/atomic.ts'
import type { Seed } from '../../../src/image/seed/seed.ts'
import type { Machine } from '../../../src/lab/index.ts'
import { until } from '../../../src/lab/local.ts'
import { place, type Rehearsal, rehearse } from '../kit.ts'
import { mustRun } from '../must-run.ts'

/** As outside a lab: the pins are those beside the inventory. */
const env = { PROVISION_KNOWN_HOSTS: '' }

export const [now, old] = ['ssh-gw.guest.internal', 'old-gw.guest.internal']
export const [a, b, c] = ['host-a.lan.internal', 'host-b.lan.internal', 'host-c.lan.internal']
const gateways = { [now]: {}, [old]: { listener: 'sshd' } }
const at = (gateway: string, port: number) => ({ gateway, port, host: 'localhost', hostPort: 22 })
/** A gateway of today and one of Debian 11, with the two kinds of listeners; a device at each of them, and one at both. */
const inventory = (more: object = {}) => ({
  login: { user: 'user001' },
  gateways,
  devices: {
    [a]: { forwards: [at(now, 9022)], ...more },
    [b]: { forwards: [at(old, 9023), at(now, 9025)] },
    [c]: { forwards: [at(now, 9024)] },
  },
})

/** A lab in which cards are burnt. */
export async function cards() {
  const it = await rehearse(inventory(), { suite: { [old]: 'bullseye', [b]: 'bookworm' } })
  await it.provision(['trust', it.file, '--yes'], { env })
  const { code, stderr } = await it.provision([it.file], { env })
  if (code !== 0) throw new Error(stderr)
  // From now on there is no other way to it, as for somebody in the guest network.
  await it.rewrite(inventory({ via: ['forward'] }))
  const machine = (name: string) => it.lab.machine(name)
  const inside = async (name: string, script: string) => (await mustRun(machine(name), script)).trim()
  const pins = () => readFile(join(it.folder, 'known_hosts'), 'utf8')
  const makeSeed = seedMaker(it)
  const only = (...names: string[]) => names.flatMap((name) => ['--limit', name])
  return {
    it,
    env,
    file: it.file,
    machine,
    inside,
    pins,
    makeSeed,
    run: (...words: string[]) => it.report([...words, '--timeout', '4'], { env, timeoutMs: 240_000 }),
    only,
    undo: async (...names: string[]) => (await it.provision(['undo', it.file, ...only(...names)], { env })).code,
    pinsOf: async (name: string) =>
      [...(await pins()).matchAll(/^(\S+) (ssh-ed25519 \S+)/gm)].flatMap(([, host, key = '']) =>
        host === name ? [key] : [],
      ),
    hostKeyOf: (name: string) => inside(name, `cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub`),
    async seedOf(name: string, options = {}): Promise<Seed> {
      const { seed, stdout, stderr } = await makeSeed(name, options)
      if (!seed) throw new Error(`${stdout}${stderr}`)
      return seed
    },
    /** A fresh card with this on it, until its first boot has come to its end. */
    async flash(name: string, seed: Seed) {
      await machine(name).reflash()
      await insert(machine(name), seed)
      await begin(machine(name))
      await enrolled(machine(name))
    },
    /** Everything that a gateway has for fresh cards alone. */
    doorOf: (name: string) =>
      inside(
        name,
        `ls -d /etc/ssh/reverse-tunnel/enrol* /etc/ssh/sshd_config.d/*enrol* /etc/systemd/system/*enrol* \
           /etc/systemd/system/*/*enrol* /run/provision-enrol 2>/dev/null
         getent passwd enrol-tunnel; systemctl list-units --all --no-legend '*enrol*'; :`,
      ),
    /** What ssh says that knows a certificate authority, and has no key. */
    greeting: async (name: string, { to, authority }: { to: string; authority: string }) => {
      await place(machine(name), { path: '/root/authority', text: `@cert-authority * ${authority}\n` })
      const options = ['StrictHostKeyChecking=yes', 'UserKnownHostsFile=/root/authority', 'BatchMode=yes']
      const words = options.map((option) => `-o ${option}`).join(' ')
      return (await machine(name).sh(`ssh -F none ${words} nobody@${to} : 2>&1`)).stdout
    },
    pinGateway: (hostKey: string | undefined) =>
      it.rewrite({ ...inventory(), gateways: { ...gateways, [now]: { hostKeys: [hostKey] } } }),
  }
}

export type Cards = Awaited<ReturnType<typeof cards>>

/** Asks for the seed of a device, as `provision image` does, in the lab's LAN. */
function seedMaker({ folder, lab, file }: Rehearsal) {
  const program = join(folder, 'make-seed.js')
  const made = writeFile(join(folder, 'package.json'), '{ "type": "module" }\n').then(() =>
    build({
      ...bundleOptions,
      entryPoints: { 'make-seed': join(import.meta.dirname, 'make-seed.ts'), ...defaultPlaybook },
      outdir: folder,
      define: defined('test'),
    }),
  )
  return async (device: string, { hours = 24, keep = [] as readonly string[] } = {}) => {
    await made
    const ran = await lab.run([process.execPath, program, file, device, String(hours), ...keep], {
      env: { CI: 'true', ...env },
      timeoutMs: 120_000,
    })
    const text = /^@seed (\{.*\})$/m.exec(ran.stdout)?.[1]
    return { ...ran, seed: text ? (JSON.parse(text) as Seed) : undefined }
  }
}

/** The host key of a device, as somebody has kept it, and a certificate for it. */
export async function backupOf({ it, inside }: Cards, name: string) {
  const [key, authority] = ['backup', 'authority'].map((file) => join(it.folder, file)) as [string, string]
  await writeFile(key, `${await inside(name, 'cat /etc/ssh/ssh_host_ed25519_key')}\n`, { mode: 0o600 })
  await writeFile(`${key}.pub`, await inside(name, 'cat /etc/ssh/ssh_host_ed25519_key.pub'))
  const keygen = (...words: string[]) => promisify(execFile)('ssh-keygen', ['-q', ...words])
  await keygen('-t', 'ed25519', '-N', '', '-f', authority)
  await keygen('-s', authority, '-h', '-I', name, '-n', name, `${key}.pub`)
  return { files: [key, `${key}-cert.pub`], authority: await readFile(`${authority}.pub`, 'utf8') }
}

/** What the glue of an image's format does: the files, and a unit that runs the program at every boot until it ends with 0. */
export async function insert(machine: Machine, { files, program }: Seed): Promise<void> {
  for (const { path, mode, content } of [...files, { ...program, mode: '755' }]) {
    await machine.sh(`mkdir -p '${path.replace(/\/[^/]*$/, '')}'`)
    await place(machine, { path, text: content })
    await machine.sh(`chmod ${mode} '${path}'`)
  }
  const unit = `[Unit]
ConditionPathExists=${program.path}
[Service]
ExecStart=/bin/sh ${program.path}
[Install]
WantedBy=multi-user.target
`
  await place(machine, { path: '/etc/systemd/system/first-boot.service', text: unit })
  await machine.sh('systemctl daemon-reload && systemctl enable first-boot.service')
}

export const begin = (machine: Machine) => machine.sh('systemctl start first-boot.service')

export async function enrolled(machine: Machine, timeoutMs = 90_000): Promise<void> {
  const gone = async () => ((await has(machine, firstBoot)) ? undefined : true)
  if (await until(gone, { timeoutMs })) return
  throw new Error((await machine.sh('journalctl --no-pager -u first-boot.service')).stdout)
}

const firstBoot = 'etc/reverse-tunnel/first-boot'
const has = ({ root }: Machine, path: string) => isThere(join(root, path))

/** Takes its power at named moments of its first boot, and leaves of files what may not have reached the disk. */
export async function powerCuts(machine: Machine, gateways: readonly Machine[]): Promise<void> {
  const made = 'etc/reverse-tunnel/id_ed25519.new'
  const record = `etc/ssh/reverse-tunnel/enrolled/${machine.name}`
  const moments = [
    {
      come: async () => true,
      left: ': >etc/ssh/ssh_host_ed25519_key; : >etc/ssh/ssh_host_rsa_key.pub',
    },
    { come: () => has(machine, made), left: `[ ! -e ${made} ] || : >${made}` },
    {
      come: async () => (await Promise.all(gateways.map((gateway) => has(gateway, record)))).includes(true),
      left: ':',
    },
  ]
  for (const { come, left } of moments) {
    const over = async () => !(await has(machine, firstBoot))
    const moment = async () => (await come()) || (await over()) || undefined
    if (!(await until(moment, { timeoutMs: 60_000, everyMs: 10 }))) throw new Error(`${machine.name}: no first boot`)
    await machine.kill()
    await promisify(execFile)('sh', ['-c', left], { cwd: machine.root })
    await machine.boot()
  }
}
