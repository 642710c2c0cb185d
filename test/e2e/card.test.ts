import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { local, until } from '../../src/lab/local.ts'
import { fresh, hash, makeImage } from '../image/kit.ts'
import { type Architecture, bootAt, bootPartition, flash, ownArchitecture } from './card/flashed.ts'
import { answering, onDisk, secretsOf } from './image/fresh-card.ts'
import { type Rehearsal, rehearse } from './kit.ts'

// One card as a whole: its image is written to as it was flashed, and boots a machine with a kernel of its own, and a Wi-Fi
// card. A container loses nothing with its power that this one has written and not brought to its disk yet.

const gateway = 'ssh-gw.guest.internal'
const device = 'host-a.lan.internal'
const inventory = {
  // The user that such a card has, without a shell.
  login: { user: 'pi' },
  gateways: { [gateway]: {} },
  devices: {
    [device]: {
      forwards: ['127.0.0.1:9022:localhost:22'],
      via: ['forward'],
      wifi: { ssid: 'the LAN', passphrase: 'env:WIFI_PASSPHRASE', country: 'JP' },
    },
  },
}
const architecture = (process.env.PROVISION_CARD_ARCHITECTURE as Architecture | undefined) ?? ownArchitecture
// Another processor than this machine's takes its time.
const patience = architecture === ownArchitecture ? 600_000 : 900_000
// An emulated machine may be too slow for a connection while others want the same cores, which passes.
const [tries, pauseMs] = [8, 10_000]

let it: Rehearsal
beforeAll(async () => {
  it = await rehearse(inventory)
  await run('trust', it.file, '--yes')
  await flash(card(), architecture, process.env.PROVISION_CARD_TREE)
}, 400_000)
afterAll(() => it?.down())

/** As outside a lab: the pins are those beside the inventory. */
const env = { PROVISION_KNOWN_HOSTS: '', WIFI_PASSPHRASE: 'correct horse battery' }
const card = () => join(it.folder, 'card.img')
const pi = () => it.lab.machine(device)
const consoleText = () => readFile(join(it.lab.directory, 'machines', device, 'emulated/console'), 'utf8')
const run = (...words: string[]) => it.provision(words, { env, timeoutMs: patience })
/** What nobody but the card may ever have, where it lies in any byte of the boot partition. */
const secretsLeft = async () => {
  const bytes = await bootPartition(card())
  return (await secretsOf(it.folder)).filter((secret) => bytes.includes(secret))
}
const burn = (image: string) => run('image', it.file, '--device', device, '--image', image)

/** When its power goes. The first one is always tried; PROVISION_CARDS=all waits for the others, too. */
const moments = [
  // The gateway has said yes, which the device has not noted yet, or has just done.
  () => onDisk(`etc/ssh/reverse-tunnel/enrolled/${device}`)(it.lab.machine(gateway)),
  // cloud-init begins anew.
  async () => ((await consoleText()).match(/running 'init-local'/g) ?? []).length > 1,
  // The seed is done, and what is secret of it is being wiped.
  async () => !(await local(['mdir', '-b', '-i', bootAt(card()), '::'])).includes('provision-seed.sh'),
]
const cuts = process.env.PROVISION_CARDS === 'all' ? moments : moments.slice(0, 1)

test('where the image cannot be written after all, it is as it was, and what to do is said', async () => {
  // There is less of it than its size says, and no room for more.
  const [small, full] = [makeImage({ files: fresh['cloud-init'] }), join(it.folder, 'full')]
  await mkdir(full)
  await local(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'card', full])
  try {
    const image = join(full, 'card.img')
    await local(['cp', '--sparse=always', small, image])
    await local(['sh', '-c', 'dd if=/dev/zero of="$0" bs=4k 2>/dev/null || :', join(full, 'fill')])
    const { code, stderr } = await burn(image)
    expect(stderr.split('\n').slice(-3)).toEqual([
      `provision: error: partition 1 of ${image}: it could not be written (ENOSPC), and is unchanged`,
      'provision: hint: free space on the disk that holds the image: the image is sparse and grows when it is written to; then run the same command again: the gateways expect a card that was not written, and replace it by the next one',
      '',
    ])
    expect(code).toBe(1)
    expect(hash(image)).toBe(hash(small))
  } finally {
    await local(['umount', full])
  }
})

