import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import enrolText from '../../playbooks/reverse-tunnel/enrol.sh'
import { newEnrolment } from '../../src/enrolment/new-card.ts'
import { firstBootFiles, firstBootProgram } from '../../src/image/seed/first-boot-files.ts'
import { parse } from '../inventory/parse.ts'

/** The commands of first-boot.sh that change something: before each of them it can be stopped. */
const acting = ['cat', 'chmod', 'chown', 'ln', 'mkdir', 'mv', 'rm', 'ssh', 'ssh-keygen', 'systemctl', 'useradd']
const stubs: Readonly<Record<string, string>> = {
  // RSA keys take long; the others show the same.
  'ssh-keygen': `case $1 in
-A) for type in ed25519 ecdsa; do
  [ -e $root/etc/ssh/ssh_host_\${type}_key ] || /usr/bin/ssh-keygen -q -t $type -N '' -f $root/etc/ssh/ssh_host_\${type}_key
done; exit ;;
esac`,
  // The way to the gateway, and its own program there.
  ssh: `[ ! -e $root/offline ] || { echo 'ssh: connect to host gw port 22: No route to host' >&2; exit 255; }
{ printf '%s 192.0.2.7 ' 0123456789abcdef0123456789abcdef; cat; } >$root/gateway/request
sh $root/gateway/enrol settle 3<$root/gateway/request 2>>$root/gateway/log
cat $root/gateway/run/answers/0123456789abcdef0123456789abcdef
exit`,
  systemctl: `[ "$1" != --version ] || { echo "systemd $(cat $root/systemd)"; exit; }
[ "$1" != cat ] || exit 0
echo "$*" >>$root/systemctl.log
exit`,
  useradd: `for account; do :; done; echo "$account" >>$root/accounts; echo "$2" >$root/comment; exit`,
  chown: 'exit 0',
  // In one group with the rest: it must not outlive a power cut.
  timeout: 'shift; exec "$@"',
  sync: 'exit 0',
}

export const inventory = (more: object = {}) =>
  parse(
    JSON.stringify({
      gateways: { gw: {} },
      devices: { 'pi.lan': { forwards: ['127.0.0.1:9022:localhost:22'] } },
      ...more,
    }),
  )

