import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from '../../../src/lab/index.ts'
import {
  answering,
  cutAt,
  filesWith,
  inMemory,
  type Moment,
  onDisk,
  secretsOf,
  settled,
  storyOf,
} from '../image/fresh-card.ts'
import { outcomes, type Rehearsal, states } from '../kit.ts'
import { mustRun } from '../must-run.ts'
import { bootFilesOf, results } from './customs.ts'
import { type Field, nameOf, shuffled } from './fields.ts'

export interface Row extends Field {
  /** From power on to answering at the gateway, the last time that it was flashed. */
  readonly seconds: number
  readonly problems: readonly string[]
}

/** A device that gets one card after the other, and the gateway that nobody else is at. */
export interface Lane {
  readonly it: Rehearsal
  readonly machine: Machine
  readonly gateway: Machine
}

/** One card of one device, with an inventory of its own. */
export async function attempt(lane: Lane, field: Field, port: number, random: () => number): Promise<Row> {
  const { machine, gateway } = lane
  const problems: string[] = []
  let seconds = 0
  const check = (what: string, found: unknown, wanted: unknown) => {
    const [is, should] = [found, wanted].map((value) => JSON.stringify(value))
    if (is !== should) problems.push(`${what}: ${is} instead of ${should}`)
  }
  try {
    const { file, run, report, write } = await desk(lane, field, port)
    for (let round = field.fate === 're-flashed' ? 2 : 1; round > 0; round--) {
      const seed = await burn(run, file, machine, field, round)
      await machine.reflash({ seed })
      const began = performance.now()
      if (field.fate === '3 power cuts') for (const moment of threeOf(random)) await cutAt(machine, moment)
      await answering(gateway, port, 240_000).catch(async (error: Error) => {
        throw new Error(`${error.message}: ${await storyOf(machine)}`)
      })
      seconds = (performance.now() - began) / 1000
      await settled(machine)
      check('secrets', await filesWith(machine, await secretsOf(seed)), [])
    }
    const { code, stderr, report: first } = await report()
    check('run', [code, ...states(first)], [0, 'ok'])
    check('readmitted', /came back with a fresh card/.test(stderr), true)
    const [script, wanted] = results[field.custom]
    check(field.custom, (await machine.sh(script)).stdout, wanted)
    check('system', await mustRun(machine, setUp(field.login)), endOf(machine.name))
    if (field.fate === 'overlay afterwards') {
      await mustRun(machine, overlay.on)
      check('verified with its overlay', outcomes((await report()).report), [
        `${gateway.name} ok`,
        `${machine.name} ok`,
      ])
      await write({ more: [`127.0.0.1:${port + 1}:localhost:22`] })
      const { code, report: refused } = await report()
      check(
        'refused with its overlay',
        [code, ...outcomes(refused).filter((line) => /rejected/.test(line))],
        [1, `${machine.name} rejected`],
      )
      await mustRun(machine, overlay.off)
      check('run without its overlay', (await report()).code, 0)
    }
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  return { ...field, seconds, problems }
}

/** An inventory for this card, in a folder of its own, with the pin of the gateway beside it. */
async function desk({ it, machine, gateway }: Lane, field: Field, port: number) {
  const folder = join(it.folder, nameOf(field).replaceAll(/\W+/g, '-'))
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'inventory.json')
  const env = { PROVISION_KNOWN_HOSTS: '', WIFI_PASSPHRASE: 'correct horse battery' }
  const write = async ({ more = [] }: { more?: readonly string[] } = {}) => {
    const id = /"id": ?"([a-z0-9]+)"/.exec(await readFile(file, 'utf8').catch(() => ''))?.[1]
    const device = {
      login: { user: field.login },
      forwards: [`127.0.0.1:${port}:localhost:22`, ...more],
      via: ['forward'],
      ...(field.custom === 'Wi-Fi' && {
        wifi: { ssid: 'the LAN', passphrase: 'env:WIFI_PASSPHRASE', country: 'JP' },
      }),
    }
    const gateways = { [gateway.name]: { login: { user: 'user001' } } }
    await writeFile(file, JSON.stringify({ ...(id && { id }), gateways, devices: { [machine.name]: device } }))
  }
  await write()
  const pins = (await readFile(it.lab.knownHosts, 'utf8')).split('\n')
  const pin = pins.filter((line) => line.startsWith(`${gateway.name} `))
  await writeFile(join(folder, 'known_hosts'), `${pin.join('\n')}\n`)
  return {
    file,
    write,
    run: (...words: string[]) => it.provision(words, { env }),
    report: () => it.report([file], { env, timeoutMs: 240_000 }),
  }
}

async function burn(
  run: (...words: string[]) => Promise<{ code: number; stderr: string; stdout: string }>,
  file: string,
  machine: Machine,
  field: Field,
  round: number,
): Promise<string> {
  const folder = join(file, `../card-${round}`)
  await mkdir(folder)
  for (const [name, text] of Object.entries(bootFilesOf(field, machine.name.split('.', 1)[0] ?? '')))
    await writeFile(join(folder, name), text)
  const { code, stderr, stdout } = await run('image', file, '--device', machine.name, '--boot', folder)
  if (code !== 0) throw new Error(stderr + stdout)
  return folder
}

const home = 'var/lib/provision/first-boot'
/** In the order in which they come. */
const moments: readonly Moment[] = [
  onDisk(`${home}/seed.sh`),
  onDisk('etc/reverse-tunnel/known_hosts'),
  onDisk(`${home}/prepared`),
  inMemory('run/provision-first-boot'),
  onDisk(`${home}/finished`),
]
function threeOf(random: () => number): readonly Moment[] {
  const chosen = shuffled(moments, random).slice(0, 3)
  return moments.filter((moment) => chosen.includes(moment))
}

/** As after `raspi-config nonint enable_overlayfs` and a reboot, as far as a machine of the lab can show it. */
const overlay = {
  on: 'sed "s/$/ overlayroot=tmpfs/" /proc/cmdline >/run/cmdline && mount --bind /run/cmdline /proc/cmdline',
  off: 'umount /proc/cmdline',
}

const setUp = (login: string) => `hostname; su - ${login} -c 'sudo -n id -un'; systemctl is-enabled ssh
ls /etc/ssh/sshd_config.d/rename_user.conf 2>/dev/null; systemctl is-enabled getty@tty1 userconfig
ls -A /var/lib/provision/first-boot; systemctl is-system-running --wait`
const endOf = (name: string) => `${name.split('.', 1)[0]}\nroot\nenabled\nenabled\ndisabled\nfinished\nrunning\n`