test(
  'a flashed card that got its seed comes back at its port, with nobody logging in and power cuts in between',
  async () => {
    const { code, stdout, stderr } = await burn(card())
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(
      `partition 1 of ${card()}: cloud-init, detected from meta-data, user-data, network-config\n`,
    )
    expect(stdout).toContain('written, and read back: provision-seed.sh, which holds secrets\n')
    await local(['mcopy', '-i', bootAt(card()), '::provision-seed.sh', it.folder])
    expect(await secretsLeft()).toHaveLength(2)

    const began = performance.now()
    const words = ['bin/provision.js', 'lab', 'reflash', it.file, device, '--image', card()]
    expect(await local([process.execPath, ...words])).toBe('')
    for (const moment of cuts) {
      expect(await until(async () => (await moment()) || undefined, { timeoutMs: patience, everyMs: 50 })).toBe(true)
      await pi().kill()
      await pi().boot()
    }
    await answering(it.lab.machine(gateway), 9022, patience).catch(async (error: Error) => {
      throw new Error(`${error.message}: ${(await consoleText()).slice(-6000)}`)
    })
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    console.info(`from power on to answering at the gateway, with ${cuts.length} power cuts: ${seconds} s`)
  },
  patience * (1 + cuts.length) + 60_000,
)

test(
  '`provision` finds it by its forward, and brings it to what the inventory says',
  async () => {
    const words = [it.file, '--timeout', '60', '--confirm-within', '300']
    const runs: Awaited<ReturnType<Rehearsal['report']>>[] = []
    while (runs.length < tries && runs.at(-1)?.code !== 0) {
      if (runs.length > 0) await wait(pauseMs)
      runs.push(await it.report(words, { env, timeoutMs: patience }))
    }
    const said = runs.map(({ stderr, report }) => `${stderr}${JSON.stringify(report.hosts, undefined, 1)}`).join('\n')
    expect(runs.at(-1)?.code, said).toBe(0)
    expect(runs.at(-1)?.report.forwards.map(({ state }) => state)).toEqual(['ok'])
    expect(said).toContain(`${device}: came back with a fresh card, enrolled at ${gateway} `)
  },
  patience + 60_000,
)

test(
  'its Wi-Fi is on, by the rules of its country, its root has grown to the end of the card, its user has a shell, and nobody is told that there is none',
  async () => {
    const script = `sudo iw reg get | grep -o '^country ..' | sort -u; nmcli radio wifi; sort -u /sys/class/rfkill/*/soft
      sudo cat /var/lib/wifi-country; nmcli -t -f TYPE connection show | grep wireless; getent passwd pi | cut -d : -f 7
      ls /etc/ssh/sshd_config.d/rename_user.conf; systemctl is-enabled getty@tty1 userconfig
      cat /sys/block/vda/size /sys/block/vda/vda2/size; sudo dumpe2fs -h /dev/vda2 2>/dev/null | grep -E '^Block (count|size)'`
    const hop = `ProxyCommand=ssh -W 127.0.0.1:9022 ${gateway}`
    const strange = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR']
    const { stdout, stderr } = await it.lab.run(['ssh', ...strange, '-o', hop, `pi@${device}`, script], {
      timeoutMs: patience,
    })
    const [rules, wifi, blocked, country, kind, shell, getty, dialogue, ...sizes] = stdout.trim().split('\n')
    expect({ rules, wifi, blocked, country, kind, shell, getty, dialogue }, stderr).toEqual({
      rules: 'country JP',
      wifi: 'enabled',
      blocked: '0',
      country: 'JP',
      kind: '802-11-wireless',
      shell: '/bin/bash',
      getty: 'enabled',
      dialogue: 'disabled',
    })
    const [disk = 0, root = 0, count = 0, size = 0] = sizes.map((line) => Number(/\d+$/.exec(line)?.[0]))
    const sector = 512
    // But for the boot partition, all of the card is its root.
    expect((disk - root) * sector).toBe((8 + 96) << 20)
    expect(root * sector - count * size).toBeLessThan(1 << 20)
  },
  patience + 60_000,
)

test(
  'no byte of a secret stays on its boot partition',
  async () => {
    // cloud-init is let come to its own end first.
    const userData = () => local(['mtype', '-i', bootAt(card()), '::user-data']).catch(() => '')
    const done = async () => (await userData()) === '#cloud-config\n' || undefined
    expect(await until(done, { timeoutMs: patience, everyMs: 500 }), await consoleText()).toBe(true)
    await pi().kill()
    expect(await local(['mdir', '-b', '-i', bootAt(card()), '::'])).not.toContain('provision-seed.sh')
    expect(await secretsLeft()).toEqual([])
  },
  patience + 60_000,
)
