import { setTimeout as wait } from 'node:timers/promises'
import type { Machine } from '../../../src/lab/index.ts'
import { local } from '../../../src/lab/local.ts'
import { mustRun } from '../must-run.ts'
import { type Place, unit } from './site.ts'

/** On the host that it happens to. */
export const on = ({ host }: Place, script: string) => mustRun(host, script)

/** Of the sshd of a host. */
export const mainPid = '$(systemctl show -p MainPID --value ssh.service)'

export const pause = (seconds: number) => wait(seconds * 1000)

/** Rules in a host's own network; one set of them at a time. */
export const drop = ({ namespace }: Machine, rules: string) =>
  nft(namespace, `${none}\ntable inet trouble {\n${rules}\n}\n`)
export const letThrough = ({ namespace }: Machine) => nft(namespace, none)

export const packets = (hook: 'input' | 'output', which: string) =>
  `chain ${hook} { type filter hook ${hook} priority -300; ${which} drop; }`

const none = 'table inet trouble\ndelete table inet trouble\n'
const nft = (namespace: string, input: string) =>
  local(['nsenter', `--net=/run/netns/${namespace}`, 'nft', '-f', '-'], { input })

/** The watcher's own network, in which it does not reach this host. */
export async function unreachable({ lab, host }: Place, how: 'cut' | 'mended'): Promise<void> {
  const rules = how === 'cut' ? `table inet trouble {\n${packets('output', `ip daddr ${host.address}`)}\n}\n` : ''
  const { code, stderr } = await lab.run(['nft', '-f', '-'], { input: `${none}${rules}` })
  if (code !== 0) throw new Error(stderr)
}

/** The tunnel's ssh does not start again by itself. */
export const stayDown = async (place: Place) => {
  await on(
    place,
    `mkdir -p /run/systemd/system/${unit}.d && printf '[Service]\\nRestart=no\\n' >/run/systemd/system/${unit}.d/no.conf && systemctl daemon-reload`,
  )
}
export const startAgain = (place: Place) =>
  on(place, `rm -r /run/systemd/system/${unit}.d && systemctl daemon-reload && systemctl start ${unit}`)

/** The account on the gateway that a device logs in to. */
export async function accountOf(place: Place): Promise<string> {
  const [, account = ''] = / -l (\S+) /.exec(await on(place, `cat /etc/systemd/system/${unit}`)) ?? []
  return account
}

/** The roamer dials as if it were this device, with its key. */
export async function impersonate(place: Place): Promise<void> {
  const { roamer } = place
  const script = await on(place, `cat /etc/systemd/system/${unit}`)
  const [, dial = ''] = /ExecStart=([\s\S]*?)\nExecStopPost/.exec(script) ?? []
  const own = dial
    .replaceAll('\\\n', ' ')
    .replace(' -f ', ' ')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the unit
    .replace('${CREDENTIALS_DIRECTORY}/key', '/root/stolen/id_ed25519')
    .replace('/etc/reverse-tunnel/known_hosts', '/root/stolen/known_hosts')
    .replaceAll(/-o Control\w+=\S+/g, '')
  const files = ['id_ed25519', 'known_hosts']
  await mustRun(roamer, 'mkdir -m 700 /root/stolen')
  for (const file of files) {
    const text = await on(place, `cat /etc/reverse-tunnel/${file}`)
    await mustRun(roamer, `umask 077; cat >/root/stolen/${file} <<'END'\n${text}END`)
  }
  await on(place, `systemctl stop ${unit}`)
  await mustRun(roamer, `systemd-run --quiet --unit=impostor ${own}`)
}
export const unmask = ({ roamer }: Place) => mustRun(roamer, 'systemctl stop impostor; rm -r /root/stolen')