/** A device with a fresh card, and its gateway, in a folder: the real programs of both, their paths turned to it. */
export function cardBox({ shell = ['dash'], systemd = '257' }: { shell?: readonly string[]; systemd?: string } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'provision-card-'))
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { mode })
  }
  const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined)
  const inRoot = (text: string, here: string) =>
    text
      .replaceAll('/etc/ssh/reverse-tunnel', `${root}/gateway/etc`)
      .replaceAll('/run/provision-enrol', `${root}/gateway/run`)
      .replaceAll('/var/lib/provision', `${root}/gateway/lib`)
      .replaceAll('/etc/', `${root}/etc/`)
      .replaceAll(/^(\s*)PATH=\S+/gm, `$1PATH=${here}/usr/sbin:/usr/bin:/sbin:/bin`)
  for (const name of [...acting, 'getent', 'sleep', 'sync', 'timeout']) {
    const stub =
      stubs[name] ?? (name === 'sleep' ? 'kill -9 0' : name === 'getent' ? 'grep -qx "$2" $root/accounts; exit' : '')
    // What only reads leaves everything as it was. Parts of a pipe count side by side, so each adds a line.
    const counted = acting.includes(name)
      ? `case "${name} $*" in 'ssh-keygen -y '* | 'cat /'*) ;; *) echo >>$root/count; read -r stop <$root/stop
[ $(grep -c '' <$root/count) -lt $stop ] || kill -9 0 ;; esac\n`
      : ''
    const real = spawnSync('sh', ['-c', 'command -v "$0"', name]).stdout.toString().trim()
    write(`bin/${name}`, `#!/bin/dash\nroot=${root}\n${counted}${stub}\nexec ${real} "$@"\n`, 0o755)
  }
  write('systemd', systemd)
  write('accounts', '')
  write('etc/systemd/system/x', '')
  write('gateway/etc/x', '')
  write('gateway/run/x', '')
  write('gateway/enrol', inRoot(enrolText, ''))
  for (const type of ['ed25519', 'ecdsa']) {
    const key = join(root, 'etc/ssh', `ssh_host_${type}_key`)
    mkdirSync(dirname(key), { recursive: true })
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', key])
  }

  const box = {
    root,
    write,
    read,
    list: (path: string) => (existsSync(join(root, path)) ? readdirSync(join(root, path)).sort() : []),
    /** A card for pi.lan, as the gateway is told of it. */
    card({ hours = 1, hostKeys }: { hours?: number; hostKeys?: ReadonlyMap<string, string> } = {}) {
      const { secrets, enrolment } = newEnrolment('pi.lan', { now: new Date(), hours })
      const { publicKey, expires, tokenDigest } = enrolment
      const file = `${root}/gateway/etc/keys/tunnel-pi`
      const mark = 'provision k7w2m9qd pi.lan'
      const row = ['restrict', publicKey, 'pi.lan', expires, tokenDigest, file, 'restrict,port-forwarding', mark].join(
        ' ',
      )
      write('gateway/etc/enrolments', `${row}\n`)
      return { secrets, enrolment, row, hostKeys }
    },
    /** What an image's format writes. */
    insert({
      secrets,
      hostKeys,
    }: {
      secrets: { privateKey: string; token: string }
      hostKeys?: ReadonlyMap<string, string> | undefined
    }) {
      const { devices, gateways } = inventory()
      const [device] = devices
      if (!device) throw new Error('no device')
      for (const { path, content, mode } of firstBootFiles({
        device,
        gateways,
        mark: { inventory: 'k7w2m9qd', device: device.name },
        hostKeysOf: () => ['ssh-ed25519 AAAAgateway'],
        secrets,
        hostKeys,
      }))
        write(path, content, Number.parseInt(mode, 8))
      write(firstBootProgram.path, firstBootProgram.content)
    },
    /** Switched on; `stop`: killed before so many commands that change something. */
    boot(stop = 1_000_000) {
      writeFileSync(join(root, 'count'), '')
      writeFileSync(join(root, 'stop'), `${stop}\n`)
      const script = inRoot(readFileSync(join(root, 'etc/reverse-tunnel/first-boot'), 'utf8'), `${root}/bin:`)
      writeFileSync(join(root, 'program'), script)
      const [command = '', ...words] = [...shell, join(root, 'program')]
      const ran = spawnSync('setsid', ['-w', command, ...words], { timeout: 60_000 })
      return {
        code: ran.status,
        said: ran.stderr.toString(),
        commands: readFileSync(join(root, 'count'), 'utf8').length,
      }
    },
    /** Of all files the names, sizes and modes. */
    state: () =>
      execFileSync(
        'sh',
        ['-c', `find etc gateway accounts -printf '%p %s %m %l\n' | grep -v -e gateway/log -e ' gateway/run' | sort`],
        {
          cwd: root,
        },
      ).toString(),
    /** Everything of a device that tells it from a fresh card, and what its gateway has of it. */
    forget() {
      for (const path of ['etc/reverse-tunnel', 'etc/systemd', 'gateway/etc/enrolled', 'gateway/etc/keys'])
        rmSync(join(root, path), { recursive: true, force: true })
      write('etc/systemd/system/x', '')
      write('accounts', '')
    },
    publicKeyOf: (path: string) =>
      execFileSync('ssh-keygen', ['-y', '-P', '', '-f', join(root, path)], { stdio: 'pipe' })
        .toString()
        .split(' ', 2)
        .join(' ')
        .trim(),
    end: () => rmSync(root, { recursive: true, force: true }),
  }
  return box
}

export type CardBox = ReturnType<typeof cardBox>
